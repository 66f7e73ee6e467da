"""Windows that begin or end their own way: full screen from the start, killed while recording, left with a key."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import av
import pytest
from gui.screen import Screen, wait_until
from gui.shown_window import ShownWindow

pytestmark = pytest.mark.gui


def test_kiosk_starts_in_full_screen_and_a_killed_recording_can_be_played(screen: Screen, tmp_path: Path) -> None:
    with ShownWindow(screen, "--fullscreen", "--light", folder=tmp_path) as window:
        window.feed("s")
        assert wait_until(lambda: screen.picture()[:40, 900:].min() > 150), "a light room all over the screen"
        window.press("r")
        assert wait_until(lambda: any(tmp_path.glob("posedemo-*.mp4")))
        found = next(tmp_path.glob("posedemo-*.mp4"))
        words = itertools.cycle("as")

        def is_on_disk() -> bool:
            window.feed(next(words))
            return num_pictures(found) > 0

        assert wait_until(is_on_disk)
        window.process.kill()
        window.process.wait()
        assert num_pictures(found) > 0


def test_edges_are_left_rough_where_the_processor_draws(screen: Screen) -> None:
    """As Xvfb's does; whoever wants them smooth all the same says so to Mesa."""
    ask = "import os, posedemo.viewer.display as d; d.spare_the_processor(); print(os.environ['DRI_NO_MSAA'])"
    for asked, answer in ({}, "1"), ({"DRI_NO_MSAA": "0"}, "0"):
        done = subprocess.run(
            [sys.executable, "-c", ask],
            env={**screen.environment, **asked}, capture_output=True, text=True, check=True, timeout=150,
        )  # fmt: skip
        assert done.stdout.strip() == answer


def num_pictures(path: Path) -> int:
    """How many pictures of a file can be decoded."""
    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0))
    except (av.FFmpegError, IndexError):
        return 0


def test_quit(screen: Screen) -> None:
    with ShownWindow(screen) as window:
        window.feed("s")
        window.press("q")
        assert window.ended() == ("CLOSED_BY_USER", "")
