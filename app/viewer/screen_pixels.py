"""Reads what a window shows, as it is on the screen."""

from __future__ import annotations

import ctypes
from typing import Any

import cv2
import numpy as np

from ..arrays import ImageArray
from .gl_library import gl_library

_GL_FRONT, _GL_BACK = 0x0404, 0x0405
_GL_BGRA = 0x80E1
_GL_UNSIGNED_BYTE = 0x1401
_SAME_WITHIN = 0.5
"""Of 255, on average: the two ways round differently."""


class ScreenReader:
    """Reads the pixels of an Open3D window. Use it right after drawing, on the thread that draws.

    Open3D's own capture turns every pixel into floats, which takes longer than a frame may. Where OpenGL can be asked
    directly, and has once given the same picture, it is.

    Args:
        visualizer: an ``o3d.visualization.Visualizer`` with a window.

    Attributes:
        is_checked: the way to read has been found out.
    """

    def __init__(self, visualizer: Any) -> None:
        self._visualizer = visualizer
        self._library = gl_library()
        self.is_checked = False

    def check(self) -> None:
        """Find out which way to read: once, after something was drawn and before reading has to be quick."""
        self.is_checked = True
        if self._library is None:
            return
        found, expected = self._direct()[..., :3], self._captured()
        is_same = found.shape == expected.shape and cv2.absdiff(found, expected).mean() <= _SAME_WITHIN
        self._library = self._library if is_same else None

    def read(self) -> ImageArray:
        """(height, width, 3 or 4) BGR of what was drawn last; a fourth channel means nothing."""
        if not self.is_checked:
            self.check()
        return self._captured() if self._library is None else self._direct()

    def _direct(self) -> ImageArray:
        assert self._library is not None
        size = self._visualizer.get_view_control().convert_to_pinhole_camera_parameters().intrinsic
        pixels: ImageArray = np.empty((size.height, size.width, 4), np.uint8)
        self._library.glReadBuffer(_GL_FRONT)
        self._library.glReadPixels(
            0, 0, size.width, size.height, _GL_BGRA, _GL_UNSIGNED_BYTE, ctypes.c_void_p(pixels.ctypes.data)
        )
        self._library.glReadBuffer(_GL_BACK)
        # OpenGL counts rows from the bottom.
        return pixels[::-1]

    def _captured(self) -> ImageArray:
        rgb = np.asarray(self._visualizer.capture_screen_float_buffer(False))
        return np.asarray(cv2.cvtColor(cv2.convertScaleAbs(rgb, alpha=255), cv2.COLOR_RGB2BGR), np.uint8)
