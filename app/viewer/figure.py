"""The body of one person as a mesh: joints in, vertices and colours out. numpy only.

The topology never changes, so a renderer uploads triangles once; what is not known is collapsed into a point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import Float32Array
from ..skeleton import H36M17, part_of
from .solids import IntArray, circle, floats, frames_along, lattice, shade, sphere
from .theme import PersonColors, Theme

JOINT_RADIUS_M = {
    "pelvis": 0.074, "hip": 0.066, "knee": 0.053, "ankle": 0.043, "spine": 0.078, "thorax": 0.060,
    "shoulder": 0.056, "elbow": 0.043, "wrist": 0.036, "nose": 0.024,
}  # fmt: skip
BONE_RADII_M = {
    "hip": (0.060, 0.062), "knee": (0.078, 0.052), "ankle": (0.056, 0.033), "spine": (0.078, 0.080),
    "thorax": (0.086, 0.088), "nose": (0.046, 0.040), "shoulder": (0.050, 0.046), "elbow": (0.049, 0.037),
    "wrist": (0.040, 0.026),
}  # fmt: skip
"""Radius at the parent and at the child of the bone that ends at a joint."""

HEAD_RADIUS_M = 0.095
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


_HEAD, _NOSE = H36M17.index("head"), H36M17.index("nose")
BONES = [(parent, child) for parent, child in H36M17.bones if child != _HEAD]
"""(parent, child) of all bones but the head, which is a ball of its own."""

_NECK = [child for _, child in BONES].index(_NOSE)
_BALLS = [joint for joint in range(H36M17.num_joints) if joint != _HEAD]


@dataclass(frozen=True, slots=True)
class Bones:
    """Where the bones of ``BONES`` are.

    Attributes:
        starts_m: (B, 3) at the parents.
        axes: (B, 3) unit vectors towards the children.
        lengths_m: (B, 1).
        is_known: (B,) whether both ends are; the others are points at the origin.
    """

    starts_m: Float32Array
    axes: Float32Array
    lengths_m: Float32Array
    is_known: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Outfit:
    """Colours of one person: (B, 3) of the bones, unlit; lit ones of the balls and of the head, by vertex."""

    bones: Float32Array
    balls: Float32Array
    head: Float32Array


class Figure:
    """Turns joints into a mesh of fixed topology: tubes for bones, balls for joints, one larger ball for the head.

    Only what is seen has a body; what is a mere guess is left to ``GhostFigure``.

    Args:
        theme: colours.

    Attributes:
        triangles: (F, 3) int32.
        num_vertices: V.
    """

    def __init__(self, theme: Theme) -> None:
        self._background = floats(theme.background)
        self._light = floats(theme.light)
        self._bone_parents, self._bone_children = np.asarray(BONES).T
        radii = floats([BONE_RADII_M[part_of(H36M17.joints[child])] for _, child in BONES])
        along = radii[:, :1] + (radii[:, 1:] - radii[:, :1]) * _BONE_RINGS
        self._bone_radii_m = along * _BONE_PROFILE
        self._ball_radii_m = floats([JOINT_RADIUS_M[part_of(H36M17.joints[joint])] for joint in _BALLS])
        self._ball_normals, ball_triangles = sphere(8, 11)
        self._head_normals, head_triangles = sphere(14, 20)
        self._outfits = [self._outfit(colors, floats(theme.joints)) for colors in theme.people]
        parts = [(lattice(len(_BONE_RINGS), _NUM_SIDES), len(_BONE_RINGS) * _NUM_SIDES)] * len(BONES)
        parts += [(ball_triangles, len(self._ball_normals))] * len(_BALLS)
        parts += [(head_triangles, len(self._head_normals))]
        self.triangles, self.num_vertices = _joined(parts)

    def _outfit(self, colors: PersonColors, joint_color: Float32Array) -> _Outfit:
        sides = [floats(colors.side(H36M17.side(joint))) for joint in range(H36M17.num_joints)]
        # Joints of the trunk are part of the trunk; those of the limbs are a tint of their side.
        tints = [
            sides[joint] + (joint_color - sides[joint]) * (0 if H36M17.side(joint) == "centre" else _JOINT_PALENESS)
            for joint in _BALLS
        ]
        return _Outfit(
            bones=np.stack([sides[child] for _, child in BONES]),
            balls=self._lit(np.stack(tints)[:, None], self._ball_normals[None]),
            head=self._lit(floats(colors.centre), self._head_normals),
        )

    def draw(
        self, joints_m: Float32Array, confidence: Float32Array, seen: Float32Array, slot: int = 0
    ) -> tuple[Float32Array, Float32Array]:
        """Vertices and colours of a person.

        Args:
            joints_m: (17, 3) room axes, metres; NaN where unknown.
            confidence: (17,) in [0, 1]; the lower, the closer to the background.
            seen: (17,) in [0, 1]; at 0, a joint has no body.
            slot: which colours the person wears.

        Returns:
            (V, 3) vertices in metres, (V, 3) colours in [0, 1].
        """
        outfit = self._outfits[slot % len(self._outfits)]
        visible = visibility(confidence)
        bones, bone_colors = self._bones(joints_m, visible, seen, outfit)
        balls, ball_colors = self._balls(joints_m, visible, seen, outfit)
        head, head_colors = self._head(joints_m, visible, seen, outfit)
        vertices = np.concatenate([bones.reshape(-1, 3), balls.reshape(-1, 3), head])
        colors = np.concatenate([bone_colors.reshape(-1, 3), ball_colors.reshape(-1, 3), head_colors])
        return vertices.astype(np.float32), np.clip(colors, 0, 1).astype(np.float32)

    def _bones(
        self, joints_m: Float32Array, visible: Float32Array, seen: Float32Array, outfit: _Outfit
    ) -> tuple[Float32Array, Float32Array]:
        bones = bones_of(joints_m)
        parents, children = self._bone_parents, self._bone_children
        across, other = frames_along(bones.axes)
        cosine, sine = circle(_NUM_SIDES)
        normals = cosine[:, None] * across[:, None] + sine[:, None] * other[:, None]  # (B, S, 3)
        middle = bones.starts_m[:, None] + _BONE_RINGS[:, None] * (bones.axes * bones.lengths_m)[:, None]  # (B, R, 3)
        radii_m = self._bone_radii_m * (np.minimum(seen[parents], seen[children]) * bones.is_known)[:, None]
        points = middle[:, :, None] + radii_m[:, :, None, None] * normals[:, None]  # (B, R, S, 3)
        strength = visible[parents][:, None] + (visible[children] - visible[parents])[:, None] * _BONE_RINGS  # (B, R)
        lit = self._lit(outfit.bones[:, None], normals)[:, None]
        placed = np.asarray(points * bones.is_known[:, None, None, None], np.float32)
        return placed, self._faded(lit, strength[:, :, None, None])

    def _balls(
        self, joints_m: Float32Array, visible: Float32Array, seen: Float32Array, outfit: _Outfit
    ) -> tuple[Float32Array, Float32Array]:
        centres = joints_m[_BALLS]
        is_drawn = np.asarray(np.isfinite(centres)).all(axis=-1)
        centres = np.where(np.expand_dims(is_drawn, 1), centres, 0)
        radii_m = self._ball_radii_m * is_drawn * seen[_BALLS]
        points = centres[:, None] + np.expand_dims(radii_m, (1, 2)) * self._ball_normals
        return np.asarray(points, np.float32), self._faded(outfit.balls, visible[_BALLS][:, None, None])

    def _head(
        self, joints_m: Float32Array, visible: Float32Array, seen: Float32Array, outfit: _Outfit
    ) -> tuple[Float32Array, Float32Array]:
        head = head_of(joints_m)
        if head is None:
            return np.zeros_like(self._head_normals), np.zeros_like(self._head_normals)
        centre_m, up, half_height_m = head
        # Stretch the unit sphere along the line from nose to crown.
        along = self._head_normals @ up
        points = HEAD_RADIUS_M * self._head_normals + (half_height_m - HEAD_RADIUS_M) * along[:, None] * up
        size = np.minimum(seen[_NOSE], seen[_HEAD])
        placed: Float32Array = centre_m + size * points
        return placed, self._faded(outfit.head, np.minimum(visible[_NOSE], visible[_HEAD]))

    def _lit(self, color: Float32Array, normals: Float32Array) -> Float32Array:
        diffuse, gloss = shade(normals)
        lit: Float32Array = color * diffuse[..., None] + self._light * gloss[..., None]
        return lit

    def _faded(self, color: Float32Array, seen: Float32Array) -> Float32Array:
        return np.asarray(self._background + (color - self._background) * seen, np.float32)


def visibility(confidence: Float32Array) -> Float32Array:
    """How strongly a joint is drawn, from nearly the background's colour to 1; in the shape of ``confidence``."""
    low, high = _FADE_CONFIDENCE
    return np.asarray(np.clip((confidence - low) / (high - low), _LEAST_VISIBLE, 1), np.float32)


