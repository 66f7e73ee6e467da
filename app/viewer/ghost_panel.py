"""How far the ghost is from the figure, limb by limb, as a small table with bars."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..arrays import ImageArray
from .lettering import BOLD, base_line, draw_text, text_width
from .theme import Theme, rgb_bytes

_ROW_SHARE = 0.047
"""Of the height of the part of the window that the panel is for."""

_WIDE = 16 / 9
"""On a screen that is higher than wide the panel is as large as on a wide one of that width."""

_TYPE_SHARE = 0.66
_FULL_BAR_MM = 250.0
_BAR_ROWS, _NUMBER_ROWS = 3.0, 2.6
"""Widths of bars and numbers, in heights of a row."""


def compose_ghost_panel(
    ghost: str, apart_mm: Mapping[str, float], stage_wh: tuple[int, int], theme: Theme
) -> ImageArray:
    """The panel.

    Args:
        ghost: name of the second lifter.
        apart_mm: mean distance by limb, millimetres.
        stage_wh: size of the part of the window that the panel is for, pixels.
        theme: colours.

    Returns:
        (h, w, 3) RGB.
    """
    row_px = max(8, round(_ROW_SHARE * min(stage_wh[1], stage_wh[0] / _WIDE)))
    size_px, margin = round(_TYPE_SHARE * row_px), row_px // 2
    title, unit = f"ghost {ghost}", "mm apart"
    names_px = max(text_width(limb, size_px) for limb in [*apart_mm, "right arm"]) + margin
    bar_px, number_px = round(_BAR_ROWS * row_px), round(_NUMBER_ROWS * row_px)
    inner = max(names_px + bar_px + number_px, text_width(title, size_px, BOLD) + text_width(unit, size_px) + row_px)
    size = round((len(apart_mm) + 1) * row_px) + 2 * margin, inner + 2 * margin
    panel: ImageArray = np.full((*size, 3), rgb_bytes(theme.panel), np.uint8)
    line = base_line(margin, row_px, size_px)
    draw_text(panel, title, (margin, line), theme.joints, size_px, BOLD)
    draw_text(panel, unit, (margin + inner - text_width(unit, size_px), line), theme.text, size_px)
    for row, (limb, mm) in enumerate(apart_mm.items(), start=1):
        top = margin + row * row_px
        line = base_line(top, row_px, size_px)
        draw_text(panel, limb, (margin, line), theme.text, size_px)
        left, length = margin + names_px, round(bar_px * min(1.0, mm / _FULL_BAR_MM))
        cv2.rectangle(
            panel, (left, top + row_px // 3), (left + length, top + 2 * row_px // 3), rgb_bytes(theme.alert), cv2.FILLED
        )
        number = f"{mm:.0f}"
        left = margin + inner - text_width(number, size_px, BOLD)
        draw_text(panel, number, (left, line), theme.joints, size_px, BOLD)
    return panel
