"""Looks for people in a thread of its own: a detector that does not answer can be left, but not interrupted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from .datatypes import Detections, Frame
from .errors import ModelError
from .pipeline import look_at
from .stages import Detector
from .tracking import Tracker

logger = logging.getLogger(__name__)

THREAD = "detector"

_LOOK_EVERY_S = 1.0
_WORD_AFTER_LOOKS = 5
_GIVEN_UP_AFTER_LOOKS = 30
"""The largest detector takes two seconds for a frame of a slow machine. Looks are counted, and not seconds, because a
program that was stopped itself, or a machine that slept, must not blame the detector."""

_HEAD_START_S = 0.0003
"""Whoever asked goes on with work of its own. Without this pause it would keep Python's lock until that is done, or for
5 ms, and the detector would wait: for 0.6 ms of each frame, by the median, and now and then for 4."""

_CLOSE_PATIENCE_S = 10.0

T = TypeVar("T")


class Lookout:
    """Runs a detector, and says so when it fails or does not answer.

    Args:
        tell: is given a few words while the detector does not answer.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
        self._thread.start()

    def look(self, frame: Frame, detector: Detector, tracker: Tracker) -> Callable[[], tuple[Detections, float]]:
        """Begin with ``pipeline.look_at``, and return what waits for its result.

        That raises ModelError where the detector has failed, or has not answered for half a minute.
        """
        looked = self._ask(partial(look_at, frame, detector, tracker))
        time.sleep(_HEAD_START_S)
        return partial(self._wait, looked)

    def close(self, close_detectors: Callable[[], None]) -> None:
        """Close detectors where they are used. One that does not answer is left as it is.

        Args:
            close_detectors: what fails in it is of no interest any more.
        """
        try:
            self._ask(close_detectors).result(_CLOSE_PATIENCE_S)
        except TimeoutError:
            logger.warning("the detector does not answer; leaving without closing it")
            return
        except Exception as error:  # noqa: BLE001  one that has failed before may fail again
            logger.debug("while closing the detector: %s", error)
        self._tasks.put(None)
        self._thread.join(_CLOSE_PATIENCE_S)

    def _ask(self, task: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def do() -> None:
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001  for whoever waits
                future.set_exception(error)

        self._tasks.put(do)
        return future

    def _wait(self, future: Future[T]) -> T:
        for look in range(1, _GIVEN_UP_AFTER_LOOKS + 1):
            try:
                return future.result(_LOOK_EVERY_S)
            except TimeoutError:
                if future.done():
                    return future.result()
            if look == _WORD_AFTER_LOOKS:
                logger.warning("the detector does not answer; Ctrl-C twice leaves at once")
                self._tell("the detector does not answer")
        raise ModelError(
            f"the detector has not answered for {_GIVEN_UP_AFTER_LOOKS * _LOOK_EVERY_S:.0f} s",
            "start again; if it happens again, try another --detector",
        )

    def _work(self) -> None:
        while (do := self._tasks.get()) is not None:
            do()
            # What a frame was made of must not live until the next.
            del do
