"""The body of a person: how long their bones are, learned from the first seconds and then held. numpy only.

A lifter sees every frame anew, so that its bones breathe by some percent, and left and right differ. A person's do not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .arrays import BoolArray, Float32Array
from .geometry import bone_lengths, norms
from .skeleton import CANONICAL_BONE_SUM_M, H36M17, part_of

CANONICAL_HEIGHT_M = 1.7
"""Standing height of the average adult whose bones sum to ``CANONICAL_BONE_SUM_M``: with the proportions of the H36M
skeleton that sum belongs to ankles at 0.08 m and a crown at 1.70 m."""

LEARNING_S = 3.0
"""For so long a bone's length is learned from frames that show it well; then it is held."""
GIVING_UP_S = 30.0
"""What has not been shown well for so long by then is held as it is: legs behind a table, say."""

_AVERAGE_M = {
    "hip": 0.091,
    "knee": 0.417,
    "ankle": 0.437,
    "spine": 0.272,
    "thorax": 0.287,
    "nose": 0.117,
    "head": 0.110,
    "shoulder": 0.204,
    "elbow": 0.290,
    "wrist": 0.245,
}
"""Length of the bone that leads to each joint: the mean over the people of the training corpus, left and right, each
brought to the size of an average adult."""

_PRIOR_S = 1.0
"""The average person counts as much as so many seconds of the lifter's poses, whose bones are worse than that in the
first moments."""
_SURE = 0.5
_LEAST_WEIGHT = 0.01
_SHORTEST_STEP_S, _LONGEST_STEP_S = 0.025, 0.1
"""Frames that come faster teach nothing new; a gap has not shown anything."""
_EVERY = 5
"""Medians of many poses are taken anew after so many more: one changes little."""
_MOST_SAMPLES = 150
"""Poses that are remembered: three seconds of the fastest that count and some more."""

_PARENTS, _CHILDREN = (np.array(ends) for ends in zip(*H36M17.bones, strict=True))


def _chains() -> BoolArray:
    """(17, 16) which bones lead from the pelvis to each joint."""
    chains = np.zeros((H36M17.num_joints, len(H36M17.bones)), np.bool_)
    for bone, (parent, child) in enumerate(H36M17.bones):
        chains[child] = chains[parent]
        chains[child, bone] = True
    return chains


_CHAINS = _chains()
_CHAIN_SUMS = _CHAINS.astype(np.float32)
_KIND = np.array([list(_AVERAGE_M).index(part_of(H36M17.joints[child])) for child in _CHILDREN])
"""(16,) for every bone its place in the table, the same for left and right."""
_SIDES = np.array(
    [(bones[0], bones[-1]) for bones in (np.flatnonzero(kind == _KIND) for kind in range(len(_AVERAGE_M)))]
).T
"""(2, 10) for every line of the table its bones; twice the same in the middle of the body."""
_AVERAGE = np.array(list(_AVERAGE_M.values()))
_AVERAGE *= CANONICAL_BONE_SUM_M / _AVERAGE[_KIND].sum()


def fix_bones(xyz_m: Float32Array, lengths_m: Float32Array) -> Float32Array:
    """Give a pose bones of given lengths, in the directions that they have.

    Args:
        xyz_m: (..., 17, 3) poses; NaN where a joint is unknown.
        lengths_m: (..., 16) in the order of the skeleton's bones.

    Returns:
        (..., 17, 3), the pelvis where it was. An unknown joint stays unknown; one that hangs on an unknown joint stays
        where it was, since no bone leads to it.
    """
    bones = xyz_m[..., _CHILDREN, :] - xyz_m[..., _PARENTS, :]
    measured = norms(bones)
    is_broken = ~np.isfinite(measured)
    has_broken = is_broken.any()
    if has_broken:
        measured, bones = np.where(is_broken, 1, measured), np.where(is_broken[..., None], 0, bones)
    # A bone without length has no direction either, and stays a point.
    stretch = lengths_m / np.maximum(measured, 1e-6)
    fixed: Float32Array = xyz_m[..., :1, :] + _CHAIN_SUMS @ (bones * stretch[..., None]).astype(np.float32, copy=False)
    if has_broken:
        hangs_free = is_broken @ _CHAINS.T
        fixed = np.where(hangs_free[..., None], xyz_m, fixed)
    return fixed.astype(np.float32, copy=False)


