"""Filters over the joints of a pose, with real time steps: One-Euro live, a local parabola where the future is known.

Casiez, Roussel, Vogel: "1 euro filter: a simple speed-based low-pass filter for noisy input in interactive systems",
CHI 2012: slow joints are smoothed hard, fast joints follow at once. Cleveland: "Robust locally weighted regression and
smoothing scatterplots", JASA 1979, for the parabola through near values and its tricube weights.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .arrays import Float32Array


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
    "snappy": OneEuroParameters(min_cutoff_hz=1.7, beta_per_m=15.0),
    "balanced": OneEuroParameters(min_cutoff_hz=1.0, beta_per_m=8.0),
    "calm": OneEuroParameters(min_cutoff_hz=0.5, beta_per_m=5.0),
}
"""Live. Tuned on error, jitter and lag together; docs/posing.md has the command that shows it."""

REACH_S: dict[str, float] = {"off": 0.0, "snappy": 0.15, "balanced": 0.25, "calm": 0.4}
"""In files: how far before and after a frame its filter reaches. With more than a quarter of a second a quick movement
of the hand, half a metre in 0.3 s, is flattened by more than One-Euro is late."""


class Smoother(Protocol):
    """Filters an array of points over time. A value is put in, and taken out once the filter has seen enough of what
    follows."""

    def push(self, time_s: float, value: Float32Array) -> None:
        """Add the next value; NaN where it is unknown."""
        ...

    def at(self, time_s: float) -> Float32Array:
        """The filtered value of a time that was pushed; NaN where the value was. Ask for rising times."""
        ...


def make_smoother(preset: str, *, zero_phase: bool) -> Smoother:
    """The filter of a preset: One-Euro, or one that knows the future."""
    if zero_phase and REACH_S[preset] > 0:
        return ZeroPhase(REACH_S[preset])
    return Causal(OneEuro(PRESETS[preset]))


_FLATTENING = np.diag((1e-12, 1e-4, 1e-4))
"""Keeps level, slope and curvature of the parabola finite, as shares of the values' weight."""
_POWERS = np.arange(5)[:, None]
_NORMAL = np.add.outer(np.arange(3), np.arange(3))
"""Which moment stands where in the normal equations."""
_LEVEL = np.array([[1.0], [0.0], [0.0]])


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

    def tune(self, parameters: OneEuroParameters | None) -> None:
        """Go on with other parameters from what the filter knows, so that nothing jumps."""
        self._parameters = parameters

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
        last = np.where(np.isfinite(self._value), self._value, value)
        step = np.where(known, value - last, 0)
        speed_share = _smoothing_factor(step_s, self._parameters.derivative_cutoff_hz)
        speed = self._speed + speed_share * (step / step_s - self._speed)
        cutoff_hz = self._parameters.min_cutoff_hz + self._parameters.beta_per_m * np.abs(speed)
        self._value = (last + _smoothing_factor(step_s, cutoff_hz) * step).astype(np.float32)
        self._time_s, self._speed = time_s, speed
        return np.where(known, self._value, np.nan).astype(np.float32)


class Causal:
    """One-Euro as a smoother: what was put in last can be taken out at once."""

    def __init__(self, one_euro: OneEuro) -> None:
        self._one_euro = one_euro
        self._filtered: Float32Array | None = None

    def tune(self, preset: str) -> None:
        """Go on with another preset."""
        self._one_euro.tune(PRESETS[preset])

    def push(self, time_s: float, value: Float32Array) -> None:
        """Filter the next value."""
        self._filtered = self._one_euro(time_s, value)

    def at(self, time_s: float) -> Float32Array:
        """The value that was put in last, filtered."""
        del time_s
        assert self._filtered is not None
        return self._filtered


class ZeroPhase:
    """Fits a parabola to what lies around a moment, near values counting more, and takes its middle.

    What comes after counts as much as what went before, so that movement is not delayed, and a parabola follows
    acceleration. Times need not be evenly spaced; unknown values do not count. At the ends of a track only one side is
    there, and the parabola flattens as values get few.

    Args:
        reach_s: how far before and after; a gap longer than this is not bridged.
    """

    def __init__(self, reach_s: float) -> None:
        self._reach_s = reach_s
        self._samples: deque[tuple[float, Float32Array]] = deque()

    def push(self, time_s: float, value: Float32Array) -> None:
        """Add the next value, of a time that does not fall."""
        self._samples.append((time_s, value))

    def at(self, time_s: float) -> Float32Array:
        """The filtered value of a time that was pushed; what lies farther back than ``reach_s`` is dropped."""
        while self._samples[0][0] < time_s - self._reach_s:
            self._samples.popleft()
        near = [sample for sample in self._samples if sample[0] < time_s + self._reach_s]
        offsets = np.array([sample_s - time_s for sample_s, _ in near]) / self._reach_s
        apart = np.abs(offsets)
        values = np.array([value for _, value in near], np.float64)
        own = values[apart.argmin()]
        flat = values.reshape(len(near), -1)
        known = np.isfinite(flat)
        if known.all():
            known = known[:, :1]  # all coordinates have the same weights
        else:
            flat = np.where(known, flat, 0)
        weights = known * (np.maximum(1 - apart**3, 0) ** 3)[:, None]  # (N, C), or (N, 1) for all
        powers = offsets**_POWERS  # (5, N)
        moments = powers @ weights  # (5, C)
        sums = powers[:3] @ (weights * flat)  # (3, C)
        # Values too few for a curve are joined by the flattest one.
        normal = moments[_NORMAL].transpose(2, 0, 1)  # (C, 3, 3)
        normal = normal + _FLATTENING * np.maximum(moments[0], 1e-9)[:, None, None]
        shares = np.linalg.solve(normal, _LEVEL)[..., 0]  # (C, 3) of the sums in the parabola's middle
        middle = np.einsum("ck,kc->c", np.broadcast_to(shares, sums.T.shape), sums).reshape(own.shape)
        return np.where(np.isfinite(own), middle, np.nan).astype(np.float32)
