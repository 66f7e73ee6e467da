"""The error tree. Each class carries the exit code that the command line ends with.

PosedemoError
├── ConfigError   2   wrong option or value, unknown name
├── SourceError   3   a camera, stream or file that cannot be opened or decoded
├── ModelError    4   missing or corrupt weights, contract mismatch, missing library
└── OutputError   5   cannot write, path exists, disk full
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class PosedemoError(Exception):
    """Something the user can act on.

    Args:
        message: one sentence that names the thing that is wrong. What it quotes may be a stranger's: line breaks and
            control characters, which a terminal would obey, are spelled out.
        hint: the next step, as an imperative; empty when there is none.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = in_one_line(message)
        self.hint = in_one_line(hint)
        super().__init__(self.message)


def in_one_line(text: str) -> str:
    """Text in one line: a file's name may hold line feeds, and commands for the terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def first_line(error: Exception) -> str:
    """What a library says of an error, without its many lines of detail."""
    return (str(error).strip() or type(error).__name__).split("\n")[0][:200]


class ConfigError(PosedemoError):
    """A wrong option, value or name."""

    exit_code = 2


class SourceError(PosedemoError):
    """A camera, stream or file that cannot be opened or decoded."""

    exit_code = 3


class ModelError(PosedemoError):
    """Weights that are missing, corrupt or do not fit, or a library that is not installed."""

    exit_code = 4


class OutputError(PosedemoError):
    """An output that cannot be written."""

    exit_code = 5


@contextmanager
def ending_in_a_sentence() -> Iterator[None]:
    """For scripts beside the program: what the user can act on ends the process with its sentence and exit code.

    Raises:
        SystemExit: instead of a PosedemoError, or of an OSError that names its file.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        sys.exit(f"error: {error.filename}: {error.strerror}")
    except PosedemoError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        sys.exit(error.exit_code)
