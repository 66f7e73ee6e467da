"""Lets the frames of a source through one by one: when their time has come, and while nobody has paused."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from ..capture.handoff import Handoff
from ..datatypes import Frame
from .shared import Shared
from .wishes import Wishes

_LOOK_EVERY_S = 0.02
"""How often a paused run looks whether it may go on."""

_MADE_UP_FOR_S = 0.25
"""A file that falls behind further than this goes on from where it is: what a speed that the machine cannot reach has
cost would be made up for at every later one."""


class Turnstile:
    """The frames of a hand-off, held back as the wishes say. Iterate over it once, in one thread.

    Args:
        frames: what comes in.
        wishes: says whether the run is paused, which single frames were asked for, and how fast a file is played.
        is_paced: hold frames back until their time has come, for watching a file; late frames are not held.
        longest_hole_s: what is longer than that between two frames is not waited for.
    """

    def __init__(
        self, frames: Handoff[Frame], wishes: Shared[Wishes], *, is_paced: bool, longest_hole_s: float = math.inf
    ) -> None:
        self._frames = frames
        self._wishes = wishes
        self._is_paced = is_paced
        self._longest_hole_s = longest_hole_s
        self._seek_s = wishes.value.seek_s
        self._num_steps = wishes.value.num_steps
        self._due_s = self._last_s = 0.0
        self._has_started = False

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames until the hand-off ends.

        Raises:
            BaseException: the error that the hand-off was closed with.
        """
        frames = iter(self._frames)
        while True:
            self._wait_for_leave()
            frame = next(frames, None)
            if frame is None:
                return
            if self._is_paced:
                self._wait_for(frame)
            yield frame

    def is_next_there(self) -> bool:
        """Whether a frame is waiting, and may pass at once."""
        return not self._is_paced and not self._wishes.value.is_paused and self._frames.is_waiting

    def _wait_for_leave(self) -> None:
        """Return once a frame may pass, or none will come any more."""
        if self._may_pass():
            return
        num_dropped = self._frames.num_dropped
        while not self._may_pass() and not self._frames.closed:
            self._frames.sleep(_LOOK_EVERY_S)
        # A live source goes on during a pause; nothing was too slow for what it gave then.
        self._frames.excuse(self._frames.num_dropped - num_dropped)
        # Of the time that was spent waiting nothing is to be made up for.
        self._has_started = False

    def _may_pass(self) -> bool:
        wishes = self._wishes.value
        if not wishes.is_paused:
            self._num_steps, self._seek_s = wishes.num_steps, wishes.seek_s
            return True
        if wishes.seek_s != self._seek_s:
            # One frame, to show where a jump led.
            self._seek_s = wishes.seek_s
            return True
        if wishes.num_steps > self._num_steps:
            self._num_steps += 1
            return True
        return False

    def _wait_for(self, frame: Frame) -> None:
        """Sleep until a frame of a file is due."""
        now_s, time_s = time.monotonic(), frame.stamp.time_s
        if self._has_started and time_s - self._last_s <= self._longest_hole_s:
            self._due_s += (time_s - self._last_s) / self._wishes.value.speed
        else:
            self._due_s, self._has_started = now_s, True
        if now_s - self._due_s > _MADE_UP_FOR_S:
            self._due_s = now_s
        self._last_s = time_s
        self._frames.sleep(max(0.0, self._due_s - now_s))
