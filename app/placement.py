"""Where the person stands: an estimate of the pelvis position in camera axes, for showing.

A lifted pose has no place in the room. Given the assumed field of view and the pose's own scale, the translation that
best reprojects it onto its 2D joints is a linear least-squares problem in three unknowns. Both assumptions scale the
distance, so this is an estimate and is never exported as a measurement.
"""

from __future__ import annotations

import numpy as np

from .datatypes import Float32Array

_MIN_WEIGHTED_JOINTS = 4
_DISTANCE_RANGE_M = (0.3, 30.0)


def place_root(xyz_m: Float32Array, xy: Float32Array, confidence: Float32Array) -> Float32Array | None:
    """Find the pelvis position that reprojects the pose onto its 2D joints.

    In a pinhole camera, joint j satisfies ``X_j + t = u_j (Z_j + t_z)`` for its two coordinates, which is linear in t;
    rows are weighted with the joint's confidence.

    Args:
        xyz_m: (17, 3) pelvis-relative pose in camera axes, metres.
        xy: (17, 2) on the plane at distance 1 from the camera.
        confidence: (17,) weights in [0, 1].

    Returns:
        (3,) float32 metres, or None where too few joints are known or the solution is not in front of the camera.
    """
    known = np.isfinite(xyz_m).all(axis=-1) & np.isfinite(xy).all(axis=-1) & (confidence > 0)
    if known.sum() < _MIN_WEIGHTED_JOINTS:
        return None
    points, image = xyz_m[known].astype(np.float64), xy[known].astype(np.float64)
    weights = np.repeat(confidence[known].astype(np.float64), 2)
    rows = np.zeros((len(points), 2, 3))
    rows[:, 0, 0] = rows[:, 1, 1] = 1
    rows[:, :, 2] = -image
    wanted = image * points[:, 2:] - points[:, :2]
    system = rows.reshape(-1, 3) * weights[:, None]
    normal = system.T @ system
    if np.linalg.cond(normal) > 1e8:
        return None
    root_m = np.linalg.solve(normal, system.T @ (wanted.reshape(-1) * weights))
    if not _DISTANCE_RANGE_M[0] <= root_m[2] <= _DISTANCE_RANGE_M[1]:
        return None
    return root_m.astype(np.float32)
