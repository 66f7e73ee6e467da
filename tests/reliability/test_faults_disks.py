"""Disks and folders"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from command_line import TIMEOUT_S, assert_one_sentence, without_display
from posedemo.sessions.source import SessionSource
from reliability.conftest import FAULTY_POSEDEMO
from reliability.remains import ended, frames_in, names_in, num_pictures, wait_for_bytes

SMALL_BYTES = 200_000

RunOnSmallDisk = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def mounted(folder: Path, options: Sequence[str]) -> Iterator[bool]:
    """Mount a file system in memory over a folder; False where this user may not."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    is_mounted = sys.platform == "linux" and subprocess.run(command, capture_output=True).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Iterator[RunOnSmallDisk]:
    """Run a command in the folder ``disk``, which takes no more than ``SMALL_BYTES`` in all; where nothing may be
    mounted, in each file."""
    folder = tmp_path / "disk"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_BYTES, SMALL_BYTES))

    with mounted(folder, [f"size={SMALL_BYTES}"]) as is_mounted:

        def run(*arguments: object) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, FAULTY_POSEDEMO, "none", *map(str, arguments)],
                cwd=folder, env=without_display(), capture_output=True, text=True, timeout=TIMEOUT_S,
                preexec_fn=None if is_mounted else limit,
            )  # fmt: skip

        yield run


def assert_sentence(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One error among other words, all of them the program's own."""
    assert_one_sentence(done, code, *words)


def test_disk_that_is_full_before_the_video_is(on_small_disk, film, tmp_path, tried):
    done = on_small_disk("--video", film, "--headless", "--output", "a.mp4")
    assert_sentence(done, 5, "cannot write a.mp4", "a.partial.mp4 can be played up to there")
    assert names_in(tmp_path / "disk") == ["a.partial.mp4"]
    num_frames = num_pictures(tmp_path / "disk" / "a.partial.mp4")
    assert 30 < num_frames < 1200
    tried("disk full in the middle of a video", 1, "exit 5; `a.partial.mp4` plays up to there")


def test_disk_that_is_full_before_the_pose_file_is(on_small_disk, posedemo, film, tmp_path, tried):
    # The journal is twice as large.
    done = on_small_disk("--video", film, "--headless", "--max-frames", 500, "--export", "a.npz", "--export", "a.csv")
    assert_sentence(done, 5, "cannot write a.npz", "what was seen is in a.partial.pose: `posedemo replay`")
    disk = tmp_path / "disk"
    assert names_in(disk) == ["a.partial.pose"]
    assert posedemo("replay", disk / "a.partial.pose", "--headless", "--export", "kept.npz").returncode == 0
    kept = frames_in(tmp_path / "kept.npz")
    assert kept.tolist() == list(range(len(kept)))
    assert len(kept) > 30
    tried("disk full before pose files are written", 1, "exit 5; `replay a.partial.pose` makes the poses up to there")


def test_disk_that_is_full_ends_a_recording_and_not_the_show(on_small_disk, film, tmp_path, tried):
    done = on_small_disk("--video", film, "--headless", "--record", "a.pose")
    assert done.returncode == 0, done.stderr
    assert "cannot go on recording to a.pose" in done.stderr
    assert "1200 frames" in done.stderr
    source = SessionSource(tmp_path / "disk" / "a.pose")
    assert 30 < sum(1 for _ in source.frames()) < 1200
    source.close()
    tried("disk full while a session is recorded", 1, "exit 0: the show goes on, and what was recorded can be replayed")


def test_folder_that_is_removed_in_mid_run(start_faulty, film, tmp_path, tried):
    folder = tmp_path / "out"
    folder.mkdir()
    process = start_faulty(
        "none", "--video", film, "--headless", "--output", folder / "a.mp4", "--export", folder / "a.npz"
    )
    wait_for_bytes(folder / "a.partial.mp4", 20_000, process)
    shutil.rmtree(folder)
    done = ended(process)
    assert_sentence(done, 5, "was removed while it was being written")
    assert names_in(folder) == ["a.npz"]
    assert 10 < len(frames_in(folder / "a.npz")) < 1200
    tried("output folder removed in mid-run", 1, "exit 5 within a second; the poses so far are written all the same")


def test_home_and_cache_that_cannot_be_written(posedemo, start_posedemo, short_film, tmp_path, tried):
    """Root may write everywhere, but not into a file and not on a disk that is read-only."""
    home, disk = tmp_path / "home", tmp_path / "disk"
    home.touch()
    with mounted(disk, ["ro"]) as is_mounted:
        caches = dict.fromkeys(("XDG_CACHE_HOME", "POSEDEMO_CACHE", "TMPDIR"), str(disk if is_mounted else home))
        places = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "https_proxy": "http://127.0.0.1:9", **caches}
        arguments = ("--video", short_film, "--headless", "--export", "a.npz")
        done = ended(start_posedemo(*arguments, "--detector", "mediapipe-lite", **places))
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        (tmp_path / "a.npz").unlink()
        done = ended(start_posedemo(*arguments, "--detector", "mediapipe-heavy", **places))
        assert_sentence(done, 4, "cannot write to the cache folder", caches["POSEDEMO_CACHE"], "https://")
        assert names_in(tmp_path) == ["disk", "home"]
        if is_mounted:
            done = posedemo("--video", short_film, "--headless", "--export", disk / "a.npz")
            assert_sentence(done, 5, "cannot write to the folder", "Read-only file system")
            tried("output folder read-only", 1, "exit 5 before anything is opened")
    tried("home, cache and folder for temporary files read-only", 1, "exit 0; nothing of them is needed")
    tried("cache read-only and a model to be fetched into it", 1, "exit 4, with the address to fetch it from by hand")


