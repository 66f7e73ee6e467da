"""Stage timers, and percentiles over a bounded window."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

WINDOW_FRAMES = 10_000
"""Percentiles cover the newest so many frames, so that a booth that runs for days needs no more memory."""


class StageTimers:
    """Wall time of each stage of each frame."""

    def __init__(self) -> None:
        self._samples_ms: dict[str, deque[float]] = {}
        self._frame_ms: dict[str, float] = {}
        self._totals_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body as one stage of the current frame."""
        start_s = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, (time.perf_counter() - start_s) * 1e3)

    def add(self, name: str, milliseconds: float) -> None:
        """Add a sample that was timed elsewhere."""
        self._samples_ms.setdefault(name, deque(maxlen=WINDOW_FRAMES)).append(milliseconds)
        self._frame_ms[name] = milliseconds
        self._totals_ms[name] = self._totals_ms.get(name, 0.0) + milliseconds

    def take_frame(self) -> dict[str, float]:
        """The timings since the last call, by stage, in milliseconds."""
        taken, self._frame_ms = self._frame_ms, {}
        return taken

    def shares_percent(self, wall_s: float) -> dict[str, float]:
        """By stage, how much of a time it took. Together more than 100 where stages ran at the same time."""
        return {name: round(total_ms / wall_s / 10, 2) for name, total_ms in self._totals_ms.items() if wall_s > 0}

    def percentiles(self, *wanted: int) -> dict[str, dict[str, float]]:
        """Percentiles by stage: ``{"detect": {"p50": 13.1, ...}, ...}`` in milliseconds."""
        return {name: percentiles(samples, *wanted) for name, samples in self._samples_ms.items()}


def percentiles(samples: deque[float], *wanted: int) -> dict[str, float]:
    """``{"p50": ..., "p95": ...}`` of a non-empty sample."""
    values = np.percentile(np.fromiter(samples, np.float64), wanted)
    return {f"p{rank}": round(float(value), 3) for rank, value in zip(wanted, values, strict=True)}
