"""A few words on a panel: a notice that goes by itself, or trouble that stays until it is over."""

from __future__ import annotations

import numpy as np

from ..arrays import ImageArray
from .lettering import BOLD, base_line, draw_text, text_width
from .theme import Theme, rgb_bytes

_TYPE_SHARE = 0.048
"""Of the height of the part of the window that the panel is for."""

_WIDTH_SHARE = 0.94
_LEAST_TYPE_PX = 8


def compose_words(text: str, stage_wh: tuple[int, int], theme: Theme, *, is_trouble: bool = False) -> ImageArray:
    """The panel.

    Args:
        text: one line; its type shrinks until it fits.
        stage_wh: size of the part of the window that the panel is for, pixels.
        theme: colours.
        is_trouble: must not be missed.

    Returns:
        (h, w, 3) RGB.
    """
    size_px = max(_LEAST_TYPE_PX, round(_TYPE_SHARE * stage_wh[1]))
    while size_px > _LEAST_TYPE_PX and _width(text, size_px) > _WIDTH_SHARE * stage_wh[0]:
        size_px -= 1
    height = round(2.1 * size_px)
    paper, ink = (theme.alert, theme.panel) if is_trouble else (theme.joints, theme.panel)
    panel: ImageArray = np.full((height, _width(text, size_px), 3), rgb_bytes(paper), np.uint8)
    draw_text(panel, text, (size_px, base_line(0, height, size_px)), ink, size_px, BOLD)
    return panel


def _width(text: str, size_px: int) -> int:
    return text_width(text, size_px, BOLD) + 2 * size_px
