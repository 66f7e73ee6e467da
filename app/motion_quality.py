"""How steady and how plausible 3D motion is, measured without knowing the truth. numpy only.

None of these numbers is an error: a mannequin that stands still whatever the person does has none of what is counted
here. They say what a viewer sees of a lifter, and they are to be read beside errors on data with a truth.

Poses are (F, 17, 3) metres, one person in successive frames, pelvis at the origin, camera axes; NaN where a joint is
unknown. What needs a joint that is unknown is NaN, and means leave it out.
"""

from __future__ import annotations

import numpy as np

from .arrays import BoolArray, FloatArray
from .geometry import bone_lengths
from .skeleton import ARM, H36M17, LEG, Skeleton

FASTEST_M_PER_S = 5.0
"""Mean speed of the joints relative to the pelvis that no person reaches; the fastest in the training corpus, which
runs, jumps and does gymnastics, is 4.8 m/s (``tools/false_alarms.py``)."""

_FAST_M_PER_S = 2.0
_TIMES_NEIGHBOURS = 3.0
_NEIGHBOURS_S = 0.3
_FEWEST_NEIGHBOURS = 3
"""A step is also a jump where it is fast and this many times as fast as those around it, up to so far away, at least so
many on either side."""

_LIMBS = tuple([H36M17.index(f"{side}_{part}") for side in ("left", "right") for part in limb] for limb in (LEG, ARM))
"""Both legs, both arms. Detectors exchange them together or one pair alone."""


def bone_spread(xyz_m: FloatArray, skeleton: Skeleton = H36M17) -> FloatArray:
    """Standard deviation of each bone's length over the frames, as a share of its mean length: 0 for rigid bones.

    Args:
        xyz_m: (..., F, J, 3) of one person.
        skeleton: its J joints.

    Returns:
        (..., B) in the order of ``skeleton.bones``.
    """
    lengths_m = bone_lengths(xyz_m, skeleton)  # (..., F, B)
    known = np.isfinite(lengths_m)
    counts = known.sum(axis=-2)
    total = np.maximum(counts, 1)
    mean_m = np.where(known, lengths_m, 0).sum(axis=-2) / total
    deviations_m = np.where(known, lengths_m - mean_m[..., None, :], 0)
    spread = np.sqrt((deviations_m**2).sum(axis=-2) / total) / np.maximum(mean_m, 1e-9)
    return np.where(counts > 0, spread, np.nan)


def asymmetry(xyz_m: FloatArray) -> FloatArray:
    """Difference of a left and a right bone's length in one frame, as a share of their mean: 0 for equal sides.

    Returns:
        (F, P) for the bones that end in ``H36M17.left_right_pairs``.
    """
    lengths_m = bone_lengths(xyz_m, H36M17)
    ends = [child for _, child in H36M17.bones]
    left_m, right_m = (
        lengths_m[:, [ends.index(joint) for joint in side]] for side in zip(*H36M17.left_right_pairs, strict=True)
    )
    shares: FloatArray = 2 * np.abs(left_m - right_m) / np.maximum(left_m + right_m, 1e-9)
    return shares


def jitter(xyz_m: FloatArray) -> FloatArray:
    """Length of the second difference, |x[t+1] - 2 x[t] + x[t-1]|: 0 for joints that go straight on.

    Returns:
        (F - 2, 17) metres a frame squared; meaningful for frames at equal distances in time.
    """
    lengths: FloatArray = np.linalg.norm(np.diff(xyz_m, n=2, axis=0), axis=-1)
    return lengths


def accelerations(xyz_m: FloatArray, time_s: FloatArray) -> FloatArray:
    """Length of the acceleration, by the difference of the two velocities around a frame and the time between them.

    Unlike ``jitter`` it can be compared between frame rates, and frames need not come at equal distances.

    Args:
        xyz_m: (F, 17, 3).
        time_s: (F,) rising.

    Returns:
        (F - 2, 17) metres a second squared.
    """
    steps_s = np.diff(time_s)
    velocities = np.diff(xyz_m, axis=0) / steps_s[:, None, None]
    between_s = (steps_s[1:] + steps_s[:-1]) / 2
    lengths: FloatArray = np.linalg.norm(np.diff(velocities, axis=0) / between_s[:, None, None], axis=-1)
    return lengths


def speeds(xyz_m: FloatArray, time_s: FloatArray) -> FloatArray:
    """Mean speed of the joints relative to the pelvis between successive frames.

    Returns:
        (F - 1,) metres a second; over the joints known in both frames, NaN where those are less than half.
    """
    steps_m = np.linalg.norm(np.diff(xyz_m, axis=0), axis=-1)
    return _mean_of_most(steps_m) / np.diff(time_s)


