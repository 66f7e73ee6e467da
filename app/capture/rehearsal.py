"""A failure on demand: for some seconds a camera is as good as unplugged, to see what the show does then."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from ..datatypes import Frame
from ..errors import SourceError
from .source import Source, SourceInfo

_SILENCE_S = 1.5
"""How long an unplugged camera gives nothing before its driver notices."""


class Rehearsal:
    """Opens cameras that fail together, once.

    Args:
        open_camera: opens the real one.
        after_s: seconds from ``start`` to the failure.
        for_s: how long it lasts.
    """

    def __init__(self, open_camera: Callable[[], Source], *, after_s: float, for_s: float) -> None:
        self._open_camera = open_camera
        self._after_s = after_s
        self._for_s = for_s
        self._started_s = math.inf

    def start(self) -> None:
        """Begin to count the seconds."""
        self._started_s = time.monotonic()

    def open(self) -> Source:
        """Open the camera.

        Raises:
            SourceError: it cannot be opened, or not at this time.
        """
        if self.is_away:
            raise SourceError("the camera is as good as unplugged: this is a rehearsal")
        return _Unpluggable(self._open_camera(), self)

    @property
    def is_away(self) -> bool:
        """True while it lasts."""
        return 0 <= time.monotonic() - self._started_s - self._after_s < self._for_s


class _Unpluggable:
    """A camera on the rehearsal's cable."""

    def __init__(self, camera: Source, rehearsal: Rehearsal) -> None:
        self.info: SourceInfo = camera.info
        self._camera = camera
        self._rehearsal = rehearsal

    def frames(self) -> Iterator[Frame]:
        """Yield the camera's frames. While it is away there are none, and soon that is the end."""
        silent_until_s = math.inf
        for frame in self._camera.frames():
            if not self._rehearsal.is_away:
                silent_until_s = math.inf
                yield frame
            elif frame.stamp.grabbed_s > silent_until_s:
                return
            else:
                silent_until_s = min(silent_until_s, frame.stamp.grabbed_s + _SILENCE_S)

    def close(self) -> None:
        """Let go of the camera."""
        self._camera.close()
