"""What of a person is really seen: the rest is shown as a guess, and said to be one. numpy only."""

from __future__ import annotations

from ..datatypes import Person
from ..skeleton import H36M17

_SEEN_CONFIDENCE = 0.5
_LEGS = [H36M17.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle")]


def legs_not_visible(person: Person) -> bool:
    """Whether both legs are out of the picture, or hidden: what is drawn of them is a guess."""
    confidence = person.keypoints.confidence if person.pose is None else person.pose.confidence
    return bool((confidence[_LEGS] < _SEEN_CONFIDENCE).all())
