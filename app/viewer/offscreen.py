"""Draws the room where nobody sees it, for annotated videos, in a process of its own (``offscreen_process``).

A process, because window systems want a main thread, because Open3D can no longer draw without a display once it has
opened a window, and because drawing then leaves Python's lock to the detector.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from types import TracebackType
from typing import Any, Self

import numpy as np

from ..arrays import ImageArray
from ..datatypes import Person
from ..errors import ModelError
from .offscreen_process import Failure, draw_until_told

logger = logging.getLogger(__name__)

MAX_IN_FLIGHT = 3
"""How many frames may be submitted ahead of ``receive``."""

_ANSWER_TIMEOUT_S = 60.0
"""For one picture, of which the first includes loading Open3D from a cold disk."""

_CLOSE_TIMEOUT_S = 1.2
_TERMINATE_TIMEOUT_S = 0.4


class RoomRenderer:
    """Draws people in the room, off-screen. Pipelined: submit a few frames, receive them in the same order.

    Args:
        size_wh: size of the pictures in pixels.
        max_people: how many people can be shown; more are not drawn.
        mirror: swap picture-left and picture-right, as a mirrored picture does.
    """

    def __init__(
        self,
        size_wh: tuple[int, int],
        *,
        max_people: int = 1,
        mirror: bool = False,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        width, height = size_wh
        memory: Any = context.RawArray(ctypes.c_uint8, MAX_IN_FLIGHT * height * width * 3)
        self._pictures: ImageArray = np.frombuffer(memory, np.uint8).reshape(MAX_IN_FLIGHT, height, width, 3)
        self._num_submitted = self._num_received = 0
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=draw_until_told,
            args=(theirs, memory, size_wh, max_people, mirror),
            name="posedemo-room",
            daemon=True,
        )
        with _interrupts_held_back():
            self._process.start()
        theirs.close()

    def submit(self, people: Sequence[Person], time_s: float) -> None:
        """Ask for a picture.

        Args:
            people: of one frame.
            time_s: of that frame, on the source's clock: what moves smoothly moves by it.

        Raises:
            ModelError: the room cannot be drawn on this machine, or its process has ended.
            RuntimeError: ``MAX_IN_FLIGHT`` pictures wait to be received.
        """
        if self._num_submitted - self._num_received >= MAX_IN_FLIGHT:
            raise RuntimeError(f"{MAX_IN_FLIGHT} frames in flight: receive one first")
        slot = self._num_submitted % MAX_IN_FLIGHT
        try:
            self._connection.send((slot, tuple(people), time_s))
        except OSError as error:
            raise self._explain() from error
        self._num_submitted += 1

    def receive(self) -> ImageArray:
        """Wait for the oldest picture asked for.

        Returns:
            (height, width, 3) BGR.

        Raises:
            ModelError: the room cannot be drawn on this machine, or its process has ended.
            RuntimeError: nothing was submitted.
        """
        if self._num_submitted == self._num_received:
            raise RuntimeError("nothing in flight: submit a frame first")
        if not connection.wait([self._connection, self._process.sentinel], _ANSWER_TIMEOUT_S):
            raise ModelError(f"the process that draws the 3D view has not answered for {_ANSWER_TIMEOUT_S:.0f} s")
        answer = self._answer()
        if not isinstance(answer, int):
            raise self._explain(answer)
        self._num_received += 1
        picture: ImageArray = self._pictures[answer].copy()
        return picture

    def close(self) -> None:
        """End the process; it may be called twice."""
        try:
            self._connection.send(None)
        except (OSError, ValueError):
            logger.debug("the process that draws the 3D view has ended before it was told to")
        self._connection.close()
        self._process.join(_CLOSE_TIMEOUT_S)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(_TERMINATE_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> int | Failure | None:
        """The next answer; None when the process ended without one."""
        try:
            answer: int | Failure | None = self._connection.recv() if self._connection.poll() else None
        except (EOFError, OSError):
            return None
        return answer

    def _explain(self, answer: int | Failure | None = None) -> ModelError:
        """Why nothing is drawn any more. A process that fails says why before it ends."""
        while answer is None or isinstance(answer, int):
            answer = self._answer()
            if answer is None:
                self._process.join(_TERMINATE_TIMEOUT_S)
                return ModelError(
                    f"the process that draws the 3D view has ended unexpectedly (exit code {self._process.exitcode})",
                    "run again; if it happens again, run `posedemo doctor`",
                )
        logger.debug("the 3D view cannot be drawn:\n%s", answer.details)
        return ModelError(answer.message, answer.hint)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """A process started in here never sees Ctrl-C, which the terminal sends to all: its parent closes it.

    A blocked signal is inherited, an ignored one might be lost to the parent. Windows knows no such mask.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Started later, by the process itself, this helper of multiprocessing would unblock the signal again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
