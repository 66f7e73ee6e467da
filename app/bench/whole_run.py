"""The command itself, in a process of its own as users start it: its rate, its memory, and how soon it begins."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ..errors import PosedemoError

_ERROR = "posedemo: error: "
_START_LIMIT_S = 120.0
"""For what takes a moment even where the disk is slow."""


class RunError(PosedemoError):
    """A run that did not work; the message is its own."""


def whole_run(video: Path, detector: str, *, output: str, max_frames: int, limit_s: float) -> dict[str, Any]:
    """Run the command on a video, and return its statistics (``--stats``).

    Args:
        video: to be processed.
        detector: to be used.
        output: ``--export`` for poses, ``--output`` for an annotated video.
        max_frames: of the video.
        limit_s: for how long; a detector that hangs is given up.

    Raises:
        RunError: it failed, or took longer.
    """
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        result = Path(folder) / {"--export": "poses.npz", "--output": "annotated.mp4"}[output]
        options = ["--detector", detector, "--max-frames", max_frames, output, result, "--stats", stats]
        _call("--video", video, "--headless", *options, limit_s=limit_s)
        content: dict[str, Any] = json.loads(stats.read_text(encoding="utf-8"))
        return content


def help_s() -> float:
    """How long ``posedemo --help`` takes."""
    return _call("--help")


def first_pose_s(video: Path, detector: str) -> float:
    """From the command to the end of a run that writes the pose of one frame.

    Raises:
        RunError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = ["--detector", detector, "--max-frames", 1, "--export", Path(folder) / "poses.npz"]
        return _call("--video", video, "--headless", *options)


def _call(*arguments: object, limit_s: float = _START_LIMIT_S) -> float:
    """Run the command to its end; returns the seconds that it took."""
    started_s = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "posedemo", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(f"posedemo was not done after {limit_s:.0f} s") from error
    elapsed_s = time.perf_counter() - started_s
    if done.returncode:
        lines = [line.removeprefix(_ERROR) for line in done.stderr.splitlines() if line.startswith(_ERROR)]
        raise RunError(lines[0] if lines else f"posedemo ended with code {done.returncode}")
    return elapsed_s
