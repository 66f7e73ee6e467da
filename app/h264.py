"""Videos as this program writes them: one stream of H.264 pictures at any times, in an MP4."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.frame import PictureType

from .arrays import ImageArray

_BT601 = 6
"""ITU-T H.273's number for matrix, primaries and transfer: what OpenCV's conversion makes."""
_LIMITED_RANGE = 1


class VideoWriter:
    """An MP4 whose pictures are encoded as they come. FFmpeg's errors and the disk's go through it as they are.

    Args:
        path: of the file.
        size_wh: of all pictures, even numbers.
        rate: pictures a second, as the file states it; the times say when each is seen.
        time_base: of the times in the file, in seconds.
        encoder: options of x264.
        container: options of the MP4.

    Attributes:
        container: for more streams, before the first picture.
    """

    def __init__(
        self,
        path: Path,
        size_wh: tuple[int, int],
        *,
        rate: Fraction,
        time_base: Fraction,
        encoder: Mapping[str, str],
        container: Mapping[str, str],
    ) -> None:
        self._time_base = time_base
        self._last_pts = -1
        self.container: OutputContainer = av.open(str(path), "w", format="mp4", options=dict(container))
        self._stream: Any = self.container.add_stream("libx264", rate=rate, options=dict(encoder))
        self._stream.width, self._stream.height = size_wh
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = time_base
        # Said in the file, because players guess the matrix by the size of the picture and guess differently.
        context.colorspace = context.color_primaries = context.color_trc = _BT601
        context.color_range = _LIMITED_RANGE

    def write(self, planes: ImageArray, time_s: float, *, is_key: bool = False) -> None:
        """Encode a picture.

        Args:
            planes: as ``to_planes`` makes them.
            time_s: when it is seen, since the beginning of the file.
            is_key: a player can begin with it.
        """
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        self._last_pts = max(self._last_pts + 1, round(time_s / self._time_base))
        picture.pts, picture.time_base = self._last_pts, self._time_base
        if is_key:
            picture.pict_type = PictureType.I
        self._mux(picture)

    def flush(self) -> None:
        """Write what the encoder still holds."""
        if self._last_pts >= 0:
            self._mux(None)

    def close(self) -> None:
        """Close the file; flush it before."""
        self.container.close()

    def _mux(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            self.container.mux(packet)


def to_planes(image_bgr: ImageArray) -> ImageArray:
    """A picture (H, W, 3) as its planes of brightness and colour, (1.5 H, W): OpenCV needs half of FFmpeg's time."""
    return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)
