"""What a person wears: somebody who took their place without a jump wears something else. numpy only.

Who walks by in front of a person takes a detector's attention with them so smoothly that their movement tells nothing.
The colours of their trunk and thighs do: in the demo clip the jumper's trunk stays within 0.03 of itself from second to
second, and the walker's is 0.12 away (``benchmarks/lock_on.py --bystander --scene "past, before"``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import Float32Array, ImageArray
from .datatypes import Keypoints2D
from .geometry import norms
from .skeleton import H36M17

_ALONG_TRUNK, _ACROSS_TRUNK = (0.2, 0.4, 0.6, 0.8), (0.25, 0.4, 0.6, 0.75)
_ALONG_THIGH = (0.2, 0.35, 0.5, 0.65)
"""Where colours are taken: inside, for the outline belongs to the background, and above the knees, where skirts end."""

_LEAST_CONFIDENCE = 0.5
_LEAST_POINTS = 4

_DARK = 48.0
"""Added to the sum of the channels: in what is nearly black, hues are noise."""
_HUE, _BRIGHTNESS = 3.0, 0.35
"""Weights. A shadow changes brightness, other clothes mostly hues."""

_LEARNED_S = 0.5
"""So long somebody is seen before their clothes are known."""
_TIME_CONSTANT_S = 0.7
"""Who walks from the shade into the sun changes within a second; who is replaced, within a tenth."""
_LEAST_STRANGE, _STRANGE = 0.07, 4.0
"""Strange is what differs by more, and by more than so many times the usual difference."""
_ALIKE, _ALIKE_S = 2.0, 0.2
"""To be believed after a doubt, they differ by no more than so many times the usual, for so long: where one stands
behind the other, some of the colours are the person's."""
_FIRST_SPREAD = 0.03
_TINY = np.float32(1e-9)

_FIRST_PAUSE_S, _LONGER = 0.1, 1.5
"""Before the first look for the person, and between two: it grows, for stage lights can change somebody's colours too,
and looks cost."""
_CLEARLY = 0.5
"""Whoever takes the place of the one who is doubted differs by less than so much of what that one does: people dressed
alike are left where they are."""
_BELIEVED_S = 2.0
"""Who wears something else for so long, while nobody in the right clothes is found, is the person in another light."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the body that clothes cover.

    Attributes:
        joints: (K,) indices into H36M-17.
        shares: (P, K): each point that colours are taken at, as a mixture of the joints.
    """

    joints: npt.NDArray[np.intp]
    shares: Float32Array


def _indices(*names: str) -> npt.NDArray[np.intp]:
    return np.array([H36M17.index(name) for name in names])


