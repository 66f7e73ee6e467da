"""Finds out whether a window can be opened, without opening one or loading Open3D.

And sets what the libraries read from the environment when they open one.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading

from ..errors import ConfigError
from .x11 import load_x11

_NO_DISPLAY = "no display to open a window on"
_HEADLESS_HINT = "run with --headless together with --output or --export, or start an X server such as Xvfb"
_GL_LIBRARY = "libGL.so.1"
_ACCELERATED = 0x8186
"""Of GLX_MESA_query_renderer."""


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


def spare_the_processor() -> None:
    """Do without smooth edges where the processor draws: they are hardly seen, and take it three times as long.

    To be called before the window opens, which Open3D always asks for four samples a pixel. Drivers other than Mesa's
    do not listen.
    """
    if sys.platform == "linux" and not _is_accelerated():
        os.environ.setdefault("DRI_NO_MSAA", "1")


def _is_accelerated() -> bool:
    """Whether Mesa says that a graphics card draws on this display; it says nothing of its drivers without one."""
    try:
        x11, glx = load_x11(), ctypes.CDLL(_GL_LIBRARY)
        glx.glXGetProcAddressARB.restype = ctypes.c_void_p
        address = glx.glXGetProcAddressARB(b"glXQueryRendererIntegerMESA")
    except (OSError, AttributeError):
        return False
    display = x11.XOpenDisplay(None)
    if not address or not display:
        return False
    query = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_uint)
    )(address)
    answer = ctypes.c_uint(0)
    is_known = query(display, x11.XDefaultScreen(display), 0, _ACCELERATED, ctypes.byref(answer))
    x11.XCloseDisplay(display)
    return bool(is_known and answer.value)


def _is_x_server_open() -> bool:
    try:
        x11 = load_x11()
    except OSError:
        return True  # Cannot be asked; opening the window will tell.
    display = x11.XOpenDisplay(None)
    if not display:
        return False
    x11.XCloseDisplay(display)
    return True
