"""What fixed bones, the refit and the filters do to lifted poses, on motion of people whom the lifter does not know.

    python tools/posing_table.py CORPUS.npz --holdout PATTERN ... [--lifter NAME] [--sequences 96]

Virtual cameras see the motion with a detector's errors, `posedemo lift` lifts the 2D joints with each set of options,
and the poses are compared with the truth. Jitter is the mean second difference; the truth has some too. Lag is how much
later than the truth a filter goes a quarter, half, three quarters and nine tenths of a quick movement (half a metre in
0.3 s), at worst, at 30 frames a second. Milliseconds are of processor time a pose, beyond those of "as lifted".
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from posedemo import cli, refit
from posedemo.geometry import bone_lengths, to_pixels
from posedemo.models.chance import Chance
from posedemo.models.corpus import read_corpus
from posedemo.models.metrics import mpjpe, p_mpjpe
from posedemo.models.samples import SampleMaker
from posedemo.models.split import split_clips
from posedemo.models.windows import load_motion
from posedemo.pinhole import plane_scale
from posedemo.placement import project
from posedemo.settings import Settings
from posedemo.skeleton import H36M17
from posedemo.smoothing import PRESETS, REACH_S, make_smoother

_SEED = 20_000
_RATE_HZ = 30
_NUM_FRAMES, _LEAD_IN_FRAMES = 116, 26
_SIZE_WH = (1000, 1000)
_AS_LIFTED, _NO_REFIT, _PRESET = "as lifted", ", no refit", Settings.smooth
_FASTEST = 0.2
"""Share of the frames whose error is also given by itself: those in which the person moves fastest."""

Arrays = tuple[np.ndarray, np.ndarray]


def variants() -> dict[str, list[str]]:
    """Options of `posedemo lift` by the name of their row."""
    smoothed = {
        f"{mode}, {preset}": ["--mode", mode, "--smooth", preset]
        for mode in ("live", "file")
        for preset in PRESETS
        if preset != "off"
    }
    off = ["--smooth", "off"]
    return {
        _AS_LIFTED: [*off, "--bones", "free"],
        f"fixed bones{_NO_REFIT}": off,
        "fixed bones": off,
        **smoothed,
        f"file, {_PRESET}{_NO_REFIT}": ["--mode", "file", "--smooth", _PRESET],
    }


def make_keypoints(path: Path, corpus_path: Path, holdout: Sequence[str], num_sequences: int) -> np.ndarray:
    """Write 2D joints, a track a sequence; returns the true joints (S, F, 17, 3) in metres."""
    corpus = read_corpus(corpus_path)
    _, held = split_clips(corpus, holdout)
    motion = load_motion(corpus, [clip for clip in held if clip.length >= _NUM_FRAMES])
    samples = SampleMaker(motion, _NUM_FRAMES, vary_motion=False).draw(Chance(_SEED), num_sequences)
    xy = samples.xy.numpy() / plane_scale(_SIZE_WH)
    rows = num_sequences * _NUM_FRAMES
    np.savez(
        path,
        keypoints_2d=to_pixels(xy, _SIZE_WH).reshape(rows, -1, 2),
        image_size=_SIZE_WH,
        fps=float(_RATE_HZ),
        frame_index=np.tile(np.arange(_NUM_FRAMES), num_sequences),
        track_id=np.repeat(np.arange(num_sequences), _NUM_FRAMES),
    )
    return samples.xyz_m.numpy()


def lift(keypoints: Path, lifter: str, options: Sequence[str], num_sequences: int) -> tuple[np.ndarray, float]:
    """Poses (S, F, 17, 3), and seconds of processor time."""
    output = keypoints.with_name("poses.npz")
    started_s = time.process_time()
    code = cli.main(["lift", str(keypoints), "--output", str(output), "--overwrite", "--lifter", lifter, *options])
    if code:
        raise SystemExit(code)
    seconds = time.process_time() - started_s
    with np.load(output) as file:
        order = np.lexsort((file["frame_index"], file["track_id"]))
        return file["poses_3d"][order].reshape(num_sequences, _NUM_FRAMES, -1, 3), seconds


def lag_ms(mode: str, preset: str) -> float:
    """The most by which a quick movement comes later, of some points on its way."""
    time_s = np.arange(2 * _RATE_HZ) / _RATE_HZ
    share = np.clip((time_s - 0.5) / 0.3, 0, 1)
    true_m = (0.5 * (10 * share**3 - 15 * share**4 + 6 * share**5)).astype(np.float32)
    smoother, reach_s = make_smoother(preset, zero_phase=mode == "file"), REACH_S[preset] if mode == "file" else 0.0
    filtered_m, waiting = [], list(time_s)
    for now_s, value in zip(time_s, true_m, strict=True):
        smoother.push(now_s, np.array([value]))
        while waiting and waiting[0] + reach_s <= now_s:
            filtered_m.append(smoother.at(waiting.pop(0)).item())
    filtered_m += [smoother.at(left_s).item() for left_s in waiting]

    def passing_s(way_m: Sequence[float], level_m: float) -> float:
        after = int(np.argmax(np.asarray(way_m) >= level_m))
        before_m, after_m = way_m[after - 1], way_m[after]
        return float(time_s[after - 1] + (level_m - before_m) / (after_m - before_m) / _RATE_HZ)

    levels_m = 0.5 * np.array([0.25, 0.5, 0.75, 0.9])
    return 1e3 * max((passing_s(filtered_m, level) - passing_s(list(true_m), level) for level in levels_m), key=abs)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpus", metavar="CORPUS.npz", type=Path)
    parser.add_argument("--holdout", nargs="+", default=[])
    parser.add_argument("--lifter", default=Settings.lifter)
    parser.add_argument("--sequences", type=int, default=96)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        keypoints = Path(folder) / "keypoints.npz"
        true_m = make_keypoints(keypoints, arguments.corpus, arguments.holdout, arguments.sequences)[
            :, _LEAD_IN_FRAMES:
        ]
        speed = np.linalg.norm(np.gradient(true_m, axis=1), axis=-1).mean(axis=-1)
        is_fast = speed >= np.quantile(speed, 1 - _FASTEST)
        print("| | MPJPE mm | fastest fifth mm | P-MPJPE mm | jitter mm/frame² | lag ms | ms a pose |")
        print("|---" * 7 + "|")
        print(f"| truth | | | | {_jitter_mm(true_m):.1f} | | |")
        plain_s = 0.0
        for name, options in variants().items():
            gain, refit.GAIN = refit.GAIN, 0.0 if name.endswith(_NO_REFIT) else refit.GAIN
            poses_m, seconds = lift(keypoints, arguments.lifter, options, arguments.sequences)
            refit.GAIN = gain
            plain_s = seconds if name == _AS_LIFTED else plain_s
            mode, _, preset = name.partition(", ")
            lag = f"{lag_ms(mode, preset):.0f}" if preset in PRESETS else ""
            poses_m = poses_m[:, _LEAD_IN_FRAMES:]
            errors_mm = 1e3 * mpjpe(poses_m, true_m)
            cost_ms = 1e3 * (seconds - plain_s) / (arguments.sequences * _NUM_FRAMES)
            print(
                f"| {name} | {errors_mm.mean():.1f} | {errors_mm[is_fast].mean():.1f} | "
                f"{1e3 * p_mpjpe(poses_m, true_m).mean():.1f} | {_jitter_mm(poses_m):.1f} | {lag} | {cost_ms:.2f} |",
                flush=True,
            )
    print(f"refit alone: {_refit_ms(true_m[:, 0]):.2f} ms of processor time a pose")
    return 0


def _refit_ms(poses_m: np.ndarray, repeats: int = 20) -> float:
    """Processor time of one refit of poses (N, 17, 3) to a picture that they do not quite fit."""
    lengths_m, root_m = bone_lengths(poses_m, H36M17), np.array([0, 0, 4], np.float32)
    noise = np.random.default_rng(0).normal(scale=0.01, size=(*poses_m.shape[:2], 2))
    pictures = np.array([project(pose, root_m) for pose in poses_m]) + noise.astype(np.float32)
    sure = np.ones(H36M17.num_joints, np.float32)
    started_s = time.process_time()
    for _ in range(repeats):
        for pose_m, picture, bones_m in zip(poses_m, pictures, lengths_m, strict=True):
            refit.refit(pose_m, root_m, picture, sure, bones_m)
    return 1e3 * (time.process_time() - started_s) / (repeats * len(poses_m))


def _jitter_mm(poses_m: np.ndarray) -> float:
    return float(1e3 * np.linalg.norm(np.diff(poses_m, n=2, axis=1), axis=-1).mean())


if __name__ == "__main__":
    logging.disable(logging.INFO)
    sys.exit(main())
