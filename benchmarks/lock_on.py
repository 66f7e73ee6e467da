"""For how many frames the person is followed, with lock-on and without.

    python benchmarks/lock_on.py [VIDEO] [--bystander] [--frames FIRST LAST] [--detector NAME]

Without ``--bystander`` the clip is taken as it is, and two things are counted: frames in which the followed person
leaps (their joints move by a third of their size, on average, since they were last seen) and frames in which nobody is
followed. With it, people are pasted into an excerpt: somebody who stands beside the person, comes close, or walks
past, before or behind them. Each frame is then compared with the same excerpt without bystanders: *held* where the
joints of arms, legs and trunk are within 0.15 body heights of it on average, *lost* where nobody is followed, *wrong*
elsewhere, which is a jump to the bystander or a blend of both. Whether left and right are exchanged does not count:
MediaPipe exchanges the arms in both, and lock-on does not go along.

Without lock-on means what MediaPipe gives, frame by frame. Times are processor time of detecting and tracking, which
other programs disturb less than the clock's; quote their ratio.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from posedemo import pipeline, registry
from posedemo.assembly import track_maker
from posedemo.datatypes import Frame, Keypoints2D, LifterSpec, Stamp
from posedemo.remap import remap
from posedemo.skeleton import ARM, H36M17, LEG
from posedemo.tracking import LockCounts, Tracker

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from bystanders import CutOut, cut_out, joint, paste  # noqa: E402  it lies with the tests

HELD_WITHIN = 0.15
LEAP = 1 / 3
MAX_GAP = 15
APPEARS_AT = 8
LIMBS = [
    np.array([[H36M17.index(f"{side}_{part}") for part in parts] for side in ("left", "right")]) for parts in (ARM, LEG)
]


def ramp(index: int, first: int, last: int) -> float:
    """0 until ``first``, 1 from ``last``, a straight line between."""
    return float(np.clip((index - first) / (last - first), 0, 1))


Path2D = Callable[[int], float]
PATHS: dict[str, Path2D] = {
    # Where the bystander's hips are to the right of the person's, in body heights, after so many frames.
    "beside": lambda index: 1.0 - 0.55 * ramp(index, APPEARS_AT, APPEARS_AT + 12),
    "close": lambda index: 1.0 - 0.75 * ramp(index, APPEARS_AT, APPEARS_AT + 12) + ramp(index, 45, 57),
    "past": lambda index: 1.0 - 2.0 * ramp(index, APPEARS_AT, 59),
}


@dataclass
class Run:
    """One pass over pictures: (N, 17, 2) joints of the followed person, NaN where nobody is, and milliseconds."""

    xy_px: np.ndarray
    milliseconds: np.ndarray
    counts: LockCounts | None = None


def read(video: Path, first: int, last: int | None, width: int | None) -> list[np.ndarray]:
    """Pictures of a clip, scaled to a width."""
    capture, pictures = cv2.VideoCapture(str(video)), []
    for index in range(last if last is not None else sys.maxsize):
        is_read, picture = capture.read()
        if not is_read:
            break
        if index >= first:
            height = None if width is None else round(picture.shape[0] * width / picture.shape[1] / 2) * 2
            pictures.append(picture if height is None else cv2.resize(picture, (width, height), cv2.INTER_AREA))
    capture.release()
    return pictures


def frames(pictures: Sequence[np.ndarray]) -> list[Frame]:
    """With stamps of 30 a second."""
    return [Frame(picture, Stamp(index, index / 30)) for index, picture in enumerate(pictures)]


def without_lock(pictures: Sequence[np.ndarray], detector_name: str) -> tuple[Run, list[Keypoints2D | None]]:
    """The first person that MediaPipe gives, frame by frame; the detector's own joints as well."""
    found: list[Keypoints2D | None] = []
    milliseconds = []
    with registry.create_detector(detector_name, max_people=1) as detector:
        for frame in frames(pictures):
            started_s = time.process_time()
            people = detector.detect(frame)
            milliseconds.append((time.process_time() - started_s) * 1e3)
            found.append(people[0] if people else None)
    return Run(np.array([_xy_px(person and remap(person)) for person in found]), np.array(milliseconds)), found


def with_lock(pictures: Sequence[np.ndarray], detector_name: str) -> Run:
    """The person that posedemo follows. Once they are lost, somebody else may be chosen, and counts as wrong."""
    spec = LifterSpec(name="none", num_frames=1, rate_hz=30)
    tracker = Tracker(max_people=1, new_track=track_maker(spec, "off"))
    xy_px, milliseconds = [], []
    with registry.create_detector(detector_name, max_people=1) as detector:
        for frame in frames(pictures):
            started_s = time.process_time()
            tracks = pipeline.follow(frame, pipeline.find_people(frame, detector, tracker), tracker)
            milliseconds.append((time.process_time() - started_s) * 1e3)
            xy_px.append(_xy_px(tracks[0].keypoints if tracks else None))
    return Run(np.array(xy_px), np.array(milliseconds), tracker.counts)


def _xy_px(person: Keypoints2D | None) -> np.ndarray:
    return np.full((17, 2), np.nan) if person is None else person.xy_px


def body_height_px(xy_px: np.ndarray) -> float:
    """Median height of the box around the joints."""
    return float(np.nanmedian(np.ptp(xy_px[..., 1], axis=-1)))


