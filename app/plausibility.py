"""What a person can do between two frames, and what only a detector can: jumps, blends, flips and stretches.

Where two people meet, a detector may go over to the other one, make one pose of both, or turn a pose upside down. All
of these show against where the person was a moment ago. Lengths are in body sizes (the diagonal of the box around the
joints), times in seconds, so that the limits hold near and far and at every frame rate.

The limits are somewhat above what the jumping and running people of the demo clip do from one frame to the next. What a
limit allows at once is the detector's own noise, which no frame rate makes smaller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from .arrays import Float32Array
from .datatypes import Keypoints2D
from .geometry import norms
from .skeleton import H36M17

Fault = Literal["jump", "flip", "stretch", "blend"]

_TRUNK = np.array([H36M17.index(f"{side}_{part}") for part in ("hip", "shoulder") for side in ("left", "right")])
_LIMBS = np.array(
    [
        *(H36M17.index(f"{side}_{part}") for part in ("elbow", "wrist", "knee", "ankle") for side in ("left", "right")),
        H36M17.index("head"),
    ]
)
_PARENTS, _CHILDREN = np.array(H36M17.bones).T
_PELVIS, _THORAX = H36M17.index("pelvis"), H36M17.index("thorax")

_MIN_CONFIDENCE = 0.3

_TRUNK_AT_ONCE, _TRUNK_PER_S = 0.05, 0.9
"""How far the trunk may be from where its own speed would have brought it. Little: at 30 frames a second not even an
acceleration of 5 g brings it further than 0.03 from there. In the demo clip 99 % are below 0.07."""

_UNKNOWN_TRUNK_PER_S = 5.0
_UNKNOWN_LASTS_S = 0.1
"""What comes on top where the speed is not known, and for how long: the fastest sprint moves a body by about five of
its sizes a second, but at the next frame the person is seen again, and after more of them a bystander is in reach."""

_LIMB_AT_ONCE, _LIMB_PER_S = 0.12, 4.0
_NUM_FAST_JOINTS = 5
"""A quick arm and a quick leg are four joints; a fifth that is as quick belongs to somebody else."""

_BONE_AT_ONCE, _BONE_PER_S = 0.15, 3.0
"""How much longer one bone may become in the picture. A bone that turns out of the line of sight reaches 0.12."""

_SIZE_AT_ONCE, _SIZE_PER_S = 0.2, 3.0
"""How much the logarithm of the sum of all bones may change."""

_TURN_AT_ONCE_DEG, _TURN_PER_S_DEG = 45.0, 600.0
"""How far the trunk may turn in the picture; a somersault is about 500 degrees a second."""
_SHORTEST_TRUNK = 0.12
"""A trunk that is shorter in the picture points at the camera, and its direction means nothing."""

_SPEED_LASTS_S = 0.2
"""Nobody is taken to go on at the same speed for longer."""

_SPEED_TAKES_S = 0.15
"""So long somebody must have been seen for their speed to be known: a detector's first poses are its worst."""


@dataclass(frozen=True, slots=True)
class Past:
    """Where a person was last seen.

    Attributes:
        keypoints: their H36M-17 joints then.
        seen_s: when that was.
        since_s: since when they were seen without a gap.
        velocity_px_s: (2,) speed of their trunk in that time.
    """

    keypoints: Keypoints2D
    seen_s: float
    since_s: float
    velocity_px_s: Float32Array

    @classmethod
    def first(cls, keypoints: Keypoints2D, time_s: float) -> Past:
        """Somebody who was just found."""
        return cls(keypoints, time_s, time_s, np.zeros(2, np.float32))

    def then(self, keypoints: Keypoints2D, time_s: float) -> Past:
        """The same person, seen again."""
        elapsed_s = time_s - self.seen_s
        if not 0 < elapsed_s <= _SPEED_LASTS_S:
            return Past.first(keypoints, time_s)
        both = known_joints(self.keypoints) & known_joints(keypoints)
        velocity_px_s: Float32Array = _trunk(keypoints.xy_px - self.keypoints.xy_px, both) / np.float32(elapsed_s)
        # Half of it is new: one noisy frame must not throw the next expectation off.
        mean_px_s: Float32Array = np.float32(0.5) * (self.velocity_px_s + velocity_px_s)
        return Past(keypoints, time_s, self.since_s, mean_px_s)

    @property
    def has_speed(self) -> bool:
        """Whether their speed is known."""
        return self.seen_s - self.since_s >= _SPEED_TAKES_S

    def travel_px(self, time_s: float) -> Float32Array:
        """(2,) how far the trunk comes by then if it goes on as it did; 0 while its speed is not known."""
        if not self.has_speed:
            return np.zeros(2, np.float32)
        return self.velocity_px_s * np.float32(np.clip(time_s - self.seen_s, 0, _SPEED_LASTS_S))

    def expected_px(self, time_s: float) -> Float32Array:
        """(17, 2) where the joints should be by now if the trunk went on as it did; NaN where unknown."""
        return self.keypoints.xy_px + self.travel_px(time_s)


_REMEMBERED = 64
"""People of a few frames: each is compared with several others, and several times with the same."""


