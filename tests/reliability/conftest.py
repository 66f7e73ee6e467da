"""What the tests of this folder tried goes into the table of docs/reliability.md; and what several of them need."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import StartPosedemo, started_commands, without_display
from reliability.remains import ended
from videos import grey_pictures, write_video

Tried = Callable[[str, int, str], None]
RunFaulty = Callable[..., subprocess.CompletedProcess[str]]

FAULTY_POSEDEMO = Path(__file__).with_name("faulty_posedemo.py")


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """State at the end of a test what was tried, how many times, and how it ended: ``tools/reliability_table.py`` makes
    rows of it, in sections that are called after the first line of each module's docstring."""

    def state(what: str, count: int, outcome: str) -> None:
        record_property("tried", (what, count, outcome))

    return state


@pytest.fixture
def start_faulty(tmp_path: Path) -> Iterator[StartPosedemo]:
    """Start ``faulty_posedemo.py`` in an empty folder, and leave it running; killed at the end of the test."""
    with started_commands(tmp_path, without_display(), command=(sys.executable, FAULTY_POSEDEMO)) as start:
        yield start


@pytest.fixture
def faulty(start_faulty: StartPosedemo) -> RunFaulty:
    """Run it to its end."""

    def call(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        return ended(start_faulty(*arguments, **more))

    return call


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty seconds of grey with sound: long enough for something to happen meanwhile."""
    return write_video(
        tmp_path_factory.mktemp("film") / "film.mp4", grey_pictures(1200, size_wh=(160, 120)), audio_s=40
    )


@pytest.fixture(scope="session")
def short_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of it."""
    return write_video(tmp_path_factory.mktemp("film") / "short.mp4", grey_pictures(60, size_wh=(160, 120)))


@pytest.fixture
def heeded() -> Iterator[None]:
    """A hang-up or an end does to what is started what it does at a terminal, although the tests may ignore them."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def same_logging() -> Iterator[None]:
    """The command line makes the logger its own, which other tests look into: put it back."""
    logger = logging.getLogger("posedemo")
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)
