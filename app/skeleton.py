"""The skeletons: joint names, order, parents and left/right pairs. The only place that knows them.

Left and right are the person's own, whatever side of the picture they are on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

ARM = ("shoulder", "elbow", "wrist")
"""Joints from the trunk outwards; of each there is a left and a right one."""
LEG = ("hip", "knee", "ankle")
"""The same of a leg."""


@dataclass(frozen=True)
class Skeleton:
    """A set of named joints in a fixed order.

    Attributes:
        name: identifier that files and models state.
        joints: joint names in order.
        parents: index of each joint's parent; -1 for a root, and for every joint of a set without bones.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.joints) != len(self.parents):
            raise ValueError(f"{self.name}: {len(self.joints)} joints, {len(self.parents)} parents")

    @property
    def num_joints(self) -> int:
        """Number of joints."""
        return len(self.joints)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) index pairs, ordered by child."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)

    @cached_property
    def left_right_pairs(self) -> tuple[tuple[int, int], ...]:
        """(left, right) index pairs of joints that mirror each other."""
        return tuple(
            (index, self.joints.index(name.replace("left_", "right_", 1)))
            for index, name in enumerate(self.joints)
            if name.startswith("left_")
        )

    @cached_property
    def flip_order(self) -> tuple[int, ...]:
        """Joint order after a mirror: ``xy[flip_order]`` swaps left and right."""
        order = list(range(self.num_joints))
        for left, right in self.left_right_pairs:
            order[left], order[right] = right, left
        return tuple(order)

    def side(self, joint: int) -> str:
        """``"left"``, ``"right"`` or ``"centre"``."""
        name = self.joints[joint]
        return "left" if name.startswith("left_") else "right" if name.startswith("right_") else "centre"

    def index(self, joint: str) -> int:
        """Index of a joint by name."""
        return self.joints.index(joint)


H36M17 = Skeleton(
    name="h36m17",
    joints=(
        "pelvis",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "spine",
        "thorax",
        "nose",
        "head",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
    ),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
)


def _without(skeleton: Skeleton, name: str, joint: str) -> Skeleton:
    """The skeleton less one joint, whose children go to its parent."""
    gone = skeleton.index(joint)
    kept = [index for index in range(skeleton.num_joints) if index != gone]
    parents = [skeleton.parents[gone] if skeleton.parents[i] == gone else skeleton.parents[i] for i in kept]
    return Skeleton(
        name=name,
        joints=tuple(skeleton.joints[i] for i in kept),
        parents=tuple(kept.index(parent) if parent >= 0 else -1 for parent in parents),
    )


H36M16 = _without(H36M17, "h36m16", "nose")
"""The 16-joint variant of SemGCN's public experiments: errors on it are not comparable with 17 joints."""

HUMANEVA15 = Skeleton(
    name="humaneva15",
    joints=(
        "pelvis",
        "thorax",
        *(f"{side}_{part}" for side in ("left", "right") for part in ARM),
        *(f"{side}_{part}" for side in ("left", "right") for part in LEG),
        "head",
    ),
    parents=(-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1),
)
"""HumanEva-I as the field's files hold it. Its thorax and head are not at the same places of the body as H36M's."""

COCO17 = Skeleton(
    name="coco17",
    joints=(
        "nose",
        *(f"{side}_{part}" for part in ("eye", "ear", *ARM, *LEG) for side in ("left", "right")),
    ),
    parents=(-1,) * 17,
)

MEDIAPIPE33 = Skeleton(
    name="mediapipe33",
    joints=(
        "nose",
        *(f"{side}_eye_{part}" for side in ("left", "right") for part in ("inner", "centre", "outer")),
        *(f"{side}_{part}" for part in ("ear", "mouth", *ARM, "pinky", "index", "thumb") for side in ("left", "right")),
        *(f"{side}_{part}" for part in (*LEG, "heel", "foot_index") for side in ("left", "right")),
    ),
    parents=(-1,) * 33,
)


def part_of(joint: str) -> str:
    """A joint's name without its side."""
    return joint.removeprefix("left_").removeprefix("right_")


SKELETONS = {skeleton.name: skeleton for skeleton in (H36M17, H36M16, HUMANEVA15, COCO17, MEDIAPIPE33)}

CANONICAL_BONE_SUM_M = 4.15
"""Sum of the 16 bone lengths of the H36M-17 skeleton of an average adult: the scale of a person of unknown height."""
