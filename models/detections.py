"""Imitate a 2D detector and the run time's remapping: from true points in the picture to what a lifter is fed.

A detector finds hips, knees, ankles, shoulders, elbows, wrists, nose and ears, with errors. The other joints are made
from those with the sums of ``posedemo.remap``: a lifter trained on true projections of them would meet a different
definition at run time. Points are (N, T, 17, 2); until ``derive`` the place of the head joint holds the ears' middle.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..remap import HEAD_BEYOND_EARS, HEAD_BEYOND_NOSE, NECK_TO_NOSE
from ..skeleton import ARM, H36M17, LEG, part_of
from .bodies import joints_of
from .chance import Chance
from .detector_noise import measured_noise

_index = H36M17.index

_DEFINITION_M = {
    # Standard deviation of the difference between a motion-capture joint and what a detector calls by the same name.
    "hip": 0.03,
    "knee": 0.012,
    "ankle": 0.02,
    "shoulder": 0.03,
    "elbow": 0.015,
    "wrist": 0.02,
    "nose": 0.035,
    "head": 0.03,
}

_MEASURED_NOISE = 1.0
"""Factor of the errors that were measured; 0 for none."""

_UNSEEN_NOISE_MEDIAN, _UNSEEN_NOISE_SPREAD = 0.022, 0.6
"""Guessed, because no comparison of detectors shows it: what they all get wrong alike, on other people, in other
clothes and rooms than those of one clip. Constant in a window, as a share of the person's size: median over windows,
and standard deviation of its logarithm."""
_UNSEEN_NOISE_FACTORS = {"wrist": 1.5, "ankle": 1.2, "hip": 0.8, "shoulder": 0.7, "nose": 0.7, "head": 0.7}

_MEASURED_SWAPS = 1.0
"""How many windows may have left taken for right as often, and for as few frames, as was measured."""
_LASTING_SWAPS = 0.01
"""Guessed, because the models of one detector do not differ in it: how many windows have the legs, and how many the
arms, exchanged for long."""
_SWAPPED = (LEG, LEG[1:], ARM, ARM[1:])
"""What may be exchanged for long, the first two and the last two equally often."""

_RATE_HZ = 30
_SLOW_CAMERA_PROBABILITY = 0.25
_SLOWEST_CAMERA_HZ = 10
"""Many webcams give 10 to 25 frames a second, the slower the darker the room."""

_MISSING_PROBABILITY = 0.35
_MISSING = (
    # Each as often as the others, but for both whole legs: whoever sits before a camera is seen without them.
    ("left_elbow", "left_wrist"),
    ("right_elbow", "right_wrist"),
    ("left_wrist",),
    ("right_wrist",),
    ("left_wrist", "right_wrist"),
    ("left_elbow", "left_wrist", "right_elbow", "right_wrist"),
    ("left_knee", "left_ankle"),
    ("right_knee", "right_ankle"),
    ("left_ankle", "right_ankle"),
    *[("left_knee", "left_ankle", "right_knee", "right_ankle")] * 5,
    ("nose", "head"),
)
_GUESSED, _HELD = 0, 1
_MISSING_KINDS = torch.tensor([0.45, 0.2, 0.35])
_HIDDEN_LEGS = 0.15
"""How many people are seen from the hips up, where joints have no errors otherwise."""
_HANGING_PROBABILITY = 0.7
"""How many guesses of legs that are out of the picture follow MediaPipe's own, which lets them hang down from the
trunk, whatever they really do: seen on both people of ``assets/demo.mp4`` cropped at the hips, and, with shorter thighs
as of somebody seated, at the chest. The others are the legs of somebody else."""
_HANGING = {"knee": (0.5, 0.25, 0.1), "ankle": (0.55, 0.15, 0.1)}
"""Thigh and shin of such a guess, in trunk lengths: along the trunk, its standard deviation, and that across."""
_RETURNING_PROBABILITY = 0.2
"""How many of the lost limbs come back before the window ends."""
_UNSURE_HIPS = 0.12
"""Extra error of the hips, as a share of the person's size, while no knee is seen: a person behind a desk."""


