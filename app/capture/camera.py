"""Live sources: a camera of this machine, or a network stream. Read with OpenCV."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from ..datatypes import Frame, Stamp
from ..errors import SourceError
from ..native_output import quiet_native_output
from .source import SourceInfo

logger = logging.getLogger(__name__)

_STREAM_OPEN_TIMEOUT_MS = 15_000
_STREAM_READ_TIMEOUT_MS = 5_000
_PLAUSIBLE_FPS = (1, 1000)


class _Camera(ABC):
    """What devices and streams share: frames from an open ``cv2.VideoCapture``, stamped right after the grab."""

    def __init__(self, capture: cv2.VideoCapture, name: str, failure: SourceError) -> None:
        self._capture = capture
        with quiet_native_output():
            found, image = capture.read() if capture.isOpened() else (False, None)
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
        """Yield frames with monotonic times until the source fails or ends."""
        index = 0
        last_s = 0.0
        while True:
            found, image = self._capture.read()
            if not found or image is None:
                break
            now_s = max(time.monotonic(), last_s + 1e-6)
            yield Frame(image_bgr=np.asarray(image, np.uint8), stamp=Stamp(index=index, time_s=now_s, grabbed_s=now_s))
            index, last_s = index + 1, now_s
        self.ended()

    @abstractmethod
    def ended(self) -> None:
        """Say or raise what it means that no more frames come."""

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


class CameraDevice(_Camera):
    """A camera of this machine.

    Args:
        number: 0 for the first camera.

    Raises:
        SourceError: there is no such camera, or it gives no picture.
    """

    def __init__(self, number: int) -> None:
        with quiet_native_output():
            capture = cv2.VideoCapture(number)
        failure = SourceError(
            f"camera {number} cannot be opened",
            "check that it is plugged in, that no other program uses it, and that this program may use cameras; "
            "`posedemo doctor` lists what is there",
        )
        super().__init__(capture, f"camera {number}", failure)

    def ended(self) -> None:
        """A camera never ends by itself."""
        raise SourceError(f"{self.info.name} stopped giving pictures", "check its cable, then start again")


class CameraStream(_Camera):
    """A network stream (rtsp, http, udp and what else FFmpeg reads).

    Args:
        address: such as ``rtsp://host/path``.

    Raises:
        SourceError: nothing answers at the address, or what answers is not a video.
    """

    def __init__(self, address: str) -> None:
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _STREAM_OPEN_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, _STREAM_READ_TIMEOUT_MS,
        ]  # fmt: skip
        with quiet_native_output():
            capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
        failure = SourceError(
            f"no video comes from {address}", "check the address and that the sender is running before posedemo starts"
        )
        super().__init__(capture, address, failure)

    def ended(self) -> None:
        """A sender may finish; a stream that is cut looks the same."""
        logger.warning("%s: no more pictures came for %g s", self.info.name, _STREAM_READ_TIMEOUT_MS / 1e3)
