"""Small synthetic people in BVH files."""

from __future__ import annotations

import math
from collections.abc import Iterable

PERSON = {
    # Joint: parent, offset in centimetres. At rest an upright person with hanging arms, facing +z, left at +x, y up.
    "Hips": ("", (0, 0, 0)),
    "LeftUpLeg": ("Hips", (10, -5, 0)),
    "LeftLeg": ("LeftUpLeg", (0, -42, 0)),
    "LeftFoot": ("LeftLeg", (0, -42, 0)),
    "RightUpLeg": ("Hips", (-10, -5, 0)),
    "RightLeg": ("RightUpLeg", (0, -42, 0)),
    "RightFoot": ("RightLeg", (0, -42, 0)),
    "Spine": ("Hips", (0, 22, 0)),
    "Neck": ("Spine", (0, 28, 0)),
    "Head": ("Neck", (0, 10, 0)),
    "LeftShoulder": ("Spine", (4, 24, 0)),
    "LeftArm": ("LeftShoulder", (14, 0, 0)),
    "LeftForeArm": ("LeftArm", (0, -28, 0)),
    "LeftHand": ("LeftForeArm", (0, -25, 0)),
    "RightShoulder": ("Spine", (-4, 24, 0)),
    "RightArm": ("RightShoulder", (-14, 0, 0)),
    "RightForeArm": ("RightArm", (0, -28, 0)),
    "RightHand": ("RightForeArm", (0, -25, 0)),
}

Frame = dict[str, tuple[float, float, float]]
"""Z, X, Y angles in degrees by joint, and the place of the root in centimetres as ``root``."""


def bvh_text(
    tree: dict[str, tuple[str, tuple[float, float, float]]],
    frames: Iterable[Frame],
    *,
    rate_hz: float = 30.0,
) -> str:
    """BVH of a tree."""
    lines = ["HIERARCHY"]
    order: list[str] = []

    def block(name: str, depth: int) -> None:
        parent, offset = tree[name]
        order.append(name)
        pad = "  " * depth
        lines.append(f"{pad}{'JOINT' if parent else 'ROOT'} {name}")
        lines.append(pad + "{")
        lines.append(f"{pad}  OFFSET {offset[0]} {offset[1]} {offset[2]}")
        place = "" if parent else "Xposition Yposition Zposition "
        lines.append(f"{pad}  CHANNELS {3 if parent else 6} {place}Zrotation Xrotation Yrotation")
        children = [child for child, (its_parent, _) in tree.items() if its_parent == name]
        for child in children:
            block(child, depth + 1)
        if not children:
            lines.extend([f"{pad}  End Site", pad + "  {", f"{pad}    OFFSET 0 5 0", pad + "  }"])
        lines.append(pad + "}")

    block(next(iter(tree)), 0)
    rows = []
    for frame in frames:
        numbers = [*frame.get("root", (0.0, 0.0, 0.0))]
        for name in order:
            numbers += frame.get(name, (0.0, 0.0, 0.0))
        rows.append(" ".join(f"{number:.4f}" for number in numbers))
    return "\n".join([*lines, "MOTION", f"Frames: {len(rows)}", f"Frame Time: {1 / rate_hz:.6f}", *rows, ""])


def walking(num_frames: int, *, phase: float = 0.0, swing: float = 1.0) -> list[Frame]:
    """Frames of somebody who walks along +z and slowly turns, arms bent and against the legs."""
    frames = []
    for i in range(num_frames):
        stride = math.sin(0.3 * i + phase)
        frames.append(
            {
                "root": (0.0, 90.0, 3.0 * i),
                "Hips": (0.0, 0.0, 0.7 * i),
                "LeftUpLeg": (0.0, -30 * swing * stride, 0.0),
                "LeftLeg": (0.0, 25 * swing * max(0.0, -stride), 0.0),
                "RightUpLeg": (0.0, 30 * swing * stride, 0.0),
                "RightLeg": (0.0, 25 * swing * max(0.0, stride), 0.0),
                "LeftArm": (8.0, 35 * swing * stride, 0.0),
                "LeftForeArm": (0.0, -30 * swing, 0.0),
                "RightArm": (-8.0, -35 * swing * stride, 0.0),
                "RightForeArm": (0.0, -30 * swing, 0.0),
            }
        )
    return frames


def squatting(num_frames: int) -> list[Frame]:
    """Frames of somebody who goes down with arms held out in front, and up again."""
    frames = []
    for i in range(num_frames):
        depth = 0.5 - 0.5 * math.cos(0.12 * i)
        thigh, knee, arm = (0.0, -85 * depth, 0.0), (0.0, 110 * depth, 0.0), (0.0, -80 * depth, 0.0)
        frames.append(
            {
                "root": (0.0, 90 - 40 * depth, 0.0),
                "Spine": (0.0, 25 * depth, 0.0),
                **dict.fromkeys(("LeftUpLeg", "RightUpLeg"), thigh),
                **dict.fromkeys(("LeftLeg", "RightLeg"), knee),
                **dict.fromkeys(("LeftArm", "RightArm"), arm),
            }
        )
    return frames


def jumping_jacks(num_frames: int) -> list[Frame]:
    """Frames of somebody whose arms and legs go out and in together."""
    frames = []
    for i in range(num_frames):
        out = 0.5 - 0.5 * math.cos(0.25 * i)
        frames.append(
            {
                "root": (0.0, 92.0, 0.0),
                "LeftUpLeg": (22 * out, 0.0, 0.0),
                "RightUpLeg": (-22 * out, 0.0, 0.0),
                "LeftArm": (10 + 145 * out, 0.0, 0.0),
                "RightArm": (-10 - 145 * out, 0.0, 0.0),
                "LeftForeArm": (0.0, -20.0, 0.0),
                "RightForeArm": (0.0, -20.0, 0.0),
            }
        )
    return frames


def reaching_from_a_chair(num_frames: int) -> list[Frame]:
    """Frames of somebody who sits and reaches out with one arm after the other."""
    frames = []
    for i in range(num_frames):
        left, right = (max(0.0, sign * math.sin(0.1 * i)) for sign in (1, -1))
        frames.append(
            {
                "root": (0.0, 50.0, 0.0),
                "Hips": (0.0, 0.0, 20.0),
                "Spine": (0.0, 10 + 20 * max(left, right), 0.0),
                "LeftUpLeg": (8.0, -82.0, 0.0),
                "RightUpLeg": (-8.0, -82.0, 0.0),
                "LeftLeg": (0.0, 85.0, 0.0),
                "RightLeg": (0.0, 85.0, 0.0),
                "LeftArm": (5.0, -20 - 70 * left, 0.0),
                "RightArm": (-5.0, -20 - 70 * right, 0.0),
                "LeftForeArm": (0.0, -70 + 60 * left, 0.0),
                "RightForeArm": (0.0, -70 + 60 * right, 0.0),
            }
        )
    return frames
