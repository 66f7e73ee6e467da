"""``posedemo bench``: how fast this machine is with which detector, lifter and provider, and what to use.

Ratios to the bare loop are of runs that followed each other at once; quote them, and not the rates: machines drift.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .. import __version__, answers, model_files
from ..arguments import file_path, whole_number
from ..bench.advice import advise
from ..bench.clip import NUM_FRAMES, measure_clip, write_clip
from ..bench.comparison import Comparisons
from ..bench.whole_run import first_pose_s, help_s
from ..command import Command
from ..manifest import Kind, default_name, manifest
from ..outputs import check_outputs, check_suffix
from ..probing import ask
from ..signals import stop_on_signals
from ..statistics import write_statistics

_MAX_ROUNDS = 100
_GRID_LIMIT_S = 600.0
"""For a round of the grid on a slow machine; where something in it hangs, this is when it is given up."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", metavar="F.json", type=file_path, help="write all numbers")
    parser.add_argument(
        "--video",
        metavar="FILE",
        type=file_path,
        help=f"measure with the first {NUM_FRAMES} frames of a video (default: a clip in full HD)",
    )
    parser.add_argument("--rounds", metavar="N", type=_rounds, default=3, help="take medians of N rounds (default: 3)")
    parser.add_argument("--overwrite", action="store_true", help="replace the JSON file where it exists")


def run(arguments: argparse.Namespace) -> int:
    """Measure, and write the tables to standard output."""
    if arguments.json is not None:
        check_suffix(arguments.json, (".json",), "--json")
        inputs = [] if arguments.video is None else [arguments.video]
        check_outputs([arguments.json], inputs=inputs, overwrite=arguments.overwrite)
    with stop_on_signals(_interrupt) as interruption, tempfile.TemporaryDirectory() as folder:
        try:
            video = arguments.video
            if video is None:
                video = Path(folder) / "full-hd.mp4"
                write_clip(video)
            results = measure(video, arguments.rounds)
        except KeyboardInterrupt:
            # On the way here the run that was measured has ended, too.
            return interruption.exit_code
    sys.stdout.writelines(f"{line}\n" for line in _lines(results))
    if arguments.json is not None:
        write_statistics(arguments.json, results)
    return 0


def _interrupt() -> None:
    raise KeyboardInterrupt


def measure(video: Path, rounds: int) -> dict[str, Any]:
    """Measure everything, what is to be compared in turns; returns what the JSON file says.

    Raises:
        PosedemoError: the video cannot be read, or the program does not work here.
    """
    num_frames, size_wh = measure_clip(video, NUM_FRAMES)
    clip = {"name": video.name, "num_frames": num_frames, "size_wh": size_wh}
    detectors, lifters = _present("detector"), _present("lifter")
    comparisons = Comparisons(video, num_frames)
    helps_s: list[float] = []
    first_poses_s: list[float] = []

    def start_up() -> None:
        helps_s.append(help_s())
        first_poses_s.append(first_pose_s(video, default_name("detector")))

    one_round: list[Callable[[], None]] = [start_up, *(partial(comparisons.run_round, name) for name in detectors)]
    for step in tqdm([*one_round * rounds], desc="running the program", leave=False, disable=None):
        step()
    with tqdm(desc="running each detector with each lifter", leave=False, disable=None, bar_format="{desc} {elapsed}"):
        grid = ask(answers.grid, video, ",".join(detectors), ",".join(lifters), rounds, limit_s=_GRID_LIMIT_S * rounds)
    return {
        "posedemo_version": __version__,
        "machine": _machine(),
        "clip": clip,
        "rounds": rounds,
        "start_up": {
            "help_s": round(statistics.median(helps_s), 3),
            "first_pose_s": round(statistics.median(first_poses_s), 3),
        },
        "comparisons": comparisons.results(),
        "pairs": grid["pairs"],
        "unavailable": comparisons.failures() + grid["unavailable"],
        "recommendation": advise(grid["pairs"]),
    }


def _present(kind: Kind) -> list[str]:
    """The models of a kind that are on this machine: nothing is fetched to be measured."""
    return [
        entry.name
        for entry in manifest()
        if entry.kind == kind and model_files.state(entry) in ("built in", "verified", "fetched")
    ]


def _machine() -> dict[str, Any]:
    return {
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "num_cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def _lines(results: Mapping[str, Any]) -> Iterator[str]:
    """The results for people."""
    clip, start_up = results["clip"], results["start_up"]
    width, height = clip["size_wh"]
    yield f"{results['machine']['platform']}, {results['machine']['num_cores']} cores"
    yield f"{clip['name']}: {clip['num_frames']} frames of {width}x{height}; medians of {results['rounds']} rounds"
    yield f"start-up: help {start_up['help_s']:.2f} s, first pose {start_up['first_pose_s']:.2f} s after the command"
    yield ""
    yield "The whole program beside a bare loop of decoding and detecting, in frames a second:"
    yield (
        f"  {'detector':<16} {'writes':<16} {'bare':>6} {'program':>8} {'ratio':>6} {'detect %':>9} {'rest %':>7} "
        f"{'memory MB':>10}"
    )
    for row in results["comparisons"]:
        memory = "-" if row["peak_memory_mb"] is None else f"{row['peak_memory_mb']:.0f}"
        yield (
            f"  {row['detector']:<16} {row['output']:<16} {row['bare_fps']:6.1f} {row['frames_per_second']:8.1f} "
            f"{row['ratio']:6.2f} {row['detect_percent']:9.1f} {row['rest_percent']:7.1f} {memory:>10}"
        )
    yield ""
    yield "Detecting and lifting alone, in frames a second, and milliseconds a frame of each:"
    yield f"  {'detector':<16} {'lifter':<15} {'provider':<9} {'rate':>6} {'detect ms':>10} {'lift ms':>8}"
    for row in results["pairs"]:
        yield (
            f"  {row['detector']:<16} {row['lifter']:<15} {row['provider']:<9} {row['frames_per_second']:6.1f} "
            f"{row['detect_ms']:10.1f} {row['lift_ms']:8.2f}"
        )
    yield ""
    for row in results["unavailable"]:
        yield f"not measured: {row['name']}: {row['reason']}"
    yield results["recommendation"]


def _rounds(text: str) -> int:
    return whole_number(text, highest=_MAX_ROUNDS)


COMMANDS = {"bench": Command(add_arguments=add_arguments, run=run)}
