"""What is shown while the camera is away: a recording, over and over, at its own pace."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing

from ..datatypes import Frame
from ..errors import SourceError
from .source import Source

logger = logging.getLogger(__name__)

_USUAL_FPS = 30
_LONGEST_PAUSE_S = 1.0
"""A recorded session has holes where its own camera was away."""


class Standby:
    """Plays a recording in a loop. Used by one thread.

    Args:
        open_recording: opens it at its beginning; called again for each round.

    Raises:
        SourceError: it cannot be opened, which is better known before the show.
    """

    def __init__(self, open_recording: Callable[[], Source]) -> None:
        self._open_recording = open_recording
        with closing(open_recording()) as recording:
            self.info = recording.info
        self._rounds: Generator[tuple[float, Frame]] | None = None
        self._next: tuple[float, Frame] | None = None
        self._start_s = 0.0

    @property
    def is_playing(self) -> bool:
        """True between ``play`` and ``stop``."""
        return self._rounds is not None

    @property
    def due_s(self) -> float:
        """When the next frame is to be shown; on the clock of ``play``."""
        return self._start_s if self._next is None else self._start_s + self._next[0]

    def play(self, now_s: float) -> None:
        """Begin at the beginning."""
        self.stop()
        self._start_s = now_s
        self._rounds = self._endless()
        self._next = next(self._rounds, None)

    def frame(self, now_s: float) -> Frame | None:
        """The frame to show now; None until it is due. Frames that nobody was there to show in time are left out."""
        due: Frame | None = None
        while self._rounds is not None and self._next is not None and self.due_s <= now_s:
            due = self._next[1]
            self._next = next(self._rounds, None)
        return due

    def stop(self) -> None:
        """Close the recording."""
        if self._rounds is not None:
            self._rounds.close()
        self._rounds = self._next = None

    def _endless(self) -> Generator[tuple[float, Frame]]:
        """Yield frames with the seconds since the first round began."""
        elapsed_s = 0.0
        while True:
            with closing(self._open_recording()) as recording:
                step_s = float(1 / (recording.info.fps or _USUAL_FPS))
                last_s: float | None = None
                try:
                    for frame in recording.frames():
                        pause_s = 0.0 if last_s is None else frame.stamp.time_s - last_s
                        elapsed_s += min(pause_s, _LONGEST_PAUSE_S)
                        last_s = frame.stamp.time_s
                        yield elapsed_s, frame
                except SourceError as error:
                    logger.debug("the fallback ends early: %s", error)
            if last_s is None:
                return
            elapsed_s += step_s
