"""The installed command, and what every refusal of it has in common."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sys.executable).with_name("posedemo")
TIMEOUT_S = 180

StartPosedemo = Callable[..., subprocess.Popen[str]]
RunPosedemo = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def started_commands(
    folder: Path, environment: Mapping[str, str], command: Sequence[str | Path] = (COMMAND,)
) -> Iterator[StartPosedemo]:
    """Start a command with arguments, and more of an environment by name; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*map(str, command), *map(str, arguments)],
            cwd=folder, env={**environment, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.append(process)
        return process

    try:
        yield start
    finally:
        for process in running:
            process.kill()
            process.communicate()


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


def wait_for_video(folder: Path, num_bytes: int = 50_000) -> None:
    """Wait until so much of an annotated video has been written, under its temporary name."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline_s:
        if any(path.stat().st_size > num_bytes for path in folder.glob("*.partial.mp4")):
            return
        time.sleep(0.05)
    raise AssertionError("no frame was written in time")
