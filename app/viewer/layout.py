"""Where everything is in the window: pure arithmetic in pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Layout(Enum):
    """How room and camera picture share the window; values are words for the audience."""

    CORNER = "picture in the corner"
    SPLIT = "picture beside the room"
    ROOM = "3D only"
    PICTURE = "picture only"


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in the window: pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    @property
    def bottom(self) -> int:
        """Where it ends."""
        return self.y + self.height


_MARGIN_SHARE = 0.025
_CORNER_WH_SHARE = (0.32, 0.45)
"""Of the window: leaves the middle to the room, also in a window that is taller than wide."""

_SPLIT_SHARE = 0.5
_SHIFT = {Layout.CORNER: 0.31, Layout.SPLIT: 0.5}
"""In the corner layout nobody is under the picture who is well inside what is left (``operator``)."""


def room_shift(layout: Layout, *, has_table: bool = False) -> float:
    """How far right of the middle the room has to be for what is beside it, as a share of half the width."""
    if layout is Layout.ROOM and has_table:
        return _SHIFT[Layout.CORNER]
    return _SHIFT.get(layout, 0.0)


def picture_rect(layout: Layout, stage_wh: tuple[int, int], aspect: float, *, is_raised: bool = False) -> Rect | None:
    """Where the camera picture is; None where the layout shows none.

    Args:
        layout: the layout.
        stage_wh: size of the part of the window above the head-up display, pixels.
        aspect: width over height of the camera picture.
        is_raised: leave what room there is below a picture beside the room, not half of it above.
    """
    width, height = stage_wh
    margin = round(_MARGIN_SHARE * min(width, height))
    if layout is Layout.ROOM:
        return None
    if layout is Layout.PICTURE:
        return Rect(0, 0, width, height)
    if layout is Layout.SPLIT:
        rect = _fitted(Rect(margin, margin, round(_SPLIT_SHARE * width) - margin, height - 2 * margin), aspect)
        return replace(rect, y=margin) if is_raised else rect
    share_x, share_y = _CORNER_WH_SHARE
    corner = Rect(margin, margin, round(share_x * width), round(share_y * height))
    fitted = _fitted(corner, aspect)
    return Rect(margin, margin, fitted.width, fitted.height)


def table_rect(stage_wh: tuple[int, int], size_wh: tuple[int, int], picture: Rect | None) -> Rect:
    """Where a table of some size is: at the left as the camera picture is, and below that where there is one."""
    margin = round(_MARGIN_SHARE * min(stage_wh))
    top = margin if picture is None else min(picture.bottom + margin, stage_wh[1] - size_wh[1] - margin)
    return Rect(margin, max(0, top), *size_wh)


def words_rect(layout: Layout, stage_wh: tuple[int, int], beside: Rect | None) -> Rect:
    """The part of the stage that words may cover: what lies right of a picture that does not fill it, or of a table."""
    left = 0 if beside is None or layout is Layout.PICTURE else beside.x + beside.width
    return Rect(left, 0, stage_wh[0] - left, stage_wh[1])


def centred(stage_wh: tuple[int, int], size_wh: tuple[int, int]) -> Rect:
    """A rectangle of some size in the middle."""
    width, height = size_wh
    return Rect((stage_wh[0] - width) // 2, (stage_wh[1] - height) // 2, width, height)


def _fitted(outer: Rect, aspect: float) -> Rect:
    """The largest rectangle of an aspect in the middle of another."""
    width = max(1, round(min(outer.width, outer.height * aspect)))
    height = max(1, round(min(outer.height, outer.width / aspect)))
    return Rect(outer.x + (outer.width - width) // 2, outer.y + (outer.height - height) // 2, width, height)
