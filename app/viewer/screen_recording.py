"""A recording of the window: an MP4 that can be played however it ends, encoded on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from ..capture.handoff import Handoff
from ..datatypes import ImageArray
from ..outputs import writing
from .picture import fit

MAX_SIZE_WH = (1920, 1080)
_MAX_FPS = 30
_TOLERANCE_S = 0.005
_QUEUE_FRAMES = 3
_TIME_BASE = Fraction(1, 1000)
_ENCODER = {"preset": "ultrafast", "crf": "21", "g": "300", "forced-idr": "1", "threads": "2"}
_KEY_EVERY_S = 1.0
_RECOVERABLE = {"movflags": "+hybrid_fragmented+frag_keyframe", "flush_packets": "1"}
"""A fragment reaches the disk with every key picture, about once a second, so that a recording that is cut off can be
played up to there; one that is ended properly becomes an ordinary MP4."""

_JOIN_TIMEOUT_S = 20.0
_BT601, _LIMITED_RANGE = 6, 1
"""ITU-T H.273's number for what OpenCV's conversion makes; said in the file, because players guess differently."""


class ScreenRecording:
    """Writes the pictures of a window as they come.

    Args:
        path: an empty file, such as ``snapshot.claim`` makes.
        size_wh: of the window when the recording begins; a window of another size is fitted into that.
        tell: told, in a few words and from the encoder's thread, how the recording ended.
    """

    def __init__(self, path: Path, size_wh: tuple[int, int], tell: Callable[[str], None]) -> None:
        self._path = path
        self._tell = tell
        self._size_wh = _video_size(size_wh)
        self._frames: Handoff[tuple[ImageArray, float]] = Handoff(_QUEUE_FRAMES, drop_oldest=True)
        self._added_s = float("-inf")
        self._end_s = 0.0
        self._thread = threading.Thread(target=self._work, name="record", daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether pictures are still taken: neither ended nor failed."""
        return not self._frames.closed

    def is_due(self, time_s: float) -> bool:
        """Whether it is time for another picture: more than 30 a second are not kept."""
        return time_s - self._added_s >= 1 / _MAX_FPS - _TOLERANCE_S

    def add(self, image_bgr: ImageArray, time_s: float) -> None:
        """Add a picture. Never waits: where the encoder is too slow, the oldest that it has not begun is dropped.

        Args:
            image_bgr: (H, W, 3 or 4) as the window's reader gives it; must not change any more.
            time_s: when it was seen, monotonic.
        """
        self._added_s = time_s
        self._frames.put((image_bgr, time_s))

    def end(self, time_s: float) -> None:
        """Take nothing more; the encoder finishes by itself, and tells when it has.

        Args:
            time_s: until when the last picture was seen, monotonic.
        """
        self._end_s = time_s
        self._frames.close()

    def wait(self) -> None:
        """Wait until the file of a recording that was ended is complete."""
        self._thread.join(_JOIN_TIMEOUT_S)

    def close(self, time_s: float) -> None:
        """End the recording, and wait until its file is complete."""
        self.end(time_s)
        self.wait()

    def _work(self) -> None:
        num_written = 0
        try:
            with writing(self._path):
                encoder = _Encoder(self._path, self._size_wh)
                try:
                    for image_bgr, time_s in self._frames:
                        encoder.write(image_bgr, time_s)
                        num_written += 1
                    encoder.hold_until(self._end_s)
                finally:
                    encoder.close()
        except Exception as error:  # noqa: BLE001  the show goes on, whatever it is
            self._frames.stop()
            self._tell(f"recording ended: {getattr(error, 'message', error)}")
        else:
            self._tell(f"recorded {self._path.name}" if num_written else "nothing was recorded")
        if not num_written:
            self._path.unlink(missing_ok=True)


class _Encoder:
    """An MP4 with one H.264 stream of pictures at any times."""

    def __init__(self, path: Path, size_wh: tuple[int, int]) -> None:
        self._size_wh = size_wh
        self._start_s: float | None = None
        self._last_pts = -1
        self._key_s = float("-inf")
        self._last_planes: Any = None
        self._container = av.open(str(path), "w", format="mp4", options=_RECOVERABLE)
        self._stream: Any = self._container.add_stream("libx264", rate=_MAX_FPS, options=_ENCODER)
        self._stream.width, self._stream.height = size_wh
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = _TIME_BASE
        context.colorspace = context.color_primaries = context.color_trc = _BT601
        context.color_range = _LIMITED_RANGE

    def write(self, image_bgr: ImageArray, time_s: float) -> None:
        """Encode one picture."""
        if self._start_s is None:
            self._start_s = time_s
        fitted = fit(np.ascontiguousarray(image_bgr[..., :3]), self._size_wh)
        self._last_planes = cv2.cvtColor(fitted, cv2.COLOR_BGR2YUV_I420)
        self._encode(time_s)

    def hold_until(self, time_s: float) -> None:
        """Show the last picture until then."""
        if self._last_planes is not None:
            self._encode(time_s)

    def close(self) -> None:
        """Flush, and close the file."""
        if self._start_s is not None:
            self._mux(None)
        self._container.close()

    def _encode(self, time_s: float) -> None:
        assert self._start_s is not None
        picture = av.VideoFrame.from_ndarray(np.asarray(self._last_planes, np.uint8), format="yuv420p")
        self._last_pts = max(self._last_pts + 1, round((time_s - self._start_s) / _TIME_BASE))
        picture.pts, picture.time_base = self._last_pts, _TIME_BASE
        if time_s - self._key_s >= _KEY_EVERY_S:
            picture.pict_type, self._key_s = PictureType.I, time_s
        self._mux(picture)

    def _mux(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            self._container.mux(packet)


def _video_size(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Not larger than ``MAX_SIZE_WH``, and even, as H.264 wants it."""
    scale = min(1.0, *(most / size for most, size in zip(MAX_SIZE_WH, size_wh, strict=True)))
    width, height = (max(2, 2 * round(size * scale / 2)) for size in size_wh)
    return width, height
