"""The mouse pointer, hidden while other programs do what they like."""

import subprocess
import sys
from pathlib import Path

from gui.screen import Screen

FOLDER = Path(__file__).resolve().parent
HIDE_AND_SHOW = """
from posedemo.viewer.pointer import Pointer

pointer = Pointer()
for turn in range(100):
    pointer.set_hidden(is_hidden=turn % 2 == 0)
print("alive")
"""


def test_windows_of_others_that_close_meanwhile_do_not_end_the_show(screen: Screen) -> None:
    others = subprocess.Popen(
        [sys.executable, FOLDER / "come_and_go.py"], env=screen.environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert others.stdout is not None
        assert others.stdout.readline() == "ready\n"
        done = subprocess.run(
            [sys.executable, "-c", HIDE_AND_SHOW],
            env=screen.environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert others.poll() is None
    finally:
        others.kill()
        others.communicate()
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
