"""Who takes the processor's time in a run: by thread of the program, and by thread of the process that draws the room;
and how much the bare loop of decoding and detecting takes for the same frames.

    python benchmarks/processor_time.py [--video FILE] [--frames N] [--output]

Milliseconds of processor time a frame, which differ less than wall time between an idle machine and a busy one. The
detector's threads are called ``drishti``, the decoder's ``av:``; Python's own threads and those of the H.264 encoder
share the name of the program. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from posedemo.bench.bare_loop import bare_loop_fps
from posedemo.datatypes import Result
from posedemo.live.shared import Shared
from posedemo.live.status import Status
from posedemo.live.wishes import Wishes
from posedemo.runner import run
from posedemo.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FIRST_FRAME = 10
"""When everybody is at work: the room is there, and every buffer full."""


def threads_ms(process: int) -> Counter[str]:
    """Processor time of a process so far, by name of the thread."""
    taken: Counter[str] = Counter()
    for thread in Path(f"/proc/{process}/task").iterdir():
        try:
            stat = (thread / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended since it was listed
        name, _, rest = stat.partition("(")[2].rpartition(")")
        user, system = rest.split()[11:13]
        taken[name] += (int(user) + int(system)) * 1000 // os.sysconf("SC_CLK_TCK")
    return taken


def all_threads_ms() -> Counter[str]:
    """The same of this process and of its children, whose threads are marked."""
    taken = threads_ms(os.getpid())
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        taken.update({f"room: {name}": spent for name, spent in threads_ms(int(child)).items()})
    return taken


class Watcher:
    """Looks at the clocks of all threads when it gets a result."""

    def __init__(self) -> None:
        self.num_frames = 0
        self.first: Counter[str] = Counter()
        self.last: Counter[str] = Counter()

    def begin(self, wishes: Shared[Wishes], status: Shared[Status]) -> None:
        """Nothing to prepare."""

    def write(self, result: Result) -> None:
        """Note what everybody took so far."""
        self.num_frames += 1
        self.last = all_threads_ms()
        if self.num_frames == FIRST_FRAME:
            self.first = self.last

    def close(self) -> None:
        """Nothing to finish."""


def bare_loop_ms(video: Path, detector: str, num_frames: int) -> float:
    """Processor time of a frame of the bare loop: of the second half of the frames, so that loading does not count."""
    spent_s = []
    for count in (num_frames // 2, num_frames):
        started_s = time.process_time()
        bare_loop_fps(video, detector, count)
        spent_s.append(time.process_time() - started_s)
    return (spent_s[1] - spent_s[0]) * 1e3 / (num_frames - num_frames // 2)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=ROOT / "assets" / "demo.mp4")
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--output", action="store_true", help="write an annotated video instead of poses")
    arguments = parser.parse_args()
    watcher = Watcher()
    bare_ms = bare_loop_ms(arguments.video, Settings.detector, arguments.frames)
    with tempfile.TemporaryDirectory() as folder:
        outputs = {"output": Path(folder) / "a.mp4"} if arguments.output else {"exports": (Path(folder) / "a.npz",)}
        run(Settings(video=arguments.video, headless=True, max_frames=arguments.frames, **outputs), watcher)
    num_frames = watcher.num_frames - FIRST_FRAME
    spent = Counter({name: (last - watcher.first[name]) / num_frames for name, last in watcher.last.items()})
    for name, milliseconds in spent.most_common(8):
        print(f"{name:<24} {milliseconds:6.1f} ms a frame")
    print(f"{'all':<24} {spent.total():6.1f} ms a frame")
    print(f"{'bare loop':<24} {bare_ms:6.1f} ms a frame")


if __name__ == "__main__":
    main()
