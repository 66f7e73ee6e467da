"""Hides the mouse pointer over the window, which Open3D has no word for: by asking the system itself.

Where the system cannot be asked, the pointer stays: that is no reason to end a show.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Iterator

from .x11 import load_x11, without_dying

logger = logging.getLogger(__name__)

_APPLICATION_SERVICES = "/System/Library/Frameworks/ApplicationServices.framework/ApplicationServices"
_ANY_PROPERTY_TYPE = 0


class Pointer:
    """The mouse pointer over this process's window; visible at first."""

    def __init__(self) -> None:
        self._is_hidden = False

    def set_hidden(self, *, is_hidden: bool) -> None:
        """Hide it, or show it again."""
        if is_hidden == self._is_hidden:
            return
        self._is_hidden = is_hidden
        try:
            {"linux": _hide_on_x11, "win32": _hide_on_windows, "darwin": _hide_on_mac}[sys.platform](is_hidden)
        except (KeyError, OSError, AttributeError) as error:
            logger.debug("the mouse pointer stays: %s", error)


def _hide_on_windows(is_hidden: bool) -> None:
    # A counter of this thread, which owns the window; callers take turns, so that it stays at -1 or 0.
    ctypes.CDLL("user32").ShowCursor(not is_hidden)


def _hide_on_mac(is_hidden: bool) -> None:
    library = ctypes.CDLL(_APPLICATION_SERVICES)
    act = library.CGDisplayHideCursor if is_hidden else library.CGDisplayShowCursor
    act(library.CGMainDisplayID())


def _hide_on_x11(is_hidden: bool) -> None:
    """Give the window a pointer without a single pixel. Any client may do so with any window."""
    x11 = load_x11()
    for name in ("XDefaultRootWindow", "XCreateBitmapFromData", "XCreatePixmapCursor", "XInternAtom"):
        getattr(x11, name).restype = ctypes.c_void_p
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    if not display:
        raise OSError("the X server refuses another connection")
    try:
        root = int(x11.XDefaultRootWindow(display) or 0)
        with without_dying(x11, display):
            for window in _own_windows(x11, display, root):
                if is_hidden:
                    cursor = ctypes.c_ulong(_empty_cursor(x11, display, root))
                    x11.XDefineCursor(display, ctypes.c_ulong(window), cursor)
                else:
                    x11.XUndefineCursor(display, ctypes.c_ulong(window))
    finally:
        x11.XCloseDisplay(display)


def _empty_cursor(x11: ctypes.CDLL, display: ctypes.c_void_p, root: int) -> int:
    nothing = ctypes.create_string_buffer(1)
    bitmap = ctypes.c_ulong(int(x11.XCreateBitmapFromData(display, ctypes.c_ulong(root), nothing, 1, 1)))
    color = ctypes.create_string_buffer(16)  # an XColor, all zero: black
    return int(x11.XCreatePixmapCursor(display, bitmap, bitmap, color, color, 0, 0))


def _own_windows(x11: ctypes.CDLL, display: ctypes.c_void_p, root: int) -> Iterator[int]:
    """All windows below one whose owner says that they are this process's; a window manager may have wrapped them."""
    property_name = ctypes.c_ulong(int(x11.XInternAtom(display, b"_NET_WM_PID", 0)))
    waiting = [root]
    while waiting:
        window = waiting.pop()
        if _number(x11, display, window, property_name) == os.getpid():
            yield window
        waiting += _children(x11, display, window)


def _children(x11: ctypes.CDLL, display: ctypes.c_void_p, window: int) -> list[int]:
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    found = ctypes.POINTER(ctypes.c_ulong)()
    ok = x11.XQueryTree(
        display, ctypes.c_ulong(window), ctypes.byref(root), ctypes.byref(parent), ctypes.byref(found),
        ctypes.byref(count),
    )  # fmt: skip
    if not ok or not found:
        return []
    children = [int(found[index]) for index in range(count.value)]
    x11.XFree(found)
    return children


def _number(x11: ctypes.CDLL, display: ctypes.c_void_p, window: int, name: ctypes.c_ulong) -> int | None:
    """A property that is one number; None where the window has none."""
    kind, length, rest = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_ulong()
    bits = ctypes.c_int()
    data = ctypes.POINTER(ctypes.c_ulong)()
    x11.XGetWindowProperty(
        display, ctypes.c_ulong(window), name, ctypes.c_long(0), ctypes.c_long(1), 0,
        ctypes.c_ulong(_ANY_PROPERTY_TYPE), ctypes.byref(kind), ctypes.byref(bits), ctypes.byref(length),
        ctypes.byref(rest), ctypes.byref(data),
    )  # fmt: skip
    if not data:
        return None
    value = int(data[0]) if length.value else None
    x11.XFree(data)
    return value
