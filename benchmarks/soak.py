"""An hour of a live show in some minutes, in which everything goes wrong: does anything grow?

    python benchmarks/soak.py [--frames N] [--fault-every N] [--seed N] [--json FILE]

A camera gives pictures as fast as they are taken, with the times of 30 a second: 108,000 are an hour. At random it
stalls, hangs, ends, gives what is no picture, cannot be opened, and comes back with another size; a recorded session
stands in meanwhile. People come and go. Lifter, ghost, detector and smoothing are changed as by keys, and a session is
recorded. The detector is a stand-in that knows what MediaPipe saw in the demo clip; what is between the camera and the
show is what is shipped, except that it waits a tenth as long for a camera that is away.

Prints memory, threads and open files at every tenth of the way, and what happened. Needs the ``dev`` extra.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import psutil
from posedemo import registry, runner
from posedemo.capture import opening, steady
from posedemo.capture.source import SourceInfo
from posedemo.datatypes import Frame, Keypoints2D, Result, Stamp
from posedemo.errors import SourceError
from posedemo.live.shared import Shared
from posedemo.live.status import Status
from posedemo.live.wishes import Wishes
from posedemo.sessions.source import SessionSource
from posedemo.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("posedemo")

FPS = 30
HOUR_FRAMES = 3600 * FPS
NUM_SAMPLES = 100

SIZES_WH = ((160, 120), (320, 180), (120, 160))
FAULTS = ("stall", "end", "garbage", "resize", "refuse", "hang")
_FRAMES_TO_CHANGE = (50, 400)
_FRAMES_OF_COMPANY = (30, 600)

_HASTE = 0.1
_STALL_S = 2 * _HASTE
_TAKEN_WITHIN_S = 0.2


class Machine:
    """What is taken from it: sampled as frames are finished."""

    def __init__(self, num_frames: int) -> None:
        self._process = psutil.Process()
        self._every = max(1, num_frames // NUM_SAMPLES)
        self.samples: list[Sample] = []

    def look(self, num_frames: int) -> None:
        """Take a sample when it is time for one."""
        if num_frames % self._every == 0:
            self.samples.append(self.now(num_frames))

    def now(self, num_frames: int) -> Sample:
        """Take a sample."""
        process = self._process
        num_files = process.num_handles() if sys.platform == "win32" else process.num_fds()
        return Sample(num_frames, process.memory_info().rss / 2**20, threading.active_count(), num_files)


@dataclass(frozen=True)
class Sample:
    """Resident memory in megabytes, threads of Python, and open file descriptors after so many frames."""

    num_frames: int
    rss_mb: float
    num_threads: int
    num_files: int


class WildCameras:
    """Opens cameras of which each fails in its own way, some time.

    Args:
        chance: decides when and how.
        fault_every: so many frames, on average.
    """

    def __init__(self, chance: random.Random, *, fault_every: int) -> None:
        self._chance = chance
        self._fault_every = fault_every
        self._num_given = 0
        self._time_s = time.monotonic()
        self._size_wh = SIZES_WH[0]
        self._is_refused = False
        self._taken = threading.Condition()
        self._num_taken = 0
        self._hanging = threading.Event()
        self.faults: Counter[str] = Counter()

    def open(self, *_: object) -> WildCamera:
        """Open one.

        Raises:
            SourceError: not this time.
        """
        self._hanging.set()  # A driver comes back when its camera is opened anew.
        self._hanging = threading.Event()
        if self._is_refused:
            self._is_refused = False
            raise SourceError("camera 0 cannot be opened")
        return WildCamera(self)

    def take(self) -> None:
        """A frame has gone through; the next may come."""
        with self._taken:
            self._num_taken += 1
            self._taken.notify_all()

    @property
    def info(self) -> SourceInfo:
        """Of the camera that is opened next."""
        return SourceInfo(name="camera 0", size_wh=self._size_wh, fps=None, is_live=True)

    def frames(self) -> Iterator[Frame]:
        """Pictures of one camera, until it fails."""
        hanging, size_wh = self._hanging, self._size_wh
        while True:
            for _ in range(self._chance.randint(1, 2 * self._fault_every)):
                yield self._frame(size_wh)
            fault = self._chance.choice(FAULTS)
            self.faults[fault] += 1
            if fault != "stall":
                break
            time.sleep(_STALL_S)
        if fault == "hang":
            hanging.wait()
        elif fault == "garbage":
            raise SourceError("camera 0 gives what is no picture")
        elif fault == "resize":
            self._size_wh = self._chance.choice(SIZES_WH)
        elif fault == "refuse":
            self._is_refused = True

    def _frame(self, size_wh: tuple[int, int]) -> Frame:
        with self._taken:
            before = self._num_taken
        width, height = size_wh
        # Ahead of the clock, on which the fallback's pictures are timed, and never behind it.
        self._time_s = max(self._time_s + 1 / FPS, time.monotonic())
        frame = Frame(
            np.full((height, width, 3), self._num_given % 200, np.uint8),
            Stamp(self._num_given, self._time_s),
        )
        self._num_given += 1
        with self._taken:
            # The pictures of one that is not waited for would mostly be dropped.
            self._taken.wait_for(lambda: self._num_taken > before, _TAKEN_WITHIN_S)
        return frame


class WildCamera:
    """One of them, opened."""

    def __init__(self, cameras: WildCameras) -> None:
        self.info = cameras.info
        self._cameras = cameras

    def frames(self) -> Iterator[Frame]:
        """Its pictures, until it fails."""
        return self._cameras.frames()

    def close(self) -> None:
        """Nothing to close."""


class Memory:
    """A detector that sees what MediaPipe saw in a clip: nobody for a while, then somebody, then two.

    Args:
        people: of the clip's frames.
        size_wh: of the clip.
        chance: decides who is there.
    """

    def __init__(self, people: list[tuple[Keypoints2D, ...]], size_wh: tuple[int, int], chance: random.Random) -> None:
        self._people = people
        self._size_wh = size_wh
        self._chance = chance
        self._num_frames = self._num_left = 0
        self._company = 1

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        """Whoever is there."""
        if not self._num_left:
            self._num_left, self._company = self._chance.randint(*_FRAMES_OF_COMPANY), self._chance.randint(0, 2)
        self._num_left -= 1
        self._num_frames += 1
        people = self._people[self._num_frames % len(self._people)]
        if self._company == 2:
            people = people + self._people[(self._num_frames + len(self._people) // 2) % len(self._people)]
        if not self._company:
            return ()
        scale = np.float32(min(have / clip for have, clip in zip(frame.size_wh, self._size_wh, strict=True)))
        return tuple(replace(person, xy_px=person.xy_px * scale) for person in people)

    def forget(self) -> None:
        """It follows nobody."""

    def close(self) -> None:
        """Nothing to close."""


class Fingers:
    """An observer who presses keys all the time, and looks at the machine."""

    def __init__(self, cameras: WildCameras, machine: Machine, chance: random.Random) -> None:
        self._cameras, self._machine, self._chance = cameras, machine, chance
        self._num_left = 0
        self.num_frames = self.num_poses = self.num_recorded = 0
        self.keys: Counter[str] = Counter()

    def begin(self, wishes: Shared[Wishes], status: Shared[Status]) -> None:
        """Called before the first frame."""
        self._wishes, self._status = wishes, status

    def write(self, result: Result) -> None:
        """Count a result, and press a key now and then."""
        self.num_frames += 1
        self.num_poses += len(result.people)
        self.num_recorded += result.frame.is_recorded
        self._machine.look(self.num_frames)
        self._cameras.take()
        self._num_left -= 1
        if self._num_left <= 0:
            self._num_left = self._chance.randint(*_FRAMES_TO_CHANGE)
            self._press()

    def close(self) -> None:
        """Nothing to finish."""

    def _press(self) -> None:
        choices: dict[str, tuple[object, ...]] = {
            "lifter": ("semgcn", "global-gcn", "dg-net", "gla-gcn", "mediapipe"),
            "ghost": (None, "semgcn", "mediapipe"),
            "detector": ("mediapipe-lite", "mediapipe-full"),
            "smooth": ("off", "snappy", "balanced", "calm"),
            "num_handovers": (self._wishes.value.num_handovers + 1,),
        }
        key = self._chance.choice(list(choices))
        self._wishes.change(**{key: self._chance.choice(choices[key])})
        self.keys[key] += 1


def see_clip(path: Path, max_frames: int) -> None:
    """Record what MediaPipe sees in the demo clip."""
    command = [COMMAND, "--video", ROOT / "assets" / "demo.mp4", "--headless", "--detector", "mediapipe-lite"]
    command += ["--max-frames", str(max_frames), "--record", path, "--smooth", "off"]
    subprocess.run([str(part) for part in command], check=True, stderr=subprocess.DEVNULL)


def in_haste() -> None:
    """Let the watch over the camera wait a tenth as long as it does for people."""
    for name in ("STALLED_AFTER_S", "FIRST_DELAY_S", "LONGEST_DELAY_S", "SETTLED_AFTER_S", "_LEFT_AFTER_S"):
        setattr(steady, name, _HASTE * getattr(steady, name))


def soak(
    num_frames: int, chance: random.Random, *, fault_every: int, session: Path, folder: Path
) -> tuple[Fingers, WildCameras, list[Sample]]:
    """Do a run of so many frames.

    Returns:
        Who pressed keys, the cameras, and samples: before the run, all along, and after it.
    """
    source = SessionSource(session)
    people = [frame.detections.found for frame in source.frames() if frame.detections]
    size_wh = source.info.size_wh
    source.close()
    cameras = WildCameras(chance, fault_every=fault_every)
    opening._open_device = cameras.open  # type: ignore[assignment]
    registry.create_detector = lambda *_, **__: Memory(people, size_wh, chance)  # type: ignore[assignment,return-value]
    in_haste()
    machine = Machine(num_frames)
    fingers = Fingers(cameras, machine, chance)
    settings = Settings(
        camera="0", headless=True, max_people=2, max_frames=num_frames, fallback=session,
        record=folder / "soak.pose", stats=folder / "soak.json",
    )  # fmt: skip
    before = machine.now(0)
    runner.run(settings, fingers)
    gc.unfreeze()
    gc.collect()
    return fingers, cameras, [before, *machine.samples, machine.now(num_frames)]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=HOUR_FRAMES)
    parser.add_argument("--clip-frames", type=int, default=200, help="of the demo clip that the detector knows")
    parser.add_argument("--fault-every", type=int, default=800, help="frames of the camera, on average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    logging.getLogger("posedemo").addHandler(logging.NullHandler())
    logging.getLogger("posedemo").propagate = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        see_clip(folder / "clip.pose", arguments.clip_frames)
        started_s = time.monotonic()
        fingers, cameras, samples = soak(
            arguments.frames,
            random.Random(arguments.seed),
            fault_every=arguments.fault_every,
            session=folder / "clip.pose",
            folder=folder,
        )
        duration_s = time.monotonic() - started_s
    before, *during, after = samples
    print("| frames | memory MB | threads | open files |")
    print("|---|---|---|---|")
    tenths = [during[(len(during) - 1) * tenth // 10] for tenth in range(1, 11)]
    for label, sample in [("before", before), *((f"{one.num_frames:,}", one) for one in tenths), ("after", after)]:
        print(f"| {label} | {sample.rss_mb:.0f} | {sample.num_threads} | {sample.num_files} |")
    growth_mb = tenths[-1].rss_mb - tenths[0].rss_mb
    print(f"\ngrowth from the first tenth to the last: {growth_mb:+.1f} MB")
    print(
        f"{fingers.num_frames:,} frames with {fingers.num_poses:,} poses in {duration_s:.0f} s, "
        f"{fingers.num_recorded:,} of them from the fallback"
    )
    print("the camera: " + ", ".join(f"{count} x {fault}" for fault, count in sorted(cameras.faults.items())))
    print("keys: " + ", ".join(f"{count} x {key}" for key, count in sorted(fingers.keys.items())))
    if arguments.json is not None:
        summary = {
            "samples": [asdict(sample) for sample in samples],
            "growth_mb": growth_mb,
            "frames": fingers.num_frames,
            "poses": fingers.num_poses,
        }
        summary |= {"faults": cameras.faults, "keys": fingers.keys, "duration_s": duration_s}
        arguments.json.write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
