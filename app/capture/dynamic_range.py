"""Pictures of high dynamic range as ones of the usual range: what phones record as HDR looks grey and flat otherwise.

Code values follow another curve of brightness there, Rec. ITU-R BT.2100's PQ or HLG. Up to its reference white, 203
candela per square metre (Rep. ITU-R BT.2408), brightness stays as it is; highlights above share what little is left.
Channel by channel, which leaves colours a little paler than they are, and none of it matters to a detector.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..arrays import ImageArray

_PQ, _HLG = 16, 18
"""ITU-T H.273's numbers for transfer characteristics."""
_WHITE, _PEAK = 203.0, 1000.0
"""Candela per square metre."""
_KNEE = 0.8
"""From this share of white on, highlights are compressed."""
_GAMMA = 2.4
"""Of a display of the usual range, Rec. ITU-R BT.1886."""
_SYSTEM_GAMMA = 1.2
"""HLG's, for a display of 1000 candela per square metre."""


def curve_of(transfer: int) -> ImageArray | None:
    """What to make of each 8-bit code value, (256,) uint8; None for videos of the usual range.

    Args:
        transfer: number of the transfer characteristics, as the video states it.
    """
    signal = np.arange(256) / 255
    if transfer == _PQ:
        light = _pq(signal) / _WHITE
    elif transfer == _HLG:
        light = _PEAK * _hlg(signal) ** _SYSTEM_GAMMA / _WHITE
    else:
        return None
    return np.round(255 * _compressed(light) ** (1 / _GAMMA)).astype(np.uint8)


def _pq(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Candela per square metre: BT.2100, table 4."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def _hlg(signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Light of the scene from 0 to 1: the inverse of BT.2100, table 5."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _compressed(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Light in shares of white as shares of what can be shown; the peak is as bright as can be."""
    above = np.maximum(light - _KNEE, 0) / (_PEAK / _WHITE - _KNEE)
    highlights = _KNEE + (1 - _KNEE) * np.minimum(above, 1) ** 0.5
    return np.where(light < _KNEE, light, highlights)
