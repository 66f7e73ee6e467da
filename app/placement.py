"""Where the person stands: an estimate of the pelvis position in camera axes, for showing.

A lifted pose has no place in the room. Given the assumed field of view and the pose's own scale, the translation that
best reprojects it onto its 2D joints is a linear least-squares problem in three unknowns. Both assumptions scale the
distance, so this is an estimate and is never exported as a measurement.
"""

from __future__ import annotations

import numpy as np

from .arrays import Float32Array

_MIN_WEIGHTED_JOINTS = 4
_DISTANCE_RANGE_M = (0.3, 30.0)
_LEAST_EXTENT = 1e-4
"""Joints that spread less than this in the picture, on the plane at distance 1, are a point: a tenth of a pixel."""
_UNKNOWN = np.float32(np.nan)
_NEAREST_M = 0.05
"""No camera is nearer to a joint than this, half a hand."""


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
    # A sum is as little a number as the coordinate in it that is none.
    known = np.isfinite(xyz_m.sum(axis=-1) + xy.sum(axis=-1)) & (confidence > 0)
    if np.count_nonzero(known) < _MIN_WEIGHTED_JOINTS:
        return None
    points, image = xyz_m[known].astype(np.float64), xy[known].astype(np.float64)
    weights = confidence[known].astype(np.float64) ** 2
    weights /= weights.sum()
    # The best shift to the side is the mean over the joints whatever the depth is, which leaves one unknown.
    wanted = image * points[:, 2:] - points[:, :2]
    image_mean, wanted_mean = weights @ image, weights @ wanted
    spread = image - image_mean
    extent = float((weights @ (spread * spread)).sum())
    if extent < _LEAST_EXTENT**2:
        return None
    depth_m = -float((weights @ (spread * (wanted - wanted_mean))).sum()) / extent
    if not _DISTANCE_RANGE_M[0] <= depth_m <= _DISTANCE_RANGE_M[1]:
        return None
    return np.array([*(wanted_mean + depth_m * image_mean), depth_m], np.float32)


def project(xyz_m: Float32Array, root_m: Float32Array) -> Float32Array:
    """Where a pinhole camera sees a placed pose.

    Args:
        xyz_m: (17, 3) pelvis-relative pose in camera axes, metres; NaN where a joint is unknown.
        root_m: (3,) where its pelvis is.

    Returns:
        (17, 2) on the plane at distance 1 from the camera; NaN where a joint is unknown or not in front of the camera.
    """
    points_m = xyz_m + root_m
    depth_m = np.where(points_m[:, 2:] >= _NEAREST_M, points_m[:, 2:], _UNKNOWN)
    return (points_m[:, :2] / depth_m).astype(np.float32, copy=False)
