"""Errors of the detector, as measured on real pictures: the file of numbers, and errors drawn from them.

``tools/fit_detector_noise.py`` makes the file and says how. Points are those that a detector finds, 17 of them with the
ears' middle in the place of the head joint; errors are in person sizes (``detections.person_size``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import ConfigError
from ..skeleton import ARM, H36M17, LEG, part_of
from .chance import Chance

PARTS = (*LEG, *ARM, "nose", "head")
"""What a detector finds; the other joints are derived from these."""

MEASURED = Path(__file__).with_name("detector_noise.json")

DETECTOR_SHARES = {"mediapipe-full": 0.5, "mediapipe-heavy": 0.3, "mediapipe-lite": 0.2}
"""How many windows imitate each detector: full is the program's default."""

LIKE_THE_CLIP = 0.4
"""How many windows meet with as many outliers as the clip's, where somebody jumps off a wall behind somebody else; the
others have none. Guessed: one clip cannot tell how often people overlap, and tracking turns the worst away."""

_SCHEMA_VERSION = 2
_OUTLIER_SPREAD = 0.5
"""Standard deviation of the logarithm of an outlier's distance."""


def joints_of_part(part: str) -> list[int]:
    """Indices of the joints of a part of the body: left and right, or one."""
    return [index for index, joint in enumerate(H36M17.joints) if part_of(joint) == part]


_LIMBS = torch.tensor(
    [
        [H36M17.index(joint) for joint in pair]
        for side in ("left", "right")
        for pair in (
            (f"{side}_hip", f"{side}_hip"),
            (f"{side}_knee", f"{side}_ankle"),
            (f"{side}_shoulder", f"{side}_shoulder"),
            (f"{side}_elbow", f"{side}_wrist"),
        )
    ]
    + [[H36M17.index("nose"), H36M17.index("head")]]
)
"""(limbs, 2) joints that go astray together."""


@dataclass(frozen=True)
class DetectorNoise:
    """Errors of one or more detectors, in person sizes. D detectors.

    Attributes:
        shares: (D,) how many windows each detector has.
        white: (D, 17) standard deviation per axis of what is new in every frame, over all windows.
        slow: (D, 17) of what decays as exp(-frames / slow_frames).
        constant: (D, 17) of what stays the same for a window.
        slow_frames: decay of the slow part.
        window_spread: standard deviation of the logarithm of the level of all errors, between windows.
        joint_spread: (D, 17) the same of a joint by itself; it makes large errors as frequent as they are.
        mixing: (17, 17) makes independent errors of the joints correlated ones, and leaves their size as it is.
        bad_windows: (D, 17) share of the windows in which a joint is an outlier at times.
        bad_frames: (D, 17) share of the frames of such a window in which it is.
        outlier_size: (D, 17) median distance of outliers.
        swap_windows: (D, 17) share of the windows in which left is taken for right at times.
        swap_frames: (D, 17) share of the frames of such a window in which it is.
        like_the_clip: share of windows that have outliers as the clip's do.
    """

    shares: Tensor
    white: Tensor
    slow: Tensor
    constant: Tensor
    slow_frames: float
    window_spread: float
    joint_spread: Tensor
    mixing: Tensor
    bad_windows: Tensor
    bad_frames: Tensor
    outlier_size: Tensor
    swap_windows: Tensor
    swap_frames: Tensor
    like_the_clip: float = LIKE_THE_CLIP

    def choose(self, count: int, chance: Chance) -> Tensor:
        """Which detector each window is seen by: (N,) rows of the tables."""
        return chance.choice(self.shares, count)

    def draw(self, detector: Tensor, num_frames: int, chance: Chance) -> Tensor:
        """Errors of points (N, T, 17, 2) as the detectors (N,) make them."""
        count, num_joints = len(detector), self.white.shape[1]
        own_spread = self.joint_spread[detector]
        level = self.window_spread * chance.normal(count, 1) + own_spread * chance.normal(count, num_joints)
        # The mean square of a log-normal factor is brought to 1, so that the standard deviations stay as measured.
        level = torch.exp(level - self.window_spread**2 - own_spread**2)

        def field(frames: int, std: Tensor) -> Tensor:
            """Errors (N, frames, 2, 17) of independent frames and correlated joints."""
            correlated = chance.normal(count * frames * 2, num_joints) @ self.mixing.T
            return correlated.reshape(count, frames, 2, num_joints).mul_((std[detector] * level)[:, None, None])

        slow = field(num_frames, self.slow).flatten(2)
        noise = (_decaying(num_frames, self.slow_frames) @ slow).reshape(count, num_frames, 2, num_joints)
        noise += field(num_frames, self.white)
        noise += field(1, self.constant)
        return self._outliers(detector, num_frames, chance).add_(noise.transpose(2, 3))

    def draw_swaps(self, detector: Tensor, num_frames: int, chance: Chance) -> Tensor:
        """Which joints have changed places with those of the other side, (N, T, 17), for a few frames at a time."""
        swapped = torch.zeros(len(detector), num_frames, self.white.shape[1], dtype=torch.bool)
        for limb in (LEG, ARM):  # what changes places takes along what follows
            draw = chance.uniform(len(detector), low=0.0, high=1.0)
            changing = self._changing(num_frames, len(detector), chance)
            is_swapped = torch.zeros(len(detector), num_frames, dtype=torch.bool)
            for joints in map(joints_of_part, limb):
                is_bad = draw < self.swap_windows[detector, joints[0]]
                is_low = changing < torch.special.ndtri(self.swap_frames[detector, joints[0]])[:, None]
                is_swapped = is_swapped | (is_low & is_bad[:, None])
                swapped[:, :, joints] = is_swapped[:, :, None]
        return swapped

    def _changing(self, num_frames: int, count: int, chance: Chance) -> Tensor:
        """Standard normal numbers (count, T) that change little from frame to frame.

        A threshold on them makes runs of a few frames.
        """
        return (_decaying(num_frames, self.slow_frames) @ chance.normal(num_frames, count)).T

    def _outliers(self, detector: Tensor, num_frames: int, chance: Chance) -> Tensor:
        """Large errors (N, T, 17, 2) of a few limbs at times: another limb, another person, a guess.

        A limb's two joints go astray at the same times and in the same direction; one may do so more often.
        """
        count, num_joints = len(detector), self.white.shape[1]
        errors = torch.zeros(count, num_joints, num_frames, 2)
        is_like_it = chance.happens(count, 1, 1, probability=self.like_the_clip)
        draw = chance.uniform(count, len(_LIMBS), 1, low=0.0, high=1.0)
        threshold = self.bad_windows[detector][:, _LIMBS]  # (N, limbs, 2)
        is_bad = (draw < threshold) & is_like_it
        rows, limbs = is_bad.any(dim=-1).nonzero(as_tuple=True)  # few
        changing = self._changing(num_frames, len(rows), chance)
        factor = torch.exp(_OUTLIER_SPREAD * chance.normal(len(rows), 1))
        direction = chance.normal(len(rows), 2)
        offset = factor * direction / torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
        for joints, bad in zip(_LIMBS.T, is_bad[rows, limbs].T, strict=True):
            joint, kind = joints[limbs], detector[rows]
            is_out = (changing < torch.special.ndtri(self.bad_frames[kind, joint])[:, None]) & bad[:, None]
            errors[rows, joint] = is_out[:, :, None] * (self.outlier_size[kind, joint, None] * offset)[:, None]
        return errors.transpose(1, 2)


