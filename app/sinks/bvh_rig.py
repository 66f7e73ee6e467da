"""The skeleton of a BVH file, and the rotations that bring it to given joints. numpy only.

Joints have the names and the tree of CMU's motion capture, which tools for retargeting know. At rest the figure spreads
its arms, y up, its face towards z, so that its left is x. Every bone is turned exactly to where the joints are. About
its own length it turns no more than its parent does, since joints do not tell; hips and chest follow the line from one
hip, or shoulder, to the other. Hands and feet, of which nothing is known, are there for the tools that ask for them:
they turn with forearm and shin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float64Array
from ..skeleton import H36M17

ROTATION_ORDER = "ZXY"
"""Of the channels: a joint's rotation is ``Rz @ Rx @ Ry``."""

_OPPOSITE = 1e-6
"""A direction whose cosine with another is no more than this above -1 lies opposite to it."""
_SHORTEST_M = 1e-6
_UP, _DOWN, _LEFT, _RIGHT = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)
_FORWARD, _FACE, _CROWN = (0.0, 0.0, 1.0), (0.0, 0.9, 0.436), (0.0, 0.9, -0.436)
_FOOT_M, _HAND_M = 0.15, 0.08


@dataclass(frozen=True)
class RigJoint:
    """A joint of the file.

    Attributes:
        name: in the file.
        parent: index of the joint that it hangs on; -1 for the root.
        place: joint of the pose that it lies at.
        end: joint of the pose that its bone leads to; empty for hips and chest, which turn what hangs on them, and for
            hands and feet.
        rest: direction of its bone at rest.
        length_m: of the bone of a hand or a foot; 0 for all others.
    """

    name: str
    parent: int
    place: str
    end: str = ""
    rest: tuple[float, float, float] = (0.0, 0.0, 0.0)
    length_m: float = 0.0


HIPS, CHEST = RigJoint("Hips", -1, "pelvis"), RigJoint("Spine1", 10, "thorax")
RIG = (
    HIPS,
    RigJoint("LHipJoint", 0, "pelvis", "left_hip", _LEFT),
    RigJoint("LeftUpLeg", 1, "left_hip", "left_knee", _DOWN),
    RigJoint("LeftLeg", 2, "left_knee", "left_ankle", _DOWN),
    RigJoint("LeftFoot", 3, "left_ankle", rest=_FORWARD, length_m=_FOOT_M),
    RigJoint("RHipJoint", 0, "pelvis", "right_hip", _RIGHT),
    RigJoint("RightUpLeg", 5, "right_hip", "right_knee", _DOWN),
    RigJoint("RightLeg", 6, "right_knee", "right_ankle", _DOWN),
    RigJoint("RightFoot", 7, "right_ankle", rest=_FORWARD, length_m=_FOOT_M),
    RigJoint("LowerBack", 0, "pelvis", "spine", _UP),
    RigJoint("Spine", 9, "spine", "thorax", _UP),
    CHEST,
    RigJoint("Neck", 11, "thorax", "nose", _FACE),
    RigJoint("Head", 12, "nose", "head", _CROWN),
    RigJoint("LeftShoulder", 11, "thorax", "left_shoulder", _LEFT),
    RigJoint("LeftArm", 14, "left_shoulder", "left_elbow", _LEFT),
    RigJoint("LeftForeArm", 15, "left_elbow", "left_wrist", _LEFT),
    RigJoint("LeftHand", 16, "left_wrist", rest=_LEFT, length_m=_HAND_M),
    RigJoint("RightShoulder", 11, "thorax", "right_shoulder", _RIGHT),
    RigJoint("RightArm", 18, "right_shoulder", "right_elbow", _RIGHT),
    RigJoint("RightForeArm", 19, "right_elbow", "right_wrist", _RIGHT),
    RigJoint("RightHand", 20, "right_wrist", rest=_RIGHT, length_m=_HAND_M),
)
"""In the order of the file: each joint after the one it hangs on, with all that hangs on it before the next."""

_SIDES_AND_SPINE = {HIPS.name: ("left_hip", "right_hip", "pelvis", "spine"),
                    CHEST.name: ("left_shoulder", "right_shoulder", "spine", "thorax")}  # fmt: skip
"""What hips and chest are turned by: the line from right to left, then the one upwards."""


def ends_chain(index: int) -> bool:
    """Whether nothing hangs on a joint, so that its bone ends in a site without rotation."""
    return all(joint.parent != index for joint in RIG)


