"""The camera goes and comes back while the window is watched: it says so, and answers all through."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_server import CameraServer
from gui.screen import Screen, wait_until
from posedemo.viewer.theme import DARK, LIGHT
from videos import clip_pictures, write_video

pytestmark = pytest.mark.gui

PATIENCE_S = 300


@pytest.fixture
def camera() -> Iterator[CameraServer]:
    with CameraServer(fps=10, pictures=clip_pictures(58, 73)) as server:
        yield server


def num_pixels(screen: Screen, colour: tuple[float, ...]) -> int:
    """Pixels of the screen that have a theme's colour, RGB in [0, 1]."""
    wanted = np.array(colour[::-1]) * 255
    return int((np.abs(screen.picture().astype(float) - wanted).max(axis=-1) < 6).sum())


def has_trouble(screen: Screen) -> bool:
    return max(num_pixels(screen, DARK.alert), num_pixels(screen, LIGHT.alert)) > 4000


def test_lost_camera_is_told_and_the_window_answers(screen, start, camera):
    process = start("--camera", camera.address, "--detector", "mediapipe-lite")
    assert wait_until(lambda: num_pixels(screen, DARK.background) > 100_000, PATIENCE_S), "no window"
    window = screen.find_window("^posedemo")
    # A machine that is slow to start may miss pictures for a second, and says so only then.
    camera.send_more(20)
    assert wait_until(lambda: not has_trouble(screen), PATIENCE_S)
    camera.behaviour = "freeze"
    assert wait_until(lambda: has_trouble(screen), PATIENCE_S), "nobody is told that the camera has stopped"
    keep(screen, "camera_lost.png")
    screen.press(window, "b")
    assert wait_until(lambda: num_pixels(screen, LIGHT.background) > 100_000, PATIENCE_S), "keys are dead"
    assert has_trouble(screen)
    camera.behaviour = "send"
    assert wait_until(lambda: not has_trouble(screen), PATIENCE_S), "the words stay although the camera is back"
    keep(screen, "camera_back.png")
    screen.press(window, "Escape")
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "gives pictures again" in errors
    assert "Traceback" not in errors


def test_recording_is_shown_while_the_camera_is_away(screen, start, camera, tmp_path):
    grass = np.zeros((240, 320, 3), np.uint8)
    grass[:] = (40, 160, 40)
    clip = write_video(tmp_path / "clip.mp4", [grass] * 30)
    process = start("--camera", camera.address, "--fallback", clip, "--detector", "mediapipe-lite")
    assert wait_until(lambda: num_pixels(screen, DARK.background) > 100_000, PATIENCE_S), "no window"
    window = screen.find_window("^posedemo")
    camera.unplug()
    green = (40 / 255, 160 / 255, 40 / 255)
    assert wait_until(lambda: num_pixels(screen, green) > 2000, PATIENCE_S), "the recording is not shown"
    assert wait_until(lambda: has_trouble(screen), PATIENCE_S)
    keep(screen, "recording.png")
    screen.press(window, "Escape")
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_window_opens_in_a_wayland_session_through_x11(screen, start, tmp_path):
    write_video(tmp_path / "film.mp4", clip_pictures(60, 66))
    process = start("--video", "film.mp4", WAYLAND_DISPLAY="wayland-7", XDG_SESSION_TYPE="wayland")
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "6 frames" in errors


def keep(screen: Screen, name: str) -> None:
    """Keep a screenshot to look at, where a folder for them is named."""
    folder = os.environ.get("POSEDEMO_SCREENSHOTS")
    if folder:
        cv2.imwrite(str(Path(folder) / name), np.ascontiguousarray(screen.picture()))
