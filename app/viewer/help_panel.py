"""The help: all keys on one panel, made from the one table."""

from __future__ import annotations

import cv2
import numpy as np

from ..arrays import ImageArray
from .keys import KEYS, Group, Key
from .lettering import BOLD, base_line, draw_text, text_width
from .theme import Theme, rgb_bytes

_COLUMNS = ((Group.VIEW, Group.POSE), (Group.TIME, Group.SHOW))
_HEIGHT_SHARE = 0.96
_MARGIN_ROWS = 0.8
_TYPE_SHARE, _HEADING_SHARE = 0.68, 0.80
"""Of a row's height."""

_LABEL_ROWS, _COLUMN_ROWS = 2.9, 0.9
"""Width of the column of keys, and of the gap between two columns, in heights of a row."""


def compose_help(stage_wh: tuple[int, int], theme: Theme) -> ImageArray:
    """The panel, as large as the part of the window that it is for allows.

    Args:
        stage_wh: size of that part, pixels.
        theme: colours.

    Returns:
        (h, w, 3) RGB.
    """
    num_rows = max(len(_lines(groups)) for groups in _COLUMNS)
    row_px = max(8, int(_HEIGHT_SHARE * stage_wh[1] / (num_rows + 2 * _MARGIN_ROWS)))
    while row_px > 8 and _size(row_px, num_rows)[0] > stage_wh[0]:
        row_px -= 1
    width, height = _size(row_px, num_rows)
    panel: ImageArray = np.full((height, width, 3), rgb_bytes(theme.panel), np.uint8)
    border_px = max(2, row_px // 14)
    cv2.rectangle(panel, (0, 0), (width - 1, height - 1), rgb_bytes(theme.grid), 2 * border_px)
    x = margin = round(_MARGIN_ROWS * row_px)
    for groups in _COLUMNS:
        for row, line in enumerate(_lines(groups)):
            top = margin + row * row_px
            if isinstance(line, Key):
                _draw_key(panel, line, (x, top), row_px, theme)
            elif line is not None:
                size_px = round(_HEADING_SHARE * row_px)
                draw_text(panel, line.value, (x, base_line(top, row_px, size_px)), theme.alert, size_px, BOLD)
        x += _column_width(groups, row_px) + round(_COLUMN_ROWS * row_px)
    return panel


def _lines(groups: tuple[Group, ...]) -> list[Group | Key | None]:
    """A column from top to bottom: headings, keys, and an empty line between groups."""
    lines: list[Group | Key | None] = []
    for group in groups:
        lines += [*([None] if lines else []), group, *(key for key in KEYS if key.group is group)]
    return lines


def _size(row_px: int, num_rows: int) -> tuple[int, int]:
    widths = [_column_width(groups, row_px) for groups in _COLUMNS]
    width = sum(widths) + round(_COLUMN_ROWS * row_px) * (len(widths) - 1) + 2 * round(_MARGIN_ROWS * row_px)
    return width, round((num_rows + 2 * _MARGIN_ROWS) * row_px)


def _column_width(groups: tuple[Group, ...], row_px: int) -> int:
    size_px = round(_TYPE_SHARE * row_px)
    return round(_LABEL_ROWS * row_px) + max(text_width(key.words, size_px) for key in KEYS if key.group in groups)


def _draw_key(panel: ImageArray, key: Key, corner: tuple[int, int], row_px: int, theme: Theme) -> None:
    x, top = corner
    size_px = round(_TYPE_SHARE * row_px)
    cap_px, gap_px = round(0.84 * row_px), round(0.08 * row_px)
    width = max(cap_px, text_width(key.label, size_px, BOLD) + size_px // 2)
    cv2.rectangle(panel, (x, top + gap_px), (x + width, top + gap_px + cap_px), rgb_bytes(theme.grid), cv2.FILLED)
    left = x + (width - text_width(key.label, size_px, BOLD)) // 2
    draw_text(panel, key.label, (left, base_line(top, row_px, size_px)), theme.joints, size_px, BOLD)
    left = x + round(_LABEL_ROWS * row_px)
    draw_text(panel, key.words, (left, base_line(top, row_px, size_px)), theme.joints, size_px)
