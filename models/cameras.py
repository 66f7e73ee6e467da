"""Virtual cameras: where they stand, and true perspective. Fields of view follow from how far off-centre people are."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..sight import LEAST_DEPTH, Rows, sight_rows, turned_direction
from .chance import Chance
from .rotations import X_AXIS, Y_AXIS, Z_AXIS, about_axis, turn

_DISTANCE_M = (1.2, 8.0)
_PITCH_DEG = (8.0, 16.0)
"""Mean and standard deviation; positive looks down on the person."""
_ROLL_DEG = (12.0, 30.0)
"""Standard deviation and limit: clips filmed with a tilted phone lose 15 mm where training had only 7 degrees."""
_OFF_CENTRE = 0.2
"""Standard deviation of the person's place beside the optical axis, as a share of the distance."""
_FIELD_OF_VIEW_SPREAD = 0.15
"""Standard deviation of the logarithm of the true field of view over the one that the run time assumes: webcams have
55 to 80 degrees."""
_NEAREST_M = 0.25
"""No joint is nearer to the camera than this: points beside or behind a pinhole have no picture."""

_TO_CAMERA_AXES = torch.tensor([1.0, -1.0, -1.0])
"""World: y up, a person who faces the camera faces +z. Camera: x right, y down, z away."""


def draw_headings(chance: Chance, count: int) -> Tensor:
    """Rotations (N, 3, 3) of the world before a level camera: any heading."""
    return about_axis(Y_AXIS, chance.uniform(count, low=-math.pi, high=math.pi))


def draw_rotations(chance: Chance, count: int) -> Tensor:
    """Rotations (N, 3, 3) of the world before the camera: any heading, then pitch, then roll."""
    heading = draw_headings(chance, count)
    pitch_deg = _PITCH_DEG[0] + _PITCH_DEG[1] * chance.normal(count)
    roll_deg = (_ROLL_DEG[0] * chance.normal(count)).clamp(-_ROLL_DEG[1], _ROLL_DEG[1])
    pitch = about_axis(X_AXIS, torch.deg2rad(pitch_deg))
    roll = about_axis(Z_AXIS, torch.deg2rad(roll_deg))
    return roll @ pitch @ heading


def draw_places(chance: Chance, count: int) -> Tensor:
    """Where the person's origin is from the camera: (N, 3) metres, camera axes."""
    distance_m = chance.log_uniform(count, low=_DISTANCE_M[0], high=_DISTANCE_M[1])
    beside = _OFF_CENTRE * chance.normal(count, 2).clamp(-2, 2)
    return torch.cat([beside * distance_m[:, None], distance_m[:, None]], dim=1)


def to_camera_axes(xyz_m: Tensor, rotations: Tensor) -> Tensor:
    """Turn world points (N, ..., 3) by rotations (N, 3, 3) and into camera axes."""
    return turn(_TO_CAMERA_AXES[:, None] * rotations, xyz_m)


def project(xyz_m: Tensor) -> Tensor:
    """Perspective: points (..., 3) in camera axes to (..., 2) on the plane at distance 1, x right, y down."""
    return xyz_m[..., :2] / xyz_m[..., 2:].clamp(min=_NEAREST_M)


def misjudge_field_of_view(xy: Tensor, chance: Chance) -> Tensor:
    """What points (N, ..., 2) on the plane at distance 1 become for somebody who can only guess the field of view."""
    factors = torch.exp(_FIELD_OF_VIEW_SPREAD * chance.normal(len(xy)))
    return xy * factors.reshape(-1, *(1,) * (xy.ndim - 1))


def turn_to_joint(xy: Tensor, joint: int) -> tuple[Tensor, Tensor]:
    """``posedemo.sight.turn_to_pelvis`` on tensors: (..., J, 2) to the turned points and the rotations (..., 3, 3)."""
    rows = sight_rows(xy[..., joint, 0], xy[..., joint, 1])
    by_joint: Rows = tuple((a[..., None], b[..., None], c[..., None]) for a, b, c in rows)
    right, down, away = turned_direction(by_joint, xy[..., 0], xy[..., 1])
    turned = torch.stack([right, down], dim=-1) / away.clamp(min=LEAST_DEPTH)[..., None]
    return turned, torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
