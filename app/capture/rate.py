"""How many pictures a second really come: what a camera promises and what it does in a dark room are two things."""

from __future__ import annotations

from ..datatypes import Stamp

_MEASURED_FOR_S = 1.0


class RateMeter:
    """Counts frames for a second. Those that were dropped on the way count as well: indices tell."""

    def __init__(self) -> None:
        self._first: Stamp | None = None
        self._is_done = False

    def start_anew(self) -> None:
        """Forget what was counted of a second that is not full."""
        self._first = None

    def tick(self, stamp: Stamp) -> float | None:
        """Count a frame; frames a second when the second is full, which is once, and None all the other times."""
        if self._is_done:
            return None
        if self._first is None:
            self._first = stamp
        span_s = stamp.time_s - self._first.time_s
        if span_s < _MEASURED_FOR_S:
            return None
        self._is_done = True
        return (stamp.index - self._first.index) / span_s