def observed_points(xyz_m: Tensor, chance: Chance | None) -> Tensor:
    """What a detector looks for, in 3D: (N, T, 17, 3), the ears' middle in the place of the head joint.

    Args:
        xyz_m: (N, T, 17, 3) true joints of people who face forward.
        chance: draws a constant difference of definition for each window; None for none.
    """
    points = xyz_m.clone()
    thorax, head = xyz_m[:, :, _index("thorax")], xyz_m[:, :, _index("head")]
    points[:, :, _index("head")] = thorax + (head - thorax) / HEAD_BEYOND_EARS
    return points if chance is None else points + _definition_differences(len(points), chance)[:, None]


def _definition_differences(count: int, chance: Chance) -> Tensor:
    """(N, 17, 3) metres: mostly the same on both sides, mirrored."""
    shared = chance.normal(count, H36M17.num_joints, 3)
    lefts, rights = map(list, zip(*H36M17.left_right_pairs, strict=True))
    shared[:, rights] = shared[:, lefts] * torch.tensor([-1.0, 1.0, 1.0])
    mixed = 0.9 * shared + 0.4 * chance.normal(count, H36M17.num_joints, 3)
    return mixed * _per_joint(_DEFINITION_M, default=0.0)[:, None]


def _per_joint(by_part: dict[str, float], *, default: float) -> Tensor:
    """(17,) values by the part of the body, the same left and right."""
    return torch.tensor([by_part.get(part_of(joint), default) for joint in H36M17.joints])


def detect(points: Tensor, chance: Chance) -> Tensor:
    """Turn projected points (N, 1 + T, 17, 2) into H36M joints as the run time would get them: (N, T, 17, 2).

    Args:
        points: the first frame is an earlier one of the same clip, whose joints may be held on to.
        chance: draws errors.
    """
    size = person_size(points)
    pattern, kind = _draw_missing(points, chance)
    detector = measured_noise().choose(len(points), chance)
    noisy = torch.addcmul(points, _noise(detector, points.shape[1], chance), size)
    _disturb_hips(noisy, pattern, size, chance)
    noisy = _swap_sides(noisy, detector, chance)
    xy = derive(noisy, has_ears=_missing_ears(len(points), chance))
    return _lose_joints(xy[:, 1:], xy[:, :1], pattern, kind, size, chance)


def person_size(points: Tensor) -> Tensor:
    """(N, 1, 1, 1) mean distance of the points from the middle of the hips."""
    distances: Tensor = torch.linalg.vector_norm(points - _middle(points, "hip")[:, :, None], dim=-1)
    return distances.mean(dim=(1, 2))[:, None, None, None]


def _noise(detector: Tensor, num_frames: int, chance: Chance) -> Tensor:
    """Errors (N, T, 17, 2) in person sizes: those that were measured, and those that could not be."""
    count, num_joints = len(detector), H36M17.num_joints
    noise = measured_noise().draw(detector, num_frames, chance) * _MEASURED_NOISE
    level = torch.exp(_UNSEEN_NOISE_SPREAD * chance.normal(count, 1, 1, 1)) * _UNSEEN_NOISE_MEDIAN
    noise += level * _per_joint(_UNSEEN_NOISE_FACTORS, default=1.0)[:, None] * chance.normal(count, 1, num_joints, 2)
    return noise


def _disturb_hips(points: Tensor, pattern: Tensor, size: Tensor, chance: Chance) -> None:
    """Move both hips alike where neither knee is seen, in place."""
    is_unsure = pattern[:, joints_of(["left_knee", "right_knee"])].all(dim=1)[:, None, None]
    shift = _UNSURE_HIPS * size[:, 0] * chance.normal(len(points), 1, 1, 2)[:, 0] * is_unsure
    for hip in joints_of(["left_hip", "right_hip"]):
        points[:, :, hip] += shift


