"""Decoded pictures as a player shows them: turned and mirrored as the file says, and with square pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np

from ..datatypes import ImageArray

_NARROWEST, _WIDEST = Fraction(1, 4), Fraction(4)
"""Pixels narrower or wider than any format's are a mistake in the file, which players ignore too."""

_QUARTER_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    -90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    -180: cv2.ROTATE_180,
}
_TO_LEFT_RIGHT, _TO_UPSIDE_DOWN, _TO_BOTH = 1, 0, -1
"""OpenCV's numbers for flips."""


def upright(picture: av.VideoFrame, pixel_aspect: Fraction | None = None) -> ImageArray:
    """The picture as a player shows it, (H, W, 3) uint8 BGR.

    Args:
        picture: as it was decoded, with the display matrix that the file states for it, if it does.
        pixel_aspect: width of a pixel over its height; None for square ones.
    """
    width, height = square_pixels_wh((picture.width, picture.height), pixel_aspect)
    image = np.asarray(picture.to_ndarray(format="bgr24", width=width, height=height), np.uint8)
    try:
        matrix: Any = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV gives none of what it knows where there is something that it does not, as in photos; but the turn.
        return _turned(image, picture.rotation)
    return image if matrix is None else displayed(image, np.frombuffer(bytes(matrix), np.int32).reshape(3, 3))


def square_pixels_wh(size_wh: tuple[int, int], pixel_aspect: Fraction | None) -> tuple[int, int]:
    """The size of a picture with square pixels that shows as much: none of its sides gets shorter."""
    width, height = size_wh
    if pixel_aspect is None or not _NARROWEST <= pixel_aspect <= _WIDEST:
        return size_wh
    return (round(width * pixel_aspect), height) if pixel_aspect > 1 else (width, round(height / pixel_aspect))


def displayed(image: ImageArray, matrix: np.ndarray[tuple[int, int], np.dtype[np.int32]]) -> ImageArray:
    """Turn and mirror a picture.

    Args:
        image: (H, W, 3).
        matrix: (3, 3) of ISO/IEC 14496-12, 6.2.2, as FFmpeg gives it: x and y of a row vector of the picture are
            multiplied by its first two columns. Turns that are not by right angles are rounded to one.
    """
    (x_to_x, x_to_y), (y_to_x, y_to_y) = matrix[:2, :2].tolist()
    if max(abs(x_to_y), abs(y_to_x)) > max(abs(x_to_x), abs(y_to_y)):
        image, along_x, along_y = np.asarray(cv2.transpose(image), np.uint8), y_to_x, x_to_y
    else:
        along_x, along_y = x_to_x, y_to_y
    flips = {(True, False): _TO_LEFT_RIGHT, (False, True): _TO_UPSIDE_DOWN, (True, True): _TO_BOTH}
    flip = flips.get((along_x < 0, along_y < 0))
    return image if flip is None else np.asarray(cv2.flip(image, flip), np.uint8)


def _turned(image: ImageArray, counter_clockwise_deg: int) -> ImageArray:
    turn = _QUARTER_TURNS.get(round(counter_clockwise_deg / 90) * 90)
    return image if turn is None else np.asarray(cv2.rotate(image, turn), np.uint8)
