"""Signals and sudden death"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from command_line import COMMAND, TIMEOUT_S, assert_one_sentence, without_display
from posedemo.sessions.source import SessionSource
from posedemo.viewer.snapshot import claim
from reliability.remains import ended, frames_in, names_in, num_pictures, wait_for_bytes

GROWN = 30_000
"""Bytes of a video or a session: some seconds of it."""


def spent_s(process: subprocess.Popen[str], up_to_s: float = math.inf) -> float:
    """Wait until a process has spent so many seconds of processors, or is over; how many they were."""
    clock = psutil.Process(process.pid)
    seconds = 0.0
    while process.poll() is None and seconds < up_to_s:
        with suppress(psutil.Error):  # it may end at this moment
            seconds = max(seconds, sum(clock.cpu_times()[:2]))
        time.sleep(0.01)
    return seconds


def num_recorded(path: Path) -> int:
    source = SessionSource(path)
    count = sum(1 for _ in source.frames())
    source.close()
    return count


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda item: str(item)
)
def test_stopped_run_finishes_all_its_files(start_faulty, film, tmp_path, tried, heeded, number, code):
    process = start_faulty(
        "none", "--video", film, "--headless", "--export", "a.npz", "--export", "a.csv", "--export", "a.json",
        "--output", "a.mp4", "--record", "a.pose", "--stats", "stats.json",
    )  # fmt: skip
    wait_for_bytes(tmp_path / "a.partial.mp4", GROWN, process)
    process.send_signal(number)
    done = ended(process)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert names_in(tmp_path) == ["a.csv", "a.json", "a.mp4", "a.npz", "a.pose", "stats.json"]
    num_frames = num_pictures(tmp_path / "a.mp4")
    assert 0 < num_frames < 1200
    assert frames_in(tmp_path / "a.npz").tolist() == list(range(num_frames))
    assert json.loads((tmp_path / "a.json").read_text())["frame_index"] == list(range(num_frames))
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1 + 17 * num_frames
    assert num_recorded(tmp_path / "a.pose") == num_frames
    assert json.loads((tmp_path / "stats.json").read_text())["frames_processed"] == num_frames
    tried(f"{number.name} in mid-run, with outputs of every kind", 1, f"exit {code}; all files complete and in step")


def test_second_ctrl_c_leaves_a_detector_that_hangs(start_faulty, film, tmp_path, tried, heeded):
    process = start_faulty("detector-hangs-for-long", "--video", film, "--headless", "--export", "a.npz")
    assert any("does not answer" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    # Two signals that arrive together are one.
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert "has not answered for" not in done.stderr, "it waited until its patience was over"
    assert names_in(tmp_path) == ["a.npz"]
    assert len(frames_in(tmp_path / "a.npz")) > 0
    tried("Ctrl-C twice while the detector hangs", 1, "exit 130 at once; poses so far are written")


@pytest.mark.slow
def test_ctrl_c_at_any_moment_is_no_traceback(start_posedemo, short_film, tmp_path, tried, heeded):
    """While libraries load, while the model is opened, in the run, while files are finished."""

    def start(name: str) -> subprocess.Popen[str]:
        return start_posedemo(
            "--video", short_film, "--headless", "--detector", "mediapipe-lite", "--export", f"{name}.npz"
        )

    # On the processor's clock, since the machine may be busy, and in parts of a whole run, since it may be fast.
    undisturbed = start("undisturbed")
    whole_s = spent_s(undisturbed)
    assert ended(undisturbed).returncode == 0
    moments = random.Random(6)
    codes = []
    for number in range(4):
        process = start(str(number))
        # Before that Python itself is being started; at the end it takes itself down.
        spent_s(process, up_to_s=moments.uniform(0.15, 1.0) * whole_s)
        process.send_signal(signal.SIGINT)
        done = ended(process)
        assert done.returncode in (0, 130), done.stderr
        assert "Traceback" not in done.stderr
        codes.append(done.returncode)
    assert codes.count(130) >= 2
    for path in tmp_path.iterdir():
        assert ".partial" not in path.name
        assert frames_in(path).tolist() == list(range(len(frames_in(path))))
    tried("Ctrl-C at a random moment from the start on", len(codes), "exit 130, or 0 where it was done; no traceback")


def test_killed_run_leaves_what_can_be_played_and_lifted(start_faulty, faulty, posedemo, film, tmp_path, tried):
    outputs = ("--export", "a.npz", "--export", "a.csv", "--export", "a.json", "--output", "a.mp4")
    process = start_faulty("none", "--video", film, "--headless", *outputs)
    wait_for_bytes(tmp_path / "a.partial.mp4", GROWN, process)
    wait_for_bytes(tmp_path / "a.partial.pose", GROWN, process)
    process.kill()
    process.wait()
    left = names_in(tmp_path)
    assert left == ["a.partial.csv", "a.partial.json", "a.partial.mp4", "a.partial.npz", "a.partial.pose"]
    video = (tmp_path / "a.partial.mp4").read_bytes()
    assert num_pictures(tmp_path / "a.partial.mp4") > 10
    done = posedemo("replay", "a.partial.pose", "--headless", "--export", "kept.npz")
    assert done.returncode == 0, done.stderr
    kept = frames_in(tmp_path / "kept.npz")
    assert kept.tolist() == list(range(len(kept)))
    assert len(kept) > 10

    again = faulty("none", "--video", film, "--headless", *outputs, "--max-frames", len(kept))
    assert again.returncode == 0, again.stderr
    assert "a.partial.mp4 is what a run that was cut off has left; it is kept" in again.stderr
    assert "a.partial.pose is what a run that was cut off has seen: `posedemo replay`" in again.stderr
    assert (tmp_path / "a.partial.mp4").read_bytes() == video
    assert names_in(tmp_path) == ["a.csv", "a.json", "a.mp4", "a.npz", "a.partial.mp4", "a.partial.pose", "kept.npz"]
    with np.load(tmp_path / "a.npz") as whole, np.load(tmp_path / "kept.npz") as replayed:
        assert (whole["poses_3d"] == replayed["poses_3d"]).all()
    tried(
        "SIGKILL in mid-run, with a video and pose files", 1,
        "the video so far plays as `a.partial.mp4`; `replay a.partial.pose` makes every pose so far; the next run "
        "leaves both alone and says so",
    )  # fmt: skip


def test_killed_recording_can_be_played(start_faulty, film, tmp_path, tried):
    process = start_faulty("none", "--video", film, "--headless", "--record", "a.pose")
    wait_for_bytes(tmp_path / "a.pose", GROWN, process)
    process.kill()
    process.wait()
    assert num_recorded(tmp_path / "a.pose") > 10
    tried("SIGKILL while a session is recorded", 1, "it can be replayed up to the last frame that was handed over")


RECORD_WINDOW = """
import os, sys, time
from pathlib import Path
import numpy as np
from posedemo.viewer.screen_recording import ScreenRecording

