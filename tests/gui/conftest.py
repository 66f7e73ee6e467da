"""A display of our own for tests that open windows: nobody's screen is taken over, and screenshots can be trusted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import StartPosedemo, started_commands
from gui.screen import Screen

_TOOLS = ("Xvfb", "xdotool")


@pytest.fixture(scope="session")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """An Xvfb on a free display number. Where it is not installed, tests are skipped, but never in CI."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing, f"not installed: {', '.join(missing)}"
    folder = tmp_path_factory.mktemp("xvfb")
    server, number = _start_server(folder)
    try:
        yield Screen(f":{number}", folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture
def start(screen: Screen, tmp_path: Path) -> Iterator[StartPosedemo]:
    """Start the installed command on the test's screen; killed at the end of the test."""
    with started_commands(tmp_path, screen.environment) as start:
        yield start


def _start_server(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    readable, writable = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(writable),
        "-screen",
        "0",
        "1280x800x24",
        "-fbdir",
        str(folder),
        "-noreset",  # A server that starts afresh when its last client leaves drops the next one now and then.
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(command, pass_fds=[writable], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        number = pipe.readline().strip()  # comes when the server is ready; empty when it could not start
    assert number, "Xvfb did not start"
    return server, number
