"""How far two lifters disagree about the same moment, limb by limb. numpy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..datatypes import Pose3D
from ..skeleton import H36M17

_LIMBS = {
    "head": ("nose", "head"),
    "trunk": ("spine", "thorax"),
    "left arm": ("left_shoulder", "left_elbow", "left_wrist"),
    "right arm": ("right_shoulder", "right_elbow", "right_wrist"),
    "left leg": ("left_hip", "left_knee", "left_ankle"),
    "right leg": ("right_hip", "right_knee", "right_ankle"),
}
_JOINTS = {limb: [H36M17.index(joint) for joint in joints] for limb, joints in _LIMBS.items()}

LIMBS = tuple(_LIMBS)
"""In the order in which they are told; the person's own left and right."""


def disagreement_mm(pose: Pose3D, ghost: Pose3D) -> Mapping[str, float]:
    """Mean distance between the joints of two poses of one person, both measured from the pelvis.

    Nothing is aligned beforehand: a ghost that is turned or that is smaller disagrees for that.

    Returns:
        Millimetres by limb, in the order of ``LIMBS``; limbs of which no joint is known to both are left out.
    """
    apart_mm = 1e3 * np.linalg.norm(pose.xyz_m.astype(np.float64) - ghost.xyz_m, axis=-1)
    known = {limb: apart_mm[joints][np.isfinite(apart_mm[joints])] for limb, joints in _JOINTS.items()}
    return {limb: float(distances_mm.mean()) for limb, distances_mm in known.items() if len(distances_mm)}
