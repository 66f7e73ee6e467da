"""Finds out whether a window can be opened, without opening one or loading Open3D."""

from __future__ import annotations

import ctypes
import os
import sys
import threading

from ..errors import ConfigError

_NO_DISPLAY = "no display to open a window on"
_HEADLESS_HINT = "run with --headless together with --output or --export, or start an X server such as Xvfb"
_X11_LIBRARY = "libX11.so.6"


def check_display() -> None:
    """Check that there is a display. Windows and macOS always have one as far as can be told beforehand.

    Raises:
        ConfigError: there is none, it does not let us in, or it does not let this thread in.
    """
    if sys.platform == "darwin" and threading.current_thread() is not threading.main_thread():
        raise ConfigError(
            "macOS opens windows on the main thread only",
            "call posedemo from the program's main thread, or use --headless",
        )
    if sys.platform != "linux":
        return
    if not os.environ.get("DISPLAY"):
        if os.environ.get("WAYLAND_DISPLAY"):
            raise ConfigError(
                f"{_NO_DISPLAY}: Open3D needs X11, and this Wayland session has no XWayland", _HEADLESS_HINT
            )
        raise ConfigError(_NO_DISPLAY, _HEADLESS_HINT)
    if not _is_x_server_open():
        raise ConfigError(f"{_NO_DISPLAY}: {os.environ['DISPLAY']} refuses the connection", _HEADLESS_HINT)


def window_error() -> ConfigError:
    """What to raise when there is a display, but no window could be made."""
    return ConfigError(
        "no display to open a window on: OpenGL 3.3 cannot be used there",
        f"{_HEADLESS_HINT}; over a network, set LIBGL_ALWAYS_SOFTWARE=1",
    )


def prefer_x11() -> None:
    """Keep Open3D's windows off Wayland, where they come up without a usable OpenGL context."""
    if sys.platform == "linux" and os.environ.get("DISPLAY"):
        os.environ.pop("WAYLAND_DISPLAY", None)
        os.environ["XDG_SESSION_TYPE"] = "x11"


def _is_x_server_open() -> bool:
    try:
        x11 = ctypes.CDLL(_X11_LIBRARY)
    except OSError:
        return True  # Cannot be asked; opening the window will tell.
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    display = x11.XOpenDisplay(None)
    if not display:
        return False
    x11.XCloseDisplay(display)
    return True
