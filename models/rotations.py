"""Rotation matrices on tensors, for right-handed axes and column vectors: ``turned = R @ vector``."""

from __future__ import annotations

import torch
from torch import Tensor

X_AXIS, Y_AXIS, Z_AXIS = 0, 1, 2


def about_axis(axis: int, angle_rad: Tensor) -> Tensor:
    """Matrices (..., 3, 3) that turn about a coordinate axis by angles (...)."""
    vector = torch.zeros(*angle_rad.shape, 3)
    vector[..., axis] = angle_rad
    return from_vector(vector)


def from_vector(vector_rad: Tensor) -> Tensor:
    """Matrices (..., 3, 3) from rotation vectors (..., 3): axis times angle, by Rodrigues' formula."""
    angle_rad: Tensor = torch.linalg.vector_norm(vector_rad, dim=-1, keepdim=True)
    x, y, z = (vector_rad / angle_rad.clamp(min=1e-9)).unbind(dim=-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*x.shape, 3, 3)
    angle_rad = angle_rad.unsqueeze(-1)
    return torch.eye(3) + angle_rad.sin() * cross - (angle_rad.cos() - 1) * (cross @ cross)


def between(start: Tensor, end: Tensor) -> Tensor:
    """Matrices (..., 3, 3) of the shortest turns that bring vectors (..., 3) to the direction of others."""
    start, end = (v / torch.linalg.vector_norm(v, dim=-1, keepdim=True).clamp(min=1e-9) for v in (start, end))
    axis = torch.linalg.cross(start, end)
    sine: Tensor = torch.linalg.vector_norm(axis, dim=-1, keepdim=True)
    angle_rad = torch.atan2(sine, (start * end).sum(dim=-1, keepdim=True))
    return from_vector(axis / sine.clamp(min=1e-9) * angle_rad)


def turn(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Turn vectors (*L, ..., 3) by matrices (*L, 3, 3): each of those all vectors that follow its dimensions."""
    leading = matrices.shape[:-2]
    return (vectors.reshape(*leading, -1, 3) @ matrices.transpose(-1, -2)).reshape(vectors.shape)
