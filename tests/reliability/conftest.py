"""What the tests of this folder tried goes into the table of docs/reliability.md."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

Tried = Callable[[str, int, str], None]


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """State at the end of a test what was tried, how many times, and how it ended: ``tools/reliability_table.py`` makes
    rows of it, in sections that are called after the first line of each module's docstring."""

    def state(what: str, count: int, outcome: str) -> None:
        record_property("tried", (what, count, outcome))

    return state


@pytest.fixture
def same_logging() -> Iterator[None]:
    """The command line makes the logger its own, which other tests look into: put it back."""
    logger = logging.getLogger("posedemo")
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)
