"""Leaving the person who is followed for somebody else in the picture."""

from __future__ import annotations

from collections.abc import Sequence

from .datatypes import Keypoints2D, Stamp
from .matching import is_seen_twice, middle_px
from .plausibility import known_joints
from .track import Track

_PATIENCE_S = 0.5
"""So long somebody is looked for who could take over."""


class HandOver:
    """From when it is asked for until somebody was found, or nobody for too long.

    Attributes:
        is_going_on: somebody is looked for.
    """

    def __init__(self) -> None:
        self.is_going_on = False
        self._since_s: float | None = None

    @property
    def is_new(self) -> bool:
        """Whether it was asked for since the last frame."""
        return self.is_going_on and self._since_s is None

    def ask(self) -> None:
        """Begin to look."""
        self.is_going_on, self._since_s = True, None

    def end(self) -> None:
        """Look no more."""
        self.is_going_on = False

    def successor(self, leaving: Track, others: Sequence[Keypoints2D], stamp: Stamp) -> Keypoints2D | None:
        """The next person to the right in the picture, or the leftmost. It ends with them, or when it took too long.

        Args:
            leaving: who is left.
            others: everybody else who was found, the one who is left perhaps among them.
            stamp: when the frame was taken.
        """
        self._since_s = stamp.time_s if self._since_s is None else self._since_s
        own = [(leaving, leaving.keypoints)]
        found = [one for one in others if known_joints(one).any() and not is_seen_twice(one, own)]
        self.is_going_on = not found and stamp.time_s - self._since_s < _PATIENCE_S
        left_px = middle_px(leaving.keypoints)
        return min(found, key=lambda one: (middle_px(one) <= left_px, middle_px(one)), default=None)