def offset_m(index: int, lengths_m: Float64Array) -> Float64Array:
    """(3,) where a joint is at rest, from the one it hangs on: at the end of its bone, or at the same place.

    Args:
        index: of the joint.
        lengths_m: (16,) of the pose's bones, in the skeleton's order.
    """
    joint = RIG[index]
    parent = RIG[joint.parent]
    return bone_m(joint.parent, lengths_m) if joint.place == parent.end else np.zeros(3)


def bone_m(index: int, lengths_m: Float64Array) -> Float64Array:
    """(3,) the bone of a joint at rest, from its place to its end."""
    joint = RIG[index]
    ends = [H36M17.joints[end] for _, end in H36M17.bones]
    return _unit(np.array(joint.rest)) * (lengths_m[ends.index(joint.end)] if joint.end else joint.length_m)


def rotations_deg(joints_m: Float64Array) -> Float64Array:
    """Turn the rig to poses.

    Args:
        joints_m: (F, 17, 3) y up; a joint that is NaN is guessed: its bone keeps the direction that it has at rest.

    Returns:
        (F, 22, 3) degrees in the order of ``ROTATION_ORDER``, without steps of a whole turn from frame to frame.
    """
    num_frames = len(joints_m)
    turned: list[Float64Array] = []
    angles = np.zeros((num_frames, len(RIG), 3))
    for index, joint in enumerate(RIG):
        parent = turned[joint.parent] if index else np.broadcast_to(np.eye(3), (num_frames, 3, 3))
        own = parent if joint.length_m else _turned(parent, joint, joints_m)
        turned.append(own)
        angles[:, index] = _angles(np.swapaxes(parent, 1, 2) @ own)
    return np.rad2deg(np.unwrap(angles, axis=0))


def _turned(parent: Float64Array, joint: RigJoint, joints_m: Float64Array) -> Float64Array:
    """(F, 3, 3) the rotations of a joint that the pose says something of."""
    return _swung(parent, joint, joints_m) if joint.end else _facing(parent, joint, joints_m)


def _swung(parent: Float64Array, joint: RigJoint, joints_m: Float64Array) -> Float64Array:
    """(F, 3, 3) turned as the parent, and by the smallest angle that brings the bone to its direction."""
    before = parent @ _unit(np.array(joint.rest))
    wanted = joints_m[:, H36M17.index(joint.end)] - joints_m[:, H36M17.index(joint.place)]
    return _smallest(before, _direction(wanted, instead=before)) @ parent


def _facing(parent: Float64Array, joint: RigJoint, joints_m: Float64Array) -> Float64Array:
    """(F, 3, 3) x along the line between both sides, y as far upwards along the spine as that leaves."""
    left, right, below, above = (joints_m[:, H36M17.index(name)] for name in _SIDES_AND_SPINE[joint.name])
    x = _direction(left - right, instead=parent[:, :, 0])
    upwards = _direction(above - below, instead=parent[:, :, 1])
    y = _direction(upwards - (upwards * x).sum(axis=-1, keepdims=True) * x, instead=_across(x))
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _smallest(source: Float64Array, target: Float64Array) -> Float64Array:
    """(F, 3, 3) the smallest rotations that bring directions (F, 3) to others."""
    cosine = (source * target).sum(axis=-1)
    is_opposite = cosine < _OPPOSITE - 1
    axis = np.where(is_opposite[:, None], _across(source), np.cross(source, target))
    cross = np.zeros((len(axis), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    # Rodrigues; half a turn about an axis of length 1 where the directions are opposite.
    share = np.where(is_opposite, 2.0, 1 / (1 + np.where(is_opposite, 0, cosine)))[:, None, None]
    first = np.where(is_opposite[:, None, None], 0.0, cross)
    return np.eye(3) + first + share * (cross @ cross)


def _across(direction: Float64Array) -> Float64Array:
    """(F, 3) some direction at a right angle to each."""
    least = np.eye(3)[np.abs(direction).argmin(axis=-1)]
    return _unit(np.cross(direction, least))


def _direction(vector: Float64Array, *, instead: Float64Array) -> Float64Array:
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.where(length > _SHORTEST_M, vector / np.maximum(length, _SHORTEST_M), instead)


def _unit(vector: Float64Array) -> Float64Array:
    unit: Float64Array = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    return unit


def _angles(rotation: Float64Array) -> Float64Array:
    """(F, 3) radians about z, x and y, for which ``Rz @ Rx @ Ry`` are the rotations (F, 3, 3)."""
    about_x = np.arcsin(np.clip(rotation[:, 2, 1], -1, 1))
    about_z = np.arctan2(-rotation[:, 0, 1], rotation[:, 1, 1])
    about_y = np.arctan2(-rotation[:, 2, 0], rotation[:, 2, 2])
    return np.stack([about_z, about_x, about_y], axis=-1)
