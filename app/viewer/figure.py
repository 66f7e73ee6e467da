"""The body of one person as a mesh: joints in, vertices and colours out. numpy only.

The topology never changes, so a renderer uploads triangles once; what is not known is collapsed into a point.
"""

from __future__ import annotations

import numpy as np

from ..datatypes import Float32Array
from ..skeleton import H36M17
from .solids import IntArray, circle, floats, frames_along, lattice, shade, sphere
from .theme import Theme

JOINT_RADIUS_M = {
    "pelvis": 0.074, "hip": 0.066, "knee": 0.053, "ankle": 0.043, "spine": 0.078, "thorax": 0.060,
    "shoulder": 0.056, "elbow": 0.043, "wrist": 0.036, "nose": 0.024,
}  # fmt: skip
_BONE_RADII_M = {
    "hip": (0.060, 0.062), "knee": (0.078, 0.052), "ankle": (0.056, 0.033), "spine": (0.078, 0.080),
    "thorax": (0.086, 0.088), "nose": (0.046, 0.040), "shoulder": (0.050, 0.046), "elbow": (0.049, 0.037),
    "wrist": (0.040, 0.026),
}  # fmt: skip
"""Radius at the parent and at the child of the bone that ends at a joint."""

_HEAD_RADIUS_M = 0.095
_HEAD_OVERHANG_M = 0.02
"""The skull reaches this far beyond the line from nose to crown."""

_HEAD_CENTRE = floats(0.6)
"""Where the middle of the head is on that line: the tip of the nose looks out and tells which way a person faces."""

_NUM_SIDES = 14
_BONE_RINGS = floats([0.0, 0.18, 0.5, 0.82, 1.0])
_BONE_PROFILE = floats([0.62, 0.96, 1.04, 0.94, 0.62])
"""Share of the radius along a bone: waists at the ends let the joints stand out, as on an artist's mannequin."""

_JOINT_PALENESS = 0.72
_FADE_CONFIDENCE = (0.15, 0.55)
_LEAST_VISIBLE = 0.24


def _part(joint: str) -> str:
    return joint.removeprefix("left_").removeprefix("right_")


_HEAD, _NOSE = H36M17.index("head"), H36M17.index("nose")
_BONES = [(parent, child) for parent, child in H36M17.bones if child != _HEAD]
_NECK = [child for _, child in _BONES].index(_NOSE)
_BALLS = [joint for joint in range(H36M17.num_joints) if joint != _HEAD]