def test_two_runs_that_write_the_same_files(start_faulty, faulty, film, tmp_path, tried, heeded):
    outputs = ("--export", "a.npz", "--output", "a.mp4", "--record", "a.pose")
    first = start_faulty("slow", "--video", film, "--headless", *outputs)
    wait_for_bytes(tmp_path / "a.pose", 10_000, first)
    for option in ("--export", "a.npz"), ("--output", "a.mp4"), ("--record", "a.pose", "--overwrite"):
        second = faulty("none", "--video", film, "--headless", *option)
        assert_sentence(second, 5, f"another run is writing {option[1]}")
    first.send_signal(signal.SIGINT)
    done = ended(first)
    assert done.returncode == 130, done.stderr
    assert names_in(tmp_path) == ["a.mp4", "a.npz", "a.pose"]
    assert len(frames_in(tmp_path / "a.npz")) == num_pictures(tmp_path / "a.mp4") > 0
    tried("a second run with the same output", 3, "exit 5 before it has begun; the first is not disturbed")


def test_output_that_somebody_else_makes_meanwhile(start_faulty, film, tmp_path, tried):
    process = start_faulty("none", "--video", film, "--headless", "--max-frames", 200, "--export", "a.npz")
    wait_for_bytes(tmp_path / "a.partial.pose", 1_000, process)
    (tmp_path / "a.npz").write_bytes(b"precious")
    assert_sentence(ended(process), 5, "another program has written a.npz meanwhile", "a.partial.npz")
    assert (tmp_path / "a.npz").read_bytes() == b"precious"
    assert len(frames_in(tmp_path / "a.partial.npz")) == 200
    tried("output made by another program in mid-run", 1, "exit 5; both files are there, under two names")


def assert_log_does_not_matter(log: IO, film: Path, folder: Path) -> None:
    """A run is complete whatever becomes of what it writes to standard error."""
    done = subprocess.run(
        [sys.executable, FAULTY_POSEDEMO, "none", "--video", film, "--headless", "--export", "a.npz"],
        cwd=folder, env=without_display() | {"PYTHONWARNINGS": "ignore"}, stderr=log, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0
    assert len(frames_in(folder / "a.npz")) == 60


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full, a disk that is always full")
def test_log_on_a_full_disk(short_film, tmp_path, tried):
    with Path("/dev/full").open("w") as full:
        assert_log_does_not_matter(full, short_film, tmp_path)
    tried("a log on a full disk", 1, "exit 0; the files are complete")


def test_log_that_nobody_reads_any_more(short_film, tmp_path, tried):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        assert_log_does_not_matter(pipe, short_film, tmp_path)
    tried("a log into a pipe that was closed", 1, "exit 0; the files are complete")
