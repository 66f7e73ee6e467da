"""Training losses, on tensors. Joints are (N, J, 3), relative to the pelvis."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .bodies import to_bones


def mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean Euclidean distance of the joints: the metric itself, and less moved by rare large errors than the square."""
    distances: Tensor = torch.linalg.vector_norm(predicted - true, dim=-1)
    return distances.mean()


def joints_squared(predicted: Tensor, true: Tensor) -> Tensor:
    """Joint term of SemGCN's Eq. 7, as the mean of squared coordinates: only the scale differs from the paper's sum."""
    return (predicted - true).square().mean()


def joints_and_bones_squared(predicted: Tensor, true: Tensor) -> Tensor:
    """Both terms of SemGCN's Eq. 7: joints and bone vectors ``J_i - J_parent(i)``, with equal weights."""
    return joints_squared(predicted, true) + joints_squared(to_bones(predicted), to_bones(true))


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mpjpe": mpjpe,
    "joints": joints_squared,
    "joints+bones": joints_and_bones_squared,
}
