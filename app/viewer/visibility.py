"""What of a person is really seen: the rest is shown as a guess, and said to be one. numpy only.

The detector names a joint also where it lies below the picture's edge, at a place that it makes up. Its confidence
tells: with MediaPipe, ankles outside the picture stay below 0.1 and knees below 0.35, and of somebody who is in it from
head to foot one ankle or the other is above 0.3 all but always, from whatever side they are seen.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float32Array
from ..datatypes import Person
from ..skeleton import H36M17

_FEET_SEEN, _KNEES_SEEN, _HIPS_SEEN = 0.25, 0.5, 0.5
_GUESS, _NO_GUESS = 0.05, 0.15

ANKLES = [H36M17.index("left_ankle"), H36M17.index("right_ankle")]
KNEES = [H36M17.index("left_knee"), H36M17.index("right_knee")]
_HIPS = [H36M17.index("left_hip"), H36M17.index("right_hip")]


def legs_not_visible(person: Person) -> bool:
    """Whether both legs are out of the picture, or hidden: what is drawn of them is a guess."""
    return are_legs_hidden(person.keypoints.confidence if person.pose is None else person.pose.confidence)


def are_legs_hidden(confidence: Float32Array) -> bool:
    """The same by the confidence (17,) of a person's joints."""
    return not are_feet_seen(confidence) and bool((confidence[KNEES] < _KNEES_SEEN).all())


def are_feet_seen(confidence: Float32Array) -> bool:
    """Whether at least one foot is seen well enough to say where the ground is."""
    return bool((confidence[ANKLES] >= _FEET_SEEN).any())


def are_hips_seen(confidence: Float32Array) -> bool:
    """Whether the pelvis, from which a pose is measured, is more than a guess."""
    return bool((confidence[_HIPS] >= _HIPS_SEEN).any())


def is_seen(confidence: Float32Array) -> Float32Array:
    """How little of a guess each joint is by its own confidence, from 0 to 1, in the shape of ``confidence``."""
    seen: Float32Array = np.clip((confidence - _GUESS) / (_NO_GUESS - _GUESS), 0, 1).astype(np.float32)
    return seen
