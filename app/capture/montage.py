"""Cuts pictures of a camera and of a recording into one run of frames, as if it had been one camera all the time."""

from __future__ import annotations

import math
from dataclasses import replace

from ..arrays import ImageArray
from ..datatypes import Frame, Stamp
from .picture_change import Fade, fitted


class Montage:
    """Gives frames one size, consecutive indices and rising times.

    Args:
        size_wh: of all frames that leave.
    """

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self._size_wh = size_wh
        self._index = -1
        self._shift: int | None = None
        self._time_s = -math.inf
        self._shown: ImageArray | None = None
        self._fade: Fade | None = None

    def cut(self) -> None:
        """Expect frames with indices of their own."""
        self._shift = None

    def fade(self, now_s: float) -> None:
        """Expect other pictures, and let what was shown last go over into them."""
        self.cut()
        self._fade = None if self._shown is None else Fade(self._shown, now_s)

    def live(self, frame: Frame, now_s: float) -> Frame:
        """A frame of the camera. Gaps in its indices stay: they are frames that were dropped."""
        if self._shift is None:
            self._shift = self._index + 1 - frame.stamp.index
        stamp = replace(frame.stamp, index=frame.stamp.index + self._shift)
        return self._finished(replace(frame, stamp=stamp), now_s)

    def recorded(self, frame: Frame, now_s: float) -> Frame:
        """A frame of the recording, as if it had been taken now."""
        stamp = Stamp(index=self._index + 1, time_s=now_s, grabbed_s=now_s)
        return self._finished(replace(frame, stamp=stamp, is_recorded=True), now_s)

    def _finished(self, frame: Frame, now_s: float) -> Frame:
        self._index, self._time_s = frame.stamp.index, max(frame.stamp.time_s, self._time_s + 1e-6)
        frame = replace(fitted(frame, self._size_wh), stamp=replace(frame.stamp, time_s=self._time_s))
        if self._fade is not None:
            mixed = self._fade.mixed(frame.image_bgr, now_s)
            if mixed is frame.image_bgr:
                self._fade = None
            frame = replace(frame, image_bgr=mixed)
        self._shown = frame.image_bgr
        return frame
