"""What a run has written by the time that something happens to it, and what is left of it."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from command_line import TIMEOUT_S


def ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for the end of a started command."""
    output, errors = process.communicate(timeout=TIMEOUT_S)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def wait_for_bytes(path: Path, num_bytes: int, process: subprocess.Popen[str]) -> None:
    """Wait until a running command has written so much."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not path.exists() or path.stat().st_size < num_bytes:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s, f"{path} does not grow"
        time.sleep(0.02)


def frames_in(path: Path) -> np.ndarray:
    """``frame_index`` of a pose file, after a look at its other columns."""
    with np.load(path, allow_pickle=False) as file:
        assert len(file["poses_3d"]) == len(file["frame_index"]) == len(file["time_s"])
        assert np.isfinite(file["poses_3d"]).all()
        return file["frame_index"]


def num_pictures(path: Path) -> int:
    """How many pictures a player gets out of a video, which may end in the middle of one."""
    count = 0
    with av.open(str(path)) as container, suppress(av.FFmpegError):
        for _ in container.decode(video=0):
            count += 1
    return count


def names_in(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())
