"""Measure the errors of MediaPipe's pose models on real clips, and keep them for the making of training samples.

    python tools/fit_detector_noise.py CLIP [CLIP ...] --output models/detector_noise.json [--overwrite]

There is no ground truth on a clip. The reference is the median of what the heavy model finds in several versions of
every picture (as it is; mirrored and moved; small and dark; large and moved), put back into the first one. How far
heavy disagrees with itself is a lower bound of its error; how far full and lite are from the reference is an estimate
of theirs. What all three get wrong alike is not seen, and one clip says little about other people, clothes and rooms.
At last errors are drawn by the fitted numbers and put beside the real ones. Heavy takes about 0.1 s for each person,
picture and version.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import cv2
import noise_statistics as statistics
import numpy as np
from noise_statistics import Array
from posedemo import registry
from posedemo.arrays import ImageArray
from posedemo.capture.video import VideoFile
from posedemo.datatypes import Frame, Keypoints2D
from posedemo.errors import SourceError, ending_in_a_sentence
from posedemo.models.chance import Chance
from posedemo.models.detections import HEAD_BEYOND_EARS
from posedemo.models.detector_noise import PARTS, DetectorNoise, joints_of_part, noise_from
from posedemo.outputs import check_outputs, write_whole
from posedemo.remap import remap
from posedemo.skeleton import H36M17

HEAVY, FULL, LITE = "mediapipe-heavy", "mediapipe-full", "mediapipe-lite"
SAME_PERSON = 0.6
"""Mean distance of the joints, in person sizes, up to which two detections are of one person."""
SEEN_TWICE = 0.3
LONGEST_GAP = 6
SHORTEST = 27
"""Frames; who is seen for less is left out."""
UNSURE = 0.15
"""In person sizes: a joint on which heavy disagrees with itself by more (standard deviation) has no reference then."""
CONFIDENCES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0)
SIMULATED_WINDOWS = 2000


@dataclass(frozen=True)
class Version:
    """A changed picture, and how points that were found in it (share of its width and height) go back."""

    scale: float = 1.0
    brightness: float = 1.0
    shift_px: tuple[int, int] = (0, 0)
    mirrored: bool = False

    def change(self, image_bgr: ImageArray) -> ImageArray:
        """The picture that the detector sees."""
        height, width = image_bgr.shape[:2]
        matrix = np.array([[1, 0, self.shift_px[0]], [0, 1, self.shift_px[1]]], np.float32)
        changed = cv2.warpAffine(image_bgr, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        if self.mirrored:
            changed = changed[:, ::-1]
        method = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        changed = cv2.resize(changed, None, fx=self.scale, fy=self.scale, interpolation=method)
        return np.ascontiguousarray(cv2.convertScaleAbs(changed, alpha=self.brightness), np.uint8)

    def put_back(self, points: Array, width: int, changed_width: int) -> Array:
        """Points (17, 2) of the changed picture in the first one, left and right the person's own again."""
        points = points * (width / changed_width)
        if self.mirrored:
            points = points[list(H36M17.flip_order)] * [-1, 1] + [width, 0]
        return points - self.shift_px


VERSIONS = (
    Version(),
    Version(mirrored=True, shift_px=(23, -17)),
    Version(scale=0.7, brightness=0.65),
    Version(scale=1.3, shift_px=(-11, 29)),
)
RUNS = (
    *((HEAVY, 2, version) for version in VERSIONS),
    *((name, people, VERSIONS[0]) for name in (FULL, LITE) for people in (1, 2)),
)
"""One person is what the program looks for by default, and MediaPipe smooths its points then; with two it does not."""


