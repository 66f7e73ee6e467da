"""Decoded pictures as a player shows them: turned and mirrored as the file says, and with square pixels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from ..arrays import ImageArray

Matrix = npt.NDArray[np.int_ | np.int32]

_NARROWEST, _WIDEST = Fraction(1, 4), Fraction(4)
"""Pixels narrower or wider than any format's are a mistake in the file, which players ignore too."""

_TO_LEFT_RIGHT, _TO_UPSIDE_DOWN, _TO_BOTH = 1, 0, -1
"""OpenCV's numbers for flips."""


_TURNS = {0: (1, 0, 0, 1), 90: (0, -1, 1, 0), 180: (-1, 0, 0, -1), 270: (0, 1, -1, 0)}
"""Counter-clockwise degrees, and where they lead x and y: the upper left of a matrix."""


def photo(path: Path) -> ImageArray | None:
    """A photo as its EXIF says that it is to be shown, which may be mirrored; None where OpenCV does not read it."""
    try:
        content = np.fromfile(path, np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if image is None else np.asarray(image, np.uint8)


def display_matrix(picture: av.VideoFrame) -> Matrix:
    """How a decoded picture is to be shown, (2, 2): x and y of a row vector of the picture are multiplied by it.

    Not to be asked of every picture: PyAV keeps one that was asked until Python's next collection of garbage.
    """
    try:
        stated: Any = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV gives none of what it knows where there is something that it does not, as in photos; but the turn.
        return np.array(_TURNS[round(picture.rotation / 90) * 90 % 360]).reshape(2, 2)
    # (3, 3) of ISO/IEC 14496-12, 6.2.2
    return np.eye(2, dtype=int) if stated is None else np.frombuffer(bytes(stated), np.int32).reshape(3, 3)[:2, :2]


def upright(picture: av.VideoFrame, matrix: Matrix, pixel_aspect: Fraction | None = None) -> ImageArray:
    """The picture as a player shows it, (H, W, 3) uint8 BGR.

    Args:
        picture: as it was decoded.
        matrix: its ``display_matrix``.
        pixel_aspect: width of a pixel over its height; None for square ones.
    """
    width, height = square_pixels_wh((picture.width, picture.height), pixel_aspect)
    return _displayed(np.asarray(picture.to_ndarray(format="bgr24", width=width, height=height), np.uint8), matrix)


def square_pixels_wh(size_wh: tuple[int, int], pixel_aspect: Fraction | None) -> tuple[int, int]:
    """The size of a picture with square pixels that shows as much: none of its sides gets shorter."""
    width, height = size_wh
    if pixel_aspect is None or not _NARROWEST <= pixel_aspect <= _WIDEST:
        return size_wh
    return (round(width * pixel_aspect), height) if pixel_aspect > 1 else (width, round(height / pixel_aspect))


def _displayed(image: ImageArray, matrix: Matrix) -> ImageArray:
    """Turn and mirror a picture; turns that are not by right angles are rounded to one."""
    (x_to_x, x_to_y), (y_to_x, y_to_y) = matrix.tolist()
    if max(abs(x_to_y), abs(y_to_x)) > max(abs(x_to_x), abs(y_to_y)):
        image, along_x, along_y = np.asarray(cv2.transpose(image), np.uint8), y_to_x, x_to_y
    else:
        along_x, along_y = x_to_x, y_to_y
    flips = {(True, False): _TO_LEFT_RIGHT, (False, True): _TO_UPSIDE_DOWN, (True, True): _TO_BOTH}
    flip = flips.get((along_x < 0, along_y < 0))
    return image if flip is None else np.asarray(cv2.flip(image, flip), np.uint8)
