"""Left and right: takes back what a detector swaps from one frame to the next."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .arrays import Float32Array
from .datatypes import Keypoints2D
from .geometry import norms
from .plausibility import body_size_px, known_joints
from .skeleton import ARM, H36M17, LEG

_FAR_NEARER = 0.5
_FAR_AT_ONCE, _FAR_PER_S = 0.03, 1.0
"""How far arms or legs move by themselves, on average over their joints, in body sizes: legs that pass each other in a
sprint have not changed places. In the demo clip a swap moves legs by 0.08 to 0.2, and arms by 0.3 to 0.4."""

_WIDE = 0.07
"""Shoulders that are nearer to each other in the picture, in body sizes, belong to somebody who stands sideways: there
the detector mixes up near and far leg, and putting it right is as likely as getting it wrong."""
_SHOULDERS = [H36M17.index(f"{side}_shoulder") for side in ("left", "right")]


def _pairs(limb: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The left joints of a pair of limbs, and the right ones."""
    left, right = (np.array([H36M17.index(f"{side}_{name}") for name in limb]) for side in ("left", "right"))
    return left, right


LIMBS = tuple(_pairs(limb) for limb in (ARM, LEG))
"""Left and right joints of arms and of legs, from the trunk outwards: a detector swaps either or both. In the demo clip
the arms go first, and the legs a frame later."""


def swapped_parts(expected_px: Float32Array, now: Keypoints2D, elapsed_s: float) -> tuple[bool, ...]:
    """For arms and for legs, whether left and right of them changed places.

    They did where the joints are far from where they are expected, and far nearer to where the other side is. Nobody
    turns round between two frames, and whoever does turn comes by a moment in which both sides are at one place. Of
    somebody who stands sideways nothing is said.

    Args:
        expected_px: (17, 2) where the joints should be; NaN where unknown.
        now: H36M-17 joints of the same person.
        elapsed_s: since they were last seen.
    """
    known = known_joints(now) & np.isfinite(expected_px).all(axis=-1)
    size_px = body_size_px(now)
    width_px = math.hypot(*(expected_px[_SHOULDERS[0]] - expected_px[_SHOULDERS[1]]))
    if not width_px >= _WIDE * size_px:
        return (False,) * len(LIMBS)
    far_px = (_FAR_AT_ONCE + _FAR_PER_S * elapsed_s) * size_px
    return tuple(_is_swapped(expected_px, now.xy_px, known, far_px, left, right) for left, right in LIMBS)


def swap_sides(keypoints: Keypoints2D, parts: tuple[bool, ...]) -> Keypoints2D:
    """The same person with left and right of some parts exchanged.

    Args:
        keypoints: H36M-17 joints.
        parts: as ``swapped_parts`` gives them.
    """
    swapped = [limb for limb, is_swapped in zip(LIMBS, parts, strict=True) if is_swapped]
    if not swapped:
        return keypoints
    left, right = (np.concatenate(side) for side in zip(*swapped, strict=True))
    return replace(exchange(keypoints, left, right), detected=keypoints.as_detected)


def exchange(keypoints: Keypoints2D, left: np.ndarray, right: np.ndarray) -> Keypoints2D:
    """The same person with some joints of the left in the place of those of the right, and the other way round.

    Args:
        keypoints: H36M-17 joints.
        left: numbers of the joints.
        right: of their counterparts, in the same order.
    """
    if not len(left):
        return keypoints
    order = np.arange(H36M17.num_joints)
    order[left], order[right] = right, left
    world_xyz_m = keypoints.world_xyz_m
    return replace(
        keypoints,
        xy_px=keypoints.xy_px[order],
        confidence=keypoints.confidence[order],
        world_xyz_m=None if world_xyz_m is None else world_xyz_m[order],
    )


def _is_swapped(
    expected_px: Float32Array,
    now_px: Float32Array,
    known: np.ndarray[tuple[int], np.dtype[np.bool_]],
    far_px: float,
    left: np.ndarray,
    right: np.ndarray,
) -> bool:
    both = known[left] & known[right]
    if not both.any():
        return False
    left, right = left[both], right[both]
    own, other = np.concatenate([left, right]), np.concatenate([right, left])
    kept_px = float(norms(now_px[own] - expected_px[own]).mean())
    exchanged_px = float(norms(now_px[other] - expected_px[own]).mean())
    return kept_px > far_px and exchanged_px < _FAR_NEARER * kept_px
