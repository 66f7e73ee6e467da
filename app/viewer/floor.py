"""The floor: a pool of light, a grid that recedes into the background, and soft contact shadows. numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Float32Array
from .solids import IntArray, circle, floats, lattice
from .standing import StandingPerson
from .theme import Theme

FLOOR_RADIUS_M = 5.0
_FLOOR_RINGS, _FLOOR_SIDES = 16, 32
_GRID_STEP_M = 0.5
_GRID_RADIUS_SHARE = 0.85
# Above each other by a hair, so that none flickers through the next.
_SHADOW_HEIGHT_M, _GRID_HEIGHT_M = 0.002, 0.004
_SHADOW_RADIUS_M = 0.9
_SHADOW_RINGS = floats([0.0, 0.07, 0.15, 0.24, 0.34, 0.45, 0.57, 0.7, 0.84, 1.0])
_SHADOW_SIDES = 24
_BLUR_M, _BLUR_PER_HEIGHT = 0.075, 0.20
"""A shadow is as wide as this on the floor, and widens with the height of what throws it."""

_STRENGTH = 0.55
_FADE_HEIGHT_M = 0.30


class Floor:
    """Vertices and colours of everything that lies flat.

    Args:
        theme: colours.
        max_people: how many shadows there are.

    Attributes:
        vertices: (V, 3) of the lit floor, metres; static, as are ``colors`` and ``triangles``.
        grid_points: (P, 3) ends of the grid's lines, with ``grid_colors`` (P, 3) and ``grid_lines`` (L, 2).
        shadow_triangles: (F, 3), static; their vertices and colours come from ``shadows``.
    """

    def __init__(self, theme: Theme, *, max_people: int) -> None:
        self._theme = theme
        self._max_people = max_people
        self.vertices = _disc(np.linspace(0, 1, _FLOOR_RINGS, dtype=np.float32) * FLOOR_RADIUS_M, _FLOOR_SIDES)
        self.triangles: IntArray = lattice(_FLOOR_RINGS, _FLOOR_SIDES)
        self.colors = self._lit(self.vertices)
        self.grid_points, self.grid_lines = _grid()
        self.grid_colors = self._gridded(self.grid_points)
        self._patch = _disc(_SHADOW_RINGS * _SHADOW_RADIUS_M, _SHADOW_SIDES)
        # A shadow ends before its patch does.
        rim = np.repeat(np.clip((1 - _SHADOW_RINGS) / 0.3, 0, 1), _SHADOW_SIDES)
        self._patch_weight: Float32Array = rim.astype(np.float32)
        patch = lattice(len(_SHADOW_RINGS), _SHADOW_SIDES)
        self.shadow_triangles: IntArray = np.concatenate([patch + i * len(self._patch) for i in range(max_people)])

    def shadows(self, people: Sequence[StandingPerson]) -> tuple[Float32Array, Float32Array]:
        """Vertices (V, 3) and colours (V, 3) of the contact shadows; those of absent people are collapsed."""
        vertices = np.zeros((self._max_people, len(self._patch), 3), np.float32)
        shown = people[: self._max_people]
        for patch, person in zip(vertices, shown, strict=False):
            middle = np.nanmean(person.joints_m, axis=0) if np.isfinite(person.joints_m).any() else np.zeros(3)
            patch[:] = self._patch + floats([middle[0], _SHADOW_HEIGHT_M, middle[2]])
        colors = np.zeros_like(vertices)
        for index, patch in enumerate(vertices[: len(shown)]):
            light = np.ones(len(patch), np.float32)
            for other, person in enumerate(shown):
                weight = self._patch_weight if other == index else 1.0
                light *= 1 - weight * _darkness(patch, person)
            shadow = floats(self._theme.shadow)
            colors[index] = shadow + (self._lit(patch) - shadow) * light[:, None]
        return vertices.reshape(-1, 3), colors.reshape(-1, 3)

    def _lit(self, points: Float32Array) -> Float32Array:
        radius = np.linalg.norm(points[:, [0, 2]], axis=-1, keepdims=True) / FLOOR_RADIUS_M
        pool = np.clip(1 - radius, 0, 1) ** 2 * (1 + 2 * np.clip(radius, 0, 1))
        background = floats(self._theme.background)
        lit: Float32Array = background + (floats(self._theme.floor) - background) * pool
        return lit

    def _gridded(self, points: Float32Array) -> Float32Array:
        radius = np.linalg.norm(points[:, [0, 2]], axis=-1, keepdims=True) / FLOOR_RADIUS_M
        lit = self._lit(points)
        gridded: Float32Array = (
            lit + (floats(self._theme.grid) - lit) * np.clip(1 - radius / _GRID_RADIUS_SHARE, 0, 1) ** 1.3
        )
        return gridded


def _disc(radii_m: Float32Array, num_sides: int) -> Float32Array:
    cosine, sine = circle(num_sides)
    points = np.zeros((len(radii_m), num_sides, 3), np.float32)
    points[..., 0] = radii_m[:, None] * cosine
    points[..., 2] = radii_m[:, None] * sine
    return points.reshape(-1, 3)


def _grid() -> tuple[Float32Array, IntArray]:
    """Ends of short pieces of line, so that colours can fade along each line."""
    steps = np.arange(-round(FLOOR_RADIUS_M / _GRID_STEP_M), round(FLOOR_RADIUS_M / _GRID_STEP_M) + 1) * _GRID_STEP_M
    x, z = np.meshgrid(steps, steps, indexing="ij")
    points = np.stack([x, np.full_like(x, _GRID_HEIGHT_M), z], axis=-1).reshape(-1, 3).astype(np.float32)
    index = np.arange(len(points)).reshape(x.shape)
    lines = np.concatenate(
        [
            np.stack([index[:-1], index[1:]], axis=-1).reshape(-1, 2),
            np.stack([index[:, :-1], index[:, 1:]], axis=-1).reshape(-1, 2),
        ]
    )
    is_inside = (np.linalg.norm(points[lines][..., [0, 2]], axis=-1) < _GRID_RADIUS_SHARE * FLOOR_RADIUS_M).all(axis=-1)
    return points, lines[is_inside].astype(np.int32)


def _darkness(points: Float32Array, person: StandingPerson) -> Float32Array:
    """How much of the light a person takes from points (V, 3) on the floor, in [0, 1]: a soft blob under each joint."""
    is_known = np.isfinite(person.joints_m).all(axis=-1)
    joints_m = person.joints_m[is_known]
    height_m = np.clip(joints_m[:, 1], 0, None)
    blur_m = _BLUR_M + _BLUR_PER_HEIGHT * height_m
    # What is a mere guess throws no shadow.
    strength = _STRENGTH * person.seen[is_known] * (0.10 + 0.90 * np.exp(-height_m / _FADE_HEIGHT_M))
    distance = points[:, None, [0, 2]] - joints_m[None, :, [0, 2]]
    blobs = strength * np.exp(-0.5 * (distance**2).sum(axis=-1) / blur_m**2)
    darkness: Float32Array = 1 - np.prod(1 - blobs, axis=1)
    return darkness