@dataclass(frozen=True)
class Comparison:
    """One person of a clip as one run of a detector sees them.

    Attributes:
        found: (F, 17, 2) points, NaN where the person was not found.
        reference: (F, 17, 2) points, NaN where they are not known.
        confidence: (F, 17) of what was found.
    """

    found: Array
    reference: Array
    confidence: Array

    @property
    def sizes(self) -> Array:
        """(F,) person sizes."""
        return statistics.sizes_of(self.reference)

    @property
    def errors(self) -> Array:
        """(F, 17, 2) in person sizes, NaN where left is taken for right, which is counted by itself."""
        errors = (self.found - self.reference) / self.sizes[:, None, None]
        for part in PARTS:
            if len(joints_of_part(part)) == 2:
                is_swapped, _ = statistics.swapped(self.found, self.reference, self.sizes, part)
                errors[np.ix_(is_swapped, joints_of_part(part))] = np.nan
        return errors


def points_of(keypoints: Keypoints2D) -> tuple[Array, Array]:
    """(17, 2) pixels of H36M-17 with the ears' middle in the place of the head joint, and (17,) confidences."""
    joints = remap(keypoints)
    points = joints.xy_px.astype(float)
    thorax, head = points[H36M17.index("thorax")], points[H36M17.index("head")]
    points[H36M17.index("head")] = thorax + (head - thorax) / HEAD_BEYOND_EARS
    return points, joints.confidence.astype(float)


def detect(frames: Sequence[Frame], detector: str, max_people: int, version: Version) -> tuple[Array, Array]:
    """Points (F, P, 17, 2) of the people in a version of each picture, put back, and their confidences (F, P, 17)."""
    points = np.full((len(frames), max_people, H36M17.num_joints, 2), np.nan)
    confidence = np.zeros(points.shape[:3])
    with registry.create_detector(detector, max_people=max_people) as model:
        for row, frame in enumerate(frames):
            changed = version.change(frame.image_bgr)
            for place, keypoints in enumerate(model.detect(Frame(changed, frame.stamp))):
                found, sure = points_of(keypoints)
                points[row, place] = version.put_back(found, frame.size_wh[0], changed.shape[1])
                confidence[row, place] = sure[list(H36M17.flip_order)] if version.mirrored else sure
    return points, confidence


def distance(a: Array, b: Array) -> float:
    """Mean distance of the joints of two poses (17, 2), in sizes of the second; infinite where one is not known."""
    size = np.linalg.norm(b - b[joints_of_part("hip")].mean(axis=0), axis=-1).mean()
    mean = np.linalg.norm(a - b, axis=-1).mean() / size
    return float(mean) if np.isfinite(mean) else np.inf


def nearest(pose: Array, people: Array) -> tuple[float, int]:
    """How far the nearest of some people (P, 17, 2) is from a pose, and which it is."""
    return min((distance(person, pose), place) for place, person in enumerate(people))


def follow(people: Array) -> list[Array]:
    """Sequences (F, 17, 2) of one person each, from the people of each frame (F, P, 17, 2)."""
    sequences: list[Array] = []
    for row, found in enumerate(people):
        free = {place for place in range(len(found)) if np.isfinite(found[place]).all()}
        for sequence in sequences:
            known = np.flatnonzero(np.isfinite(sequence[:row, 0, 0]))
            candidates = [(distance(found[place], sequence[known[-1]]), place) for place in free]
            if row - known[-1] <= LONGEST_GAP and candidates and min(candidates)[0] < SAME_PERSON:
                place = min(candidates)[1]
                sequence[row] = found[place]
                free.discard(place)
        for place in free:
            if all(distance(found[place], sequence[row]) > SEEN_TWICE for sequence in sequences):
                sequences.append(np.full((len(people), *found[place].shape), np.nan))
                sequences[-1][row] = found[place]
    return [sequence for sequence in sequences if np.isfinite(sequence[:, 0, 0]).sum() >= SHORTEST]


def matched(sequence: Array, points: Array, confidence: Array) -> tuple[Array, Array]:
    """What a run (F, P, 17, ...) found of the person of a sequence: (F, 17, 2) and confidences (F, 17)."""
    found, sure = np.full_like(sequence, np.nan), np.zeros(sequence.shape[:2])
    for row in np.flatnonzero(np.isfinite(sequence[:, 0, 0])):
        far, place = nearest(sequence[row], points[row])
        if far < SAME_PERSON:
            found[row], sure[row] = points[row, place], confidence[row, place]
    return found, sure


