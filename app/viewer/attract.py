"""With nobody in view, the best of the last minutes is shown again; whoever steps in is shown at once. numpy only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..datatypes import Person
from ..skeleton import H36M17

_LONGEST_S, _SHORTEST_S = 5.0, 1.5
"""Of a moment. A longer stay is cut into several."""

_MOST_MOMENTS = 6
_HALF_LIFE_S = 120.0
"""A moment that is this much older has to be twice as good."""

_GAP_S = 0.5
_LIVELY_M_PER_S = 1.5
_LIMB_ENDS = [H36M17.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("wrist", "ankle")]


@dataclass(frozen=True, slots=True)
class Shown:
    """What to show.

    Attributes:
        people: of the frame itself, or of a moment that is shown again.
        is_replay: they are not there now.
        is_cut: this and what was shown before have nothing to do with each other.
    """

    people: tuple[Person, ...]
    is_replay: bool
    is_cut: bool


@dataclass(slots=True)
class _Moment:
    """Some seconds with the same people."""

    times_s: list[float] = field(default_factory=list)
    frames: list[tuple[Person, ...]] = field(default_factory=list)
    sum_of_scores: float = 0.0

    @property
    def length_s(self) -> float:
        return self.times_s[-1] - self.times_s[0] if self.times_s else 0.0

    def worth(self, now_s: float) -> float:
        """How much it deserves to be shown again."""
        age_s = max(0.0, now_s - self.times_s[-1])
        return float(self.sum_of_scores / len(self.frames) * 0.5 ** (age_s / _HALF_LIFE_S))


class Attract:
    """Keeps the best recent moments, and shows them one after the other while nobody is there.

    Args:
        after_s: how long nobody must have been there.
    """

    def __init__(self, after_s: float = 6.0) -> None:
        self._after_s = after_s
        self._moments: list[_Moment] = []
        self._current = _Moment()
        self._seen_s: float | None = None
        self._playing: int | None = None
        self._started_s = 0.0
        self._is_recorded = False

    def update(self, people: Sequence[Person], time_s: float, *, is_recorded: bool = False) -> Shown:
        """Take the people of a frame, and say whom to show.

        Args:
            people: of one frame; those without a pose count as nobody.
            time_s: of that frame; on one clock.
            is_recorded: the frame stands in for the camera's: it is shown as it is, and nobody in it was ever here.
        """
        if is_recorded != self._is_recorded:
            self._is_recorded, self._playing, self._seen_s = is_recorded, None, None if is_recorded else time_s
            return Shown(tuple(people), is_replay=False, is_cut=True)
        if is_recorded:
            return Shown(tuple(people), is_replay=False, is_cut=False)
        present = tuple(person for person in people if person.pose is not None)
        if present:
            is_cut = self._playing is not None
            self._playing, self._seen_s = None, time_s
            self._record(present, time_s)
            return Shown(tuple(people), is_replay=False, is_cut=is_cut)
        if self._seen_s is None or time_s - self._seen_s < self._after_s:
            return Shown(tuple(people), is_replay=False, is_cut=False)
        return self._replay(time_s)

    def _record(self, people: tuple[Person, ...], time_s: float) -> None:
        """Add a frame to the moment that goes on, or begin another one."""
        moment = self._current
        if moment.frames and not self._goes_on(people, time_s):
            self._keep(time_s)
            moment = self._current
        last = moment.frames[-1] if moment.frames else ()
        step_s = time_s - moment.times_s[-1] if moment.times_s else 0.0
        moment.sum_of_scores += _score(people, last, step_s)
        moment.times_s.append(time_s)
        moment.frames.append(people)

    def _goes_on(self, people: tuple[Person, ...], time_s: float) -> bool:
        moment = self._current
        is_same = {person.track_id for person in people} == {person.track_id for person in moment.frames[-1]}
        return is_same and 0 < time_s - moment.times_s[-1] < _GAP_S and moment.length_s < _LONGEST_S

    def _keep(self, now_s: float) -> None:
        """The current moment is over: keep it if it is long enough and among the best."""
        moment, self._current = self._current, _Moment()
        if moment.length_s < _SHORTEST_S:
            return
        self._moments.append(moment)
        if len(self._moments) > _MOST_MOMENTS:
            self._moments.remove(min(self._moments, key=lambda kept: kept.worth(now_s)))

    def _replay(self, time_s: float) -> Shown:
        if self._playing is None:
            self._keep(time_s)
            if not self._moments:
                return Shown((), is_replay=False, is_cut=False)
            best = max(self._moments, key=lambda moment: moment.worth(time_s))
            return self._play(self._moments.index(best), time_s)
        moment = self._moments[self._playing]
        position_s = moment.times_s[0] + time_s - self._started_s
        if not moment.times_s[0] <= position_s <= moment.times_s[-1]:
            return self._play((self._playing + 1) % len(self._moments), time_s)
        index = max(0, bisect_right(moment.times_s, position_s) - 1)
        return Shown(moment.frames[index], is_replay=True, is_cut=False)

    def _play(self, index: int, time_s: float) -> Shown:
        """Begin a moment."""
        self._playing, self._started_s = index, time_s
        return Shown(self._moments[index].frames[0], is_replay=True, is_cut=True)


def _score(people: tuple[Person, ...], before: tuple[Person, ...], step_s: float) -> float:
    """How good a frame is: people who are seen well, and who move."""
    earlier = {person.track_id: person for person in before}
    return sum(_confidence(person) * (0.4 + _life(person, earlier.get(person.track_id), step_s)) for person in people)


def _confidence(person: Person) -> float:
    return float(person.pose.confidence.mean()) if person.pose is not None else 0.0


def _life(person: Person, before: Person | None, step_s: float) -> float:
    """How fast hands and feet move, from 0 to 1."""
    if person.pose is None or before is None or before.pose is None or step_s <= 0:
        return 0.0
    moved_m = np.linalg.norm(person.pose.xyz_m[_LIMB_ENDS] - before.pose.xyz_m[_LIMB_ENDS], axis=-1)
    moved_m = moved_m[np.isfinite(moved_m)]
    return min(1.0, float(moved_m.mean()) / step_s / _LIVELY_M_PER_S) if len(moved_m) else 0.0