path = Path(sys.argv[1])
recording = ScreenRecording(path, (320, 240), print)
rng = np.random.default_rng(0)
index = 0
while path.stat().st_size < 300_000:
    recording.add(rng.integers(0, 255, (240, 320, 3), np.uint8), index / 30)
    index += 1
    time.sleep(0.01)
os.kill(os.getpid(), 9)
"""


def test_killed_recording_of_the_window_can_be_played(tmp_path, tried):
    path = claim(tmp_path, ".mp4")
    done = subprocess.run([sys.executable, "-c", RECORD_WINDOW, str(path)], timeout=TIMEOUT_S)
    assert done.returncode == -signal.SIGKILL
    assert num_pictures(path) > 5
    tried("SIGKILL while the window is recorded", 1, "the video plays up to the last second")


WRITE_POSES = """
import sys
from pathlib import Path
import numpy as np
from posedemo.outputs import PartialFile
from posedemo.sinks.pose_file import write_columns

rows = np.random.default_rng(0).normal(size=(int(sys.argv[2]), 17, 3)).astype(np.float32)
number = np.arange(len(rows))
columns = {"frame_index": number, "time_s": number / 30, "track_id": 0 * number, "keypoints_2d": rows, "poses_3d": rows}
columns["root_m"] = rows[:, 0]
write_columns(PartialFile(Path(sys.argv[1])), columns, {"mode": "live", "bones": "free", "fps": 30.0})
"""


@pytest.mark.parametrize(("suffix", "num_rows"), [("npz", 30_000), ("json", 4_000), ("csv", 30_000), ("bvh", 20_000)])
def test_killed_while_a_pose_file_is_written(tmp_path, tried, suffix, num_rows):
    """Half of a file is nothing under the final name."""
    process = subprocess.Popen([sys.executable, "-c", WRITE_POSES, f"a.{suffix}", str(num_rows)], cwd=tmp_path)
    wait_for_bytes(tmp_path / f"a.partial.{suffix}", 1, process)
    process.kill()
    process.wait()
    assert names_in(tmp_path) == [f"a.partial.{suffix}"]
    tried(f"SIGKILL while a {suffix.upper()} file is written", 1, "nothing has its name; half is `a.partial.*`")


@pytest.mark.slow
def test_killed_run_leaves_no_process_behind(start_faulty, film, tmp_path, tried):
    process = start_faulty("real-room", "--video", film, "--headless", "--output", "a.mp4")
    wait_for_bytes(tmp_path / "a.partial.mp4", GROWN, process)
    family = psutil.Process(process.pid).children(recursive=True)
    assert any("spawn_main" in " ".join(child.cmdline()) for child in family)
    process.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    assert num_pictures(tmp_path / "a.partial.mp4") > 10
    tried("SIGKILL while another process draws the room", 1, "that process ends by itself")


@pytest.mark.slow
def test_room_that_dies_is_a_sentence(start_faulty, film, tmp_path, tried):
    process = start_faulty("real-room", "--video", film, "--headless", "--output", "a.mp4", "--export", "a.npz")
    wait_for_bytes(tmp_path / "a.partial.mp4", GROWN, process)
    for child in psutil.Process(process.pid).children(recursive=True):
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    done = ended(process)
    assert_one_sentence(done, 4, "the process that draws the 3D view has ended unexpectedly")
    num_frames = num_pictures(tmp_path / "a.mp4")
    assert num_frames > 10
    assert len(frames_in(tmp_path / "a.npz")) >= num_frames
    assert names_in(tmp_path) == ["a.mp4", "a.npz"]
    tried("SIGKILL of the process that draws the room", 1, "exit 4; the video is complete up to there")


def test_output_that_nobody_reads(tried):
    """``posedemo models list | head -0``: the reader has left before anything is said."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [COMMAND, "models", "list"],
        stdout=writer, stderr=subprocess.PIPE, env=without_display(), text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == ""
    tried("standard output that nobody reads", 1, "exit 0, silently")
