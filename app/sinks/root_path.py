"""The way of a person through the room, calmed where all of it is known.

How far away somebody is follows from how large they seem, so that it shakes with every error of the pose; in which
direction they are is seen in the picture. The distance is calmed much, the direction hardly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import FloatArray

_OUTLIER_REACH_S = 0.4
_OUTLIER = 0.15
"""A distance that differs by such a share from the median around it, as in a crouch or a turn, is replaced by that."""

_DISTANCE_SIGMA_S = 0.3
_DIRECTION_SIGMA_S = 0.07
_SIGMAS = 3.0
"""Beyond so many a weight is nothing."""


def calm_path(time_s: FloatArray, root_m: FloatArray) -> FloatArray:
    """Filter the places of one person without delay.

    Args:
        time_s: (N,) rising.
        root_m: (N, 3) camera axes, metres; NaN where the place is not known.

    Returns:
        (N, 3), NaN where it was.
    """
    calm = np.array(root_m, np.float64)
    known = np.isfinite(calm).all(axis=-1) & (calm[:, 2] > 0)
    if not known.any():
        return calm
    at_s, places_m = np.asarray(time_s, np.float64)[known], calm[known]
    # Ratios of distances are what sizes tell.
    distance = np.log(places_m[:, 2:])
    usual = _around(at_s, distance, _OUTLIER_REACH_S, lambda near, _: np.median(near, axis=0))
    distance = np.where(np.abs(distance - usual) > _OUTLIER, usual, distance)
    distance = _fitted(at_s, distance, _DISTANCE_SIGMA_S)
    direction = _fitted(at_s, places_m / places_m[:, 2:], _DIRECTION_SIGMA_S)
    calm[known] = direction * np.exp(distance)
    return calm


def _fitted(time_s: FloatArray, values: FloatArray, sigma_s: float) -> FloatArray:
    """Where a straight way through the values (N, C) around each is at its time, near ones counting more (Gaussian):
    the mean, but for the ends of a way, where a mean would draw back who is coming or going."""

    def middle(near: FloatArray, apart_s: FloatArray) -> FloatArray:
        weights = np.exp(-0.5 * (apart_s / sigma_s) ** 2)
        shift_s = weights @ apart_s / weights.sum()
        spread = weights @ (apart_s - shift_s) ** 2
        mean = weights @ near / weights.sum()
        slope = (weights * (apart_s - shift_s)) @ near / max(spread, sigma_s**2)
        return np.asarray(mean - slope * shift_s)

    return _around(time_s, values, _SIGMAS * sigma_s, middle)


def _around(
    time_s: FloatArray, values: FloatArray, reach_s: float, sum_up: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """Sum up what lies around each value: the values and how much later they are."""
    first, last = np.searchsorted(time_s, time_s - reach_s), np.searchsorted(time_s, time_s + reach_s, side="right")
    rows = [
        sum_up(values[start:end], time_s[start:end] - time_s[row])
        for row, (start, end) in enumerate(zip(first, last, strict=True))
    ]
    return np.array(rows)
