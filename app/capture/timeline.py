"""Rising times out of those that a file states, which may repeat, run backwards or jump."""

from __future__ import annotations

_JUMP_S = 1.0
"""Times further back than this begin anew, as where recordings were joined; others are only out of order."""

_LONGEST_HOLE_S = 10.0
"""Where a file does not say how long it is, a longer hole is taken for a wrong time. FFmpeg's measure, too."""

_SHORTEST_S = 1e-6
"""Nearer times are the same one, told apart by rounding: there is no room for another between them."""


class Timeline:
    """Places what a file holds, one after the other, at times that rise.

    A stated time is kept where that is possible, so that picture and sound, each on a timeline of its own, stay
    together. One that is out of line is replaced by one between its neighbours. Where all that follows is out of line,
    the clock has been set, and what follows goes on from where it was.

    Args:
        end_s: when the file says that it ends, on the clock of ``place``; None where it does not say.
    """

    def __init__(self, end_s: float | None) -> None:
        self._end_s = end_s
        self._clock_set_by_s = 0.0
        self._last_s: float | None = None
        self._last_stated_s: float | None = None

    def place(self, stated_s: float | None, following_s: float | None, step_s: float) -> float:
        """When something really is, in seconds: later than what was placed before it.

        Args:
            stated_s: when the file says it is; None where it does not say.
            following_s: the same of what follows; None where nothing does.
            step_s: how long something usually lasts, above 0.
        """
        if self._last_s is None:
            is_wrong = stated_s is None or (following_s is not None and following_s < stated_s)
            self._last_s = max(0.0, (following_s or 0.0) - step_s) if is_wrong or stated_s is None else stated_s
        else:
            self._last_s = self._after(self._last_s, stated_s, following_s, step_s)
        self._last_stated_s = stated_s
        return self._last_s

    def _after(self, last_s: float, stated_s: float | None, following_s: float | None, step_s: float) -> float:
        if stated_s is None:
            return last_s + step_s
        here_s = stated_s - self._clock_set_by_s
        next_s = None if following_s is None else following_s - self._clock_set_by_s
        goes_on = next_s is not None and self._follows(last_s, next_s)
        if self._follows(last_s, here_s) and not (goes_on and next_s is not None and next_s < here_s):
            return here_s
        if goes_on and next_s is not None:
            return min(last_s + step_s, (last_s + next_s) / 2)
        if here_s < last_s - _JUMP_S or here_s > last_s:
            self._clock_set_by_s += here_s - last_s - step_s
            return last_s + step_s
        # Half a step, for the times to catch up: a clock that stands still is the only one that is not waited for.
        return last_s + (step_s if stated_s == self._last_stated_s == following_s else step_s / 2)

    def _follows(self, last_s: float, time_s: float) -> bool:
        """Whether a time may come after another one."""
        # Where pictures stay for long, MP4 may state an end that is before the last of them.
        latest_s = max(last_s + _LONGEST_HOLE_S, (self._end_s or 0.0) + _JUMP_S)
        return last_s + _SHORTEST_S <= time_s <= latest_s
