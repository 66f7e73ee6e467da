"""Holds things back until whoever looks ahead, a lifter or a filter, has seen enough of what follows them."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

_TOLERANCE_S = 1e-3
"""Media times come in whole milliseconds from some files: a frame that is early by less is the frame waited for."""


class DelayLine(Generic[T]):
    """Gives items back in order, each once something so much later has come in.

    Args:
        delay_s: how far ahead is looked; with 0 every item comes back at once.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._items: deque[tuple[float, T]] = deque()

    def push(self, time_s: float, item: T) -> list[T]:
        """Add an item, with a time that does not fall, and take those whose time has come."""
        self._items.append((time_s, item))
        ready = []
        while self._items and self._items[0][0] + self._delay_s <= time_s + _TOLERANCE_S:
            ready.append(self._items.popleft()[1])
        return ready

    def rest(self) -> list[T]:
        """Take what still waits: nothing more comes."""
        ready = [item for _, item in self._items]
        self._items.clear()
        return ready
