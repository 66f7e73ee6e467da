"""Windows that begin or end their own way: full screen from the start, killed while recording, left with a key."""

from __future__ import annotations

import itertools
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
