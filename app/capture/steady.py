"""A live source that goes on when its camera does not: stalls are noticed, cameras reopened, a recording fills the gap.

Nothing in here ever waits for a camera: opening and reading happen in threads that can be left behind (``reader``).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from .. import heaps
from ..datatypes import Frame, Stamp
from ..errors import SourceError
from ..live.shared import Shared
from ..live.status import Status, tell
from .montage import Montage
from .rate import RateMeter
from .reader import Reader
from .rehearsal import Rehearsal
from .source import Source, SourceInfo
from .standby import Standby

logger = logging.getLogger(__name__)

STALLED_AFTER_S = 0.7
"""Pictures that do not come for so long are missed. A camera in the dark takes 0.2 s for one."""

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 4.0
SETTLED_AFTER_S = 5.0
"""A camera that fails sooner than that after it came back is not asked as often again."""

_MANY, _SMOOTHING = 3, 0.1
"""So many of its usual intervals are granted to a slow camera, and that is how fast the usual one is learned."""

_ENOUGH_LOOKS = 3
"""A program that stood still itself looks so often before it blames the camera."""

_LEFT_AFTER_S = 3.0
"""A camera that has given nothing for so long, but does not say that it has failed, is opened anew."""

_OPENING_GIVEN_UP_AFTER_S = 20.0
_MOST_LEFT = 3
"""Threads that hang in a driver; with more of them it is not asked again until one of them is back."""

_SHOWN_AGAIN_AFTER_S = 0.5
"""The recording is left for a camera that has given pictures for so long, not for the last twitch of a loose cable."""

_LOOK_EVERY_S = 0.1
_SHORTEST_WAIT_S = 0.005
_CLOSE_TIMEOUT_S = 1.0
_TOO_SLOW = 0.8


@dataclass(frozen=True)
class Endurance:
    """How long to go on without pictures.

    Attributes:
        gives_up_after_s: seconds without a picture after which it is over.
        failure: raised then; without one the frames just end.
    """

    gives_up_after_s: float = math.inf
    failure: SourceError | None = None


@dataclass
class _Outage:
    """A time without pictures, from the last one on.

    Attributes:
        since_s: when the last picture came.
        next_try_s: when to open the camera again; None while one is being opened or still hoped for.
        back_since_s: when pictures came again, while it is not yet sure that they go on.
    """

    since_s: float
    next_try_s: float | None = None
    back_since_s: float | None = None


class SteadyCamera:
    """Frames of a camera or stream, for as long as anybody wants them.

    Its pictures all have the size of the first: those of a camera that comes back with another one are fitted.

    Args:
        name: how to call the camera in a sentence.
        first: has opened the camera, or failed to, which is no matter when there is a ``standby``.
        open_camera: opens it again.
        endurance: how long to go on without it.
        standby: what to show meanwhile.
        rehearsal: to be started when the show begins.
        asked_fps: frames a second that the camera was asked for; None where nobody asked.

    Raises:
        SourceError: the camera could not be opened.
    """

    def __init__(
        self,
        name: str,
        first: Reader,
        open_camera: Callable[[], Source],
        *,
        endurance: Endurance | None = None,
        standby: Standby | None = None,
        rehearsal: Rehearsal | None = None,
        asked_fps: float | None = None,
    ) -> None:
        self._name = name
        self._open_camera = open_camera
        self._endurance = endurance or Endurance()
        self._standby = standby
        self._rehearsal = rehearsal
        self._reader = first
        self._asked_fps = asked_fps
        self._meter = RateMeter()
        self._status: Shared[Status] | None = None
        self._stopped = threading.Event()
        self._outage: _Outage | None = None
        self._delay_s = FIRST_DELAY_S
        self._picture_s = self._last_s = self._returned_s = -math.inf
        self._usual_s, self._num_empty = 0.0, 0
        self._said = ("", False)
        self._left: list[Reader] = []
        self.info = self._first_info()
        self._size_wh = self.info.size_wh
        self._montage = Montage(self.info.size_wh)

    def report_to(self, status: Shared[Status]) -> None:
        """Say in a status what happens. Call it before ``frames``."""
        self._status = status

    def frames(self) -> Iterator[Frame]:
        """Yield frames with strictly rising indices and times, until ``stop`` is called or it is over.

        Raises:
            SourceError: it is over, and that is a failure.
        """
        self._picture_s = time.monotonic()
        if self._rehearsal is not None:
            self._rehearsal.start()
        while not self._stopped.is_set():
            frame = self._take()
            now_s = time.monotonic()
            if self._stopped.is_set():
                return
            if frame is not None and self._is_on_air(now_s):
                yield self._live(frame, now_s)
            else:
                if frame is None and not self._attend(now_s):
                    return
                frame = self._recorded(now_s)
                if frame is not None:
                    yield frame

    def stop(self) -> None:
        """Let ``frames`` end, from any thread."""
        self._stopped.set()
        self._reader.leave()

    def close(self) -> None:
        """Let go of the camera. One that does not answer is left as it is, with a warning."""
        self._reader.leave()
        if self._standby is not None:
            self._standby.close()
        if not self._reader.join(_CLOSE_TIMEOUT_S):
            logger.warning("%s does not answer; leaving without closing it", self._name)

    def _first_info(self) -> SourceInfo:
        try:
            return self._reader.opened.result(timeout=0)
        except (SourceError, TimeoutError) as error:
            if self._standby is None:
                raise
            reason = error.message if isinstance(error, SourceError) else f"{self._name} is slow to open"
            logger.warning("%s; the fallback is shown until it gives pictures", reason)
            # Of the camera itself nothing is known yet; its pictures will be fitted into the recording's.
            return SourceInfo(self._name, self._standby.info.size_wh, fps=None, is_live=True)

    def _take(self) -> Frame | None:
        """The camera's next frame; None when something else has to be seen to first."""
        wait_s = _LOOK_EVERY_S
        if self._standby is not None and self._standby.is_playing:
            wait_s = min(wait_s, max(_SHORTEST_WAIT_S, self._standby.due_s - time.monotonic()))
        frame = None
        with suppress(SourceError):
            frame = self._reader.frames.take(wait_s)
        if frame is None and self._reader.frames.closed:
            self._stopped.wait(wait_s)
        return frame

    def _is_on_air(self, now_s: float) -> bool:
        """Note that the camera gave a picture; True when it is to be shown."""
        if self._outage is None:
            self._usual_s += _SMOOTHING * (now_s - self._picture_s - self._usual_s)
        self._picture_s, self._num_empty = now_s, 0
        if self._outage is None:
            if now_s - self._returned_s > SETTLED_AFTER_S:
                self._delay_s = FIRST_DELAY_S
            return True
        if self._standby is not None and self._standby.is_playing:
            self._outage.back_since_s = self._outage.back_since_s or now_s
            if now_s - self._outage.back_since_s < _SHOWN_AGAIN_AFTER_S:
                return False
            self._standby.stop()
            self._montage.fade(now_s)
        else:
            self._montage.cut()
        logger.info("%s gives pictures again, after %.1f s", self._name, now_s - self._outage.since_s)
        self._outage, self._returned_s, self._usual_s = None, now_s, 0.0
        # A camera that was opened again counts from 0 again.
        self._meter.start_anew()
        self._say("", is_recorded=False)
        heaps.give_back()
        return True

    def _attend(self, now_s: float) -> bool:
        """See to a camera that gives no picture; False when it is over."""
        self._num_empty += 1
        is_over = self._reader.frames.closed
        patience_s = max(STALLED_AFTER_S, min(_MANY * self._usual_s, _LEFT_AFTER_S))
        if not is_over and (now_s - self._picture_s < patience_s or self._num_empty < _ENOUGH_LOOKS):
            return True
        if self._outage is None:
            logger.warning("no picture from %s; trying to get it back", self._name)
            self._outage = _Outage(since_s=self._picture_s)
            self._say(self._words(self._outage, now_s), is_recorded=self._standby is not None)
            if self._standby is not None:
                self._standby.play(now_s)
                self._montage.fade(now_s)
        outage = self._outage
        outage.back_since_s = None
        if now_s - outage.since_s > self._endurance.gives_up_after_s:
            return self._give_up()
        opened_s = self._reader.opened_s
        waits_since_s = max(outage.since_s, self._reader.started_s if opened_s is None else opened_s)
        patience_s = _OPENING_GIVEN_UP_AFTER_S if opened_s is None else _LEFT_AFTER_S
        if outage.next_try_s is None and (is_over or now_s - waits_since_s > patience_s):
            self._reader.leave()
            self._left.append(self._reader)
            outage.next_try_s = now_s + self._delay_s
            self._delay_s = min(2 * self._delay_s, LONGEST_DELAY_S)
        elif outage.next_try_s is not None and now_s >= outage.next_try_s:
            self._open_again(outage, now_s)
        self._say(self._words(outage, now_s), is_recorded=self._standby is not None)
        return True

    def _open_again(self, outage: _Outage, now_s: float) -> None:
        self._left = [reader for reader in self._left if not reader.join(0)]
        if len(self._left) > _MOST_LEFT:
            outage.next_try_s = now_s + LONGEST_DELAY_S
            return
        outage.next_try_s = None
        self._reader = Reader(self._open_camera)
        if self._stopped.is_set():
            self._reader.leave()

    def _words(self, outage: _Outage, now_s: float) -> str:
        # A speaker may read this out, and an address is nothing to be read out.
        spoken = "the stream" if "://" in self._name else self._name
        words = f"no picture from {spoken} for {now_s - outage.since_s:.0f} s"
        if self._standby is not None:
            words = f"recorded: no picture from {spoken}"
        if outage.next_try_s is not None:
            return f"{words}, next try in {math.ceil(max(0.0, outage.next_try_s - now_s))} s"
        return words if self._reader.opened.done() else f"{words}, opening it"

    def _give_up(self) -> bool:
        if self._endurance.failure is not None:
            raise self._endurance.failure
        logger.warning("%s: no more pictures came for %g s", self._name, self._endurance.gives_up_after_s)
        return False

    def _live(self, frame: Frame, now_s: float) -> Frame:
        if frame.size_wh != self._size_wh:
            self._size_wh = frame.size_wh
            logger.info("%s gives %dx%d now: its pictures are fitted", self._name, *frame.size_wh)
        self._check_rate(frame.stamp)
        return self._montage.live(frame, now_s)

    def _recorded(self, now_s: float) -> Frame | None:
        """The recording's frame, where one is due."""
        frame = self._standby.frame(now_s) if self._standby is not None else None
        return None if frame is None else self._montage.recorded(frame, now_s)

    def _check_rate(self, stamp: Stamp) -> None:
        fps = self._meter.tick(stamp)
        if fps is None or self._asked_fps is None or fps >= _TOO_SLOW * self._asked_fps:
            return
        words = f"{self._name} gives {fps:.0f} frames a second instead of {self._asked_fps:.0f}"
        logger.warning("%s: more light, a smaller --camera-size or another USB port may help", words)
        if self._status is not None:
            tell(self._status, words)

    def _say(self, words: str, *, is_recorded: bool) -> None:
        if self._status is not None and (words, is_recorded) != self._said:
            self._status.change(source_trouble=words, is_recorded=is_recorded)
        self._said = (words, is_recorded)
