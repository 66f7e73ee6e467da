"""Frames a second of posedemo beside a bare loop of decoding and MediaPipe, in turns, on the same clip.

    python benchmarks/pipeline.py [--video FILE] [--rounds N] [--detector NAME]

The bare loop is what every demo starts from: ``cv2.VideoCapture`` and MediaPipe one after the other, with the model
loaded beforehand. posedemo is the installed command; its rate is that of ``--stats``, from first to last result.
Start-up is left out on both sides and printed apart. Machines drift, so quote the ratios, not the rates.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision
from posedemo import model_files

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("posedemo")


def bare_loop(video: Path, detector: str) -> float:
    """Frames a second of decoding and detecting, one after the other."""
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=model_files.load("detector", detector).content),
        running_mode=vision.RunningMode.VIDEO,
    )
    capture = cv2.VideoCapture(str(video))
    num_frames = 0
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        first_s = last_s = 0.0
        while (read := capture.read())[0]:
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
            landmarker.detect_for_video(image, num_frames * 33 + 1)
            last_s = time.perf_counter()
            first_s = first_s or last_s
            num_frames += 1
    capture.release()
    return (num_frames - 1) / (last_s - first_s)


def posedemo(video: Path, detector: str, *options: str) -> tuple[float, float]:
    """Frames a second of the installed command, and the wall time of the whole process in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        outputs = [option.replace("{}", folder) for option in options]
        started_s = time.perf_counter()
        subprocess.run(
            [COMMAND, "--video", video, "--headless", "--detector", detector, "--stats", stats, *outputs],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        wall_s = time.perf_counter() - started_s
        return float(json.loads(stats.read_text())["frames_per_second"]), wall_s


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=ROOT / "assets" / "demo.mp4")
    parser.add_argument("--detector", default="mediapipe-full")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    runs = {
        "--headless --export": ("--export", "{}/poses.npz"),
        "--headless --output": ("--output", "{}/annotated.mp4"),
    }
    ratios: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(arguments.rounds):
        bare = bare_loop(arguments.video, arguments.detector)
        print(f"round {number + 1}: bare loop {bare:.1f} frames/s", flush=True)
        for name, options in runs.items():
            rate, wall_s = posedemo(arguments.video, arguments.detector, *options)
            ratios[name].append(rate / bare)
            print(
                f"  {name:<22} {rate:6.1f} frames/s  ratio {rate / bare:.2f}  whole process {wall_s:.1f} s", flush=True
            )
    for name, values in ratios.items():
        print(f"median ratio to the bare loop, {name}: {statistics.median(values):.2f}")


if __name__ == "__main__":
    main()
