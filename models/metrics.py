"""Errors of predicted poses. numpy only. Joints are (..., J, 3); results have the unit of the input.

Protocol 1 of Human3.6M is ``mpjpe`` of poses relative to the pelvis, Protocol 2 is ``p_mpjpe``.
"""

from __future__ import annotations

import numpy as np

from ..arrays import FloatArray
from ..motion_quality import align


def mpjpe(predicted: FloatArray, true: FloatArray) -> FloatArray:
    """Mean distance of the joints, per pose (...). Both poses must be relative to the same joint."""
    distances: FloatArray = np.linalg.norm(predicted - true, axis=-1).mean(axis=-1)
    return distances


def n_mpjpe(predicted: FloatArray, true: FloatArray) -> FloatArray:
    """``mpjpe`` after the best uniform scale for each pose, about the origin."""
    numerator = (predicted * true).sum(axis=(-2, -1), keepdims=True)
    denominator = (predicted * predicted).sum(axis=(-2, -1), keepdims=True)
    return mpjpe(predicted * (numerator / np.maximum(denominator, 1e-12)), true)


def p_mpjpe(predicted: FloatArray, true: FloatArray) -> FloatArray:
    """``mpjpe`` after the best rotation, uniform scale and shift for each pose.

    Reflections are not allowed: a mirrored person is an error.
    """
    return mpjpe(align(predicted, true), true)


def mpjve(predicted: FloatArray, true: FloatArray) -> FloatArray:
    """Mean distance of the joints' velocities per frame of sequences (..., F, J, 3): one number a sequence (...)."""
    velocity_error = np.diff(predicted, axis=-3) - np.diff(true, axis=-3)
    distances: FloatArray = np.linalg.norm(velocity_error, axis=-1).mean(axis=(-2, -1))
    return distances
