"""The camera as a pinhole: its field of view, which nobody measures. Standard library only: the command line asks."""

from __future__ import annotations

import math

DEFAULT_FOV_DEG = 60.0
"""Assumed field of view along the longer side of the picture: between webcams, which have 55 to 80 degrees, and
phones, which have 50 to 70."""


def plane_scale(size_wh: tuple[int, int], fov_deg: float = DEFAULT_FOV_DEG) -> float:
    """What brings screen units (``geometry.to_screen``) onto the plane at distance 1 from a pinhole camera.

    Args:
        size_wh: width and height of the picture.
        fov_deg: field of view along its longer side.
    """
    width, height = size_wh
    return math.tan(math.radians(fov_deg) / 2) / max(1.0, height / width)
