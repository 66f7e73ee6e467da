"""Everything flat in the window: camera picture, numbers, ghost table, notices and help, each on a panel of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arrays import ImageArray
from ..datatypes import Result
from .ghost_panel import compose_ghost_panel
from .help_panel import compose_help
from .hud import HEIGHT_SHARE, Tile, compose_hud
from .layout import Layout, Rect, centred, picture_rect, table_rect, words_rect
from .panel import Panel
from .picture import compose_picture
from .theme import Theme
from .words_panel import compose_words

_MARGIN_SHARE = 0.03


class Surfaces:
    """The panels of a window. What is shown stays until it is shown anew; ``place`` puts all before the camera.

    Args:
        visualizer: an ``o3d.visualization.Visualizer`` with a window.
    """

    def __init__(self, visualizer: Any) -> None:
        self._picture = Panel(visualizer, layer=0)
        self._numbers = Panel(visualizer, layer=1)
        self._ghost = Panel(visualizer, layer=1)
        self._notice = Panel(visualizer, layer=2)
        self._trouble = Panel(visualizer, layer=3)
        self._help = Panel(visualizer, layer=4)
        self._window_wh = (1, 1)
        self._layout = Layout.CORNER
        self._has_numbers = False
        self._aspect = 16 / 9
        """Of the camera picture."""

    def fit(self, window_wh: tuple[int, int], layout: Layout, *, has_numbers: bool) -> None:
        """Tell the size of the window, its layout and whether there is a bar of numbers; everything has to be shown
        anew."""
        self._window_wh, self._layout, self._has_numbers = window_wh, layout, has_numbers
        if not has_numbers:
            self._numbers.hide()

    @property
    def stage_wh(self) -> tuple[int, int]:
        """Size of the part of the window above the numbers."""
        width, height = self._window_wh
        return width, height - self._bar_height

    @property
    def _bar_height(self) -> int:
        return round(HEIGHT_SHARE * min(self._window_wh)) if self._has_numbers else 0

    def show_picture(self, result: Result, theme: Theme, *, mirror: bool, slots: Mapping[int, int]) -> None:
        """Show a frame with its 2D overlay where the layout has a place for it."""
        width, height = result.frame.size_wh
        self._aspect = width / height
        rect = self._picture_rect()
        if rect is None:
            self._picture.hide()
            return
        is_filling = self._layout is Layout.PICTURE
        image = compose_picture(result, rect.size_wh, theme, mirror=mirror, slots=slots, is_filling=is_filling)
        self._picture.show(image, rect)

    def show_numbers(self, shown: Sequence[Tile], said: Sequence[str], alerts: Sequence[str], theme: Theme) -> None:
        """Show the head-up display, if there is one."""
        if not self._has_numbers:
            return
        size_wh = self._window_wh[0], self._bar_height
        image = compose_hud(shown, said, size_wh, theme, alerts=alerts)
        self._numbers.show(image, Rect(0, self.stage_wh[1], *size_wh))

    def show_ghost(self, ghost: str, apart_mm: Mapping[str, float], theme: Theme) -> None:
        """Show how far the ghost is from the figure; nothing where no limb can be compared, or no room is shown.

        To be called before ``show_picture``, which makes way for it.
        """
        if not apart_mm or self._layout is Layout.PICTURE:
            self._ghost.hide()
            return
        image = compose_ghost_panel(ghost, apart_mm, self.stage_wh, theme)
        self._ghost.show(image, table_rect(self.stage_wh, _size_wh(image), self._picture_rect(is_raised=True)))

    def show_notice(self, text: str, theme: Theme) -> None:
        """Show a few words low in the middle; none hides them."""
        if not text:
            self._notice.hide()
            return
        part = words_rect(self._layout, self.stage_wh, self._picture_rect() or self._ghost.rect)
        image = compose_words(text, part.size_wh, theme)
        width, height = _size_wh(image)
        x = part.x + (part.width - width) // 2
        self._notice.show(image, Rect(x, part.bottom - height - self._margin, width, height))

    def show_trouble(self, text: str, theme: Theme) -> None:
        """Show what is wrong, high in the middle; no words hide it."""
        if not text:
            self._trouble.hide()
            return
        part = words_rect(self._layout, self.stage_wh, self._picture_rect() or self._ghost.rect)
        image = compose_words(text, part.size_wh, theme, is_trouble=True)
        width, height = _size_wh(image)
        self._trouble.show(image, Rect(part.x + (part.width - width) // 2, self._margin, width, height))

    def show_help(self, theme: Theme, *, is_wanted: bool) -> None:
        """Show all keys, or do not."""
        if not is_wanted:
            self._help.hide()
            return
        image = compose_help(self.stage_wh, theme)
        self._help.show(image, centred(self.stage_wh, _size_wh(image)))

    def place(self) -> None:
        """Put everything before the camera as it stands now; to be called before every drawing."""
        for panel in (self._picture, self._numbers, self._ghost, self._notice, self._trouble, self._help):
            panel.place()

    def _picture_rect(self, *, is_raised: bool | None = None) -> Rect | None:
        is_raised = self._ghost.rect is not None if is_raised is None else is_raised
        return picture_rect(self._layout, self.stage_wh, self._aspect, is_raised=is_raised)

    @property
    def _margin(self) -> int:
        return round(_MARGIN_SHARE * min(self.stage_wh))


def _size_wh(image: ImageArray) -> tuple[int, int]:
    return image.shape[1], image.shape[0]
