"""``posedemo evaluate``: measure a lifter on held-out people, beside two baselines that look at nothing but the data.

The same sequences for every lifter: fixed seed, bodies and motion as recorded (but at the size of an average adult),
virtual cameras as in training. "clean" 2D has the run time's definition of the joints and no error, "noisy" has a
detector's errors and missing joints.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from ..geometry import bone_lengths
from ..skeleton import H36M17
from .bodies import face_forward, to_adult_size
from .chance import Chance
from .metrics import mpjpe, mpjve, n_mpjpe, p_mpjpe
from .predictors import Predictor
from .samples import SampleMaker
from .windows import Motion, draw_windows

Float32Array = npt.NDArray[np.float32]

_SEED = 20_000
_SEQUENCE_FRAMES = 32
_MEAN_POSE_WINDOWS = 20_000


@dataclass(frozen=True)
class HeldOut:
    """What is evaluated on: ``num_sequences`` sequences of about a second, drawn from held-out clips."""

    motion: Motion
    num_sequences: int = 512

    def sequences(self, *, detector_errors: bool) -> tuple[Float32Array, Float32Array]:
        """2D (S, F, 17, 2) and true 3D joints (S, F, 17, 3) in metres."""
        maker = SampleMaker(self.motion, _SEQUENCE_FRAMES, vary_motion=False, detector_errors=detector_errors)
        samples = maker.draw(Chance(_SEED), self.num_sequences)
        return samples.xy.numpy(), samples.xyz_m.numpy()

    def windows(self, num_frames: int) -> Float32Array:
        """All noisy windows (N, num_frames, 17, 2)."""
        return sliding_windows(self.sequences(detector_errors=True)[0], num_frames)


@dataclass(frozen=True)
class Scores:
    """Means over all poses; ``mpjve_mm`` is per frame; ``bone_spread_percent`` is the standard deviation of a bone's
    length within a sequence, as a share of its mean length, averaged over bones and sequences.
    """

    mpjpe_mm: float
    p_mpjpe_mm: float
    n_mpjpe_mm: float
    mpjve_mm: float
    bone_spread_percent: float

    def __str__(self) -> str:
        return f"MPJPE {self.mpjpe_mm:.1f}, P-MPJPE {self.p_mpjpe_mm:.1f} mm"


def evaluate(predictor: Predictor, held_out: HeldOut) -> dict[str, Scores]:
    """Scores on clean and on noisy 2D, in this order."""
    results = {}
    for name, detector_errors in (("clean", False), ("noisy", True)):
        xy, true_m = held_out.sequences(detector_errors=detector_errors)
        windows = sliding_windows(xy, predictor.num_frames)
        predicted_m = predictor.lift(windows).reshape(true_m.shape)
        results[name] = score(predicted_m, true_m)
    return results


def sliding_windows(xy: Float32Array, num_frames: int) -> Float32Array:
    """The window that ends at each frame of sequences (S, F, 17, 2), the first frame repeated: (S * F, T, 17, 2)."""
    frames = np.arange(xy.shape[1])[:, None] + np.arange(1 - num_frames, 1)
    windows: Float32Array = np.ascontiguousarray(xy[:, np.maximum(frames, 0)].reshape(-1, num_frames, *xy.shape[2:]))
    return windows


def score(predicted_m: Float32Array, true_m: Float32Array) -> Scores:
    """Compare sequences (S, F, 17, 3) in metres."""
    lengths_m = bone_lengths(predicted_m, H36M17)  # (S, F, 16)
    spread = lengths_m.std(axis=1) / np.maximum(lengths_m.mean(axis=1), 1e-9)
    return Scores(
        mpjpe_mm=1000 * float(mpjpe(predicted_m, true_m).mean()),
        p_mpjpe_mm=1000 * float(p_mpjpe(predicted_m, true_m).mean()),
        n_mpjpe_mm=1000 * float(n_mpjpe(predicted_m, true_m).mean()),
        mpjve_mm=1000 * float(mpjve(predicted_m, true_m).mean()),
        bone_spread_percent=100 * float(spread.mean()),
    )


def baselines(training: Motion, held_out: HeldOut) -> dict[str, Scores]:
    """What can be had without looking at the picture.

    "mean pose" always answers with the mean of the training poses in camera axes. "mean pose, true heading" answers
    with the mean of the training poses turned to face forward, and is told the true heading, pitch and roll of each
    person: the best that a single rigid pose can do.
    """
    _, true_m = held_out.sequences(detector_errors=False)
    maker = SampleMaker(training, 1, vary_motion=False, detector_errors=False)
    in_camera_m = maker.draw(Chance(_SEED), _MEAN_POSE_WINDOWS).xyz_m.mean(dim=(0, 1)).numpy()
    drawn_m = draw_windows(training, Chance(_SEED), _MEAN_POSE_WINDOWS, num_frames=1)
    facing_m = to_adult_size(face_forward(drawn_m))[:, 1].mean(dim=0).numpy()
    return {
        "mean pose": score(np.broadcast_to(in_camera_m, true_m.shape), true_m),
        "mean pose, true heading": score(_turned_like(facing_m, true_m), true_m),
    }


def _turned_like(pose_m: Float32Array, true_m: Float32Array) -> Float32Array:
    """Rotate one pose (17, 3) about the pelvis to fit the trunk of each true pose (S, F, 17, 3)."""
    trunk = [H36M17.index(name) for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder", "thorax")]
    correlation = np.einsum("ji,sfjk->sfik", pose_m[trunk], true_m[:, :, trunk])
    u, _, vt = np.linalg.svd(correlation)
    # The third axis takes the sign that makes the fit a rotation: neither person is mirrored.
    u[..., :, -1] *= (np.linalg.det(u) * np.linalg.det(vt))[..., None]
    turned: Float32Array = pose_m @ (u @ vt)
    return turned


def report(results: dict[str, Scores]) -> str:
    """A table for people."""
    columns = list(asdict(next(iter(results.values()))))
    width = max(map(len, results))
    lines = [" " * width + "".join(f"  {column:>20}" for column in columns)]
    for name, scores in results.items():
        lines.append(f"{name:<{width}}" + "".join(f"  {value:>20.1f}" for value in asdict(scores).values()))
    return "\n".join(lines) + "\n"


def measure(predictor: Predictor, training: Motion, held_out: HeldOut) -> dict[str, Scores]:
    """All rows of the report."""
    return {**evaluate(predictor, held_out), **baselines(training, held_out)}