def bystanders(video: Path, detector_name: str, cut_frame: int, width: int) -> CutOut:
    """The smaller of two people in a frame, or, where there is only one, that one."""
    pictures = read(video, cut_frame - 5, cut_frame + 1, width)
    with registry.create_detector(detector_name, max_people=2) as detector:
        people = [detector.detect(frame) for frame in frames(pictures)][-1]
    lowest = max(people, key=lambda person: joint(person.xy_px, "ankle")[1])
    return cut_out(pictures[-1], lowest.xy_px)


def scenes(
    pictures: Sequence[np.ndarray], found: Sequence[Keypoints2D | None], who: CutOut
) -> dict[str, list[np.ndarray]]:
    """The excerpt with a bystander, by what they do."""
    known = [person.xy_px for person in found if person is not None]
    hips = np.median([joint(xy_px, "hip") for xy_px in known], axis=0)
    height_px = float(np.median([np.ptp(xy_px[:, 1]) for xy_px in known]))
    made = {}
    for name, path in PATHS.items():
        for layer in ("before", "behind"):
            made[f"{name}, {layer}"] = [
                picture
                if index < APPEARS_AT
                else paste(
                    picture, who, (hips[0] + path(index) * height_px, hips[1] + 0.05 * height_px),
                    behind=person.xy_px if layer == "behind" and person is not None else None,
                )
                for index, (picture, person) in enumerate(zip(pictures, found, strict=True))
            ]  # fmt: skip
    return made


def verdict(run: Run, truth: Run) -> str:
    """``held wrong lost`` in frames where the truth is known."""
    # Before the bystander appears the two differ by MediaPipe's uncertain first poses only.
    known = np.isfinite(truth.xy_px[:, 0, 0]) & (np.arange(len(truth.xy_px)) >= APPEARS_AT)
    apart_px = apart(run.xy_px, truth.xy_px)
    is_lost = known & np.isnan(apart_px)
    is_held = known & (apart_px < HELD_WITHIN * body_height_px(truth.xy_px))
    return f"{is_held.sum():5d} {(known & ~is_held & ~is_lost).sum():6d} {is_lost.sum():5d}"


def apart(xy_px: np.ndarray, other_px: np.ndarray) -> np.ndarray:
    """Mean distance (N,) of the joints of arms and legs, of either side."""
    pairs = []
    for limb in LIMBS:
        ways = [
            np.linalg.norm(xy_px[:, limb] - other_px[:, ends], axis=-1).mean(axis=(1, 2)) for ends in (limb, limb[::-1])
        ]
        pairs.append(np.minimum(*ways))
    return np.mean(pairs, axis=0)


def leaps(run: Run) -> str:
    """``leaps nobody`` in frames; a leap is one from where the person was last seen, up to half a second before."""
    num_leaps, last = 0, -MAX_GAP
    for index, xy_px in enumerate(run.xy_px):
        if np.isnan(xy_px).any():
            continue
        if index - last < MAX_GAP:
            step_px = np.linalg.norm(xy_px - run.xy_px[last], axis=-1).mean()
            num_leaps += bool(step_px > LEAP * np.linalg.norm(np.ptp(xy_px, axis=0)))
        last = index
    return f"{num_leaps:5d} {np.isnan(run.xy_px[:, 0, 0]).sum():6d}"


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", default=ROOT / "assets" / "demo.mp4")
    parser.add_argument("--bystander", action="store_true", help="paste people into an excerpt")
    parser.add_argument("--scene", action="append", help="only these, for example 'close, before'")
    parser.add_argument("--frames", type=int, nargs=2, metavar=("FIRST", "LAST"), help="default with people: 40 100")
    parser.add_argument("--cut-frame", type=int, default=85, help="where the bystander is cut out")
    parser.add_argument("--width", type=int, default=884, help="of the pictures, in pixels")
    parser.add_argument("--detector", default="mediapipe-full")
    arguments = parser.parse_args()
    first, last = arguments.frames or ((40, 100) if arguments.bystander else (0, None))
    pictures = read(arguments.video, first, last, arguments.width)
    plain, found = without_lock(pictures, arguments.detector)
    if not arguments.bystander:
        locked = with_lock(pictures, arguments.detector)
        print(f"{'':<24} leaps nobody  of {len(pictures)} frames")
        print(f"{'without lock-on':<24} {leaps(plain)}")
        print(f"{'with lock-on':<24} {leaps(locked)}  {locked.counts}")
        ratio = np.median(locked.milliseconds) / np.median(plain.milliseconds)
        print(f"median time of a frame, with to without: {ratio:.2f}; mean: "
              f"{locked.milliseconds.mean() / plain.milliseconds.mean():.2f}")  # fmt: skip
        return
    who = bystanders(arguments.video, arguments.detector, arguments.cut_frame, arguments.width)
    print(f"{'scene':<18} {'':<18} {'held':>5} {'wrong':>6} {'lost':>5}  of {len(pictures)} frames")
    for name, scene in scenes(pictures, found, who).items():
        if arguments.scene and name not in arguments.scene:
            continue
        bare, _ = without_lock(scene, arguments.detector)
        locked = with_lock(scene, arguments.detector)
        print(f"{name:<18} {'without lock-on':<18} {verdict(bare, plain)}", flush=True)
        print(f"{'':<18} {'with lock-on':<18} {verdict(locked, plain)}  {locked.counts}", flush=True)


if __name__ == "__main__":
    main()
