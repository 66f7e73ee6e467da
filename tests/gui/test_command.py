"""The installed command with its real window: what a user sees, and how they leave."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from command_line import COMMAND
from gui.screen import Screen
from videos import clip_pictures, describe, write_video

pytestmark = pytest.mark.gui

APPEARS_WITHIN_S = 60
ENDS_WITHIN_S = 60


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jumper on the wall, over and over, for long enough to be watched."""
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", clip_pictures(58, 73) * 27)


def test_video_is_watched_and_escape_leaves(screen, start, film):
    process = start("--video", film)
    window = screen.find_window("^posedemo")
    before = wait_for_figure(screen)
    time.sleep(1.5)
    assert (screen.picture() != before).mean() > 0.001, "the picture stands still"
    screen.press(window, "Escape")
    output, errors = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == 0, errors
    assert output == ""
    assert "Traceback" not in errors


@pytest.mark.parametrize(("name", "leave"), [("photo.jpg", "Escape"), ("photo.png", signal.SIGINT)], ids=str)
def test_a_photo_stays_until_somebody_leaves(screen, start, tmp_path, name, leave):
    cv2.imwrite(str(tmp_path / name), next(iter(clip_pictures(58, 59))))
    process = start("--video", name)
    window = screen.find_window("^posedemo")
    wait_for_figure(screen)
    time.sleep(2)
    wait_for_figure(screen)
    assert process.poll() is None
    if leave == "Escape":
        screen.press(window, leave)
    else:
        process.send_signal(leave)
    _, errors = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == (0 if leave == "Escape" else 130), errors
    assert f"{name}: 1 frame in" in errors


def test_closing_the_window_in_mid_run_leaves_complete_files(screen, start, film, tmp_path):
    process = start("--video", film, "--output", "out.mp4", "--export", "out.npz")
    window = screen.find_window("^posedemo")
    wait_for_figure(screen)
    screen.ask_to_close(window)
    _, errors = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == 0, errors
    assert "the window was closed before the end" in errors
    num_frames = describe(tmp_path / "out.mp4")["num_frames"]
    assert 0 < num_frames < 400
    with np.load(tmp_path / "out.npz") as file:
        assert file["frame_index"].max() < num_frames
    assert not list(tmp_path.glob("*.partial*"))


def test_ctrl_c_closes_the_window(screen, start, film):
    process = start("--video", film)
    screen.find_window("^posedemo")
    wait_for_figure(screen)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors


def test_short_video_ends_by_itself(screen, start, tmp_path):
    write_video(tmp_path / "short.mp4", clip_pictures(60, 70))
    process = start("--video", "short.mp4", "--mirror", "--stats", "s.json")
    _, errors = process.communicate(timeout=APPEARS_WITHIN_S + ENDS_WITHIN_S)
    assert process.returncode == 0, errors
    assert "10 frames" in errors


def test_display_that_nobody_serves_is_one_sentence(film):
    environment = os.environ | {"DISPLAY": ":4321"}
    done = subprocess.run(
        [COMMAND, "--video", film], env=environment, capture_output=True, text=True, timeout=ENDS_WITHIN_S
    )
    assert done.returncode == 2
    assert "posedemo: error:" in done.stderr
    assert "--headless" in done.stderr
    assert "Traceback" not in done.stderr


def wait_for_figure(screen: Screen) -> np.ndarray:
    """Wait until the blue and orange of a figure are on the screen, and return that picture."""
    deadline_s = time.monotonic() + APPEARS_WITHIN_S
    while time.monotonic() < deadline_s:
        picture = screen.picture()
        blue, red = picture[..., 0].astype(int), picture[..., 2].astype(int)
        if ((blue - red > 80).sum() > 500) and ((red - blue > 80).sum() > 500):
            return picture
        time.sleep(0.2)
    raise AssertionError("no figure appeared in the window")
