"""Vary bodies and poses: a few hours of motion of a few people become many people in many poses.

Poses are worked on as bone vectors: bone j leads from joint j's parent to joint j, so a limb is turned, exchanged or
stretched by changing its bones alone, and the joints follow. The person faces +z with the left side at +x, y up.

A change lasts for the whole window, so all changes of one bone come to two things: the window it is taken from, and
one matrix. They are put together first and applied to the frames once, which is what makes samples cheap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..skeleton import CANONICAL_BONE_SUM_M, H36M17
from .chance import Chance
from .rotations import X_AXIS, Y_AXIS, about_axis, between, from_vector, turn

_PELVIS = H36M17.index("pelvis")

_LENGTH_SPREADS = (
    # Relative standard deviation; left and right change together. Hips, shoulders and head vary most, less because
    # people do than because data sets and detectors disagree about where these joints are.
    (("left_hip", "right_hip"), 0.09),
    (("left_knee", "right_knee"), 0.03),
    (("left_ankle", "right_ankle"), 0.03),
    (("spine",), 0.05),
    (("thorax",), 0.045),
    (("nose",), 0.08),
    (("head",), 0.08),
    (("left_shoulder", "right_shoulder"), 0.08),
    (("left_elbow", "right_elbow"), 0.035),
    (("left_wrist", "right_wrist"), 0.035),
)

_EXCHANGE_ARM_PROBABILITY = 0.2
_EXCHANGE_LEGS_PROBABILITY = 0.25
_SEATED_PROBABILITY = 0.15
_FOLDED_PROBABILITY = 0.3
"""Of the seated: how many fold their shins back below or beside them, as on a floor, on their knees or squatting."""
_REACHING_PROBABILITY = 0.1
_BENT_PROBABILITY = 0.08
_TWISTED_PROBABILITY = 0.12
_TILTED_PROBABILITY = 0.06
_TURNED_PROBABILITY = 0.3
_TURNED_LIMB_PROBABILITY = 0.5
_LIMB_TURN_RAD = 0.35

_LARGEST_FLEXION_RAD = math.radians(145)
"""Of an elbow: the forearm then lies against the upper arm."""
_TWIST_RAD = torch.tensor([0.2, 0.45, 0.15])
"""Standard deviations of how far the upper trunk leans forward, turns about the vertical and leans to a side."""

_ARMS = (("left_elbow", "left_wrist"), ("right_elbow", "right_wrist"))
_LEGS = ("left_knee", "left_ankle", "right_knee", "right_ankle")
_LIMBS = (*_ARMS, ("left_wrist",), ("right_wrist",), ("left_knee", "left_ankle"), ("right_knee", "right_ankle"))
_HEAD = ("nose", "head")
_UPPER_BODY = ("thorax", *_HEAD, "left_shoulder", "right_shoulder")


def joints_of(names: Sequence[str]) -> list[int]:
    """Indices of joints."""
    return [H36M17.index(name) for name in names]


def to_bones(xyz: Tensor) -> Tensor:
    """Bone vectors (..., 17, 3) of joints (..., 17, 3); the pelvis, which has none, gets zero."""
    return _from_parent() @ xyz


def _from_parent() -> Tensor:
    """(17, 17): what makes the bone that leads to joint r out of joints s."""
    matrix = torch.eye(H36M17.num_joints)
    matrix[_PELVIS] = 0
    for parent, child in H36M17.bones:
        matrix[child, parent] = -1
    return matrix


def from_bones(bones: Tensor) -> Tensor:
    """Joints (..., 17, 3) with the pelvis at the origin: every joint is the sum of the bones that lead to it. The last
    axis may hold several frames."""
    return _leads_to() @ bones


def _leads_to() -> Tensor:
    """(17, 17): 1 where bone s is on the way from the pelvis to joint r."""
    matrix = torch.eye(H36M17.num_joints)
    for parent, child in H36M17.bones:
        matrix[child] += matrix[parent]
    return matrix


def face_forward(xyz_m: Tensor) -> Tensor:
    """Turn windows (N, T, 17, 3) about the vertical so that the person faces +z in the last frame.

    The facing is across hips and shoulders. The pelvis of that frame is put at the origin.
    """
    last_m = xyz_m[:, -1]
    left = last_m[:, joints_of(["left_hip", "left_shoulder"])].sum(dim=1)
    right = last_m[:, joints_of(["right_hip", "right_shoulder"])].sum(dim=1)
    across = left - right
    heading_rad = torch.atan2(across[:, 2], across[:, 0])
    centred = xyz_m - last_m[:, None, _PELVIS, None]
    return turn(about_axis(Y_AXIS, heading_rad), centred)


def to_adult_size(xyz_m: Tensor) -> Tensor:
    """Scale windows (N, 1 + T, 17, 3) about the origin so that an average adult's bones come out.

    The 16 bones sum to ``CANONICAL_BONE_SUM_M`` in the mean over the window, not counting the earlier frame before it.
    """
    lengths_m: Tensor = torch.linalg.vector_norm(to_bones(xyz_m[:, 1:]), dim=-1)
    size = lengths_m.sum(dim=-1).mean(dim=1) / CANONICAL_BONE_SUM_M
    return xyz_m / size[:, None, None, None]


def vary(xyz_m: Tensor, chance: Chance) -> Tensor:
    """Change bodies and poses of windows (N, T, 17, 3) that face forward; each change lasts for the whole window."""
    count, num_frames, num_joints, _ = xyz_m.shape
    is_mirrored = chance.happens(count, probability=0.5)
    donors = _exchange_limbs(count, chance)
    # A mirrored person has the other side's bones, with x the other way round.
    signs = torch.where(is_mirrored[:, None], torch.tensor([-1.0, 1.0, 1.0]), 1.0)  # (N, 3)
    joints = torch.where(is_mirrored[donors], torch.tensor(H36M17.flip_order), torch.arange(num_joints))

    matrices = _reach_some(to_bones(xyz_m[:, -1])[donors, joints] * signs[donors], chance)
    matrices = _seat_some(matrices, chance)
    matrices = _bend_some(matrices, chance)
    matrices = _twist_some(matrices, chance)
    matrices = _turn_limbs(matrices, chance)
    matrices = matrices * _length_factors(count, chance)[:, :, None, None]
    matrices = matrices * signs[donors][:, :, None]

    # From here on joints come before frames, so that a bone's frames lie together.
    bones = to_bones(xyz_m.transpose(1, 2).reshape(count, num_joints, -1))  # (N, 17, T * 3)
    bones = bones.flatten(0, 1).index_select(0, (donors * num_joints + joints).flatten())
    bones = bones.reshape(count, num_joints, num_frames, 3) @ matrices.transpose(-1, -2)
    relative_m = from_bones(bones.flatten(2)).reshape(count, num_joints, num_frames, 3)
    path_m = xyz_m[:, :, _PELVIS] * signs[:, None]
    return _tilt_some(relative_m + path_m[:, None], chance).transpose(1, 2).contiguous()


def _exchange_limbs(count: int, chance: Chance) -> Tensor:
    """Give some people the arms or legs of others who face the same way: (N, 17) windows that bones are taken from."""
    donors = torch.arange(count)[:, None].expand(-1, H36M17.num_joints)
    for limb, probability in (
        *((arm, _EXCHANGE_ARM_PROBABILITY) for arm in _ARMS),
        (_LEGS, _EXCHANGE_LEGS_PROBABILITY),
    ):
        others = donors[chance.permutation(count)]
        donors = _where(chance, probability, limb, others, donors)
    return donors


def _where(chance: Chance, probability: float, joints: Sequence[str], changed: Tensor, kept: Tensor) -> Tensor:
    """Take some joints' part of (N, 17, ...) from ``changed`` in a random part of the windows."""
    mask = torch.zeros(len(kept), H36M17.num_joints, dtype=torch.bool)
    mask[:, joints_of(joints)] = chance.happens(len(kept), probability=probability)[:, None]
    return torch.where(mask.reshape(*mask.shape, *(1,) * (kept.ndim - 2)), changed, kept)


