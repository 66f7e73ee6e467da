"""Words in pictures: measured and drawn with the typeface that OpenCV brings along."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2

from ..arrays import ImageArray
from .theme import Rgb, rgb_bytes

REGULAR, BOLD = 500, 700
_HERSHEY = cv2.FONT_HERSHEY_DUPLEX
_HERSHEY_PX = 30.0
"""Line height at scale 1 of OpenCV 4's strokes, which stand in where there is no typeface."""

_CAPITAL_SHARE = 0.70
"""Height of a capital letter over the size of the type."""


def text_width(text: str, size_px: int, weight: int = REGULAR) -> int:
    """How wide some words are.

    Args:
        text: one line.
        size_px: size of the type; capitals are 0.7 of that high.
        weight: ``REGULAR`` or ``BOLD``.
    """
    face = _typeface()
    if face is not None:
        x, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), face, size_px, weight)
        return int(x + width)
    (width, _), _ = cv2.getTextSize(_plain(text), _HERSHEY, size_px / _HERSHEY_PX, _strokes(size_px, weight))
    return int(width)


def draw_text(
    image_rgb: ImageArray, text: str, origin: tuple[int, int], color: Rgb, size_px: int, weight: int = REGULAR
) -> None:
    """Draw one line of words into a picture, in place.

    Args:
        image_rgb: (H, W, 3) uint8, writable.
        text: one line.
        origin: left end of the base line, x and y in pixels.
        color: of the words.
        size_px: as in ``text_width``.
        weight: as in ``text_width``.
    """
    face = _typeface()
    if face is not None:
        cv2.putText(image_rgb, text, origin, rgb_bytes(color), face, size_px, weight)
        return
    scale, thickness = size_px / _HERSHEY_PX, _strokes(size_px, weight)
    cv2.putText(image_rgb, _plain(text), origin, _HERSHEY, scale, rgb_bytes(color), thickness, cv2.LINE_AA)


def base_line(top: int, height: int, size_px: int) -> int:
    """Where the base line has to be for capitals to stand in the middle of a band of a picture."""
    return top + round((height + _CAPITAL_SHARE * size_px) / 2)


@cache
def _typeface() -> Any:
    """OpenCV 5's, which knows every letter of Europe; None in OpenCV 4, which has none."""
    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def _strokes(size_px: int, weight: int) -> int:
    return max(1, round(size_px / 18)) + (weight >= BOLD)


def _plain(text: str) -> str:
    """Strokes exist for ASCII only."""
    return text.encode("ascii", "replace").decode("ascii")
