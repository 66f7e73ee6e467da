"""Notices that somebody else destroyed our X11 window, and lets the program end tidily.

Xlib's own answer is ``exit(1)``, which would leave a video that is being written without its end. A connection that is
cut altogether (``xkill``, end of the session) still ends that way: Xlib offers no return from it.
"""

from __future__ import annotations

import ctypes
import sys

_ERROR_HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class LostWindow:
    """Watches for X11 errors from when it is made. On other systems there is nothing to watch.

    Attributes:
        is_lost: True once the window cannot be used any more.
    """

    def __init__(self) -> None:
        self.is_lost = False
        # Kept here because Xlib keeps a bare pointer to it.
        self._handler = _ERROR_HANDLER(self._on_error)
        if sys.platform != "linux":
            return
        try:
            x11 = ctypes.CDLL("libX11.so.6")
        except OSError:
            return
        x11.XSetErrorHandler(self._handler)

    def _on_error(self, _display: int | None, _event: int | None) -> int:
        self.is_lost = True
        return 0
