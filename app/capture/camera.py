"""Live sources as they are: a camera of this machine, or a network stream. Read with OpenCV.

Both end when no more pictures come; ``steady`` makes of them a source that goes on.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ..datatypes import Frame, Stamp
from ..errors import ConfigError, SourceError
from .address import public_address
from .device_format import DeviceFormat, agreed, ask, backends
from .source import SourceInfo

STREAM_OPEN_TIMEOUT_MS = 15_000
STREAM_READ_TIMEOUT_MS = 2_000
"""A stream that gave nothing for so long has to be opened anew: FFmpeg does not read on after that."""

_PLAUSIBLE_FPS = (1, 1000)
_DEVICES = Path("/dev")


class _Camera:
    """What devices and streams share: frames from an open ``cv2.VideoCapture``, stamped right after the grab."""

    def __init__(
        self, capture: cv2.VideoCapture, name: str, failure: SourceError, *, longest_read_s: float = math.inf
    ) -> None:
        self._capture = capture
        self._longest_read_s = longest_read_s
        try:
            found, image = capture.read() if capture.isOpened() else (False, None)
        except cv2.error:
            found, image = False, None
        if not found or image is None:
            capture.release()
            raise failure
        height, width = image.shape[:2]
        fps = capture.get(cv2.CAP_PROP_FPS)
        known = _PLAUSIBLE_FPS[0] <= fps <= _PLAUSIBLE_FPS[1]
        self.info = SourceInfo(
            name=name,
            size_wh=(width, height),
            fps=Fraction(fps).limit_denominator(1001) if known else None,
            is_live=True,
        )

    def frames(self) -> Iterator[Frame]:
        """Yield frames with monotonic times until no more come; why they do not, a camera does not say.

        Raises:
            SourceError: what comes is no picture.
        """
        index = 0
        last_s = 0.0
        while True:
            started_s = time.monotonic()
            try:
                found, image = self._capture.read()
            except cv2.error as error:
                raise SourceError(f"{self.info.name} gives what is no picture: {error.err}") from error
            read_s = time.monotonic()
            # A read that ran into its time-out still gives what was left in the decoder: a picture of long ago.
            if not found or image is None or read_s - started_s > self._longest_read_s:
                return
            now_s = max(read_s, last_s + 1e-6)
            yield Frame(image_bgr=np.asarray(image, np.uint8), stamp=Stamp(index=index, time_s=now_s, grabbed_s=now_s))
            index, last_s = index + 1, now_s

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


class CameraDevice(_Camera):
    """A camera of this machine.

    Args:
        number: 0 for the first camera.
        wanted: what to ask it for; ``words`` says what it agreed to.

    Raises:
        SourceError: there is no such camera, or it gives no picture.
    """

    def __init__(self, number: int, wanted: DeviceFormat | None = None) -> None:
        wanted = wanted or DeviceFormat()
        _hush()
        for backend in backends(wanted):
            capture = cv2.VideoCapture(number, backend)
            if capture.isOpened():
                ask(capture, wanted, backend)
                break
        super().__init__(capture, f"camera {number}", _cannot_open(number, wanted))
        self.words = agreed(capture, self.info.size_wh)


class CameraStream(_Camera):
    """A network stream (rtsp, http, udp and what else FFmpeg reads).

    Args:
        address: such as ``rtsp://host/path``.

    Raises:
        SourceError: nothing answers at the address, or what answers is not a video.
        ConfigError: it is a file with an end.
    """

    def __init__(self, address: str) -> None:
        parameters = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STREAM_OPEN_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, STREAM_READ_TIMEOUT_MS,
            # With one thread a core, which is FFmpeg's way, every thread but one makes pictures a frame later.
            cv2.CAP_PROP_N_THREADS, 1,
        ]  # fmt: skip
        _hush()
        capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, parameters)
        name, scheme = public_address(address), address.partition("://")[0].lower()
        if scheme in _OF_FILES and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:
            # It would be read as fast as it comes, and again and again.
            capture.release()
            raise ConfigError(
                f"{name} is a video file and no stream", "copy it to this machine, and give it to --video"
            )
        hint = "check the address and that the sender is running before posedemo starts"
        if scheme == "udp":
            hint += ", and that no other program listens on that port"
        failure = SourceError(f"no video comes from {name}", hint)
        super().__init__(capture, name, failure, longest_read_s=0.95 * STREAM_READ_TIMEOUT_MS / 1e3)


_OF_FILES = ("file", "http", "https", "ftp")
"""Schemes under which there are files, too."""


def _hush() -> None:
    """Keep OpenCV from writing about each try to the terminal; what it means is said in a sentence of ours."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def _cannot_open(
    number: int, wanted: DeviceFormat, devices: Path = _DEVICES, platform: str = sys.platform
) -> SourceError:
    """Why a camera gives no picture, as far as it can be told from outside."""
    message = f"camera {number} cannot be opened"
    if wanted.backend not in ("auto", "v4l2", "any"):
        return SourceError(f"{message} with --backend {wanted.backend}", "leave out --backend")
    if platform == "darwin":
        return SourceError(
            message, "allow the terminal to use the camera: System Settings, Privacy & Security, Camera; then try again"
        )
    if platform != "linux":
        return SourceError(
            message,
            "check that it is plugged in, that no other program uses it, and that desktop apps may use cameras: "
            "Settings, Privacy, Camera; `posedemo doctor` lists what is there",
        )
    device = devices / f"video{number}"
    if not device.exists():
        found = sorted(path.name.removeprefix("video") for path in devices.glob("video[0-9]*"))
        return SourceError(
            f"{message}: there is no {device}",
            f"use one of {', '.join(found)}" if found else "plug one in; `posedemo doctor` lists what is there",
        )
    if not os.access(device, os.R_OK | os.W_OK):
        return SourceError(
            f"{message}: this user may not use {device}", "add the user to the group video and log in again"
        )
    return SourceError(
        f"{message}, or gives no picture",
        "close other programs that use it, or try the next number: one camera may have several, not all with pictures",
    )
