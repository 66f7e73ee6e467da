"""What is asked of a camera, in the order that its driver understands, and what came of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol

import cv2

_BACKENDS = {
    "v4l2": cv2.CAP_V4L2,
    "gstreamer": cv2.CAP_GSTREAMER,
    "dshow": cv2.CAP_DSHOW,
    "msmf": cv2.CAP_MSMF,
    "avfoundation": cv2.CAP_AVFOUNDATION,
    "any": cv2.CAP_ANY,
}
_OF_PLATFORM = {"linux": ("v4l2",), "darwin": ("avfoundation",), "win32": ("msmf", "dshow")}

_FORMAT, _WIDTH, _HEIGHT, _RATE = (
    cv2.CAP_PROP_FOURCC,
    cv2.CAP_PROP_FRAME_WIDTH,
    cv2.CAP_PROP_FRAME_HEIGHT,
    cv2.CAP_PROP_FPS,
)
_MJPG = cv2.VideoWriter.fourcc(*"MJPG")


@dataclass(frozen=True)
class DeviceFormat:
    """What a camera is asked for. It does what it can: ``agreed`` says what that is.

    Attributes:
        size_wh: width and height in pixels.
        fps: frames a second.
        backend: which of the system's interfaces to use; ``auto`` for those that suit the system.
    """

    size_wh: tuple[int, int] = (1280, 720)
    fps: float = 30.0
    backend: str = "auto"


class Adjustable(Protocol):
    """The part of ``cv2.VideoCapture`` by which a camera is adjusted."""

    def set(self, propId: int, value: float) -> bool:  # noqa: N803  OpenCV's name
        """Ask for a value; False where the driver knows no such property."""
        ...

    def get(self, propId: int) -> float:  # noqa: N803
        """The value in force; 0 or less where nobody knows."""
        ...


def backends(format_: DeviceFormat, platform: str = sys.platform) -> tuple[int, ...]:
    """OpenCV's numbers of the interfaces to try, one after the other."""
    names = _OF_PLATFORM.get(platform, ("any",)) if format_.backend == "auto" else (format_.backend,)
    return tuple(_BACKENDS[name] for name in names)


def ask(camera: Adjustable, format_: DeviceFormat, backend: int) -> None:
    """Ask for Motion JPEG, size and rate. Uncompressed, USB 2 has room for 10 frames a second of 1280x720.

    Most drivers forget size and rate when the format changes, and the rate when the size changes, so that is the order.
    DirectShow is the other way round: OpenCV sets the device up anew for a rate and forgets the format, but keeps the
    rate when a format and a size are set; and it applies a format only together with a size.
    """
    width, height = format_.size_wh
    wanted = {_FORMAT: _MJPG, _WIDTH: width, _HEIGHT: height, _RATE: format_.fps}
    order = (_RATE, _FORMAT, _WIDTH, _HEIGHT) if backend == cv2.CAP_DSHOW else (_FORMAT, _WIDTH, _HEIGHT, _RATE)
    for name in order:
        camera.set(name, float(wanted[name]))


def agreed(camera: Adjustable, size_wh: tuple[int, int]) -> str:
    """What a camera really does, in words, such as ``640x480 at 30 frames a second, MJPG``.

    Args:
        camera: open and adjusted.
        size_wh: of a picture that it gave; drivers have been seen to promise others.
    """
    fps, code = camera.get(_RATE), int(camera.get(_FORMAT))
    letters = code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ") if 0 < code < 2**32 else ""
    words = f"{size_wh[0]}x{size_wh[1]}" + (f" at {fps:.3g} frames a second" if fps > 0 else "")
    return f"{words}, {letters}" if letters.isalnum() else words
