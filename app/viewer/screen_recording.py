"""A recording of the window: an MP4 that can be played however it ends, encoded on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..arrays import ImageArray
from ..capture.handoff import Handoff
from ..h264 import VideoWriter, to_planes
from ..letterbox import letterbox
from ..outputs import writing

MAX_SIZE_WH = (1920, 1080)
_MAX_FPS = Fraction(30)
_TOLERANCE_S = 0.005
_QUEUE_FRAMES = 3
_TIME_BASE = Fraction(1, 1000)
_ENCODER = {"preset": "ultrafast", "crf": "21", "g": "300", "forced-idr": "1", "threads": "2"}
_KEY_EVERY_S = 1.0
_RECOVERABLE = {"movflags": "+hybrid_fragmented+frag_keyframe", "flush_packets": "1"}
"""A fragment reaches the disk with every key picture, about once a second, so that a recording that is cut off can be
played up to there; one that is ended properly becomes an ordinary MP4."""

_JOIN_TIMEOUT_S = 20.0


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
    """A video of pictures of any size, with a key picture now and then."""

    def __init__(self, path: Path, size_wh: tuple[int, int]) -> None:
        self._size_wh = size_wh
        self._start_s: float | None = None
        self._key_s = float("-inf")
        self._last_planes: ImageArray | None = None
        self._video = VideoWriter(
            path, size_wh, rate=_MAX_FPS, time_base=_TIME_BASE, encoder=_ENCODER, container=_RECOVERABLE
        )

    def write(self, image_bgr: ImageArray, time_s: float) -> None:
        """Encode one picture."""
        self._last_planes = to_planes(letterbox(np.ascontiguousarray(image_bgr[..., :3]), self._size_wh))
        self._encode(self._last_planes, time_s)

    def hold_until(self, time_s: float) -> None:
        """Show the last picture until then."""
        if self._last_planes is not None:
            self._encode(self._last_planes, time_s)

    def close(self) -> None:
        """Flush, and close the file."""
        self._video.flush()
        self._video.close()

    def _encode(self, planes: ImageArray, time_s: float) -> None:
        if self._start_s is None:
            self._start_s = time_s
        is_key = time_s - self._key_s >= _KEY_EVERY_S
        if is_key:
            self._key_s = time_s
        self._video.write(planes, time_s - self._start_s, is_key=is_key)


def _video_size(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Not larger than ``MAX_SIZE_WH``, and even, as H.264 wants it."""
    scale = min(1.0, *(most / size for most, size in zip(MAX_SIZE_WH, size_wh, strict=True)))
    width, height = (max(2, 2 * round(size * scale / 2)) for size in size_wh)
    return width, height