def _swap_sides(points: Tensor, detector: Tensor, chance: Chance) -> Tensor:
    """Points (N, T, 17, 2) with left taken for right in some windows, limb by limb, for some of their frames."""
    count, num_frames = points.shape[:2]
    swapped = measured_noise().draw_swaps(detector, num_frames, chance)
    swapped &= chance.happens(count, 1, 1, probability=_MEASURED_SWAPS)
    for limb in _SWAPPED:
        is_lasting = chance.happens(count, 1, 1, probability=_LASTING_SWAPS / 2) & _since_when(points, chance)
        swapped[:, :, joints_of([f"{side}_{part}" for part in limb for side in ("left", "right")])] |= is_lasting
    return torch.where(swapped[..., None], points[:, :, H36M17.flip_order], points)


def _missing_ears(count: int, chance: Chance) -> Tensor:
    return ~chance.happens(count, 1, 1, probability=0.05)


def derive(points: Tensor, *, has_ears: Tensor | None = None) -> Tensor:
    """Make pelvis, spine, thorax and head from the points that a detector finds, as ``posedemo.remap`` does.

    Args:
        points: (N, T, 17, 2), the ears' middle in the place of the head joint.
        has_ears: (N, 1, 1) booleans; without ears the head is made from the nose.
    """
    nose, ears = points[:, :, _index("nose")], points[:, :, _index("head")]
    shoulders, pelvis = _middle(points, "shoulder"), _middle(points, "hip")
    thorax = shoulders + NECK_TO_NOSE * (nose - shoulders)
    head = thorax + HEAD_BEYOND_EARS * (ears - thorax)
    if has_ears is not None:
        head = torch.where(has_ears, head, shoulders + HEAD_BEYOND_NOSE * (nose - shoulders))
    joints = points.clone()
    for name, position in (("pelvis", pelvis), ("spine", (pelvis + thorax) / 2), ("thorax", thorax), ("head", head)):
        joints[:, :, _index(name)] = position
    return joints


def _middle(points: Tensor, part: str) -> Tensor:
    """(N, T, 2) half-way between left and right."""
    return (points[:, :, _index(f"left_{part}")] + points[:, :, _index(f"right_{part}")]) / 2


def _draw_missing(points: Tensor, chance: Chance) -> tuple[Tensor, Tensor]:
    """Which joints are missing, (N, 17) booleans, and what stands in for them, (N,) kinds."""
    patterns = torch.zeros(len(_MISSING), H36M17.num_joints, dtype=torch.bool)
    for row, names in enumerate(_MISSING):
        patterns[row, joints_of(names)] = True
    count = len(points)
    chosen = patterns[chance.integers(count, low=0, high=len(_MISSING))]
    is_missing = chance.happens(count, 1, probability=_MISSING_PROBABILITY)
    return chosen & is_missing, chance.choice(_MISSING_KINDS, count)


def _lose_joints(xy: Tensor, earlier_xy: Tensor, pattern: Tensor, kind: Tensor, size: Tensor, chance: Chance) -> Tensor:
    """Put in the place of missing joints what the run time would have there.

    That is the detector's guess, which is a plausible limb (taken from another window), the joint's last known place,
    or, where a joint was never seen, the place of its parent.
    """
    since = _since_when(xy, chance)
    donors = chance.permutation(len(xy))
    (rows,) = pattern.any(dim=1).nonzero(as_tuple=True)  # most windows lose nothing
    missing = pattern[rows, None] & since[rows]  # (R, T, 17)
    own, others, earlier = xy[rows], xy[donors[rows]], earlier_xy[rows]
    relative_size = (size[rows] / size[donors[rows]])[:, 0]
    hanging = _hanging_legs(own, chance)
    is_hanging = chance.happens(len(rows), 1, 1, probability=_HANGING_PROBABILITY)
    is_guess = (kind[rows] == _GUESSED)[:, None, None]
    is_held = (kind[rows] == _HELD)[:, None, None]
    lost = own.clone()
    for parent, child in H36M17.bones:
        guess = (others[:, :, child] - others[:, :, parent]) * relative_size
        if child in hanging:
            guess = torch.where(is_hanging, hanging[child], guess)
        stand_in = lost[:, :, parent] + torch.where(is_guess, guess, 0.0)
        stand_in = torch.where(is_held, earlier[:, :, child], stand_in)
        lost[:, :, child] = torch.where(missing[:, :, child, None], stand_in, own[:, :, child])
    return xy.index_copy(0, rows, lost)


