"""The head-up display: a bar of numbers, large enough for the last row, that say how the run is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..arrays import ImageArray
from ..datatypes import Person
from ..live.status import Status
from ..live.wishes import Wishes
from .lettering import BOLD, REGULAR, base_line, draw_text, text_width
from .theme import Rgb, Theme, rgb_bytes
from .visibility import legs_not_visible

HEIGHT_SHARE = 0.105
"""Of the shorter side of the window: what is higher than wide has no more room for words in a row."""

_VALUE_SHARE, _CAPTION_SHARE = 0.45, 0.23
_GAP_SHARE = 0.42
_WORDS_SHARE = 0.32
_LEAST_SCALE = 0.3
_PENDING = "…"
EARLIER = "earlier"
"""What is shown is not what is before the camera now."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number.

    Attributes:
        value: large.
        caption: what it is, small.
        is_alert: it must not be missed.
    """

    value: str
    caption: str
    is_alert: bool = False


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the window itself measures.

    Attributes:
        frames_per_second: results drawn; 0 before there are two.
        age_p50_ms: from the grab of a picture to the moment when its result is on the screen; None before there is one.
        age_p95_ms: the same.
    """

    frames_per_second: float = 0.0
    age_p50_ms: float | None = None
    age_p95_ms: float | None = None


def tiles(pulse: Pulse, status: Status | None, wishes: Wishes | None) -> tuple[Tile, ...]:
    """The numbers, in the order in which they are shown.

    Args:
        pulse: measured by the window.
        status: said by the run; None where it says nothing.
        wishes: what was asked of the run: what it has not followed yet is marked.
    """
    rate = f"{pulse.frames_per_second:.0f}" if pulse.frames_per_second else "-"
    shown = [Tile(rate, "frames/s")]
    if pulse.age_p50_ms is not None and pulse.age_p95_ms is not None:
        shown.append(Tile(f"{pulse.age_p50_ms:.0f} / {pulse.age_p95_ms:.0f}", "age ms, p50 / p95"))
    if status is None:
        return tuple(shown)
    share = 100 * status.num_dropped / max(1, status.num_frames_in)
    shown += [
        Tile(f"{status.num_dropped}", f"dropped, {share:.1f} %"),
        _wished(status.detector, _awaited("detector", wishes, status), "detector"),
        _wished(status.lifter, _awaited("lifter", wishes, status), "lifter"),
        Tile(f"{status.look_ahead_ms:.0f} ms", "look-ahead"),
    ]
    if status.smooth:
        shown.append(_wished(status.smooth, _awaited("smooth", wishes, status), "smoothing"))
    if status.provider:
        shown.append(Tile(status.provider, "runs on"))
    if status.duration_s is not None:
        shown.append(Tile(f"{_clock(status.position_s)} / {_clock(status.duration_s)}", _speed_words(wishes)))
    return tuple(shown)


def words(people: Sequence[Person]) -> tuple[str, ...]:
    """What has to be said about the people of the newest result: what is a guess is called one."""
    said: list[str] = []
    if not people:
        said.append("nobody in view")
    if any(legs_not_visible(person) for person in people):
        said.append("legs not visible")
    if any(person.root_m is not None for person in people):
        said.append("z estimated")
    return tuple(said)


