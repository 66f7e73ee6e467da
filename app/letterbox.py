"""Pictures of one aspect within a size of another."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .arrays import ImageArray

_COARSE_SCALE = 0.5
"""Averaging areas takes seven times as long as interpolating, and shows only where more than this is thrown away."""


class Place(NamedTuple):
    """Where a picture lies in what it was fitted into, in pixels.

    Attributes:
        left: of its left edge.
        top: of its upper edge.
        width: its own there.
        height: its own there.
    """

    left: int
    top: int
    width: int
    height: int


def place_within(picture_wh: tuple[int, int], size_wh: tuple[int, int]) -> Place:
    """As large as a picture can be within a size without distortion, and in its middle."""
    scale = min(most / side for most, side in zip(size_wh, picture_wh, strict=True))
    width, height = (min(most, max(1, round(side * scale))) for most, side in zip(size_wh, picture_wh, strict=True))
    return Place((size_wh[0] - width) // 2, (size_wh[1] - height) // 2, width, height)


def letterbox(
    image_bgr: ImageArray, size_wh: tuple[int, int], color_bgr: tuple[int, int, int] = (0, 0, 0)
) -> ImageArray:
    """Scale a picture (H, W, 3) into a size without distortion, on one colour where the aspect differs.

    A picture of that size already is returned as it is, and not a copy.
    """
    height, width = image_bgr.shape[:2]
    if (width, height) == size_wh:
        return image_bgr
    place = place_within((width, height), size_wh)
    interpolation = cv2.INTER_AREA if place.width < _COARSE_SCALE * width else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(image_bgr, (place.width, place.height), interpolation=interpolation), np.uint8)
    if (place.width, place.height) == size_wh:
        return scaled
    framed: ImageArray = np.full((size_wh[1], size_wh[0], 3), color_bgr, np.uint8)
    framed[place.top : place.top + place.height, place.left : place.left + place.width] = scaled
    return framed
