"""Turn the camera to a person: what a pinhole camera would see if its axis went through their pelvis.

A person beside the optical axis is seen from another side than one on it: at 20 degrees off, a lifter that is only told
where the joints are relative to the pelvis leans the body by up to 20 degrees. So every frame is turned until the
pelvis lies on the axis, and the lifted pose is turned back. The turn has no roll: first about the vertical, then up or
down, so that a level camera stays level. Such a virtual camera is what perspective crop layers have: F. Yu,
M. Salzmann, P. Fua, H. Rhodin, "PCLs: Geometry-aware Neural Reconstruction of 3D Pose with Perspective Crop Layers",
CVPR 2021.

Points in the picture are here on the plane at distance 1 from the camera: x/z right, y/z down. The sums are written
with operators alone, so that training, on tensors, shares them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Float32Array
from .skeleton import H36M17

LEAST_DEPTH = 0.2
"""Of a joint's direction along the axis, once turned. A guess 80 degrees away from the pelvis has no picture."""

_PELVIS = H36M17.index("pelvis")

Rows = tuple[tuple[Any, Any, Any], ...]


def sight_rows(x: Any, y: Any) -> Rows:
    """Rows of the rotations that bring the directions (x, y, 1) onto the camera's axis, entry by entry.

    Args:
        x: array or tensor, to the right.
        y: the same shape, down.

    Returns:
        Three rows of three entries, each of the shape of ``x``.
    """
    across = (1 + x * x) ** 0.5
    away = (across * across + y * y) ** 0.5
    cos_yaw, sin_yaw = 1 / across, x / across
    cos_pitch, sin_pitch = across / away, y / away
    return (
        (cos_yaw, 0 * cos_yaw, -sin_yaw),
        (-sin_pitch * sin_yaw, cos_pitch, -sin_pitch * cos_yaw),
        (cos_pitch * sin_yaw, sin_pitch, cos_pitch * cos_yaw),
    )


def turned_direction(rows: Rows, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """The directions (x, y, 1) after the rotation; entries of ``rows`` must broadcast with ``x`` and ``y``."""
    first, second, third = (row[0] * x + row[1] * y + row[2] for row in rows)
    return first, second, third


def turn_to_pelvis(xy: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Turn every frame's camera to its pelvis.

    Args:
        xy: (..., 17, 2) points on the plane at distance 1.

    Returns:
        The same points in the turned picture, (..., 17, 2), the pelvis at the origin; and the rotations
        (..., 3, 3) into the turned camera's axes: a pose comes back by ``xyz @ rotation``.
    """
    rows = sight_rows(xy[..., _PELVIS, 0], xy[..., _PELVIS, 1])
    by_joint: Rows = tuple((a[..., None], b[..., None], c[..., None]) for a, b, c in rows)
    right, down, away = turned_direction(by_joint, xy[..., 0], xy[..., 1])
    turned = np.empty(xy.shape, np.float32)
    rotations = np.empty((*xy.shape[:-2], 3, 3), np.float32)
    away = np.maximum(away, LEAST_DEPTH)
    turned[..., 0], turned[..., 1] = right / away, down / away
    for number, row in enumerate(rows):
        for place, entry in enumerate(row):
            rotations[..., number, place] = entry
    return turned, rotations