def compose_hud(
    shown: Sequence[Tile], said: Sequence[str], size_wh: tuple[int, int], theme: Theme, *, alerts: Sequence[str] = ()
) -> ImageArray:
    """The bar.

    Args:
        shown: numbers, from the left.
        said: words, at the right.
        size_wh: of the bar, pixels; everything in it shrinks until it fits.
        theme: colours.
        alerts: words that come before the others and must not be missed, such as that a recording runs.

    Returns:
        (h, w, 3) RGB.
    """
    width, height = size_wh
    bar: ImageArray = np.full((height, width, 3), rgb_bytes(theme.panel), np.uint8)
    cv2.line(bar, (0, 0), (width, 0), rgb_bytes(theme.grid), max(2, round(height / 40)))
    scale = min(1.0, width / max(1, _length(shown, [*alerts, *said], height, 1.0)))
    while scale > _LEAST_SCALE and _length(shown, [*alerts, *said], height, scale) > width:
        scale -= 0.02
    x = _gap(height, scale)
    for tile in shown:
        _draw_tile(bar, tile, x, theme, scale)
        x += _tile_width(tile, height, scale) + _gap(height, scale)
    x = width
    for text, is_alert in [*((text, False) for text in reversed(said)), *((text, True) for text in reversed(alerts))]:
        x -= _words_width(text, height, scale) + _gap(height, scale)
        _draw_words(bar, text, x, theme.alert if is_alert else theme.text, theme, scale, is_filled=is_alert)
    return bar


def _awaited(role: str, wishes: Wishes | None, status: Status) -> str | None:
    """The model, or the smoothing, that was asked for and may still come."""
    wish: str | None = None if wishes is None else getattr(wishes, role)
    return None if (role, wish) in status.refused else wish


def _wished(value: str, wish: str | None, caption: str) -> Tile:
    """What is in use, or what it is going to be."""
    return Tile(value, caption) if wish in (None, value) else Tile(f"{wish}{_PENDING}", caption, is_alert=True)


def _clock(time_s: float) -> str:
    return f"{int(time_s) // 60}:{int(time_s) % 60:02d}"


def _speed_words(wishes: Wishes | None) -> str:
    return "time" if wishes is None or wishes.speed == 1 else f"time, speed {wishes.speed:g}"


def _gap(height: int, scale: float) -> int:
    return round(_GAP_SHARE * height * scale)


def _sizes(height: int, scale: float) -> tuple[int, int, int]:
    value, caption, badge = (
        max(6, round(share * height * scale)) for share in (_VALUE_SHARE, _CAPTION_SHARE, _WORDS_SHARE)
    )
    return value, caption, badge


def _tile_width(tile: Tile, height: int, scale: float) -> int:
    value_px, caption_px, _ = _sizes(height, scale)
    return max(text_width(tile.value, value_px, BOLD), text_width(tile.caption, caption_px, REGULAR))


def _words_width(text: str, height: int, scale: float) -> int:
    badge_px = _sizes(height, scale)[2]
    return text_width(text, badge_px, BOLD) + badge_px


def _length(shown: Sequence[Tile], badges: Sequence[str], height: int, scale: float) -> int:
    """How long the bar would have to be."""
    lengths = [_tile_width(tile, height, scale) for tile in shown]
    lengths += [_words_width(text, height, scale) for text in badges]
    return sum(lengths) + (len(lengths) + 1) * _gap(height, scale)


def _draw_tile(bar: ImageArray, tile: Tile, x: int, theme: Theme, scale: float) -> None:
    height = bar.shape[0]
    value_px, caption_px, _ = _sizes(height, scale)
    top = round((height - value_px - caption_px * 1.25) / 2)
    color = theme.alert if tile.is_alert else theme.joints
    draw_text(bar, tile.value, (x, base_line(top, value_px, value_px)), color, value_px, BOLD)
    caption_top = top + value_px + round(caption_px * 0.25)
    draw_text(bar, tile.caption, (x, base_line(caption_top, caption_px, caption_px)), theme.text, caption_px)


def _draw_words(bar: ImageArray, text: str, x: int, color: Rgb, theme: Theme, scale: float, *, is_filled: bool) -> None:
    height = bar.shape[0]
    badge_px = _sizes(height, scale)[2]
    box_height = round(1.75 * badge_px)
    top = (height - box_height) // 2
    corners = (x, top), (x + _words_width(text, height, scale), top + box_height)
    cv2.rectangle(bar, *corners, rgb_bytes(color), cv2.FILLED if is_filled else max(1, round(badge_px / 12)))
    ink = theme.panel if is_filled else color
    draw_text(bar, text, (x + badge_px // 2, base_line(top, box_height, badge_px)), ink, badge_px, BOLD)
