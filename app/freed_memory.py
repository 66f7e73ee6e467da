"""Gives freed memory back to the system where the C library keeps it for itself."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Return what was freed, on Linux with glibc; does nothing elsewhere. Takes some milliseconds.

    glibc keeps a heap for every few threads. A stream that is opened anew is decoded by new threads, in other heaps,
    and the pictures of those before would stay reserved.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
