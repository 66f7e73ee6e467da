"""Keeps the heaps of the C library few and small, where that is glibc: it makes one for nearly every thread, and
returns little of what was freed in them."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_M_ARENA_MAX = -8
_MOST = 4
"""Heaps. Sixteen are usual on two cores, each with room for pictures that its threads have freed: at 1080p with the
detector ``full`` a run of poses then takes 634 MB and not 521, for the same rate (medians of six runs in turns)."""


def limit() -> None:
    """Let threads share a few heaps, on Linux with glibc; does nothing elsewhere. Call it before they start."""
    if (set_option := _function_of_glibc("mallopt")) is not None:
        set_option(_M_ARENA_MAX, _MOST)


def give_back() -> None:
    """Return what was freed to the system, on Linux with glibc; does nothing elsewhere. Takes some milliseconds.

    A stream that is opened anew is decoded by new threads, in other heaps, and the pictures of those before would stay
    reserved.
    """
    if (trim := _function_of_glibc("malloc_trim")) is not None:
        trim(0)


def _function_of_glibc(name: str) -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return function
