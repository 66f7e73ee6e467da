"""Reads what an off-screen Open3D visualizer has drawn, scaled down to the size that is wanted.

Open3D's own capture turns every pixel into floats, which costs more than drawing. Where OpenGL can be asked directly,
and is seen to give the same picture, it is.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from ..arrays import ImageArray
from .gl_library import gl_library

Reader = Callable[[], ImageArray]
"""Draws and returns a picture (height, width, 3) BGR."""

_GL_BGRA = 0x80E1
_GL_UNSIGNED_BYTE = 0x1401
_SAME_WITHIN = 0.5
"""Of 255, on average: the two ways round differently, and a pixel on an edge may fall to either side."""


def choose_reader(visualizer: Any, *, canvas_wh: tuple[int, int], size_wh: tuple[int, int]) -> Reader:
    """Find the fastest way to read a visualizer that has something to show.

    Args:
        visualizer: an ``o3d.visualization.Visualizer`` whose context is current in this thread.
        canvas_wh: its size in pixels.
        size_wh: size of the pictures to return.
    """
    captured = _capturing(visualizer, size_wh)
    library = gl_library() if sys.platform == "linux" else None
    if library is None:
        return captured
    direct = _direct(visualizer, library, canvas_wh, size_wh)
    found, expected = direct(), captured()
    # A capture leaves the buffers in another order; drawing once more restores it.
    direct()
    return direct if float(cv2.absdiff(expected, found).mean()) <= _SAME_WITHIN else captured


def _capturing(visualizer: Any, size_wh: tuple[int, int]) -> Reader:
    def draw_and_capture() -> ImageArray:
        rgb = np.asarray(visualizer.capture_screen_float_buffer(True))
        small = cv2.resize(rgb, size_wh, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(cv2.convertScaleAbs(small, alpha=255), cv2.COLOR_RGB2BGR), np.uint8)

    return draw_and_capture


def _direct(visualizer: Any, library: ctypes.CDLL, canvas_wh: tuple[int, int], size_wh: tuple[int, int]) -> Reader:
    width, height = canvas_wh
    pixels: ImageArray = np.zeros((height, width, 4), np.uint8)
    read = library.glReadPixels
    read.argtypes = [ctypes.c_int] * 4 + [ctypes.c_uint] * 2 + [ctypes.c_void_p]

    def draw_and_read() -> ImageArray:
        visualizer.poll_events()
        visualizer.update_renderer()
        read(0, 0, width, height, _GL_BGRA, _GL_UNSIGNED_BYTE, pixels.ctypes.data)
        small = cv2.resize(pixels, size_wh, interpolation=cv2.INTER_LINEAR)
        # OpenGL counts rows from the bottom.
        return np.asarray(cv2.flip(cv2.cvtColor(small, cv2.COLOR_BGRA2BGR), 0), np.uint8)

    return draw_and_read