@lru_cache(_REMEMBERED)
def known_joints(keypoints: Keypoints2D) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(J,) the joints that the detector is sure of; where it is of none, those that it gives at all."""
    sure: np.ndarray[tuple[int], np.dtype[np.bool_]] = keypoints.confidence >= _MIN_CONFIDENCE
    known = sure if sure.any() else keypoints.confidence > 0
    known.flags.writeable = False
    return known


@lru_cache(_REMEMBERED)
def body_size_px(keypoints: Keypoints2D) -> float:
    """Diagonal of the box around a person's known joints; at least one pixel."""
    xy_px = keypoints.xy_px[known_joints(keypoints)]
    return max(1.0, math.hypot(*(xy_px.max(axis=0) - xy_px.min(axis=0)))) if len(xy_px) else 1.0


def distance(before: Keypoints2D, now: Keypoints2D, expected_px: Float32Array | None = None) -> float:
    """Mean distance between the joints of two poses that both know, in body sizes; infinite without any.

    Args:
        before: H36M-17 joints.
        now: the others.
        expected_px: (17, 2) where the joints of ``before`` are taken to be; None for where they are.
    """
    both = known_joints(before) & known_joints(now)
    if not both.any():
        return float("inf")
    apart_px = (before.xy_px if expected_px is None else expected_px)[both] - now.xy_px[both]
    return float(norms(apart_px).mean()) / max(body_size_px(before), body_size_px(now))


def fault(past: Past, now: Keypoints2D, time_s: float, *, slack: float = 1.0) -> Fault | None:
    """What makes it impossible that a pose is the same person's, a moment later; None where it is possible.

    ``jump``: the trunk is elsewhere. ``flip``: it points elsewhere. ``stretch``: bones have grown, or the whole person
    has. ``blend``: the trunk stayed, and many joints went too far. Poses without a joint in common are a jump.

    Args:
        past: where the person was.
        now: the pose in question, H36M-17 joints.
        time_s: its time.
        slack: factor on all limits.
    """
    before = past.keypoints
    both = known_joints(before) & known_joints(now)
    if not both.any():
        return "jump"
    elapsed_s = max(0.0, time_s - past.seen_s)
    size_px = max(body_size_px(before), body_size_px(now))
    moved_px, travel_px = now.xy_px - before.xy_px, past.travel_px(time_s)
    # Whoever moves may stop at once, at a wall or on the ground: anywhere on the way is as good as its end.
    share = _trunk(moved_px, both) @ travel_px / max(float(travel_px @ travel_px), 1e-9)
    off = (moved_px - np.clip(share, 0, 1) * travel_px) / size_px
    reach = _TRUNK_AT_ONCE + _TRUNK_PER_S * elapsed_s
    if not past.has_speed:
        reach += _UNKNOWN_TRUNK_PER_S * min(elapsed_s, _UNKNOWN_LASTS_S)
    if math.hypot(*_trunk(off, both)) > slack * reach:
        return "jump"
    if both[_PELVIS] and both[_THORAX]:
        turn_deg = _turn_deg(before, now, size_px)
        if turn_deg > slack * (_TURN_AT_ONCE_DEG + _TURN_PER_S_DEG * elapsed_s):
            return "flip"
    growth, change = _growth(before, now, both, size_px)
    if growth > slack * (_BONE_AT_ONCE + _BONE_PER_S * elapsed_s):
        return "stretch"
    if change > slack * (_SIZE_AT_ONCE + _SIZE_PER_S * elapsed_s):
        return "stretch"
    limbs = _LIMBS[both[_LIMBS]]
    is_fast = norms(off[limbs]) > slack * (_LIMB_AT_ONCE + _LIMB_PER_S * elapsed_s)
    return "blend" if np.count_nonzero(is_fast) >= _NUM_FAST_JOINTS else None


def _trunk(offsets: Float32Array, both: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Float32Array:
    """Mean of the trunk's (2,) offsets; of all joints where no joint of the trunk is known."""
    trunk = _TRUNK[both[_TRUNK]]
    known = offsets[trunk] if len(trunk) else offsets[both]
    return known.mean(axis=0) if len(known) else np.zeros(2, np.float32)


def _turn_deg(before: Keypoints2D, now: Keypoints2D, size_px: float) -> float:
    """Angle between the trunks of two frames; 0 where one of them points at the camera."""
    x0, y0 = before.xy_px[_THORAX] - before.xy_px[_PELVIS]
    x1, y1 = now.xy_px[_THORAX] - now.xy_px[_PELVIS]
    if min(math.hypot(x0, y0), math.hypot(x1, y1)) < _SHORTEST_TRUNK * size_px:
        return 0.0
    return float(abs(np.degrees(np.arctan2(x0 * y1 - y0 * x1, x0 * x1 + y0 * y1))))


def _growth(
    before: Keypoints2D, now: Keypoints2D, both: np.ndarray[tuple[int], np.dtype[np.bool_]], size_px: float
) -> tuple[float, float]:
    """How much the bone that grew most did, in body sizes, and the logarithm of how much all of them changed."""
    known = both[_PARENTS] & both[_CHILDREN]
    if not known.any():
        return 0.0, 0.0
    parents, children = _PARENTS[known], _CHILDREN[known]
    was_px, is_px = (norms(k.xy_px[children] - k.xy_px[parents]) for k in (before, now))
    change = np.log(max(1.0, float(is_px.sum())) / max(1.0, float(was_px.sum())))
    return float((is_px - was_px).max()) / size_px, abs(float(change))
