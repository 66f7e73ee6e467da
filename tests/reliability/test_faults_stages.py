"""Stages that fail, and clocks"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from camera_server import CameraServer
from command_line import TIMEOUT_S, assert_one_sentence, started_commands, without_display
from gui.conftest import screen  # noqa: F401  a fixture
from onnx_lifters import echo_lifter
from reliability.conftest import FAULTY_POSEDEMO
from reliability.faulty_posedemo import FAULTY_FRAME
from reliability.remains import ended, frames_in, names_in, num_pictures

OUTPUTS = ("--export", "a.npz", "--output", "a.mp4")


def assert_whole_until(folder: Path, num_frames: int) -> None:
    """Both files hold every frame before the fault."""
    assert names_in(folder) == ["a.mp4", "a.npz"]
    assert np.unique(frames_in(folder / "a.npz")).tolist() == list(range(num_frames))
    assert num_pictures(folder / "a.mp4") == num_frames


def test_detector_that_raises(faulty, film, tmp_path, tried):
    done = faulty("detector-raises", "--video", film, "--headless", *OUTPUTS)
    assert_one_sentence(done, 4, f"the detector failed at frame {FAULTY_FRAME}: Graph has errors:", "--detector")
    assert_whole_until(tmp_path, FAULTY_FRAME)
    tried("a detector that raises", 1, "exit 4; files hold every frame before")


def test_detector_that_hangs(faulty, film, tmp_path, tried):
    done = faulty("detector-hangs", "--video", film, "--headless", *OUTPUTS)
    assert_one_sentence(done, 4, "the detector does not answer", "the detector has not answered for")
    assert_whole_until(tmp_path, FAULTY_FRAME)
    tried("a detector that hangs in native code", 1, "exit 4 after 30 s, a word after 5; files hold every frame before")


def test_lifter_that_fails(faulty, film, tmp_path, tried):
    """It has promised to lift any number of people."""
    lifter = tmp_path.parent / f"{tmp_path.name}.onnx"
    onnx.save(echo_lifter(most_windows=2), lifter)
    done = faulty("company", "--video", film, "--headless", "--max-people", 3, "--lifter", lifter, *OUTPUTS)
    assert_one_sentence(done, 4, f"the lifter {lifter.name} failed", "--lifter")
    num_frames = num_pictures(tmp_path / "a.mp4")
    assert FAULTY_FRAME <= num_frames < FAULTY_FRAME + 30
    assert_whole_until(tmp_path, num_frames)
    tried("an ONNX lifter that fails in mid-run", 1, "exit 4; files hold every frame before")


def test_encoder_that_refuses(faulty, film, tmp_path, tried):
    done = faulty("encoder-refuses", "--video", film, "--headless", *OUTPUTS)
    assert_one_sentence(done, 5, "cannot write a.mp4: the encoder says")
    assert names_in(tmp_path) == ["a.npz"]
    assert len(frames_in(tmp_path / "a.npz")) > 0
    tried("an encoder that refuses", 1, "exit 5; no video, the poses so far are written")


@pytest.mark.gui
@pytest.mark.slow
def test_window_that_raises(film, tmp_path, tried, screen):  # noqa: F811
    with started_commands(tmp_path, screen.environment, (sys.executable, FAULTY_POSEDEMO)) as start:
        done = ended(start("window-raises", "--video", film, "--export", "a.npz"))
    assert_one_sentence(done, 4, "the window failed: the driver lost its context", "--headless")
    assert names_in(tmp_path) == ["a.npz"]
    assert len(frames_in(tmp_path / "a.npz")) > 0
    tried("a window that raises", 1, "exit 4; the poses so far are written")


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

/* Days forth and back, at every look. */
static long step(void) {
  static long looks = 0;
  return (++looks % 2 ? 1 : -1) * looks * 40000;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += step();
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec precise;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *where) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (where) *where = precise.tv_sec;
  return precise.tv_sec;
}
"""


@pytest.fixture(scope="module")
def wild_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that makes the time of day jump for every part of a process, Python and native code alike."""
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"]
    try:
        subprocess.run(command, input=CLOCK, text=True, check=True, capture_output=True)
    except FileNotFoundError:
        assert not os.environ.get("CI"), "no C compiler"
        pytest.skip("no C compiler")
    code = "import time; times = [time.time() for _ in range(50)]; print(max(times) - min(times))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=without_display() | {"LD_PRELOAD": str(library)},
        capture_output=True, text=True, check=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert float(done.stdout) > 1e6, "the clock does not jump"
    return library


@pytest.mark.skipif(sys.platform != "linux", reason="the clock is replaced by LD_PRELOAD, which only Linux has")
def test_clock_that_jumps(faulty, short_film, tmp_path, tried, wild_clock):
    for name, more in (("calm", {}), ("wild", {"LD_PRELOAD": str(wild_clock)})):
        done = faulty("none", "--video", short_film, "--headless", "--export", f"{name}.npz", **more)
        assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "calm.npz") as calm, np.load(tmp_path / "wild.npz") as wild:
        assert all(calm[name].tobytes() == wild[name].tobytes() for name in calm.files)
    tried("a time of day that jumps by days at every look, in a file's run", 1, "the same poses, bit for bit")


@pytest.mark.skipif(sys.platform != "linux", reason="the clock is replaced by LD_PRELOAD, which only Linux has")
def test_clock_that_jumps_in_a_live_run(faulty, tmp_path, tried, wild_clock):
    with CameraServer(size_wh=(160, 120), fps=15) as camera:
        options = ("--camera", camera.address, "--headless", "--max-frames", 30, "--export", "a.npz")
        done = faulty("none", *options, LD_PRELOAD=str(wild_clock))
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "a.npz") as file:
        span_s = np.ptp(file["time_s"])
        assert (np.diff(file["time_s"]) > 0).all()
    assert 1 < span_s < TIMEOUT_S
    tried("the same in a live run", 1, "times rise as they should")