def bones_of(joints_m: Float32Array) -> Bones:
    """The bones of a person, (17, 3) room axes with NaN where unknown."""
    parents, children = np.asarray(BONES).T
    starts_m, ends_m = joints_m[parents], joints_m[children]
    head = head_of(joints_m)
    ends_m[_NECK] = joints_m[_NOSE] if head is None else head[0]
    along_m = ends_m - starts_m
    lengths_m = np.linalg.norm(along_m, axis=-1, keepdims=True)
    is_known = np.asarray(np.isfinite(lengths_m) & (lengths_m > 1e-4))
    return Bones(
        starts_m=np.where(is_known, starts_m, 0).astype(np.float32),
        axes=np.where(is_known, along_m / np.where(is_known, lengths_m, 1), floats([0, 1, 0])).astype(np.float32),
        lengths_m=np.where(is_known, lengths_m, 0).astype(np.float32),
        is_known=is_known[:, 0],
    )


def head_of(joints_m: Float32Array) -> tuple[Float32Array, Float32Array, float] | None:
    """Centre, direction of the crown and half the height of the head; None where it is not known."""
    nose_m, crown_m = joints_m[_NOSE], joints_m[_HEAD]
    up_m = crown_m - nose_m
    height_m = float(np.linalg.norm(up_m))
    if not height_m > 1e-4:
        return None
    half_height_m = max(HEAD_RADIUS_M, height_m / 2 + _HEAD_OVERHANG_M)
    return nose_m + _HEAD_CENTRE * up_m, up_m / floats(height_m), half_height_m


def _joined(parts: list[tuple[IntArray, int]]) -> tuple[IntArray, int]:
    """Triangles of parts in one list of vertices, and how many vertices there are."""
    starts = np.cumsum([0] + [num_vertices for _, num_vertices in parts])
    triangles = np.concatenate([part + start for (part, _), start in zip(parts, starts, strict=False)])
    return triangles.astype(np.int32), int(starts[-1])
