"""Runs the installed command, as a user would."""

from __future__ import annotations

import subprocess

import pytest
from command_line import COMMAND, TIMEOUT_S, without_display


@pytest.fixture
def posedemo(tmp_path):
    """Call ``posedemo`` with arguments, in an empty folder and without a display."""

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=without_display(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    return call


@pytest.fixture
def start_posedemo(tmp_path):
    """Start ``posedemo`` and leave it running; killed at the end of the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=without_display(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
