"""Resident memory of posedemo over a long video: the Full HD clip of `posedemo bench`, repeated.

    python benchmarks/memory.py [--minutes M] [--output]

Prints the memory of the program and of the process that draws the room at every tenth of the way, and the growth from
the first tenth, when everything is loaded and every buffer full, to the last. Needs the ``dev`` extra.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import psutil
from posedemo.bench.clip import write_clip

COMMAND = Path(sys.executable).with_name("posedemo")


def repeat(clip: Path, target: Path, minutes: float) -> float:
    """Write a clip's pictures again and again until they last so long; returns the duration in seconds."""
    end: Fraction = Fraction(0)
    with av.open(str(target), "w") as output:
        stream = None
        while end < 60 * minutes:
            with av.open(str(clip)) as source:
                pictures = source.streams.video[0]
                stream = stream or output.add_stream_from_template(pictures)
                shift = int(end / pictures.time_base)
                for packet in source.demux(pictures):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    output.mux(packet)
                end += pictures.duration * pictures.time_base
    return float(end)


def megabytes(process: psutil.Process) -> float:
    """Resident memory of a process and its children."""
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_info().rss for member in family if member.is_running()) / 2**20


def main() -> None:
    """Run and watch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--output", action="store_true", help="write an annotated video too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder / "clip.mp4")
        duration_s = repeat(folder / "clip.mp4", folder / "long.mp4", arguments.minutes)
        command = [COMMAND, "--video", folder / "long.mp4", "--headless", "--export", folder / "poses.npz"]
        command += ["--output", folder / "annotated.mp4"] if arguments.output else []
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        samples = watch(psutil.Process(running.pid), running)
        assert running.returncode == 0
    print(f"{duration_s:.0f} s of video in {samples[-1][0]:.0f} s")
    tenths = [samples[len(samples) * tenth // 10] for tenth in range(1, 10)] + [samples[-1]]
    for elapsed_s, used_mb in tenths:
        print(f"  after {elapsed_s:5.0f} s: {used_mb:6.0f} MB")
    print(f"growth from the first tenth to the last: {tenths[-1][1] - tenths[0][1]:+.0f} MB")


def watch(process: psutil.Process, running: subprocess.Popen[bytes]) -> list[tuple[float, float]]:
    """(seconds, megabytes) twice a second until the process ends."""
    samples = []
    started_s = time.monotonic()
    while running.poll() is None:
        try:
            samples.append((time.monotonic() - started_s, megabytes(process)))
        except psutil.Error:
            continue  # it or a child ended between two looks
        time.sleep(0.5)
    return samples[:-1]


if __name__ == "__main__":
    main()
