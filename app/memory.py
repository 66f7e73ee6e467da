"""How much memory the process took."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def peak_memory_mb() -> float | None:
    """The most physical memory that this process held at any time so far; None on Windows, which is not asked."""
    if sys.platform == "linux":
        # What getrusage says there begins with what the process held from which this one was started.
        found = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
        if found:
            return round(int(found[1]) / 2**10, 1)
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, others kilobytes.
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