def _reach_some(last_bones: Tensor, chance: Chance) -> Tensor:
    """Point the arms of some people anywhere that arms can go: (N, 17, 3, 3) matrices, mostly the unit matrix.

    Motion capture has walking and sports, few hands at heads, keyboards and shelves. The upper arm's direction is drawn
    about the side of the body, down to up and back to front but not far behind it; the elbow is bent by 0 to 145
    degrees in any plane, because the upper arm's own twist is not seen in joints. The arm goes on to move as it did.

    Args:
        last_bones: (N, 17, 3) bones of the last frame.
        chance: draws people and poses.
    """
    count = len(last_bones)
    matrices = torch.eye(3).repeat(count, H36M17.num_joints, 1, 1)
    (rows,) = chance.happens(count, probability=_REACHING_PROBABILITY).nonzero(as_tuple=True)
    for (elbow, wrist), outward in zip(map(joints_of, _ARMS), (1.0, -1.0), strict=True):
        forward_rad = chance.uniform(len(rows), low=math.radians(-40), high=math.radians(130))
        up_rad = chance.uniform(len(rows), low=math.radians(-90), high=math.radians(85))
        level = up_rad.cos()
        upper_arm = torch.stack([outward * forward_rad.cos() * level, up_rad.sin(), forward_rad.sin() * level], dim=-1)
        aside = torch.linalg.cross(upper_arm, chance.normal(len(rows), 3))
        aside = aside / torch.linalg.vector_norm(aside, dim=-1, keepdim=True).clamp(min=1e-6)
        bent_rad = chance.uniform(len(rows), 1, low=0.0, high=_LARGEST_FLEXION_RAD)
        forearm = bent_rad.cos() * upper_arm + bent_rad.sin() * aside
        matrices[rows, elbow] = between(last_bones[rows, elbow], upper_arm)
        matrices[rows, wrist] = between(last_bones[rows, wrist], forearm)
    return matrices


