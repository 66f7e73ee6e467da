"""Fixtures that several test folders share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RunPosedemo = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """The real clip that ships with the project: one person jumps off a wall and runs, another walks through."""
    return ROOT / "assets" / "demo.mp4"
