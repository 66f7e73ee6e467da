"""Numbers that describe how one set of 2D joints differs from another, frame after frame.

Joints are points as a detector finds them: (F, 17, 2), the ears' middle in the place of the head joint, NaN where a
person was not found. Errors are in person sizes (``posedemo.models.detections.person_size``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from posedemo.models.detector_noise import PARTS, joints_of_part
from posedemo.skeleton import H36M17

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Key = TypeVar("Key", bound=Hashable)

WINDOW = 27
"""Frames over which a person's size and a level of errors are taken, as in training."""
LAGS = 15
SLOW_FRAMES = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
OUTLIER = 0.4
"""In person sizes (18 cm on an adult): another limb, or another person's."""
SWAP_DISTANCE = 0.25
"""Left and right must be this far apart before one can be taken for the other."""
QUANTILES = (0.5, 0.9, 0.99)


def sizes_of(points: Array) -> Array:
    """(F,) mean distance of the points from the middle of the hips, over a window around each frame."""
    hips = points[:, joints_of_part("hip")].mean(axis=1, keepdims=True)
    distance = np.linalg.norm(points - hips, axis=-1).mean(axis=-1)
    known = np.isfinite(distance)
    ones = np.ones(WINDOW)
    sums = np.convolve(np.where(known, distance, 0), ones, "same")
    return np.where(known, sums / np.maximum(np.convolve(known, ones, "same"), 1), np.nan)


def inliers(errors: Array) -> Array:
    """Errors with NaN where one is an outlier."""
    return np.where(np.linalg.norm(errors, axis=-1, keepdims=True) > OUTLIER, np.nan, errors)


def autocovariances(sequences: Sequence[Array], joints: Sequence[int]) -> Array:
    """(LAGS + 1,) mean products of errors so many frames apart, per axis, of all sequences together."""
    sums, counts = np.zeros(LAGS + 1), np.zeros(LAGS + 1)
    for errors in sequences:
        part = errors[:, joints]
        for lag in range(LAGS + 1):
            products = part[lag:] * part[: len(part) - lag]
            sums[lag] += np.nansum(products)
            counts[lag] += np.isfinite(products).sum()
    return sums / np.maximum(counts, 1)


def components(covariances: Mapping[Key, Array]) -> tuple[float, dict[Key, dict[str, float]]]:
    """Split errors into white, slow and constant ones: standard deviations per axis by part of the body.

    White ones are new in every frame, slow ones decay as exp(-frames / n) with one n for all parts, constant ones do
    not decay within a window.

    Returns:
        n, and by part ``white``, ``slow`` and ``constant``.
    """
    lags = np.arange(LAGS + 1)
    best = (np.inf, 0.0, dict[Key, dict[str, float]]())
    for slow_frames in SLOW_FRAMES:
        design = np.stack([lags == 0, np.exp(-lags / slow_frames), np.ones(LAGS + 1)], axis=1).astype(float)
        misfit, parts = 0.0, {}
        for part, covariance in covariances.items():
            variances, residual = not_negative_fit(design, covariance)
            # Parts count alike, however large their errors.
            misfit += residual / covariance[0] ** 2
            parts[part] = dict(zip(("white", "slow", "constant"), np.sqrt(variances).tolist(), strict=True))
        if misfit < best[0]:
            best = (misfit, slow_frames, parts)
    return best[1], best[2]


def not_negative_fit(design: Array, values: Array) -> tuple[Array, float]:
    """Least squares without negative coefficients, by trying every set of columns; also the squared residual."""
    best = (np.zeros(design.shape[1]), float((values**2).sum()))
    for count in range(1, design.shape[1] + 1):
        for columns in map(list, combinations(range(design.shape[1]), count)):
            fitted, *_ = np.linalg.lstsq(design[:, columns], values, rcond=None)
            residual = float(((design[:, columns] @ fitted - values) ** 2).sum())
            if (fitted >= 0).all() and residual < best[1]:
                coefficients = np.zeros(design.shape[1])
                coefficients[columns] = fitted
                best = (coefficients, residual)
    return best


