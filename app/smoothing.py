"""One-Euro filter over the joints of a pose, with real time steps.

Reference: Casiez, Roussel, Vogel: "1 euro filter: a simple speed-based low-pass filter for noisy input in interactive
systems", CHI 2012. Slow joints are smoothed hard, fast joints follow at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .datatypes import Float32Array


@dataclass(frozen=True)
class OneEuroParameters:
    """Settings of the filter for positions in metres.

    Attributes:
        min_cutoff_hz: cut-off at rest; lower is calmer.
        beta_per_m: how much the cut-off rises per metre a second; higher lags less.
        derivative_cutoff_hz: cut-off of the speed estimate.
    """

    min_cutoff_hz: float
    beta_per_m: float
    derivative_cutoff_hz: float = 1.0


PRESETS: dict[str, OneEuroParameters | None] = {
    "off": None,
    "snappy": OneEuroParameters(min_cutoff_hz=2.5, beta_per_m=15.0),
    "balanced": OneEuroParameters(min_cutoff_hz=1.0, beta_per_m=10.0),
    "calm": OneEuroParameters(min_cutoff_hz=0.5, beta_per_m=4.0),
}


def _smoothing_factor(step_s: float, cutoff_hz: Any) -> Any:
    """Share of the new value in an exponential filter of that cut-off and time step (their Eq. 5)."""
    ratio = 2 * math.pi * cutoff_hz * step_s
    return ratio / (ratio + 1)


class OneEuro:
    """Filters an array of points; each coordinate on its own.

    Args:
        parameters: None passes everything through.
    """

    def __init__(self, parameters: OneEuroParameters | None) -> None:
        self._parameters = parameters
        self._time_s = -math.inf
        self._value: Float32Array | None = None
        self._speed: Float32Array | None = None

    def __call__(self, time_s: float, value: Float32Array) -> Float32Array:
        """Filter the next value.

        Args:
            time_s: strictly later than the last call's.
            value: float32 of any shape, the same at each call. A NaN coordinate comes out as NaN, and the filter
                goes on from the coordinate's last known value.

        Returns:
            Filtered float32 of the same shape.
        """
        step_s = time_s - self._time_s
        if self._parameters is None or self._value is None or self._speed is None or step_s <= 0:
            self._time_s, self._value, self._speed = time_s, value, np.zeros_like(value)
            return value
        known = np.isfinite(value)
        fresh = known & ~np.isfinite(self._value)
        last = np.where(fresh, value, self._value)
        target = np.where(known, value, last)

        speed_share = _smoothing_factor(step_s, self._parameters.derivative_cutoff_hz)
        speed = np.nan_to_num(self._speed + speed_share * ((target - last) / step_s - self._speed))
        cutoff_hz = self._parameters.min_cutoff_hz + self._parameters.beta_per_m * np.abs(speed)
        self._value = (last + _smoothing_factor(step_s, cutoff_hz) * (target - last)).astype(np.float32)
        self._time_s, self._speed = time_s, speed
        return np.where(known, self._value, np.nan).astype(np.float32)
