"""What is not a fact as a mesh: a body of hoops that one sees through. numpy only.

Open3D's unlit meshes have no transparency; between hoops there is air, and what is behind shows.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float32Array
from ..skeleton import H36M17, part_of
from .figure import BONE_RADII_M, BONES, HEAD_RADIUS_M, bones_of, head_of
from .solids import IntArray, circle, floats, frames_along, shade, two_sided
from .theme import PersonColors, Theme

_HOOP_STEP_M, _HOOP_WIDTH_M = 0.042, 0.011
_NUM_SIDES = 10
_GIRTH = 1.12
"""Hoops are this much wider than a body, so that they lie around one that is in the same place."""

_USUAL_LENGTHS_M = {
    "hip": 0.13, "knee": 0.44, "ankle": 0.44, "spine": 0.24, "thorax": 0.25, "nose": 0.16, "shoulder": 0.16,
    "elbow": 0.28, "wrist": 0.25,
}  # fmt: skip
"""Of the bone that ends at a joint: how many hoops it gets."""

_NUM_HEAD_HOOPS = 5
_STRENGTH = 0.62
_SECOND_STRENGTH, _SECOND_PALENESS = 0.85, 0.45
_NOSE, _HEAD = H36M17.index("nose"), H36M17.index("head")


class GhostFigure:
    """Turns joints into hoops of fixed topology.

    Args:
        theme: colours.

    Attributes:
        triangles: (F, 3) int32.
        num_vertices: V.
    """

    def __init__(self, theme: Theme) -> None:
        self._background = floats(theme.background)
        self._theme = theme
        bones, shares, radii = [], [], []
        for bone, (_, child) in enumerate(BONES):
            part = part_of(H36M17.joints[child])
            share = _spread(max(2, round(_USUAL_LENGTHS_M[part] / _HOOP_STEP_M)))
            first, last = BONE_RADII_M[part]
            bones += [np.full(len(share), bone)]
            shares += [share]
            radii += [first + (last - first) * share]
        head = _spread(_NUM_HEAD_HOOPS)
        bones += [np.full(len(head), len(BONES))]
        shares += [head]
        radii += [HEAD_RADIUS_M * np.sqrt(1 - (2 * head - 1) ** 2)]
        self._bones = np.concatenate(bones)
        self._shares = floats(np.concatenate(shares))[:, None]
        self._radii_m = floats(np.concatenate(radii)) * floats(_GIRTH)
        children = [child for _, child in BONES] + [_HEAD]
        self._children = np.asarray(children)
        self._parents = np.asarray([parent for parent, _ in BONES] + [_NOSE])
        self._sides = [H36M17.side(child) for child in children]
        hoop = two_sided(_hoop())
        num_hoops = len(self._bones)
        self.triangles: IntArray = np.concatenate([hoop + i * 2 * _NUM_SIDES for i in range(num_hoops)])
        self.num_vertices = num_hoops * 2 * _NUM_SIDES

    def draw(
        self, joints_m: Float32Array, strength: Float32Array, slot: int = 0, *, is_second: bool = False
    ) -> tuple[Float32Array, Float32Array]:
        """Vertices and colours of a ghost.

        Args:
            joints_m: (17, 3) room axes, metres; NaN where unknown.
            strength: (17,) in [0, 1]: at 0, a joint's bones are not drawn.
            slot: which colours it wears.
            is_second: it belongs beside a body, and is paler than that, rather than to it.

        Returns:
            (V, 3) vertices in metres, (V, 3) colours in [0, 1].
        """
        bones, head = bones_of(joints_m), head_of(joints_m)
        centre_m, up, half_m = head if head is not None else (np.zeros(3), floats([0, 1, 0]), 0.0)
        starts_m = np.vstack([bones.starts_m, centre_m - half_m * up])
        axes = np.vstack([bones.axes, up]).astype(np.float32)
        lengths_m = np.append(bones.lengths_m[:, 0], 2 * half_m)
        drawn = np.maximum(strength[self._parents], strength[self._children]) * (lengths_m > 0)
        across, other = frames_along(axes)
        cosine, sine = circle(_NUM_SIDES)
        normals = (cosine[:, None] * across[:, None] + sine[:, None] * other[:, None])[self._bones]  # (N, S, 3)
        width_m = floats([-0.5, 0.5]) * floats(_HOOP_WIDTH_M)
        along_m = self._shares * lengths_m[self._bones][:, None] + width_m  # (N, 2)
        middle = starts_m[self._bones][:, None] + along_m[..., None] * axes[self._bones][:, None]  # (N, 2, 3)
        points = middle[:, :, None] + self._radii_m[:, None, None, None] * normals[:, None]  # (N, 2, S, 3)
        is_drawn = drawn[self._bones] > 0
        colors = (
            self._colors(self._theme.person(slot), drawn, is_second)[self._bones][:, None]
            * shade(normals)[0][..., None]
        )
        colors = np.broadcast_to(colors[:, None], points.shape)
        vertices = np.where(is_drawn[:, None, None, None], points, 0).astype(np.float32)
        return vertices.reshape(-1, 3), np.clip(colors, 0, 1).reshape(-1, 3).astype(np.float32)

    def _colors(self, wears: PersonColors, drawn: Float32Array, is_second: bool) -> Float32Array:
        """(B, 3) unlit, one a bone."""
        sides = floats([wears.side(side) for side in self._sides])
        if is_second:
            sides = sides + (floats(self._theme.joints) - sides) * floats(_SECOND_PALENESS)
        strength = (_SECOND_STRENGTH if is_second else _STRENGTH) * drawn[:, None]
        colors: Float32Array = self._background + (sides - self._background) * strength
        return colors


def _spread(number: int) -> Float32Array:
    """Evenly, with half a step at either end."""
    return (np.arange(number, dtype=np.float32) + floats(0.5)) / floats(number)


def _hoop() -> IntArray:
    """(F, 3) triangles between two rings, closed around."""
    here = np.arange(_NUM_SIDES)
    beside = (here + 1) % _NUM_SIDES
    above, above_beside = here + _NUM_SIDES, beside + _NUM_SIDES
    triangles = np.concatenate([np.stack([here, beside, above_beside], -1), np.stack([here, above_beside, above], -1)])
    return triangles.astype(np.int32)
