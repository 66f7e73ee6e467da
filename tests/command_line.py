"""The installed command, and what every refusal of it has in common."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("posedemo")
TIMEOUT_S = 180


def without_display() -> dict[str, str]:
    """The environment of a machine without a screen."""
    return {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The error is one line that says what is wrong, then perhaps a hint, and no traceback."""
    lines = done.stderr.strip().splitlines()
    errors = [line for line in lines if line.startswith("posedemo: error: ")]
    assert done.returncode == code, done.stderr
    assert len(errors) == 1, done.stderr
    assert all(line.startswith(("posedemo: ", "hint: ")) for line in lines), done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr
