"""Opens what takes long in a thread of its own, while whoever waits for it goes on with something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Stock(Generic[T]):
    """Things that take long to open, by name: opened aside, one at a time, and kept. Use it in one thread only.

    Args:
        open_one: runs in another thread.
        there: what is open already.
    """

    def __init__(self, open_one: Callable[[str], T], there: Mapping[str, T]) -> None:
        self._open_one = open_one
        self._opened: dict[str, Future[T]] = {}
        self._one_at_a_time = threading.Lock()
        self._is_closed = False
        for name, thing in there.items():
            self._opened[name] = Future()
            self._opened[name].set_result(thing)

    def order(self, *names: str) -> None:
        """Begin to open whatever of these is neither there nor ordered already, in this order."""
        ordered = {name: Future[T]() for name in names if name not in self._opened}
        if ordered:
            self._opened |= ordered
            # A daemon: a download that hangs must not keep the program from ending.
            threading.Thread(target=self._open, args=(ordered,), name=f"open {', '.join(ordered)}", daemon=True).start()

    def take(self, name: str) -> T | Exception | None:
        """What was ordered; None while it is not there; once, why it could not be opened: it may be ordered again."""
        future = self._opened.get(name)
        if future is None or not future.done():
            return None
        try:
            return future.result()
        except Exception as error:  # noqa: BLE001  any failure leaves the show running with what it has
            del self._opened[name]
            return error

    def wait_for(self, name: str) -> T | Exception | None:
        """Order something, wait for it, and take it."""
        self.order(name)
        with suppress(Exception):
            self._opened[name].result()
        return self.take(name)

    def close(self, timeout_s: float) -> dict[str, T]:
        """Open nothing more. Waits so long for what is being opened.

        Returns:
            Everything that is open, to be closed.
        """
        self._is_closed = True
        if self._one_at_a_time.acquire(timeout=timeout_s):
            self._one_at_a_time.release()
        kept: dict[str, T] = {}
        for name, future in self._opened.items():
            with suppress(Exception):
                kept[name] = future.result(timeout=0)
        return kept

    def _open(self, ordered: Mapping[str, Future[T]]) -> None:
        for name, future in ordered.items():
            with self._one_at_a_time:
                if self._is_closed:
                    return
                try:
                    future.set_result(self._open_one(name))
                except BaseException as error:  # noqa: BLE001  for whoever takes the result
                    future.set_exception(error)
