"""Who draws the windows: a graphics card, or the processor in its place. For ``doctor``, in a process of its own."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from typing import Any

from ..native_output import quiet_native_output
from .display import check_display, prefer_x11, window_error
from .library import load_open3d

_RENDERER, _VERSION = 0x1F01, 0x1F02
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software", "gdi generic", "basic render")


def describe_driver() -> dict[str, Any]:
    """Open a hidden window and ask OpenGL in it.

    Returns:
        ``renderer`` and ``version`` as OpenGL words them, empty where it cannot be asked, and ``is_software``.

    Raises:
        ConfigError: there is no display, or no OpenGL on it.
    """
    check_display()
    prefer_x11()
    with quiet_native_output():
        o3d = load_open3d()
        o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)
        visualizer = o3d.visualization.Visualizer()
        if not visualizer.create_window("posedemo doctor", 64, 64, visible=False):
            raise window_error()
        renderer, version = _gl_string(_RENDERER), _gl_string(_VERSION)
        visualizer.destroy_window()
    return {"renderer": renderer, "version": version, "is_software": is_software(renderer)}


def is_software(renderer: str) -> bool:
    """Whether a renderer's name is that of a program that runs on the processor."""
    return any(word in renderer.lower() for word in _SOFTWARE)


def _gl_string(name: int) -> str:
    """What OpenGL says in the context that is current: that of the window just made."""
    library = {"win32": "opengl32", "darwin": "OpenGL"}.get(sys.platform, "GL")
    path = ctypes.util.find_library(library) or ("libGL.so.1" if sys.platform == "linux" else library)
    try:
        get_string = ctypes.CDLL(path).glGetString
    except (OSError, AttributeError):
        return ""
    get_string.restype, get_string.argtypes = ctypes.c_char_p, [ctypes.c_uint]
    text: bytes | None = get_string(name)
    return (text or b"").decode("ascii", "replace")
