"""Which side is which, where it is known what follows: undoes a detector that mixes up somebody's arms or legs.

A detector takes one leg for the other for some frames, most of all of somebody who stands sideways, and what smooths
over the future as well would draw both legs to their middle. From one frame to the next nothing tells legs that were
exchanged from legs that passed each other (``sides``); over several frames legs that pass go straight on, and exchanged
ones turn on the spot. So every limb is given the way that accelerates least, with a charge for every moment that it
contradicts the detector: a detector that stays with its opinion is believed. The way is found as by Viterbi, "Error
bounds for convolutional codes", IEEE Transactions on Information Theory 1967, and read off a little behind its end.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .arrays import Float32Array
from .datatypes import Keypoints2D
from .geometry import norms
from .plausibility import body_size_px, known_joints
from .sides import LIMBS, exchange

LOOK_AHEAD_S = 0.2
"""How far beyond a frame its sides are decided. Mix-ups of the demo clip last up to 0.1 s; twice as much finds hardly
more, and every picture waits for it in memory."""

_CHARGE_PER_S = 1.6
"""What it costs to contradict the detector, in body sizes. Legs astride that change places cost 0.6 to 0.8, so that a
detector is contradicted for up to a second. With half of it legs are exchanged of people whose detector does not, and
in the demo clip a runner's legs stay exchanged after a single blurred frame."""

_TOLERANCE_S = 0.01
"""What has lasted so much less is about to be read off."""

_GAP_S = 0.15
"""Frames further apart say nothing about each other: a runner's legs have passed each other in between."""

_TWIST_CHARGE_PER_S = 10.0
"""What it costs that the hips point against the shoulders, for every body size by which they do. Nobody is twisted that
far; but where a detector draws the legs of somebody who lands across each other, they seem to have passed each other.
In the demo clip 5 to 40 do the same."""

_LIMB_PATTERNS = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 1]])
"""What may be exchanged of a limb, from the trunk outwards. Hips and shoulders of somebody sideways are so near to each
other that detectors keep their order; and knees and ankles change together, but for blurred frames in which to follow
an ankle alone is wrong."""

_PATTERNS = np.array(list(itertools.product(_LIMB_PATTERNS, _LIMB_PATTERNS)))  # (P, 2, 3): of arms and of legs
_IS_EXCHANGED = _PATTERNS.any(axis=-1)  # (P, 2): of arms and of legs
_IS_TRUNK_CHANGED = _PATTERNS[:, 0, 0] != _PATTERNS[:, 1, 0]
"""Shoulders or hips change places, and not both."""

_LEFT, _RIGHT = (np.array(side) for side in zip(*LIMBS, strict=True))  # (2, 3) each
_PAIRS = np.arange(_LEFT.size).reshape(_LEFT.shape)[:, None, None, None]
_SHOULDERS, _HIPS = _PAIRS.reshape(_LEFT.shape)[:, 0]
_WAS, _IS, _WILL_BE = (
    _LIMB_PATTERNS.reshape(shape) for shape in ((1, 3, 1, 1, 3), (1, 1, 3, 1, 3), (1, 1, 1, 3, 3))
)  # of three frames one after the other


@dataclass(slots=True)
class _Moment:
    """One frame of somebody.

    Attributes:
        time_s: of it.
        size_px: of the person.
        pairs_px: (6, 2, 2, 2) each pair of joints, as detected and exchanged: left, then right.
        known: (6,) the pairs of which both are known.
        turned: (2,) arms and legs that are not believed to be as detected.
        costs: (P, P) of the best way to here, for the patterns of the frame before and of this one.
        came_from: (P, P) the best pattern before those.
    """

    time_s: float
    size_px: float
    pairs_px: Float32Array
    known: npt.NDArray[np.bool_]
    turned: npt.NDArray[np.bool_]
    costs: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((len(_PATTERNS),) * 2))
    came_from: npt.NDArray[np.intp] = field(default_factory=lambda: np.zeros((len(_PATTERNS),) * 2, np.intp))