def _since_when(xy: Tensor, chance: Chance) -> Tensor:
    """(N, T, 1): true from a random frame on, in half of the windows from the first, and mostly to the last."""
    count, num_frames = xy.shape[:2]
    first = chance.integers(count, low=0, high=num_frames) * chance.happens(count, probability=0.5)
    back = chance.integers(count, low=1, high=num_frames + 1)
    end = torch.where(chance.happens(count, probability=_RETURNING_PROBABILITY), back, num_frames)
    times = torch.arange(num_frames)
    return ((times >= first[:, None]) & (times < end[:, None]))[:, :, None]


def _hanging_legs(xy: Tensor, chance: Chance) -> dict[int, Tensor]:
    """Bones (N, T, 2) of legs that hang down from the trunk, by the joint they lead to: MediaPipe's usual guess."""
    down = xy[:, :, _index("pelvis")] - _middle(xy, "shoulder")
    across = torch.stack([down[..., 1], -down[..., 0]], dim=-1)
    bones = {}
    for part, (length, spread_along, spread_across) in _HANGING.items():
        for joint in joints_of([f"left_{part}", f"right_{part}"]):
            along = length + spread_along * chance.normal(len(xy), 1, 1)
            bones[joint] = along * down + spread_across * chance.normal(len(xy), 1, 1) * across
    return bones


def hide_some_legs(xy: Tensor, chance: Chance) -> Tensor:
    """Joints (N, T, 17, 2) as the run time has them of people of whom some are in the picture from the hips up only.

    Args:
        xy: joints of people who are seen whole.
        chance: draws who, and the guesses.
    """
    is_hidden = chance.happens(len(xy), 1, 1, 1, probability=_HIDDEN_LEGS)
    return torch.where(is_hidden, hide_legs(xy, chance), xy)


def hide_legs(xy: Tensor, chance: Chance) -> Tensor:
    """Joints (N, T, 17, 2) as the run time has them of people whose legs are out of the picture.

    Knees and ankles hang from the hips, as MediaPipe guesses them.

    Args:
        xy: joints of people who are seen whole.
        chance: draws the guesses.
    """
    hidden = xy.clone()
    bones = _hanging_legs(xy, chance)
    for joint in joints_of([f"{side}_{part}" for part in _HANGING for side in ("left", "right")]):
        hidden[:, :, joint] = hidden[:, :, H36M17.parents[joint]] + bones.get(joint, 0.0)
    return hidden


def seen_by_slow_camera(xy: Tensor, chance: Chance, *, look_ahead: int = 0) -> Tensor:
    """Joints (N, T, 17, 2) of 30 frames a second as the run time makes them from a camera that takes fewer.

    Between the frames of the camera joints are interpolated along straight lines (``posedemo.window``). The target is
    always the camera's own, because only such frames are lifted; one of 60 frames a second shows every frame wanted.

    Args:
        xy: of every frame.
        chance: draws windows and rates.
        look_ahead: frames of the window after the target.
    """
    num_frames = xy.shape[1]
    target = num_frames - 1 - look_ahead
    is_slow = chance.happens(len(xy), probability=_SLOW_CAMERA_PROBABILITY)
    (rows,) = is_slow.nonzero(as_tuple=True)
    step = _RATE_HZ / chance.uniform(len(rows), 1, low=_SLOWEST_CAMERA_HZ, high=_RATE_HZ)
    since_target = torch.arange(num_frames) - target
    # Camera frames lie whole multiples of the step from the target, rounded to frames that exist.
    number = torch.floor(since_target / step)
    before = (number * step).round().long().clamp(min=-target)
    after = ((number + 1) * step).round().long().clamp(max=look_ahead)
    share = (since_target - before) / (after - before).clamp(min=1)
    own = torch.arange(len(rows))[:, None]
    slow = xy[rows]
    slow = torch.lerp(slow[own, target + before], slow[own, target + after], share[:, :, None, None])
    return xy.index_copy(0, rows, slow)
