"""Plays a session as somebody at the keys wants it: with jumps in time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from ..capture.handoff import Handoff
from ..datatypes import Frame, Keypoints2D, Result
from ..live.shared import Shared
from ..live.status import Status
from ..live.wishes import Wishes
from ..roster import REMEMBERED_S
from .source import SessionSource

JUMP_S = 2 * REMEMBERED_S
"""A jump looks to the pipeline like a hole of so long: everybody counts as gone by then, so that nothing of one
place is filtered together with another. Its times go on rising, whichever way the jump went."""

_LOOK_EVERY_S = 0.05
"""How often somebody who waits at the end looks whether there was a jump back."""

LONGEST_HOLE_S = 0.9 * JUMP_S
"""Holes in a recording, and those that jumps make, are not waited for."""


class SessionFrames(Handoff[Frame]):
    """The frames of a session as a hand-off whose producer is the file itself.

    Args:
        source: read by whoever takes the frames; closed by ``SessionPlayback``.
        wishes: its ``seek_s`` is followed.
        stays: wait at the end for a jump back, as somebody who watches wants it, instead of ending.
    """

    def __init__(self, source: SessionSource, wishes: Shared[Wishes], *, stays: bool) -> None:
        super().__init__(1, drop_oldest=False)
        self._source = source
        self._wishes = wishes
        self._stays = stays
        self._followed_s = wishes.value.seek_s
        self.num_taken = 0

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames until the session ends, or the hand-off is stopped."""
        times_s = self._source.times_s
        followed_s = self._followed_s
        number, shift_s = 0, 0.0
        while not self.closed:
            wanted_s = self._wishes.value.seek_s
            if wanted_s != followed_s:
                last = max(0, number - 1)
                target = bisect_left(times_s, times_s[last] + wanted_s - followed_s)
                followed_s = wanted_s
                if self.num_taken:
                    shift_s += times_s[last] - times_s[min(target, len(times_s) - 1)] + JUMP_S
                number = min(target, len(times_s) - 1)
            if number >= len(times_s):
                if not self._stays:
                    self.close()
                self.sleep(_LOOK_EVERY_S)
                continue
            frame = self._source.frame(number, shift_s=shift_s)
            number += 1
            self.num_taken += 1
            yield frame


class NoDetector:
    """Stands where a detector stands: frames of a session come with what one saw."""

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        """Nobody."""
        del frame
        return ()

    def forget(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to free."""


class SessionPlayback:
    """Stands where ``Capture`` stands for other sources; needs no thread, since nothing in it waits.

    Args:
        source: open; closed by ``stop``.
        wishes: of the run.
        stays: wait at the end until somebody stops it.
    """

    def __init__(self, source: SessionSource, wishes: Shared[Wishes], *, stays: bool = False) -> None:
        self._source = source
        self._frames = SessionFrames(source, wishes, stays=stays)
        self.frames: Handoff[Frame] = self._frames

    @property
    def num_frames_in(self) -> int:
        """Frames that were played."""
        return self._frames.num_taken

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """End the hand-off and close the file. Call it when nobody takes frames any more."""
        self.frames.stop()
        self._source.close()


class PositionSink:
    """Says where in its session a run is, since times that went through jumps do not. Put it behind what counts.

    Args:
        source: that is played.
        status: where it is said.
    """

    def __init__(self, source: SessionSource, status: Shared[Status]) -> None:
        self._source = source
        self._status = status
        status.change(duration_s=source.duration_s)

    def write(self, result: Result) -> None:
        """Take one result."""
        self._status.change(position_s=self._source.position_s(result.frame.stamp.index))

    def close(self) -> None:
        """Nothing to finish."""
