"""Fixtures that several test folders share."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import COMMAND, TIMEOUT_S, RunPosedemo, StartPosedemo, started_commands, without_display

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def interrupts_heeded() -> None:
    """Ctrl-C does to what tests start what it does at a terminal: a shell's background jobs, and theirs, ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """The real clip that ships with the project: one person jumps off a wall and runs, another walks through."""
    return ROOT / "assets" / "demo.mp4"


@pytest.fixture
def posedemo(tmp_path: Path) -> RunPosedemo:
    """Call the installed ``posedemo`` with arguments, in an empty folder and without a display, as a user would."""

    def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=without_display() | environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    return call


@pytest.fixture
def start_posedemo(tmp_path: Path) -> Iterator[StartPosedemo]:
    """Start ``posedemo`` there and leave it running; killed at the end of the test."""
    with started_commands(tmp_path, without_display()) as start:
        yield start