def compare(runs: Mapping[tuple[str, int, Version], tuple[Array, Array]]) -> dict[str, list[Comparison]]:
    """All comparisons of one clip by detector."""
    result: dict[str, list[Comparison]] = defaultdict(list)
    for sequence in follow(runs[RUNS[0]][0]):
        seen = [matched(sequence, *runs[run]) for run in RUNS if run[0] == HEAVY]
        stack = np.stack([points for points, _ in seen])
        num_known = np.isfinite(stack[..., 0]).sum(axis=0)
        spread = np.sqrt(nan_mean((stack - nan_mean(stack)) ** 2).mean(axis=-1))
        is_sure = (spread / statistics.sizes_of(sequence)[:, None] < UNSURE) & (num_known >= max(2, len(stack) - 1))
        reference = np.where(is_sure[..., None], nan_median(stack), np.nan)
        for number, (points, sure) in enumerate(seen):
            others = np.delete(stack, number, axis=0)
            # The mean of n others has an error of its own: without it the variance is n / (n + 1) of what is seen.
            count = np.maximum(np.isfinite(others[..., :1]).sum(axis=0), 1)
            centre = np.where(is_sure[..., None], nan_mean(others), np.nan)
            result[HEAVY].append(Comparison(centre + (points - centre) * np.sqrt(count / (count + 1)), centre, sure))
        for run in RUNS:
            if run[0] != HEAVY:
                points, sure = matched(sequence, *runs[run])
                result[run[0]].append(Comparison(points, reference, sure))
    return result


def nan_mean(stack: Array) -> Array:
    """Mean over the first axis of what is known; NaN where nothing is."""
    count = np.isfinite(stack).sum(axis=0)
    return np.where(count > 0, np.nansum(stack, axis=0) / np.maximum(count, 1), np.nan)


def nan_median(stack: Array) -> Array:
    """Median over the first axis of what is known; NaN where nothing is."""
    known = np.isfinite(stack).any(axis=0)
    return np.where(known, np.nanmedian(np.where(known, stack, 0.0), axis=0), np.nan)


