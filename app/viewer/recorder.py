"""Recordings of the window, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..arrays import ImageArray
from .screen_recording import ScreenRecording
from .snapshot import claim


class Recorder:
    """Begins and ends recordings; those that were ended are finished by their own threads.

    Args:
        folder: where the files go.
        tell: told, in a few words and from other threads, how each recording ended.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._current: ScreenRecording | None = None
        self._ended: list[ScreenRecording] = []

    @property
    def is_recording(self) -> bool:
        """Whether pictures are taken: one was begun, and has neither been ended nor failed."""
        return self._current is not None and self._current.is_open

    def begin(self, size_wh: tuple[int, int]) -> Path:
        """Begin a recording of a window of this size, and return its file.

        Raises:
            OutputError: the folder cannot be written.
        """
        path = claim(self._folder, ".mp4")
        self._current = ScreenRecording(path, size_wh, self._tell)
        return path

    def end(self) -> None:
        """End the recording, if there is one; its file is complete a little later."""
        if self._current is not None:
            self._current.end(time.monotonic())
            self._ended.append(self._current)
            self._current = None

    def add_if_due(self, read: Callable[[], ImageArray]) -> None:
        """Add what the window shows now, if it is time for another picture.

        Args:
            read: takes the picture, (H, W, 3 or 4).
        """
        now_s = time.monotonic()
        if self._current is not None and self.is_recording and self._current.is_due(now_s):
            self._current.add(read(), now_s)

    def close(self) -> None:
        """End the recording, and wait until all files are complete."""
        self.end()
        for recording in self._ended:
            recording.wait()
