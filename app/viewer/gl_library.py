"""The system's OpenGL, for what Open3D does not offer."""

from __future__ import annotations

import ctypes
import sys

_NAMES = {
    "linux": ("libGL.so.1", "libOpenGL.so.0"),
    "win32": ("opengl32.dll",),
    "darwin": ("/System/Library/Frameworks/OpenGL.framework/OpenGL",),
}


def gl_library() -> ctypes.CDLL | None:
    """The library, or None where it cannot be found."""
    for name in _NAMES.get(sys.platform, ()):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None