def fit(comparisons: Mapping[str, Sequence[Comparison]]) -> dict[str, Any]:
    """The numbers that ``posedemo.models.detector_noise`` draws errors by, and more that say how good it is."""
    errors = {name: [one.errors for one in group] for name, group in comparisons.items()}
    usual = {name: [statistics.inliers(one) for one in group] for name, group in errors.items()}
    covariances = {
        (name, part): statistics.autocovariances(group, joints_of_part(part))
        for name, group in usual.items()
        for part in PARTS
    }
    slow_frames, parts = statistics.components(covariances)
    stds = {name: {part: float(covariances[name, part][0] ** 0.5) for part in PARTS} for name in usual}
    common = float(np.mean([statistics.window_spread(usual[name], stds[name]) for name in (FULL, LITE)]))

    def numbers(name: str, part: str) -> dict[str, float]:
        own = max(0.0, statistics.level_spread(usual[name], part) ** 2 - common**2) ** 0.5
        return rounded(parts[name, part] | {"joint_spread": own} | statistics.outliers(errors[name], part))

    table = np.mean([statistics.correlation(usual[name]) for name in (FULL, LITE)], axis=0)
    found = [joint for part in PARTS for joint in joints_of_part(part)]
    correlation: dict[str, dict[str, float]] = defaultdict(dict)
    for a, b in combinations(sorted(found), 2):
        if abs(table[a, b]) >= 0.1:  # less is chance, in so few independent frames
            correlation[H36M17.joints[a]][H36M17.joints[b]] = round(float(table[a, b]), 2)
    return {
        "slow_frames": slow_frames,
        "window_spread": round(common, 3),
        "errors": {name: {part: numbers(name, part) for part in PARTS} for name in errors},
        "correlation": dict(correlation),
        "swaps": {name: swaps(group) for name, group in comparisons.items()},
        "measured": {
            name: {
                part: {
                    "std": round(stds[name][part], 4),
                    "jitter": round(statistics.jitter([(c.found, c.sizes) for c in group], part), 4),
                    "quantiles": [round(value, 4) for value in statistics.quantiles(errors[name], part)],
                    "autocorrelation": [
                        round(float(value), 3) for value in covariances[name, part][1:6] / covariances[name, part][0]
                    ],
                    "bias": rounded(statistics.body_bias([(c.found, c.reference, c.sizes) for c in group], part)),
                }
                for part in PARTS
            }
            for name, group in comparisons.items()
        },
        "confidence": {name: confidence_table(group) for name, group in comparisons.items() if name != HEAVY},
    }


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Four digits after the point, which is a tenth of a millimetre."""
    return {name: round(value, 4) for name, value in values.items()}


def swaps(group: Sequence[Comparison]) -> dict[str, dict[str, float]]:
    """By part, how often left is taken for right where they are apart: in how many windows, how many of their frames,
    for how many in a row, and in how many of all frames."""
    by_part = {}
    for part in PARTS:
        if len(joints_of_part(part)) == 2:
            flags = [statistics.swapped(one.found, one.reference, one.sizes, part) for one in group]
            share = sum(int(a.sum()) for a, _ in flags) / max(sum(int(b.sum()) for _, b in flags), 1)
            length = statistics.run_frames(is_swapped for is_swapped, _ in flags)
            by_part[part] = rounded(statistics.bad_shares(flags) | {"run_frames": length, "frames": share})
    return by_part


def confidence_table(group: Sequence[Comparison]) -> list[dict[str, float]]:
    """Root mean square error per axis and share of outliers of what was found with a confidence in a range."""
    joints = [joint for part in PARTS for joint in joints_of_part(part)]
    errors = np.concatenate([one.errors[:, joints].reshape(-1, 2) for one in group])
    sure = np.concatenate([one.confidence[:, joints].ravel() for one in group])
    known = np.isfinite(errors[:, 0])
    far = np.linalg.norm(errors, axis=-1) > statistics.OUTLIER
    rows = []
    for low, high in pairwise(CONFIDENCES):
        inside = known & (sure >= low) & (sure < (high if high < 1 else 2))
        if inside.any():
            usual = errors[inside & ~far]
            rms = float(np.sqrt(np.mean(usual**2))) if len(usual) else float("nan")
            share = float(far[inside].mean())
            rows.append(
                {"from": low, "to": high, "points": int(inside.sum()), **rounded({"rms": rms, "outliers": share})}
            )
    return rows


def agreement(content: Mapping[str, Any]) -> str:
    """A table: what was measured beside what the same statistics say of errors that are drawn."""
    lines = [
        "distances from the reference in person sizes, real / simulated",
        f"{'':26}"
        + "".join(f"{f'{share:.0%} below':>17}" for share in statistics.QUANTILES)
        + "  autocorrelation, lags 1 to 5",
    ]
    for name, parts in content["measured"].items():
        noise = replace(noise_of(content, name), like_the_clip=1.0)
        drawn = noise.draw(noise.choose(SIMULATED_WINDOWS, Chance(1)), statistics.WINDOW, Chance(2))
        # One after the other with a gap between them, so that no lag reaches from one window into another.
        gap = np.full((SIMULATED_WINDOWS, statistics.LAGS, *drawn.shape[2:]), np.nan)
        windows = [np.concatenate([drawn.double().numpy(), gap], axis=1).reshape(-1, *drawn.shape[2:])]
        usual = [statistics.inliers(windows[0])]
        for part, real in parts.items():
            simulated = statistics.quantiles(windows, part)
            covariance = statistics.autocovariances(usual, joints_of_part(part))
            lines.append(
                f"{name:16} {part:9}"
                + "".join(f"{f'{a:.3f} / {b:.3f}':>17}" for a, b in zip(real["quantiles"], simulated, strict=True))
                + "  "
                + " ".join(f"{value:5.2f}" for value in real["autocorrelation"])
                + "  / "
                + " ".join(f"{value:5.2f}" for value in covariance[1:6] / covariance[0])
            )
    return "\n".join(lines)


def noise_of(content: Mapping[str, Any], detector: str) -> DetectorNoise:
    """The errors of one detector alone."""
    return noise_from({**content, "errors": {detector: content["errors"][detector]}})


def swap_agreement(content: Mapping[str, Any]) -> str:
    """A table of how often and for how long left is taken for right, measured and drawn."""
    lines = [
        "left taken for right, real / simulated",
        f"{'':26}{'% of windows':>15}{'% of frames':>15}{'frames in a row':>18}",
    ]
    for name, parts in content["swaps"].items():
        noise = noise_of(content, name)
        drawn = noise.draw_swaps(noise.choose(SIMULATED_WINDOWS, Chance(1)), statistics.WINDOW, Chance(2)).numpy()
        for part, real in parts.items():
            flags = drawn[:, :, joints_of_part(part)[0]]
            cells = (
                f"{100 * real['bad_windows']:.0f} / {100 * flags.any(axis=1).mean():.0f}",
                f"{100 * real['frames']:.1f} / {100 * flags.mean():.1f}",
                f"{real['run_frames']:.1f} / {statistics.run_frames(flags):.1f}",
            )
            lines.append(f"{name:16} {part:9}{cells[0]:>15}{cells[1]:>15}{cells[2]:>18}")
    return "\n".join(lines)


def run_all(clip: Path, keep: Path | None) -> tuple[dict[str, Any], dict[str, list[Comparison]]]:
    """Facts of a clip and all comparisons on it; detections are kept in a folder, if one is given, and found there."""
    video = VideoFile(clip)
    try:
        frames = list(video.frames())
        fps = float(video.info.fps or 0)
    finally:
        video.close()
    sha256 = hashlib.sha256(clip.read_bytes()).hexdigest()
    runs = {}
    for number, run in enumerate(RUNS):
        print(f"{clip.name}: {number + 1} of {len(RUNS)}, {run[0]}", file=sys.stderr, flush=True)
        kept = None if keep is None else keep / f"{sha256[:12]}-{number}.npz"
        if kept is not None and kept.is_file():
            with np.load(kept) as file:
                runs[run] = file["points"], file["confidence"]
        else:
            runs[run] = detect(frames, *run)
            if kept is not None:
                np.savez(kept, points=runs[run][0], confidence=runs[run][1])
    comparisons = compare(runs)
    if not comparisons:
        raise SourceError(f"{clip} shows nobody for {SHORTEST} frames", "give a clip with a person in it")
    facts = {"file": clip.name, "sha256": sha256, "frames": len(frames), "fps": round(fps, 3)}
    return facts, comparisons


def main() -> None:
    """Measure, fit, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP", help="at about 30 frames a second")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where detections are kept for the next time")
    arguments = parser.parse_args()
    with ending_in_a_sentence():
        check_outputs([arguments.output], inputs=arguments.clips, overwrite=arguments.overwrite)
        if arguments.keep is not None:
            arguments.keep.mkdir(parents=True, exist_ok=True)
        clips, comparisons = [], defaultdict(list)
        for clip in arguments.clips:
            facts, found = run_all(clip, arguments.keep)
            clips.append(facts)
            for name, group in found.items():
                comparisons[name] += group
        counts = {
            name: int(sum(np.isfinite(one.errors).all((1, 2)).sum() for one in group))
            for name, group in comparisons.items()
        }
        content = {
            "schema_version": 2,
            "made_by": "tools/fit_detector_noise.py",
            "clips": clips,
            "mediapipe": importlib.metadata.version("mediapipe"),
            "compared_poses": counts,
            "unit": "person sizes, per axis; quantiles are of distances",
            **fit(comparisons),
        }
        write_whole(arguments.output, json.dumps(content, indent=1) + "\n")
    print(agreement(content), swap_agreement(content), sep="\n\n")


if __name__ == "__main__":
    main()
