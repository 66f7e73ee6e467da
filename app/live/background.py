"""Opens what takes long in a thread of its own, while whoever waits for it goes on with something else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Opener(Generic[T]):
    """Opens one thing at a time, by name. Use it in one thread only.

    Args:
        open_one: runs in the other thread.
    """

    def __init__(self, open_one: Callable[[str], T]) -> None:
        self._open_one = open_one
        self._pending: tuple[str, Future[T]] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something is being opened, or was and nobody took it yet."""
        return self._pending is not None

    def start(self, name: str) -> None:
        """Begin to open; not while it is busy."""
        assert not self.is_busy
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(self._open_one(name))
            except BaseException as error:  # noqa: BLE001  for whoever takes the result
                future.set_exception(error)

        self._pending = (name, future)
        # A daemon: a download that hangs must not keep the program from ending.
        threading.Thread(target=work, name=f"open {name}", daemon=True).start()

    def take(self) -> tuple[str, T | Exception] | None:
        """What was opened, or why it could not be; None while it is not done, and where nothing was begun."""
        if self._pending is None or not self._pending[1].done():
            return None
        (name, future), self._pending = self._pending, None
        try:
            return name, future.result()
        except Exception as error:  # noqa: BLE001  any failure leaves the show running with what it has
            return name, error

    def abandon(self, timeout_s: float) -> T | None:
        """Wait so long for what is being opened, to close it; None where there is nothing to close, or not yet."""
        if self._pending is None:
            return None
        (_, future), self._pending = self._pending, None
        with suppress(Exception):
            return future.result(timeout_s)
        return None