def _decaying(num_frames: int, frames: float) -> Tensor:
    """(T, T) matrix that makes independent standard normal numbers ones whose correlation decays as exp(-lag / n)."""
    times = torch.arange(num_frames, dtype=torch.float64)
    correlation = torch.exp(-(times[:, None] - times).abs() / frames)
    factor: Tensor = torch.linalg.cholesky(correlation)
    return factor.float()


@cache
def measured_noise() -> DetectorNoise:
    """The errors that ship with the program."""
    return read_noise(MEASURED)


def read_noise(path: Path) -> DetectorNoise:
    """Read a file of ``tools/fit_detector_noise.py``.

    Raises:
        ConfigError: it cannot be read, or is no such file.
    """
    hint = "make it again with tools/fit_detector_noise.py"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema_version"] != _SCHEMA_VERSION:
            raise ConfigError(f"{path} has version {content['schema_version']}, not {_SCHEMA_VERSION}", hint)
        return noise_from(content)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} does not hold the errors of a detector ({error!r})", hint) from error


def noise_from(content: Mapping[str, Any]) -> DetectorNoise:
    """The errors that such a file states."""
    by_detector: Mapping[str, Mapping[str, Mapping[str, float]]] = content["errors"]
    names = list(by_detector)

    def table(key: str, of: Mapping[str, Mapping[str, Mapping[str, float]]] = by_detector) -> Tensor:
        """(D, 17): joints that are derived from others have no errors of their own."""
        values = torch.zeros(len(names), H36M17.num_joints)
        for row, name in enumerate(names):
            for part, numbers in of[name].items():
                values[row, joints_of_part(part)] = float(numbers[key])
        return values

    return DetectorNoise(
        shares=torch.tensor([DETECTOR_SHARES[name] for name in names]),
        white=table("white"),
        slow=table("slow"),
        constant=table("constant"),
        slow_frames=float(content["slow_frames"]),
        window_spread=float(content["window_spread"]),
        joint_spread=table("joint_spread"),
        mixing=_mixing(content["correlation"]),
        bad_windows=table("bad_windows"),
        bad_frames=table("bad_frames"),
        outlier_size=table("outlier_size"),
        swap_windows=table("bad_windows", content["swaps"]),
        swap_frames=table("bad_frames", content["swaps"]),
    )


def _mixing(correlation: Mapping[str, Mapping[str, float]]) -> Tensor:
    """The square root of the correlations between joints, which are stated by pairs of names."""
    matrix = torch.eye(H36M17.num_joints, dtype=torch.float64)
    for first, others in correlation.items():
        for second, value in others.items():
            a, b = H36M17.index(first), H36M17.index(second)
            matrix[a, b] = matrix[b, a] = value
    # Rounded numbers of few frames need not be a correlation matrix: what is negative in it is left out.
    values, vectors = torch.linalg.eigh(matrix)
    root = vectors * values.clamp(min=0).sqrt()
    mixing: Tensor = root / torch.linalg.vector_norm(root, dim=1, keepdim=True)
    return mixing.float()
