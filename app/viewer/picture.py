"""The camera picture as the window shows it: small, with its 2D overlay, mirrored if wanted, and a line of text."""

from __future__ import annotations

import cv2
import numpy as np

from ..datatypes import ImageArray, Result
from .overlay import draw_people
from .theme import Theme, bgr_bytes

MAX_SIDE_PX = 640
"""A larger picture would only cost time on its way to the graphics card."""

_MIN_TEXT_WIDTH_PX = 160
_STRIP_PX = 26
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.5
_BORDER_PX = 2


def compose_picture(result: Result, text: str, theme: Theme, *, mirror: bool) -> ImageArray:
    """The picture of a result with its 2D skeletons.

    Args:
        result: one frame's.
        text: a few words below the picture; left out where the picture is too narrow for them.
        theme: colours.
        mirror: mirror the picture, not the text.

    Returns:
        (h, w, 3) RGB, no side of the picture longer than ``MAX_SIDE_PX``.
    """
    width, height = result.frame.size_wh
    scale = min(1.0, MAX_SIDE_PX / max(width, height))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = np.asarray(cv2.resize(result.frame.image_bgr, size_wh, interpolation=cv2.INTER_LINEAR), np.uint8)
    draw_people(picture, result.people, theme, scale=size_wh[0] / width)
    if mirror:
        picture = np.ascontiguousarray(picture[:, ::-1])
    if text and size_wh[0] >= _MIN_TEXT_WIDTH_PX:
        picture = np.vstack([picture, _strip(text, size_wh[0], theme)])
    framed: ImageArray = np.full((picture.shape[0] + 2 * _BORDER_PX, picture.shape[1] + 2 * _BORDER_PX, 3), 0, np.uint8)
    framed[:] = bgr_bytes(theme.grid)
    framed[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX] = picture
    return framed[..., ::-1]


def _strip(text: str, width_px: int, theme: Theme) -> ImageArray:
    strip: ImageArray = np.full((_STRIP_PX, width_px, 3), bgr_bytes(theme.background), np.uint8)
    origin = (10, _STRIP_PX - 8)
    cv2.putText(strip, text, origin, _FONT, _FONT_SCALE, bgr_bytes(theme.text), 1, cv2.LINE_AA)
    return strip
