"""Which colours each person wears: room and 2D overlay agree on it by asking the same wardrobe. No numpy needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_KEPT_S = 3.0
"""Somebody who is back within this time finds their colours again; nobody else gets them until then."""


@dataclass(slots=True)
class _Set:
    track_id: int
    worn_s: float


class Wardrobe:
    """Gives each newcomer the first set of colours that nobody wears, for as long as they are there.

    Args:
        num_sets: how many there are; with more people than that, some look alike.
    """

    def __init__(self, num_sets: int = 4) -> None:
        self._sets: list[_Set | None] = [None] * num_sets

    def dress(self, track_ids: Iterable[int], time_s: float) -> Mapping[int, int]:
        """The number of the set that each of these people wears (``Theme.person``).

        Args:
            track_ids: of everybody in one frame.
            time_s: of that frame, on one clock.
        """
        worn: dict[int, int] = {}
        wanted = list(track_ids)
        for slot, current in enumerate(self._sets):
            if current is not None and current.track_id in wanted:
                current.worn_s = time_s
                worn[current.track_id] = slot
        for track_id in wanted:
            if track_id not in worn:
                worn[track_id] = slot = self._free_slot(time_s)
                self._sets[slot] = _Set(track_id, time_s)
        return worn

    def _free_slot(self, time_s: float) -> int:
        """The first set that is free; where none is, the one that was worn longest ago."""
        worn_s = [-float("inf") if worn is None else worn.worn_s for worn in self._sets]
        # A clock that went back, as in a file that is played again, frees everything.
        free = [slot for slot, since_s in enumerate(worn_s) if not 0 <= time_s - since_s < _KEPT_S]
        return free[0] if free else worn_s.index(min(worn_s))
