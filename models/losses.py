"""Training losses, on tensors. Joints are (..., J, 3), relative to the pelvis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ..errors import ConfigError
from ..skeleton import H36M17, Skeleton


def mpjpe(predicted: Tensor, true: Tensor, skeleton: Skeleton = H36M17) -> Tensor:
    """Mean Euclidean distance of the joints: the metric itself, and less moved by rare large errors than the square."""
    distances: Tensor = torch.linalg.vector_norm(predicted - true, dim=-1)
    return distances.mean()


def joints_squared(predicted: Tensor, true: Tensor, skeleton: Skeleton = H36M17) -> Tensor:
    """Joint term of SemGCN's Eq. 7, as the mean of squared coordinates: only the scale differs from the paper's sum."""
    return (predicted - true).square().mean()


def joints_and_bones_squared(predicted: Tensor, true: Tensor, skeleton: Skeleton = H36M17) -> Tensor:
    """Both terms of SemGCN's Eq. 7: joints and bone vectors ``J_i - J_parent(i)``, with equal weights."""
    # The root is its own parent here: a bone of length zero, which keeps both means over the same number of terms.
    parents = [max(parent, 0) for parent in skeleton.parents]
    error = predicted - true
    return error.square().mean() + (error - error[..., parents, :]).square().mean()


LOSSES: dict[str, Callable[..., Tensor]] = {
    "mpjpe": mpjpe,
    "joints": joints_squared,
    "joints+bones": joints_and_bones_squared,
}
"""Each takes the predicted poses, the true ones, and optionally the skeleton that they are of."""


def loss_of(name: str, skeleton: Skeleton) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss for poses of a skeleton.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in LOSSES:
        raise ConfigError(f"unknown loss '{name}'", hint=f"there are: {', '.join(LOSSES)}")
    return partial(LOSSES[name], skeleton=skeleton)
