"""Which revision of the program is running, for checkpoints and exported files."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_revision() -> str:
    """Short commit hash, with ``+`` where files were changed since; ``"unknown"`` outside a checkout."""
    command = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--exclude=*",
        "--dirty=+",
        "--abbrev=12",
    ]
    try:
        described = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()
