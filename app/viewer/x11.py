"""The X server, asked without a library of its own: only what windows need beside Open3D."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

_LIBRARY = "libX11.so.6"
_ErrorHandler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def load_x11() -> ctypes.CDLL:
    """Xlib.

    Raises:
        OSError: it is not installed.
    """
    x11 = ctypes.CDLL(_LIBRARY)
    x11.XOpenDisplay.restype = x11.XSetErrorHandler.restype = ctypes.c_void_p
    x11.XCloseDisplay.argtypes = x11.XDefaultScreen.argtypes = [ctypes.c_void_p]
    x11.XSync.argtypes = [ctypes.c_void_p, ctypes.c_int]
    x11.XSetErrorHandler.argtypes = [ctypes.c_void_p]
    return x11


@contextlib.contextmanager
def without_dying(x11: ctypes.CDLL, display: ctypes.c_void_p) -> Iterator[None]:
    """Let requests fail within. Xlib by itself ends the program when one does, and another program's window may be gone
    before it has been asked about."""
    handler = _ErrorHandler(lambda display, event: 0)
    before = x11.XSetErrorHandler(ctypes.cast(handler, ctypes.c_void_p))
    try:
        yield
    finally:
        x11.XSync(display, 0)  # errors come with the answers
        x11.XSetErrorHandler(before)
