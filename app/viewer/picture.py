"""The camera picture as the window shows it: with its 2D overlay, and mirrored if wanted."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..arrays import ImageArray
from ..datatypes import Result
from ..letterbox import letterbox
from .overlay import draw_people
from .theme import Theme, bgr_bytes

MAX_SIDE_PX = 1280
"""A larger picture would only cost time on its way to the graphics card."""

_BORDER_PX = 2


def compose_picture(
    result: Result,
    size_wh: tuple[int, int],
    theme: Theme,
    *,
    mirror: bool,
    slots: Mapping[int, int] | None = None,
    is_filling: bool = False,
) -> ImageArray:
    """The picture of a result with its 2D skeletons.

    Args:
        result: one frame's.
        size_wh: how large it will be seen, in pixels; it is made smaller than that rather than enlarged.
        theme: colours.
        mirror: mirror it.
        slots: which colours each person wears, by track id (``wardrobe``).
        is_filling: fill the size, with background where the picture's aspect is another; else there is a border.

    Returns:
        (h, w, 3) RGB, of the aspect of ``size_wh`` if it is filled.
    """
    width, height = result.frame.size_wh
    scale = min(1.0, size_wh[0] / width, size_wh[1] / height, MAX_SIDE_PX / max(width, height))
    small_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = np.asarray(cv2.resize(result.frame.image_bgr, small_wh, interpolation=cv2.INTER_LINEAR), np.uint8)
    draw_people(picture, result.people, theme, scale=small_wh[0] / width, slots=slots)
    if mirror:
        picture = np.asarray(cv2.flip(picture, 1), np.uint8)
    framed = _filled(picture, size_wh, theme) if is_filling else _bordered(picture, theme)
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_BGR2RGB), np.uint8)


def _filled(picture: ImageArray, size_wh: tuple[int, int], theme: Theme) -> ImageArray:
    """The picture on background of the aspect of a size, not enlarged."""
    height, width = picture.shape[:2]
    scale = max(width / size_wh[0], height / size_wh[1])
    return letterbox(picture, (round(size_wh[0] * scale), round(size_wh[1] * scale)), bgr_bytes(theme.background))


def _bordered(picture: ImageArray, theme: Theme) -> ImageArray:
    border = _BORDER_PX
    color_bgr = bgr_bytes(theme.grid)
    framed = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT, value=color_bgr)
    return np.asarray(framed, np.uint8)
