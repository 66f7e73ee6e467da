"""Gives many files to a reader and sees to it that each ends in a value or in a sentence."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from posedemo.errors import PosedemoError

MAX_EXTRA_BYTES = 2**30


@dataclass
class Tally:
    """How many files were read, and how many refused."""

    read: int = 0
    refused: int = 0

    @property
    def total(self) -> int:
        return self.read + self.refused

    def __str__(self) -> str:
        return f"{self.refused} refused with a sentence, {self.read} read"


def try_all(read: Callable[[Path], object], contents: Iterable[bytes], path: Path) -> Tally:
    """Read one content after the other from a file at ``path``. Anything but a ``PosedemoError`` goes through, and so
    do warnings, which would stand in a user's terminal."""
    tally = Tally()
    with limited_memory():
        for number, content in enumerate(contents):
            path.write_bytes(content)
            try:
                read(path)
                tally.read += 1
            except PosedemoError as error:
                assert error.message and "\n" not in error.message
                tally.refused += 1
            except BaseException as error:
                error.add_note(f"case {number}, {len(content)} bytes")
                raise
    return tally


@contextmanager
def limited_memory(extra_bytes: int = MAX_EXTRA_BYTES) -> Iterator[None]:
    """Let this process ask for so much more memory while the body runs, and refuse the rest with a MemoryError."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + extra_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