def find_jumps(xyz_m: FloatArray, time_s: FloatArray) -> BoolArray:
    """Frames whose pose lies farther from the one before than a person can move.

    That is a step faster than ``FASTEST_M_PER_S``; or one faster than 2 m/s and than three times the median of the
    steps up to 0.3 s before and after it. A pose that is off for one frame is two jumps: there and back.

    Returns:
        (F,) True at the frame that a jump leads to; the first frame of a sequence never is.
    """
    speed = speeds(xyz_m, time_s)
    middle_s = (time_s[1:] + time_s[:-1]) / 2
    found = np.zeros(len(xyz_m), np.bool_)
    for step in np.flatnonzero(speed > _FAST_M_PER_S).tolist():
        around = np.abs(middle_s - middle_s[step]) <= _NEIGHBOURS_S
        around[max(0, step - _FEWEST_NEIGHBOURS) : step + _FEWEST_NEIGHBOURS + 1] = True
        around[step] = False
        neighbours = speed[around & np.isfinite(speed)]
        is_sudden = len(neighbours) > 0 and speed[step] > _TIMES_NEIGHBOURS * np.median(neighbours)
        found[step + 1] = is_sudden or speed[step] > FASTEST_M_PER_S
    return found


def find_swaps(xyz_m: FloatArray) -> BoolArray:
    """Frames at which left and right change places: exchanged, their joints would be nearer to the frame before.

    Legs and arms are looked at each for itself, by the mean distance of their six joints, and counted together. Sides
    that stay exchanged are one swap; sides that are exchanged for one frame are two: there and back.

    Returns:
        (F,) True at the frame where sides change places; the first frame of a sequence never is.
    """
    exchanged_m = xyz_m[:, list(H36M17.flip_order)]
    found = np.zeros(len(xyz_m), np.bool_)
    for limb in _LIMBS:
        as_is = _mean_of_most(np.linalg.norm(xyz_m[1:, limb] - xyz_m[:-1, limb], axis=-1))
        as_exchanged = _mean_of_most(np.linalg.norm(exchanged_m[1:, limb] - xyz_m[:-1, limb], axis=-1))
        found[1:] |= as_exchanged < as_is
    return found


def align(points: FloatArray, target: FloatArray) -> FloatArray:
    """Points after the rotation, uniform scale and shift that bring them nearest to others.

    Reflections are not allowed: a mirrored person is another. Least squares by singular values (Umeyama 1991).

    Args:
        points: (..., J, 3).
        target: (..., J, 3).

    Returns:
        (..., J, 3).
    """
    points_mean = points.mean(axis=-2, keepdims=True)
    target_mean = target.mean(axis=-2, keepdims=True)
    centred = points - points_mean
    u, singular, vt = np.linalg.svd(np.swapaxes(centred, -1, -2) @ (target - target_mean))
    signs = np.ones_like(singular)
    signs[..., -1] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = (u * signs[..., None, :]) @ vt
    variance = (centred * centred).sum(axis=(-2, -1))
    scale = (singular * signs).sum(axis=-1) / np.maximum(variance, 1e-12)
    aligned: FloatArray = scale[..., None, None] * (centred @ rotation) + target_mean
    return aligned


def disagreement(xyz_m: FloatArray, other_m: FloatArray) -> FloatArray:
    """Mean distance of the joints of two estimates of a pose, once the first is aligned with the second (``align``).

    Neither is the truth, so this is no error; it tells how far two opinions on the shape of a pose differ.

    Returns:
        (F,) metres; NaN where either does not know a joint.
    """
    known = np.isfinite(xyz_m).all(axis=(-2, -1)) & np.isfinite(other_m).all(axis=(-2, -1))
    distances_m = np.full(len(xyz_m), np.nan)
    apart_m = align(xyz_m[known], other_m[known]) - other_m[known]
    distances_m[known] = np.linalg.norm(apart_m, axis=-1).mean(axis=-1)
    return distances_m


def reprojection_px(points_px: FloatArray, xy_px: FloatArray) -> FloatArray:
    """Mean distance in the picture between the joints of a placed pose and the detector's.

    Args:
        points_px: (F, 17, 2) where a camera sees the joints of the pose.
        xy_px: (F, 17, 2) where the detector saw them.

    Returns:
        (F,) pixels, over the joints known in both; NaN where those are less than half.
    """
    return _mean_of_most(np.linalg.norm(points_px - xy_px, axis=-1))


def body_sizes_px(xy_px: FloatArray) -> FloatArray:
    """Diagonal of the box around a person's known joints (F, 17, 2) in the picture: (F,) pixels, at least 1."""
    known = np.isfinite(xy_px).all(axis=-1, keepdims=True)
    lowest, highest = np.where(known, xy_px, np.inf).min(axis=1), np.where(known, xy_px, -np.inf).max(axis=1)
    sizes: FloatArray = np.linalg.norm(np.maximum(highest - lowest, 0), axis=-1)
    return np.maximum(sizes, 1)


def _mean_of_most(distances: FloatArray) -> FloatArray:
    """Mean (F,) of the known ones of (F, J); NaN where less than half are known."""
    known = np.isfinite(distances)
    counts = known.sum(axis=-1)
    mean = np.where(known, distances, 0).sum(axis=-1) / np.maximum(counts, 1)
    return np.where(2 * counts >= distances.shape[-1], mean, np.nan)