def window_spread(sequences: Sequence[Array], stds: Mapping[str, float]) -> float:
    """How much the level of all errors together differs between windows: standard deviation of its logarithm."""
    logs = []
    for errors in sequences:
        for start in range(0, len(errors) - WINDOW + 1, WINDOW):
            block = errors[start : start + WINDOW]
            count = np.isfinite(block[..., 0]).sum(axis=0)
            power = np.nansum(block**2, axis=(0, 2)) / np.where(count >= WINDOW // 2, 2 * count, np.nan)
            logs.append([0.5 * np.log(power[j] / stds[part] ** 2) for part in PARTS for j in joints_of_part(part)])
    table = np.array(logs)
    table = table[np.isfinite(table).all(axis=1)]
    return float((table - table.mean(axis=0)).mean(axis=1).std())


def level_spread(sequences: Sequence[Array], part: str) -> float:
    """How much the level of a part's errors must differ for large ones to be as frequent as they are.

    Normal numbers times a log-normal level whose logarithm has the standard deviation s have exp(4 s^2) times the
    fourth moment of normal numbers of the same variance.
    """
    errors = np.concatenate([errors[:, joints_of_part(part)].ravel() for errors in sequences])
    kurtosis = np.nanmean(errors**4) / np.nanmean(errors**2) ** 2
    return float(np.sqrt(max(0.0, np.log(kurtosis / 3) / 4)))


def correlation(sequences: Sequence[Array]) -> Array:
    """(17, 17) correlations between the errors of joints, the same for a mirrored body; 0 for derived joints."""
    scaled = [errors / np.sqrt(np.nanmean(errors**2, axis=(0, 2), keepdims=True)) for errors in sequences]
    stacked = np.concatenate([errors.transpose(0, 2, 1).reshape(-1, errors.shape[1]) for errors in scaled])
    known = np.isfinite(stacked)
    filled = np.where(known, stacked, 0.0)
    table = filled.T @ filled / np.maximum(known.T.astype(float) @ known, 1)
    flip = list(H36M17.flip_order)
    table = (table + table[flip][:, flip]) / 2
    scale = np.sqrt(np.maximum(np.diag(table), 1e-12))
    return table / scale / scale[:, None]


def outliers(sequences: Sequence[Array], part: str) -> dict[str, float]:
    """How many windows of a joint have outliers, in how many frames of such a window, and how far off (median)."""
    distances = [np.linalg.norm(errors[:, joints_of_part(part)], axis=-1) for errors in sequences]
    far = np.concatenate([distance[distance > OUTLIER] for distance in distances])
    flags = [(joint > OUTLIER, np.isfinite(joint)) for distance in distances for joint in distance.T]
    return bad_shares(flags) | {"outlier_size": float(np.median(far)) if len(far) else 0.0}


def bad_shares(flags: Iterable[tuple[Flags, Flags]]) -> dict[str, float]:
    """How many windows have bad frames, and how many of the frames of such a window are bad.

    Args:
        flags: by sequence, the frames (F,) that are bad, and those in which it could be seen.
    """
    shares = []
    for is_bad, is_known in flags:
        for start in range(0, len(is_known), WINDOW):
            count = is_known[start : start + WINDOW].sum()
            if count >= WINDOW // 3:
                shares.append(is_bad[start : start + WINDOW].sum() / count)
    bad = [share for share in shares if share]
    return {
        "bad_windows": len(bad) / max(len(shares), 1),
        "bad_frames": float(np.mean(bad)) if bad else 0.0,
    }


def run_frames(flags: Iterable[Flags]) -> float:
    """How many frames a run of bad ones lasts, on average; 0 without any."""
    starts = frames = 0
    for is_bad in flags:
        starts += int((np.diff(is_bad.astype(int), prepend=0) > 0).sum())
        frames += int(is_bad.sum())
    return frames / max(starts, 1)


def swapped(found: Array, reference: Array, sizes: Array, part: str) -> tuple[Flags, Flags]:
    """Frames (F,) in which left and right of a part are exchanged, and those in which that could be seen."""
    left, right = joints_of_part(part)
    apart = np.linalg.norm(reference[:, left] - reference[:, right], axis=-1) / sizes > SWAP_DISTANCE
    direct, crossed = (
        sum(np.linalg.norm(found[:, a] - reference[:, b], axis=-1) for a, b in zip((left, right), order, strict=True))
        for order in ((left, right), (right, left))
    )
    return apart & (crossed < 0.5 * direct), apart & np.isfinite(direct)


def quantiles(sequences: Sequence[Array], part: str) -> list[float]:
    """Distances from the reference that so many of the points (``QUANTILES``) stay below."""
    distances = np.concatenate([np.linalg.norm(e[:, joints_of_part(part)], axis=-1).ravel() for e in sequences])
    return np.nanquantile(distances, QUANTILES).tolist()


def jitter(tracks: Sequence[tuple[Array, Array]], part: str) -> float:
    """Standard deviation per axis of what a track has beside a smooth path, in person sizes; needs no reference.

    The path is a parabola through five frames around each; the error of the fit itself is taken out, and outliers do
    not count (median). Real motion that no parabola follows is in it.

    Args:
        tracks: points (F, 17, 2) with the person's sizes (F,).
        part: of the body.
    """
    weights = np.array([-3, 12, 17, 12, -3]) / 35  # least squares of a parabola, at its middle (Savitzky and Golay)
    residuals = []
    for points, sizes in tracks:
        frames = np.lib.stride_tricks.sliding_window_view(points[:, joints_of_part(part)], 5, axis=0)
        residuals.append(((frames[..., 2] - frames @ weights) / sizes[2:-2, None, None]).ravel())
    rest = np.concatenate(residuals)
    # 0.6745: the median of the absolute value of standard normal numbers.
    return float(np.nanmedian(np.abs(rest)) / 0.6745 / np.sqrt(1 - weights[2]))


def body_bias(pairs: Sequence[tuple[Array, Array, Array]], part: str) -> dict[str, float]:
    """Mean error along the trunk (up) and across it (outward for limbs, to the person's left for the middle)."""
    collected = []
    for found, reference, sizes in pairs:
        trunk = reference[:, joints_of_part("shoulder")].mean(axis=1) - reference[:, joints_of_part("hip")].mean(axis=1)
        up = trunk / np.linalg.norm(trunk, axis=-1, keepdims=True)
        across = reference[:, joints_of_part("shoulder")[0]] - reference[:, joints_of_part("shoulder")[1]]
        aside = up @ np.array([[0.0, 1.0], [-1.0, 0.0]])
        aside *= np.sign((aside * across).sum(axis=-1, keepdims=True))
        for joint in joints_of_part(part):
            error = (found[:, joint] - reference[:, joint]) / sizes[:, None]
            outward = -1.0 if H36M17.side(joint) == "right" else 1.0
            collected.append(np.stack([(error * up).sum(-1), outward * (error * aside).sum(-1)], axis=-1))
    up_mean, out_mean = np.nanmedian(np.concatenate(collected), axis=0)
    return {"up": float(up_mean), "outward": float(out_mean)}
