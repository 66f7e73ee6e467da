"""Plausible poses and people for tests of what is drawn. Camera axes: x right, y down, z away, facing the camera."""

from __future__ import annotations

import numpy as np
from posedemo.arrays import Float32Array
from posedemo.datatypes import Keypoints2D, Person, Pose3D
from posedemo.skeleton import H36M17

PICTURE_WH = (1280, 720)
_STANDING = {
    "pelvis": (0.0, 0.0, 0.0), "spine": (0.0, -0.24, -0.01), "thorax": (0.0, -0.49, 0.0), "nose": (0.0, -0.58, -0.09),
    "head": (0.0, -0.70, 0.0), "hip": (0.13, 0.0, 0.0), "knee": (0.15, 0.45, -0.02), "ankle": (0.16, 0.88, 0.03),
    "shoulder": (0.17, -0.46, 0.01), "elbow": (0.24, -0.20, 0.03), "wrist": (0.27, 0.04, -0.05),
}  # fmt: skip


def make_pose(**moved: tuple[float, float, float]) -> Float32Array:
    """(17, 3) metres: standing, but for the joints that are given, such as ``left_wrist=(0.4, -0.9, 0)``."""
    sides = {"left": 1.0, "right": -1.0, "centre": 1.0}
    rows = []
    for index, name in enumerate(H36M17.joints):
        x, y, z = _STANDING[name.removeprefix("left_").removeprefix("right_")]
        rows.append(moved.get(name, (x * sides[H36M17.side(index)], y, z)))
    return np.array(rows, np.float32)


STANDING = make_pose()
ARMS_UP = make_pose(
    left_elbow=(0.36, -0.62, 0.0), left_wrist=(0.42, -0.88, 0.0),
    right_elbow=(-0.36, -0.62, 0.0), right_wrist=(-0.42, -0.88, 0.0),
)  # fmt: skip


def make_person(
    xyz_m: Float32Array = STANDING,
    track_id: int = 0,
    root_m: tuple[float, float, float] | None = (0.0, 0.0, 3.5),
    confidence: float = 0.9,
) -> Person:
    """A person with a lifted pose, and keypoints as a camera of 60 degrees sees them."""
    root = np.array((0, 0, 3.5) if root_m is None else root_m, np.float32)
    in_camera = xyz_m + root
    focal_px = PICTURE_WH[0] / 2 / np.tan(np.radians(30))
    xy_px = in_camera[:, :2] / in_camera[:, 2:] * focal_px + np.array(PICTURE_WH) / 2
    confidences = np.full(len(xyz_m), confidence, np.float32)
    keypoints = Keypoints2D(xy_px.astype(np.float32), confidences)
    return Person(track_id, keypoints, Pose3D(xyz_m, confidences), None if root_m is None else root)
