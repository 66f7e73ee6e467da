"""What the window measures by itself: how often it shows something new, and how old that is when it can be seen."""

from __future__ import annotations

import time
from collections import deque

import numpy as np

from .hud import Pulse

_RATE_WINDOW_S = 2.0
_AGE_WINDOW_S = 10.0


class PulseMeter:
    """Counts results that were drawn, over the last moments."""

    def __init__(self) -> None:
        self._drawn: deque[tuple[float, float]] = deque()

    def drawn(self, grabbed_s: float) -> None:
        """Count a result whose picture was grabbed at this time, right after it was drawn."""
        now_s = time.monotonic()
        self._drawn.append((now_s, (now_s - grabbed_s) * 1e3))
        while now_s - self._drawn[0][0] > _AGE_WINDOW_S:
            self._drawn.popleft()

    def pulse(self) -> Pulse:
        """The numbers of now."""
        now_s = time.monotonic()
        ages_ms = [age_ms for drawn_s, age_ms in self._drawn if now_s - drawn_s <= _AGE_WINDOW_S]
        times_s = [drawn_s for drawn_s, _ in self._drawn if now_s - drawn_s <= _RATE_WINDOW_S]
        rate = (len(times_s) - 1) / max(1e-6, times_s[-1] - times_s[0]) if len(times_s) > 1 else 0.0
        if not ages_ms:
            return Pulse(rate)
        p50_ms, p95_ms = np.percentile(ages_ms, (50, 95))
        return Pulse(rate, float(p50_ms), float(p95_ms))
