"""Opens model files that did not come with the program where it does not matter what becomes of the process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import ModelError, PosedemoError
from .probing import ProbeError, ask, name_of, named

_LIMIT_S = 120.0
"""A model file takes a second or two to open; on a slow machine that is busy, twenty times as long."""
_LIMIT_BYTES = 4 * 2**30
"""The largest of MediaPipe's needs a tenth of it."""


def try_out(open_file: Callable[[str], None], path: str) -> None:
    """Let a process of its own open a model file that did not come with the program.

    A file can be sound by every rule and still ask for all memory, for hours of work, or for what makes a native
    library crash. That ends the other process.

    Args:
        open_file: a function of a module, which opens the file at a path and closes it again.
        path: of the file.

    Raises:
        ModelError: it was refused there, or not opened in time and with little memory.
    """
    try:
        answer = ask(opening, name_of(open_file), path, limit_s=_LIMIT_S)
        if refusal := answer.get("refusal"):
            raise ModelError(*refusal)
    except ProbeError as error:
        raise ModelError(
            f"{path} cannot be used: a process that only opened it {error.message}",
            "check where the file is from, and that it is whole",
        ) from error


def opening(open_file: str, path: str) -> dict[str, Any]:
    """Open a file with limited memory. A refusal is an answer, too.

    Args:
        open_file: the name of what opens it.
        path: of the file.
    """
    open_it = named(open_file)
    _limit_memory()
    try:
        open_it(path)
    except PosedemoError as error:
        return {"refusal": (error.message, error.hint)}
    return {}


def _limit_memory() -> None:
    """Where the system says how much address space a process has, and limits it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + _LIMIT_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