def _trunk() -> _Part:
    joints = _indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    shares = [
        ((1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across)
        for down in _ALONG_TRUNK
        for across in _ACROSS_TRUNK
    ]
    return _Part(joints, np.array(shares, np.float32))


def _thighs() -> _Part:
    joints = _indices("left_hip", "left_knee", "right_hip", "right_knee")
    left = [(1 - down, down, 0, 0) for down in _ALONG_THIGH]
    right = [(0, 0, 1 - down, down) for down in _ALONG_THIGH]
    return _Part(joints, np.array(left + right, np.float32))


_PARTS = (_trunk(), _thighs())
_TRUNK = 0
_SHOULDERS = _indices("left_shoulder", "right_shoulder")


def worn_colors(image_bgr: ImageArray, keypoints: Keypoints2D) -> Float32Array:
    """What somebody in a picture wears.

    Args:
        image_bgr: (H, W, 3).
        keypoints: their H36M-17 joints.

    Returns:
        (2, 3): two hues and the brightness of trunk and thighs, about as far apart as they look; NaN where too little
        of them is in the picture, or the shoulders are not seen.
    """
    found = np.full((len(_PARTS), 3), np.nan, np.float32)
    if (keypoints.confidence[_SHOULDERS] < _LEAST_CONFIDENCE).any():
        return found
    height, width = image_bgr.shape[:2]
    for number, part in enumerate(_PARTS):
        places = part.shares @ keypoints.xy_px[part.joints]
        x, y = places[((places >= 0) & (places < (width, height))).all(axis=-1)].astype(np.intp).T
        if len(x) >= _LEAST_POINTS:
            found[number] = _seen_color(image_bgr[y, x])
    return found


def _seen_color(colors_bgr: ImageArray) -> tuple[float, float, float]:
    """Two hues and the brightness of the middle one, channel by channel, of (P, 3) colours."""
    blue, green, red = np.sort(colors_bgr, axis=0)[len(colors_bgr) // 2].tolist()
    total = blue + green + red + _DARK
    return _HUE * (red - green) / total, _HUE * (green - blue) / total, _BRIGHTNESS * math.log(total)


class Clothes:
    """What one person wears, as far as it is known, and when they were last seen in it."""

    def __init__(self) -> None:
        self._mean: Float32Array = np.full((len(_PARTS), 3), np.nan, np.float32)
        self._spread: Float32Array = np.full(len(_PARTS), _FIRST_SPREAD, np.float32)
        self._since_s = self._time_s = 0.0
        self._doubted_s: float | None = None
        self._alike_since_s: float | None = None
        self._next_look_s = self._pause_s = 0.0
        self._others_off, self._is_strange = 0.0, False
        self.keypoints: Keypoints2D | None = None
        """Their joints when they were last seen in these clothes."""

    @property
    def seen_s(self) -> float:
        """When that was."""
        return self._time_s

    @property
    def are_known(self) -> bool:
        """Whether they were seen for long enough."""
        return self.keypoints is not None and self._time_s - self._since_s >= _LEARNED_S

    @property
    def are_doubted(self) -> bool:
        """Whether whoever is taken for the person wears something else."""
        return self._doubted_s is not None

    def fit(self, worn: Float32Array) -> bool:
        """Whether somebody wears these clothes, and clearly more so than the one who is doubted.

        Args:
            worn: as ``worn_colors`` gives it; where the trunk is not seen they do not.
        """
        is_seen = bool(np.isfinite(worn[_TRUNK]).all())
        return is_seen and not self._differ(worn, _ALIKE) and self._off(worn) < _CLEARLY * self._others_off

    def see(self, worn: Float32Array, keypoints: Keypoints2D, time_s: float) -> None:
        """See what whoever is taken for the person wears.

        Args:
            worn: as ``worn_colors`` gives it.
            keypoints: their joints.
            time_s: of the picture; it rises.
        """
        self._is_strange = False
        if self._are_others(worn, time_s):
            if self._doubted_s is None:
                self._doubted_s, self._next_look_s, self._pause_s = time_s, time_s + _FIRST_PAUSE_S, _FIRST_PAUSE_S
            if np.isfinite(worn[_TRUNK]).all():
                self._others_off = self._off(worn)
            self._is_strange = self._differ(worn, _STRANGE)
            if time_s - self._doubted_s < _BELIEVED_S:
                return
            self._forget()
        self._learn(worn, keypoints, time_s)

    def regain(self) -> None:
        """Whoever wears these clothes was found again: nobody is doubted any more."""
        self._doubted_s = self._alike_since_s = None

    def is_time_to_look(self, time_s: float) -> bool:
        """Whether to look for the person at the time of the last picture: it was not their clothes that were seen."""
        if self._doubted_s is None or not self._is_strange or time_s < self._next_look_s:
            return False
        self._next_look_s = time_s + self._pause_s
        self._pause_s *= _LONGER
        return True

    def _are_others(self, worn: Float32Array, time_s: float) -> bool:
        if not self.are_known:
            return False
        if self._doubted_s is None:
            return self._differ(worn, _STRANGE)
        if self._differ(worn, _ALIKE):
            self._alike_since_s = None
            return True
        if not np.isfinite(worn[_TRUNK]).all():
            return True  # What is not seen is no reason to believe them.
        self._alike_since_s = time_s if self._alike_since_s is None else self._alike_since_s
        return time_s - self._alike_since_s < _ALIKE_S

    def _off(self, worn: Float32Array) -> float:
        return float(norms(worn - self._mean)[_TRUNK])

    def _differ(self, worn: Float32Array, times: float) -> bool:
        limits = np.maximum(_LEAST_STRANGE * times / _STRANGE, times * self._spread)
        with np.errstate(invalid="ignore"):
            return bool((norms(worn - self._mean) > limits).any())

    def _forget(self) -> None:
        self._mean[:], self._spread[:], self.keypoints = np.nan, _FIRST_SPREAD, None

    def _learn(self, worn: Float32Array, keypoints: Keypoints2D, time_s: float) -> None:
        if self.keypoints is None:
            self._since_s = self._time_s = time_s
        share = np.float32(1 - math.exp(-max(0.0, time_s - self._time_s) / _TIME_CONSTANT_S))
        off = worn - self._mean
        # What is nearly strange counts for less: who is hidden little by little must not become usual on the way.
        off *= np.fmin(1, _ALIKE * self._spread / np.maximum(norms(off), _TINY))[:, None]
        is_first, is_seen = np.isnan(self._mean).any(axis=-1), np.isfinite(worn).all(axis=-1)
        self._spread[is_seen & ~is_first] += share * (norms(off) - self._spread)[is_seen & ~is_first]
        self._mean[is_seen & ~is_first] += share * off[is_seen & ~is_first]
        self._mean[is_first] = worn[is_first]
        self.keypoints, self._time_s = keypoints, time_s
        self._others_off = 0.0
        self.regain()
