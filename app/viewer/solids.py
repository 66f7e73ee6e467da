"""Solids of revolution with a fixed topology, and the light that falls on them. numpy only.

The light is baked into vertex colours: Open3D's own lighting moves with the camera and cannot be tuned.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..arrays import Float32Array

IntArray = npt.NDArray[np.int32]


def floats(values: npt.ArrayLike) -> Float32Array:
    """Any numbers as float32, the type of all geometry here."""
    return np.asarray(values, np.float32)


def _unit(x: float, y: float, z: float) -> Float32Array:
    vector = floats([x, y, z])
    return vector / floats(np.linalg.norm(vector))


# Room axes: x right, y up, z towards the first camera.
_KEY_LIGHT = _unit(-0.55, 0.75, 0.60)
_BACK_LIGHT = _unit(0.75, 0.25, -0.55)
_HIGHLIGHT = _unit(-0.30, 0.42, 1.0)
_AMBIENT, _KEY, _SKY = 0.26, 0.66, 0.20
_WRAP = 0.30
"""How far the key light reaches around a body: soft, as from a large lamp."""


def shade(normals: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Light on a surface.

    Args:
        normals: (..., 3) unit vectors in room axes.

    Returns:
        diffuse (...) to multiply the surface's colour with, and gloss (...) to add in the colour of the light.
    """
    key = np.clip((normals @ _KEY_LIGHT + _WRAP) / (1 + _WRAP), 0, None)
    sky = 0.5 + 0.5 * normals[..., 1]
    diffuse: Float32Array = _AMBIENT + _KEY * key + _SKY * sky
    gloss: Float32Array = (
        0.16 * np.clip(normals @ _HIGHLIGHT, 0, None) ** 16 + 0.22 * np.clip(normals @ _BACK_LIGHT, 0, None) ** 2
    )
    return diffuse, gloss


def sphere(num_rings: int, num_sides: int) -> tuple[Float32Array, IntArray]:
    """A unit sphere around the y axis, poles included.

    Returns:
        (V, 3) vertices, which are their own normals, and (F, 3) triangles.
    """
    polar = np.linspace(0, np.pi, num_rings)[:, None]
    angle = np.arange(num_sides) * (2 * np.pi / num_sides)
    points = np.stack(
        np.broadcast_arrays(np.sin(polar) * np.cos(angle), np.cos(polar), np.sin(polar) * np.sin(angle)), -1
    )
    return points.reshape(-1, 3).astype(np.float32), lattice(num_rings, num_sides)


def circle(num_sides: int) -> tuple[Float32Array, Float32Array]:
    """Cosines and sines (S,) of equal steps around a circle."""
    angle = (np.arange(num_sides) * (2 * np.pi / num_sides)).astype(np.float32)
    return np.cos(angle), np.sin(angle)


def lattice(num_rings: int, num_sides: int) -> IntArray:
    """(F, 3) triangles between neighbouring rings of ``num_sides`` vertices each, closed around."""
    ring, side = np.meshgrid(np.arange(num_rings - 1), np.arange(num_sides), indexing="ij")
    here = ring * num_sides + side
    beside = ring * num_sides + (side + 1) % num_sides
    quads = np.stack([here, beside, beside + num_sides, here + num_sides], axis=-1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def two_sided(triangles: IntArray) -> IntArray:
    """The same (2F, 3) triangles, and each from behind: for what is no closed solid, as backs are not drawn."""
    return np.concatenate([triangles, triangles[:, ::-1]])


def frames_along(axes: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Two unit vectors across each axis.

    Args:
        axes: (B, 3) unit vectors.

    Returns:
        two (B, 3) arrays, perpendicular to the axis and to each other.
    """
    helper = np.where(np.abs(axes[:, 1:2]) < 0.9, floats([0, 1, 0]), floats([1, 0, 0]))
    across = np.cross(axes, helper)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    return across.astype(np.float32), np.cross(axes, across).astype(np.float32)