class BodyModel:
    """Learns the lengths of a person's bones.

    Each length is the median over the frames seen so far, left and right together, weighted with the confidence of the
    bone's two joints, and drawn towards the average person's while little has been seen. It is held once
    ``LEARNING_S`` of frames have shown the bone well. One camera cannot tell a near child from a distant adult: the
    size is that of an average adult as the lifter sees it, or that of somebody ``height_m`` tall.

    Args:
        height_m: standing height of the person, where it is known.
    """

    def __init__(self, height_m: float | None = None) -> None:
        self._sum_m = None if height_m is None else CANONICAL_BONE_SUM_M * height_m / CANONICAL_HEIGHT_M
        # One row a pose; the oldest is written over.
        self._proportions = np.zeros((_MOST_SAMPLES, len(_KIND)))
        self._weights = np.zeros((_MOST_SAMPLES, len(_KIND)))
        self._scales = np.zeros(_MOST_SAMPLES)
        self._num_observed = 0
        self._time_s: float | None = None
        self._seen_s = 0.0
        self._shown_s = np.zeros(len(_AVERAGE))
        self._sizes = np.ones(len(_AVERAGE))
        self._size = 1.0

    @property
    def is_held(self) -> bool:
        """True once no length changes any more."""
        return self._seen_s >= GIVING_UP_S or bool((self._shown_s >= LEARNING_S).all())

    @property
    def lengths_m(self) -> Float32Array:
        """(16,) lengths as far as they are known, in the order of the skeleton's bones."""
        trust = np.minimum(self._shown_s, LEARNING_S)
        trust = trust / (trust + _PRIOR_S)
        lengths_m = (_AVERAGE * (trust * self._sizes + (1 - trust) * self._size))[_KIND]
        if self._sum_m is not None:
            lengths_m *= self._sum_m / lengths_m.sum()
        rounded: Float32Array = lengths_m.astype(np.float32)
        return rounded

    def observe(self, time_s: float, xyz_m: Float32Array, confidence: Float32Array) -> None:
        """Learn from one lifted pose.

        Args:
            time_s: later than the last call's.
            xyz_m: (17, 3) at the scale of an average adult; NaN where a joint is unknown.
            confidence: (17,) in [0, 1].
        """
        if self.is_held:
            return
        step_s = 0.0 if self._time_s is None else min(time_s - self._time_s, _LONGEST_STEP_S)
        if self._time_s is not None and step_s < _SHORTEST_STEP_S:
            return
        self._time_s = time_s
        lengths = bone_lengths(xyz_m, H36M17)
        known = np.isfinite(lengths)
        if not known.any():
            return
        sureness = np.where(known, np.minimum(confidence[_PARENTS], confidence[_CHILDREN]), 0)
        average = _AVERAGE[_KIND]
        row = self._num_observed % _MOST_SAMPLES
        self._num_observed += 1
        self._proportions[row] = np.where(known, lengths / average, 1.0)
        self._weights[row] = np.where(known, np.maximum(sureness, _LEAST_WEIGHT), 0)
        self._scales[row] = lengths[known].sum() / average[known].sum()
        if self._num_observed <= _EVERY or self._num_observed % _EVERY == 0:
            self._learn()
        self._shown_s += step_s * (sureness[_SIDES] >= _SURE).any(axis=0)
        self._seen_s += step_s

    def _learn(self) -> None:
        """Take the medians of what was observed, for bones that are not held yet."""
        rows = slice(0, min(self._num_observed, _MOST_SAMPLES))
        proportions, weights = (
            column[rows, _SIDES].reshape(-1, len(_AVERAGE)) for column in (self._proportions, self._weights)
        )
        is_open = self._shown_s < LEARNING_S
        self._sizes[is_open] = weighted_median(proportions[:, is_open], weights[:, is_open])
        if self._seen_s < LEARNING_S:
            self._size = float(np.median(self._scales[rows]))


def weighted_median(values: npt.NDArray[np.floating], weights: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Column by column, the smallest value up to which the weights make at least half of their sum.

    Args:
        values: (N, K).
        weights: (N, K), none below 0.

    Returns:
        (K,).
    """
    order = np.argsort(values, axis=0)
    running = np.take_along_axis(weights, order, axis=0).cumsum(axis=0)
    middle = (running >= running[-1] / 2).argmax(axis=0)
    medians: npt.NDArray[np.floating] = np.take_along_axis(values, order, axis=0)[middle, np.arange(values.shape[1])]
    return medians


def hold_last_lengths(poses_m: Float32Array, track_id: npt.NDArray[np.int64]) -> Float32Array:
    """Give all poses of a track the bones that it has in the end, when most was known of the person.

    Args:
        poses_m: (N, 17, 3) in the order of time; NaN where a joint is unknown.
        track_id: (N,) whose they are.

    Returns:
        (N, 17, 3).
    """
    held_m = poses_m.copy()
    lengths_m = bone_lengths(poses_m, H36M17)
    for track in np.unique(track_id):
        rows = np.flatnonzero(track_id == track)
        known = np.isfinite(lengths_m[rows])
        last = len(rows) - 1 - known[::-1].argmax(axis=0)
        final_m = np.where(known.any(axis=0), lengths_m[rows][last, np.arange(len(last))], 0)
        held_m[rows] = fix_bones(poses_m[rows], final_m.astype(np.float32))
    return held_m
