"""Bring a posed body nearer to where the detector saw its joints, without changing its bones. numpy only.

A lifter answers with a plausible pose, whose joints project some percent of a body beside the ones that it was given.
One step towards those, a third of the way and never far, brings the absolute error down and leaves the aligned one as
it is (docs/posing.md); the whole way, or many steps, follow the detector's errors and give all of that back.
"""

from __future__ import annotations

import numpy as np

from .arrays import Float32Array
from .body import fix_bones
from .geometry import norms
from .placement import project

GAIN = 0.35
"""Share of the way from a joint to its line of sight."""
FARTHEST_M = 0.05
"""No joint moves farther than this relative to the pelvis."""
_DOUBTFUL_M = 0.12
"""A joint that is seen so far beside the pose counts half: either may be wrong."""

_STEPS = (1.0, 0.5, 0.25)
_STAYS = np.float32(0)


def refit(
    xyz_m: Float32Array, root_m: Float32Array, xy: Float32Array, confidence: Float32Array, lengths_m: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Move the joints towards their lines of sight, sideways, and then bring the bones back to their lengths.

    Args:
        xyz_m: (17, 3) pose whose bones have the lengths, pelvis at the origin; NaN where a joint is unknown.
        root_m: (3,) where it stands.
        xy: (17, 2) joints on the plane at distance 1 from the camera.
        confidence: (17,) in [0, 1].
        lengths_m: (16,) in the order of the skeleton's bones.

    Returns:
        Pose and place whose weighted distance to the joints in the picture is smaller, or the same two.
    """
    shift_m = _shift(xyz_m + root_m, xy, confidence)
    before = _distance(xyz_m, root_m, xy, confidence)
    for step in _STEPS:
        moved_m = fix_bones(xyz_m + step * (shift_m - shift_m[0]), lengths_m)
        place_m = (root_m + step * shift_m[0]).astype(np.float32)
        is_near = not (norms(moved_m - xyz_m) > FARTHEST_M).any()
        if is_near and _distance(moved_m, place_m, xy, confidence) < before:
            return moved_m, place_m
    return xyz_m, root_m


def _shift(points_m: Float32Array, xy: Float32Array, confidence: Float32Array) -> Float32Array:
    """(17, 3) how each joint moves at right angles to its line of sight; 0 for one that is unknown."""
    sight = np.concatenate([xy, np.ones_like(xy[:, :1])], axis=1)
    sight /= norms(sight)[:, None]
    beside_m = sight * np.einsum("jd,jd->j", points_m, sight)[:, None] - points_m
    gain = GAIN * confidence / (1 + np.einsum("jd,jd->j", beside_m, beside_m) / _DOUBTFUL_M**2)
    return np.where(np.isfinite(gain)[:, None], gain[:, None] * beside_m, _STAYS)


def _distance(xyz_m: Float32Array, root_m: Float32Array, xy: Float32Array, confidence: Float32Array) -> float:
    """Mean distance in the picture, weighted with confidence; 0 where no joint is known in both."""
    apart = norms(project(xyz_m, root_m) - xy)
    known = np.isfinite(apart)
    apart, weights = apart[known], confidence[known]
    return float(apart @ weights) / max(float(weights.sum()), 1e-9)
