"""A recorded session in the window, with real key presses; and what doctor says where there is a screen."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command_line import COMMAND, TIMEOUT_S
from gui.screen import Screen, wait_until
from sessions import shots, write_session

pytestmark = pytest.mark.gui

NUM_FRAMES = 1800
"""A minute: much longer than the test presses keys, on a slow machine too, unless jumps are followed."""


def num_coloured(screen: Screen) -> int:
    """Pixels that are neither dark nor grey: those of a figure, or of the words on the screen."""
    picture = screen.picture().astype(int)
    return int((np.ptp(picture, axis=-1) > 90).sum())


def test_session_is_watched_with_jumps_and_stays_at_its_end(screen: Screen, tmp_path: Path):
    write_session(tmp_path / "talk.pose", shots(NUM_FRAMES))
    process = subprocess.Popen(
        [COMMAND, "replay", "talk.pose"],
        cwd=tmp_path, env=screen.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        window = screen.find_window("^posedemo")
        assert wait_until(lambda: num_coloured(screen) > 300), "nobody is shown"
        # Paused, a jump shows one frame: twelve of 5 s lead to the end of the minute.
        screen.press(window, "space")
        for _ in range(13):
            screen.press(window, "Right")
        screen.press(window, "space")
        screen.press(window, "Left")
        assert wait_until(lambda: num_coloured(screen) > 300), "nobody is shown after a jump"
        assert process.poll() is None
        screen.press(window, "q")
        output, errors = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, output) == (0, "")
    (num_frames,) = re.findall(r"talk\.pose: (\d+) frames", errors)
    assert 10 < int(num_frames) < NUM_FRAMES


def test_doctor_says_who_draws_the_window(screen: Screen, tmp_path: Path):
    done = subprocess.run(
        [COMMAND, "doctor", "--json"], cwd=tmp_path, env=screen.environment, capture_output=True, text=True, timeout=300
    )
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert checks["display"]["ok"], checks["display"]
    assert "OpenGL" in checks["display"]["detail"]
    # Xvfb has no card: Mesa draws with the processor, and doctor says so.
    assert not checks["graphics driver"]["ok"]
    assert "processor" in checks["graphics driver"]["detail"]
    assert not checks["graphics driver"]["needed"]
