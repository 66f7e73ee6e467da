"""What the tests of this folder tried goes into the table of docs/reliability.md; and what several of them need."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from command_line import TIMEOUT_S, StartPosedemo, started_commands, without_display
from videos import grey_pictures, write_video

Tried = Callable[[str, int, str], None]
RunFaulty = Callable[..., subprocess.CompletedProcess[str]]

FAULTY_POSEDEMO = Path(__file__).with_name("faulty_posedemo.py")


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """State at the end of a test what was tried, how many times, and how it ended: ``tools/reliability_table.py`` makes
    rows of it, in sections that are called after the first line of each module's docstring."""

    def state(what: str, count: int, outcome: str) -> None:
        record_property("tried", (what, count, outcome))

    return state


@pytest.fixture
def start_faulty(tmp_path: Path) -> Iterator[StartPosedemo]:
    """Start ``faulty_posedemo.py`` in an empty folder, and leave it running; killed at the end of the test."""
    with started_commands(tmp_path, without_display(), command=(sys.executable, FAULTY_POSEDEMO)) as start:
        yield start


@pytest.fixture
def faulty(start_faulty: StartPosedemo) -> RunFaulty:
    """Run it to its end."""

    def call(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        return ended(start_faulty(*arguments, **more))

    return call


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty seconds of grey with sound: long enough for something to happen meanwhile."""
    return write_video(
        tmp_path_factory.mktemp("film") / "film.mp4", grey_pictures(1200, size_wh=(160, 120)), audio_s=40
    )


@pytest.fixture(scope="session")
def short_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of it."""
    return write_video(tmp_path_factory.mktemp("film") / "short.mp4", grey_pictures(60, size_wh=(160, 120)))


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
