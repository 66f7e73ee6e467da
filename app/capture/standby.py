"""What is shown while the camera is away: a recording, over and over, at its own pace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress

from ..datatypes import Frame
from ..errors import SourceError
from .handoff import BlockingQueue
from .reader import Reader
from .source import USUAL_FPS, Source

_FRAMES_AHEAD = 4
_LONGEST_PAUSE_S = 1.0
"""A recorded session has holes where its own camera was away."""

_TOO_LATE_S = 0.25
"""A machine that cannot keep up shows the recording more slowly rather than in leaps."""


class Standby:
    """Plays a recording in a loop. The next round is open and waits, so that nothing has to be waited for.

    Args:
        open_recording: opens it at its beginning; called again for each round.

    Raises:
        SourceError: it cannot be opened, which is better known before the show.
    """

    def __init__(self, open_recording: Callable[[], Source]) -> None:
        self._open_recording = open_recording
        with closing(open_recording()) as recording:
            self.info = recording.info
        self._ready = self._next_round()
        self._round: Reader | None = None
        self._next: Frame | None = None
        self._last_s: float | None = None
        self._due_s = 0.0

    @property
    def is_playing(self) -> bool:
        """True between ``play`` and ``stop``."""
        return self._round is not None

    @property
    def due_s(self) -> float:
        """When it is worth while to ask for a frame; on the clock of ``play``."""
        return self._due_s

    def play(self, now_s: float) -> None:
        """Begin at the beginning."""
        self.stop()
        self._begin_round()
        self._due_s = now_s

    def frame(self, now_s: float) -> Frame | None:
        """The frame to show now; None until the next one is due, or while it is not decoded yet."""
        if self._next is None:
            self._fetch(now_s)
        if self._next is None or now_s < self._due_s:
            return None
        if now_s - self._due_s > _TOO_LATE_S:
            self._due_s = now_s
        frame, self._next = self._next, None
        self._fetch(now_s)
        return frame

    def stop(self) -> None:
        """Let go of the round that is played."""
        if self._round is not None:
            self._round.leave()
        self._round = self._next = None

    def close(self) -> None:
        """Let go of everything. It cannot be played after that."""
        self.stop()
        self._ready.leave()

    def _fetch(self, now_s: float) -> None:
        """Take the next frame and find out when it is due; at the end of a round, begin the next one."""
        if self._round is None:
            return
        with suppress(SourceError):  # A damaged end is an end.
            self._next = self._round.frames.poll()
        if self._next is not None:
            time_s = self._next.stamp.time_s
            pause_s = 0.0 if self._last_s is None else min(time_s - self._last_s, _LONGEST_PAUSE_S)
            self._due_s, self._last_s = self._due_s + pause_s, time_s
        elif self._round.frames.closed and self._last_s is not None:
            self._begin_round()
            self._due_s += float(1 / (self.info.fps or USUAL_FPS))
        elif self._round.frames.closed and now_s >= self._due_s:
            # It could not be opened this time, as on a disk of the network; the next time may do.
            self._begin_round()
            self._due_s = now_s + _LONGEST_PAUSE_S

    def _begin_round(self) -> None:
        self._round, self._last_s = self._ready, None
        self._ready = self._next_round()

    def _next_round(self) -> Reader:
        return Reader(self._open_recording, frames=BlockingQueue(_FRAMES_AHEAD), name="fallback")
