"""Which revision of the program is running, for checkpoints and exported files."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_revision() -> str:
    """Short commit hash, with ``+`` where files were changed since; ``"unknown"`` outside a checkout."""
    try:
        # An environment that lies in somebody's repository is not of it.
        _git("ls-files", "--error-unmatch", Path(__file__).name)
        return _git("describe", "--always", "--exclude=*", "--dirty=+", "--abbrev=12")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
