"""Covers people in a picture who are not to be found: a grey shape as wide as a body, drawn along their bones."""

from __future__ import annotations

import cv2
import numpy as np

from ..arrays import Float32Array, ImageArray
from ..focus import Focus
from ..skeleton import H36M17

COVER_GREY = 128
_WIDTH_OF_TRUNK = 0.45
"""Width of a limb with its clothes, as a share of the trunk's length."""


def cover(image: ImageArray, focus: Focus) -> ImageArray:
    """A copy of the picture without the others; where one of them overlaps the person, the person stays."""
    if not focus.others:
        return image
    hidden = np.zeros(image.shape[:2], np.uint8)
    for other in focus.others:
        _draw(hidden, other.xy_px, 255)
    if focus.xy_px is not None:
        _draw(hidden, focus.xy_px, 0)
    covered = image.copy()
    covered[hidden > 0] = COVER_GREY
    return covered


def _draw(mask: ImageArray, xy_px: Float32Array, value: int) -> None:
    """Draw one body with the joints that are known."""
    trunk = float(np.linalg.norm(xy_px[H36M17.index("thorax")] - xy_px[H36M17.index("pelvis")]))
    known = np.asarray(np.isfinite(xy_px).all(axis=-1))
    if not np.isfinite(trunk):
        trunk = float(np.ptp(xy_px[known], axis=0).max()) / 3 if known.any() else 0.0
    width = max(2, round(trunk * _WIDTH_OF_TRUNK))
    # Far outside of the picture lines are no longer drawn right, and integers overflow.
    points = np.clip(np.nan_to_num(xy_px), -4 * max(mask.shape), 4 * max(mask.shape)).round().astype(int)
    for parent, child in H36M17.bones:
        if known[parent] and known[child]:
            cv2.line(mask, points[parent].tolist(), points[child].tolist(), value, width)
    for joint in (H36M17.index("nose"), H36M17.index("head")):
        if known[joint]:
            cv2.circle(mask, points[joint].tolist(), width, value, -1)
