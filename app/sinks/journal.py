"""Keeps what pose files are made of while a run goes on, because they are written at its end: a run that is killed, or
that finds the disk full in the end, has not worked for nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

from ..datatypes import Detections, Frame
from ..locks import lock
from ..outputs import partial_name
from ..sessions.header import SessionHeader
from .session_file import SessionFile

logger = logging.getLogger(__name__)


class Journal:
    """A session beside a pose file, ``talk.partial.pose``, from which ``posedemo replay`` makes the same poses.

    Implements ``stages.Recorder``.

    Args:
        export: the pose file.
        header: of the session.
        tell: is given a few words when no more can be kept.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, export: Path, header: SessionHeader, *, tell: Callable[[str], None]) -> None:
        self.path = _free_name(export.with_suffix(".pose"))
        self._session = SessionFile(self.path, header, on_failure=tell)

    def record(self, frame: Frame, detections: Detections) -> None:
        """Take one frame's detections; does not wait."""
        self._session.record(frame, detections)

    def change(self, **in_use: str) -> None:
        """Take down what is used from the next frame on."""
        self._session.change(**in_use)

    def close(self, *, is_needed: bool) -> None:
        """End it.

        Args:
            is_needed: pose files could not be written; otherwise it is removed.
        """
        self._session.close()
        if not is_needed:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            logger.warning("what was seen is in %s: `posedemo replay` makes the poses of it", self.path)


def _free_name(path: Path) -> Path:
    for number in count(1):
        partial = partial_name(path, number)
        if not partial.exists():
            return partial
        if _is_left_behind(partial):
            logger.warning(
                "%s is what a run that was cut off has seen: `posedemo replay` makes the poses of it", partial
            )
    raise AssertionError("there is always another number")


def _is_left_behind(path: Path) -> bool:
    """Whether no run writes a file any more."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except OSError:
        return True
    try:
        return lock(descriptor)
    finally:
        os.close(descriptor)