def _seat_some(matrices: Tensor, chance: Chance) -> Tensor:
    """Raise both thighs to the front, as of somebody on a chair; the shins stay upright or fold back."""
    count = len(matrices)
    seated = matrices.clone()
    is_folded = chance.happens(count, probability=_FOLDED_PROBABILITY)
    raised_rad = chance.uniform(count, low=math.radians(55), high=math.radians(115))
    for side, outward in (("left", 1.0), ("right", -1.0)):
        raise_thigh = about_axis(X_AXIS, -(raised_rad + 0.2 * chance.normal(count)))
        spread = about_axis(Y_AXIS, outward * (0.15 + 0.2 * chance.normal(count)))
        fold_rad = chance.uniform(count, low=math.radians(30), high=math.radians(100)) * is_folded
        swing_shin = about_axis(X_AXIS, fold_rad + 0.3 * chance.normal(count))
        thigh, shin = joints_of([f"{side}_knee", f"{side}_ankle"])
        seated[:, thigh] = spread @ raise_thigh @ matrices[:, thigh]
        seated[:, shin] = spread @ swing_shin @ matrices[:, shin]
    return _where(chance, _SEATED_PROBABILITY, _LEGS, seated, matrices)


def _bend_some(matrices: Tensor, chance: Chance) -> Tensor:
    """Bend the trunk forward from the hips: the lower half of it by 60 %, all above in full; the arms often hang."""
    count = len(matrices)
    bend_rad = chance.uniform(count, low=math.radians(10), high=math.radians(95))
    lean = about_axis(X_AXIS, bend_rad)[:, None]
    half_lean = about_axis(X_AXIS, 0.6 * bend_rad)[:, None]
    arms = [joint for arm in _ARMS for joint in arm]
    bent = matrices.clone()
    bent[:, joints_of(["spine"])] = half_lean @ matrices[:, joints_of(["spine"])]
    bent[:, joints_of(_UPPER_BODY)] = lean @ matrices[:, joints_of(_UPPER_BODY)]
    with_arms = bent.clone()
    with_arms[:, joints_of(arms)] = lean @ matrices[:, joints_of(arms)]
    bent = torch.where(chance.happens(count, probability=0.5)[:, None, None, None], with_arms, bent)
    return _where(chance, _BENT_PROBABILITY, ("spine", *_UPPER_BODY, *arms), bent, matrices)


def _twist_some(matrices: Tensor, chance: Chance) -> Tensor:
    """Turn and lean the upper body of some people against their hips, the lower trunk by half; the arms go along."""
    count = len(matrices)
    vector_rad = _TWIST_RAD * chance.normal(count, 3)
    upper = joints_of([*_UPPER_BODY, *(joint for arm in _ARMS for joint in arm)])
    spine = joints_of(["spine"])
    twisted = matrices.clone()
    twisted[:, spine] = from_vector(vector_rad / 2)[:, None] @ matrices[:, spine]
    twisted[:, upper] = from_vector(vector_rad)[:, None] @ matrices[:, upper]
    return torch.where(chance.happens(count, 1, 1, 1, probability=_TWISTED_PROBABILITY), twisted, matrices)


def _turn_limbs(matrices: Tensor, chance: Chance) -> Tensor:
    """Turn one or more limbs, or the head, of some people by a constant random rotation."""
    count = len(matrices)
    turned = matrices.clone()
    is_turned = chance.happens(count, 1, probability=_TURNED_PROBABILITY)
    for limb in (*_LIMBS, _HEAD):
        vector_rad = _LIMB_TURN_RAD * chance.normal(count, 3)
        is_limb_turned = is_turned & chance.happens(count, 1, probability=_TURNED_LIMB_PROBABILITY)
        rotation = from_vector(torch.where(is_limb_turned, vector_rad, 0.0))[:, None]
        turned[:, joints_of(limb)] = rotation @ turned[:, joints_of(limb)]
    return turned


def _length_factors(count: int, chance: Chance) -> Tensor:
    """(N, 17) factors of the bones' lengths."""
    factors = torch.ones(count, H36M17.num_joints)
    for joints, spread in _LENGTH_SPREADS:
        factors[:, joints_of(joints)] = (spread * chance.normal(count, 1)).exp()
    return factors


def _tilt_some(xyz_m: Tensor, chance: Chance) -> Tensor:
    """Lay some of the people (N, ..., 3) down: a large turn about a random horizontal axis."""
    count = len(xyz_m)
    angle_rad = chance.uniform(count, 1, low=math.radians(40), high=math.radians(110))
    direction_rad = chance.uniform(count, low=0, high=2 * math.pi)
    axis = torch.stack([direction_rad.cos(), torch.zeros(count), direction_rad.sin()], dim=-1)
    is_tilted = chance.happens(count, 1, probability=_TILTED_PROBABILITY)
    rotation = from_vector(torch.where(is_tilted, axis * angle_rad, 0.0))
    return turn(rotation, xyz_m)
