"""How much memory the process took."""

from __future__ import annotations

import sys


def peak_memory_mb() -> float | None:
    """The most physical memory that this process held at any time so far; None on Windows, which is not asked."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes.
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
