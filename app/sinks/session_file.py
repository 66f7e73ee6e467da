"""Writes a session file while the show runs: from a thread of its own, so that a slow disk holds nothing up.

Unlike other outputs it has its final name from the start, and every record goes to the system within a fraction of a
second: it is there for whatever ends the program.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Self

from ..datatypes import Detections, Frame
from ..errors import OutputError
from ..locks import lock
from ..outputs import writing
from ..sessions.header import SessionHeader, pack_header
from ..sessions.records import MAGIC, FrameRecord, pack_change, pack_frame, pack_record

logger = logging.getLogger(__name__)

_MAX_WAITING_FRAMES = 9_000
"""Five minutes, about a kilobyte a person each. A disk that takes nothing for so long costs frames of the recording,
not memory."""

_GATHER_S = 0.02
"""How often it is looked whether there is something to write. To be woken at every frame would take Python's lock from
whoever gave it, at the moment when the detector waits for its next one."""

_SYNC_EVERY_S = 2.0
"""What a power failure costs at most; a program that is killed loses nothing that was written."""

_CLOSE_PATIENCE_S = 5.0


class SessionFile:
    """Records what the detector sees in each frame. Implements ``stages.Recorder``.

    Args:
        path: the file; one that exists is replaced.
        header: what it says first.
        on_failure: is given a few words when it can no longer be written.

    Raises:
        OutputError: it cannot be written from the start. What goes wrong later ends the recording, not the run.
    """

    def __init__(self, path: Path, header: SessionHeader, *, on_failure: Callable[[str], None]) -> None:
        self._path = path
        self._on_failure = on_failure
        with writing(path):
            self._file = _open_alone(path)
            self._is_on_disk = _is_regular(self._file)
            try:
                self._write(MAGIC + pack_record(pack_header(header)))
            except OSError:
                self._file.close()
                path.unlink(missing_ok=True)
                raise
        self._changed = threading.Condition()
        self._waiting: list[tuple[FrameRecord, dict[str, str]]] = []
        self._changes: dict[str, str] = {}
        self._is_closing = self._has_failed = False
        self.num_recorded = 0
        self.num_lost = 0
        self._thread = threading.Thread(target=self._work, name="session file", daemon=True)
        self._thread.start()

    def record(self, frame: Frame, detections: Detections) -> None:
        """Take one frame's detections; does not wait. Frames that stand in for the camera's are nobody's to record."""
        if frame.is_recorded:
            return
        record = FrameRecord(frame.stamp.index, frame.stamp.time_s, frame.size_wh, detections)
        with self._changed:
            if self._has_failed or len(self._waiting) >= _MAX_WAITING_FRAMES:
                self.num_lost += 1
                return
            self._waiting.append((record, self._changes))
        self._changes = {}

    def change(self, **in_use: str) -> None:
        """Take down what is used from the next frame on, by fields of ``InUse``; written with that frame."""
        self._changes |= in_use

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits; a file without a single frame is removed."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(_CLOSE_PATIENCE_S)
        if self._thread.is_alive():
            logger.warning("the disk does not answer; the end of %s is missing", self._path)
            return
        self._file.close()
        if self.num_lost:
            logger.warning("%s: %d frames could not be recorded", self._path, self.num_lost)
        if not self.num_recorded:
            self._path.unlink(missing_ok=True)

    def _work(self) -> None:
        """Write what comes in, as it comes, until closed."""
        synced_s = time.monotonic()
        frames: list[tuple[FrameRecord, dict[str, str]]] = []
        try:
            while frames := self._take():
                self._write(b"".join(_packed(record, changes) for record, changes in frames))
                self.num_recorded += len(frames)
                frames = []
                if self._is_on_disk and time.monotonic() - synced_s > _SYNC_EVERY_S:
                    os.fsync(self._file.fileno())
                    synced_s = time.monotonic()
        except Exception as error:  # noqa: BLE001  whatever it is, the show goes on and says so
            self._fail(error, num_unwritten=len(frames))

    def _take(self) -> list[tuple[FrameRecord, dict[str, str]]]:
        """All frames that wait, or those that come next, with what changed before each; none once closed."""
        with self._changed:
            while not self._waiting and not self._is_closing:
                self._changed.wait(_GATHER_S)
            taken, self._waiting = self._waiting, []
            return taken

    def _write(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            # An unbuffered file may take a part only.
            rest = rest[self._file.write(rest) :]

    def _fail(self, error: Exception, *, num_unwritten: int) -> None:
        """The show goes on without being recorded."""
        reason = getattr(error, "strerror", None) or error
        with self._changed:
            self._has_failed = True
            self.num_lost += num_unwritten + len(self._waiting)
            self._waiting.clear()
        self._on_failure(f"recording stopped: {reason}")
        logger.warning("cannot go on recording to %s: %s; what it holds can be played", self._path, reason)


def _packed(record: FrameRecord, changes: dict[str, str]) -> bytes:
    content = pack_record(pack_frame(record))
    return pack_record(pack_change(changes)) + content if changes else content


def _open_alone(path: Path) -> FileIO:
    """Open an empty file that no other run writes; what it held is gone only once that is sure."""
    # Not "r+b": a pipe or a device cannot be read.
    file = FileIO(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666), "w")
    if not lock(file.fileno()):
        file.close()
        raise OutputError(f"another run is writing {path}", "wait until it has ended, or write to another name")
    if _is_regular(file):
        file.truncate(0)
    return file


def _is_regular(file: FileIO) -> bool:
    """Whether it is neither a pipe nor a device, which cannot be cut or synced."""
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