class Figure:
    """Turns joints into a mesh of fixed topology: tubes for bones, balls for joints, one larger ball for the head.

    Args:
        theme: colours.

    Attributes:
        triangles: (F, 3) int32.
        num_vertices: V.
    """

    def __init__(self, theme: Theme) -> None:
        self._background = floats(theme.background)
        self._light = floats(theme.light)
        sides = [floats(theme.side(H36M17.side(joint))) for joint in range(H36M17.num_joints)]
        self._bone_parents, self._bone_children = np.asarray(_BONES).T
        self._bone_colors = np.stack([sides[child] for _, child in _BONES])
        radii = floats([_BONE_RADII_M[_part(H36M17.joints[child])] for _, child in _BONES])
        along = radii[:, :1] + (radii[:, 1:] - radii[:, :1]) * _BONE_RINGS
        self._bone_radii_m = along * _BONE_PROFILE
        self._ball_radii_m = floats([JOINT_RADIUS_M[_part(H36M17.joints[joint])] for joint in _BALLS])
        self._ball_normals, ball_triangles = sphere(8, 11)
        self._head_normals, head_triangles = sphere(14, 20)
        # Joints of the trunk are part of the trunk; those of the limbs are a pale tint of their side.
        joints = floats(theme.joints)
        tints = [
            sides[joint] + (joints - sides[joint]) * (0 if H36M17.side(joint) == "centre" else _JOINT_PALENESS)
            for joint in _BALLS
        ]
        self._ball_colors = self._lit(np.stack(tints)[:, None], self._ball_normals[None])
        self._head_color = floats(theme.side("centre"))
        parts = [(lattice(len(_BONE_RINGS), _NUM_SIDES), len(_BONE_RINGS) * _NUM_SIDES)] * len(_BONES)
        parts += [(ball_triangles, len(self._ball_normals))] * len(_BALLS)
        parts += [(head_triangles, len(self._head_normals))]
        self.triangles, self.num_vertices = _joined(parts)

    def draw(self, joints_m: Float32Array, confidence: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Vertices and colours of a person.

        Args:
            joints_m: (17, 3) room axes, metres; NaN where unknown.
            confidence: (17,) in [0, 1]; the lower, the closer to the background.

        Returns:
            (V, 3) vertices in metres, (V, 3) colours in [0, 1].
        """
        low, high = _FADE_CONFIDENCE
        visible = np.clip((confidence - low) / (high - low), _LEAST_VISIBLE, 1).astype(np.float32)
        parts = [self._bones(joints_m, visible), self._balls(joints_m, visible), self._head(joints_m, visible)]
        vertices = np.concatenate([part.reshape(-1, 3) for part, _ in parts])
        colors = np.concatenate([color.reshape(-1, 3) for _, color in parts])
        return vertices, np.clip(colors, 0, 1)

    def _bones(self, joints_m: Float32Array, visible: Float32Array) -> tuple[Float32Array, Float32Array]:
        start, end = joints_m[self._bone_parents], joints_m[self._bone_children]
        end[_NECK] = _head_centre(joints_m)
        axis = end - start
        length = np.linalg.norm(axis, axis=-1, keepdims=True)
        is_drawn = np.asarray(np.isfinite(length) & (length > 1e-4))[:, 0]
        start, axis = np.where(is_drawn[:, None], start, 0), np.where(is_drawn[:, None], axis, floats([0, 1, 0]))
        across, other = frames_along(axis / np.linalg.norm(axis, axis=-1, keepdims=True))
        cosine, sine = circle(_NUM_SIDES)
        normals = cosine[:, None] * across[:, None] + sine[:, None] * other[:, None]  # (B, S, 3)
        middle = start[:, None] + _BONE_RINGS[:, None] * axis[:, None]  # (B, R, 3)
        points = middle[:, :, None] + self._bone_radii_m[:, :, None, None] * normals[:, None]  # (B, R, S, 3)
        ends = visible[self._bone_parents], visible[self._bone_children]
        seen = ends[0][:, None] + (ends[1] - ends[0])[:, None] * _BONE_RINGS  # (B, R)
        lit = self._lit(self._bone_colors[:, None], normals)[:, None]
        return points * is_drawn[:, None, None, None], self._faded(lit, seen[:, :, None, None])

    def _balls(self, joints_m: Float32Array, visible: Float32Array) -> tuple[Float32Array, Float32Array]:
        centres = joints_m[_BALLS]
        is_drawn = np.asarray(np.isfinite(centres)).all(axis=-1)
        centres = np.where(np.expand_dims(is_drawn, 1), centres, 0)
        points = centres[:, None] + np.expand_dims(self._ball_radii_m * is_drawn, (1, 2)) * self._ball_normals
        return points, self._faded(self._ball_colors, visible[_BALLS][:, None, None])

    def _head(self, joints_m: Float32Array, visible: Float32Array) -> tuple[Float32Array, Float32Array]:
        nose, crown = joints_m[_NOSE], joints_m[_HEAD]
        up = crown - nose
        height = floats(np.linalg.norm(up))
        if not height > 1e-4:
            return np.zeros_like(self._head_normals), np.zeros_like(self._head_normals)
        up = up / height
        # Stretch the unit sphere along the line from nose to crown.
        stretch = max(0.0, (height / 2 + _HEAD_OVERHANG_M) - _HEAD_RADIUS_M)
        along = self._head_normals @ up
        points = (
            nose + _HEAD_CENTRE * (crown - nose) + _HEAD_RADIUS_M * self._head_normals + stretch * along[:, None] * up
        )
        lit = self._lit(self._head_color, self._head_normals)
        return points, self._faded(lit, np.minimum(visible[_NOSE], visible[_HEAD]))

    def _lit(self, color: Float32Array, normals: Float32Array) -> Float32Array:
        diffuse, gloss = shade(normals)
        lit: Float32Array = color * diffuse[..., None] + self._light * gloss[..., None]
        return lit

    def _faded(self, color: Float32Array, seen: Float32Array) -> Float32Array:
        faded: Float32Array = self._background + (color - self._background) * seen
        return faded


def _head_centre(joints_m: Float32Array) -> Float32Array:
    centre: Float32Array = joints_m[_NOSE] + _HEAD_CENTRE * (joints_m[_HEAD] - joints_m[_NOSE])
    return centre


def _joined(parts: list[tuple[IntArray, int]]) -> tuple[IntArray, int]:
    """Triangles of parts in one list of vertices, and how many vertices there are."""
    starts = np.cumsum([0] + [num_vertices for _, num_vertices in parts])
    triangles = np.concatenate([part + start for (part, _), start in zip(parts, starts, strict=False)])
    return triangles.astype(np.int32), int(starts[-1])