class SideChoice:
    """Decides the sides of one person's arms and legs. Frames are put in, and taken out once enough follows them.

    What a tracker has exchanged is believed to be exchanged, as long as that is short (``LOOK_AHEAD_S``): the detector
    has come back to itself then. Where it does not, it was right, and the tracker had taken its return for a mistake.
    """

    def __init__(self) -> None:
        self._moments: deque[_Moment] = deque()
        self._turned_s = math.inf
        """Since when the tracker has some of them exchanged."""

    def push(self, time_s: float, keypoints: Keypoints2D) -> None:
        """Add the next frame.

        Args:
            time_s: later than the last one's.
            keypoints: H36M-17 joints of the same person.
        """
        turned = _turned_limbs(keypoints)
        self._turned_s = min(self._turned_s, time_s) if turned.any() else math.inf
        self._moments.append(_look_at(time_s, keypoints.as_detected, turned))
        first = len(self._moments) - 1
        if time_s - self._turned_s >= LOOK_AHEAD_S - _TOLERANCE_S:
            believed = [place for place, one in enumerate(self._moments) if one.turned.any()]
            first = min(place for place in believed if self._moments[place].time_s >= self._turned_s)
            for place in range(first, len(self._moments)):
                self._moments[place].turned = np.zeros_like(turned)
        for place in range(first, len(self._moments)):
            self._weigh(place)

    def _weigh(self, place: int) -> None:
        """Find the best ways to one moment, from those to the one before."""
        moment = self._moments[place]
        before = self._moments[place - 1] if place else None
        elapsed_s = _GAP_S if before is None else moment.time_s - before.time_s
        num_contradicted = (moment.turned != _IS_EXCHANGED).sum(axis=-1)
        charges_per_s = _CHARGE_PER_S * num_contradicted + _TWIST_CHARGE_PER_S * _twists(moment)
        costs_before = np.zeros((len(_PATTERNS),) * 2) if before is None else before.costs
        costs = costs_before[..., None] + min(max(0.0, elapsed_s), _GAP_S) * charges_per_s  # (P, P, P)
        if before is not None and place > 1:
            costs = costs + _turns(self._moments[place - 2], before, moment)
        moment.came_from = costs.argmin(axis=0)
        best = costs.min(axis=0)
        moment.costs = best - best.min()  # only differences matter, and sums would grow

    def at(self, time_s: float, keypoints: Keypoints2D) -> Keypoints2D:
        """The joints of a frame with the sides that suit those before and after.

        Args:
            time_s: of a frame that was pushed. Ask for rising times: what lies two frames before is dropped.
            keypoints: its joints.
        """
        before, now = divmod(int(self._moments[-1].costs.argmin()), len(_PATTERNS))
        for moment in reversed(self._moments):
            if moment.time_s <= time_s:
                break
            before, now = int(moment.came_from[before, now]), before
        while len(self._moments) > 2 and self._moments[2].time_s <= time_s:
            self._moments.popleft()
        swapped = _PATTERNS[now].astype(np.bool_)
        return exchange(keypoints.as_detected, _LEFT[swapped], _RIGHT[swapped])


def _turned_limbs(keypoints: Keypoints2D) -> npt.NDArray[np.bool_]:
    """(2,) whether arms and legs are no longer as they were detected."""
    if keypoints.detected is None:
        return np.zeros(len(LIMBS), np.bool_)
    is_same = np.asarray(np.isclose(keypoints.xy_px, keypoints.detected.xy_px, equal_nan=True).all(axis=-1))
    turned: npt.NDArray[np.bool_] = ~is_same[_LEFT].all(axis=-1)
    return turned


def _look_at(time_s: float, keypoints: Keypoints2D, turned: npt.NDArray[np.bool_]) -> _Moment:
    left, right = _LEFT.reshape(-1), _RIGHT.reshape(-1)
    known = known_joints(keypoints)
    as_is = np.stack([keypoints.xy_px[left], keypoints.xy_px[right]], axis=1)  # (6, 2, 2)
    pairs_px = np.stack([as_is, as_is[:, ::-1]], axis=1)
    return _Moment(time_s, body_size_px(keypoints), pairs_px, known[left] & known[right], turned)


def _twists(moment: _Moment) -> Float32Array:
    """(P,) how far the hips point against the shoulders, in body sizes; 0 where they do not, or nobody knows."""
    if not (moment.known[_SHOULDERS] and moment.known[_HIPS]):
        return np.zeros(len(_PATTERNS), np.float32)
    shoulders_px, hips_px = moment.pairs_px[[_SHOULDERS, _HIPS], 0, 1] - moment.pairs_px[[_SHOULDERS, _HIPS], 0, 0]
    widest_px = max(1.0, math.hypot(*shoulders_px), math.hypot(*hips_px))
    along = float(shoulders_px @ hips_px) / widest_px / moment.size_px
    return np.where(_IS_TRUNK_CHANGED, max(0.0, along), max(0.0, -along)).astype(np.float32)


def _turns(first: _Moment, second: _Moment, third: _Moment) -> Float32Array:
    """(P, P, P) how far the joints of the third frame are from where the two before lead to, in body sizes, summed over
    all pairs, for all patterns of the three; 0 where that is not known."""
    step_s, last_s = third.time_s - second.time_s, second.time_s - first.time_s
    known = first.known & second.known & third.known
    if not (0 < step_s <= _GAP_S and 0 < last_s <= _GAP_S and known.any()):
        return np.zeros((len(_PATTERNS),) * 3, np.float32)
    # (6, was, is, will be, side, 2): where a pair was, is and will be, each as the detector has it or exchanged.
    now_px = second.pairs_px[:, None, :, None]
    step_px = (now_px - first.pairs_px[:, :, None, None]) * np.float32(step_s / last_s)
    apart_px = norms(third.pairs_px[:, None, None] - now_px - step_px).mean(axis=-1)  # (6, 2, 2, 2)
    apart = np.where(known[:, None, None, None], apart_px, 0) / np.float32(third.size_px)
    arms, legs = apart[_PAIRS, _WAS, _IS, _WILL_BE].sum(axis=-1)  # (3, 3, 3) each, of a limb's own patterns
    turns: Float32Array = arms[:, None, :, None, :, None] + legs[None, :, None, :, None, :]
    return turns.reshape((len(_PATTERNS),) * 3)
