"""What every source of frames offers, and the one place that turns source options into a source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..datatypes import Frame
from ..errors import ConfigError
from ..live.shared import Shared
from ..live.status import Status

LIVE_TIME_BASE = Fraction(1, 90_000)
SESSION_SUFFIX = ".pose"


USUAL_FPS = 30
"""Frames a second of a source that does not say."""


@dataclass(frozen=True)
class SourceInfo:
    """What is known about a source before its first frame.

    Attributes:
        name: how to call it in messages.
        size_wh: width and height of its pictures in pixels, as shown.
        fps: nominal frames a second; None where nobody knows.
        is_live: frames that are not taken in time are lost.
        time_base: seconds a tick in which its times are exact.
        num_frames: how many frames to expect; None where nobody knows.
        file: the file behind it, or None.
        start_s: time of the first picture on that file's own clock, where frames start at 0.
    """

    name: str
    size_wh: tuple[int, int]
    fps: Fraction | None
    is_live: bool
    time_base: Fraction = LIVE_TIME_BASE
    num_frames: int | None = None
    file: Path | None = None
    start_s: float = 0.0


class Source(Protocol):
    """A source of frames, opened by its constructor; read and closed by one thread."""

    info: SourceInfo

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source ends.

        Raises:
            SourceError: it ended because something is wrong.
        """
        ...

    def close(self) -> None:
        """Let go of the device or file."""
        ...


def is_session(path: Path | None) -> bool:
    """Whether a file is a recorded session rather than a video."""
    return path is not None and path.suffix.lower() == SESSION_SUFFIX


@runtime_checkable
class Watchful(Protocol):
    """What a source may be able to do as well: watch over a camera, say how it is, and end when it is told to."""

    def report_to(self, status: Shared[Status]) -> None:
        """Say in a status what happens. Call it before ``frames``."""
        ...

    def stop(self) -> None:
        """Let ``frames`` end soon, from any thread, also when no frame comes."""
        ...


def open_source(*, camera: str | None, video: Path | None) -> Source:
    """Open a camera, a stream or a file; exactly one of the two is given.

    Raises:
        SourceError: it cannot be opened.
        ConfigError: ``camera`` is neither a number nor an address.
    """
    if video is not None:
        if is_session(video):
            from ..sessions.source import SessionSource

            return SessionSource(video)
        from .video import VideoFile

        return VideoFile(video)
    if camera is None or not (camera.isdecimal() or "://" in camera):
        raise ConfigError(
            f"--camera takes a number or a stream address, not {camera!r}",
            "use --camera 0 for the first camera, --camera rtsp://... for a stream, --video for a file",
        )
    from .camera import CameraDevice, CameraStream

    return CameraDevice(int(camera)) if camera.isdecimal() else CameraStream(camera)
