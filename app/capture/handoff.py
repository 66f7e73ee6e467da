"""Hand-offs between threads: ``LatestSlot`` (live, newest wins) and ``BlockingQueue`` (files, nothing lost).

Both end the same way: ``close()`` wakes everybody, the consumer drains what is left and its iteration ends;
``close(error)`` raises that error in the consumer instead; ``stop()`` is the consumer's way out. Waits are condition
variables, never sleeping polls.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Handoff(Generic[T]):
    """What both hand-offs share: bounded items, a condition, one close protocol.

    Args:
        capacity: how many items may wait.
        drop_oldest: a full hand-off drops its oldest item instead of making the producer wait.
    """

    def __init__(self, capacity: int, *, drop_oldest: bool) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._drop_oldest = drop_oldest
        self._changed = threading.Condition()
        self._closed = False
        self._stopped = False
        self._is_cut_short = False
        self._error: BaseException | None = None
        self.num_dropped = 0

    def put(self, item: T) -> bool:
        """Offer an item; False when the hand-off is closed and the producer should stop."""
        with self._changed:
            if self._drop_oldest:
                if len(self._items) >= self._capacity and not self._closed:
                    self._items.popleft()
                    self.num_dropped += 1
            else:
                self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def miss(self, count: int) -> None:
        """Count items among the dropped that were lost before they got here."""
        with self._changed:
            self.num_dropped += count

    def excuse(self, count: int) -> None:
        """Count items among the dropped no more: they were dropped because nobody wanted them."""
        self.miss(-count)

    def poll(self) -> T | None:
        """Take an item if one is waiting.

        Raises:
            BaseException: the error the hand-off was closed with.
        """
        with self._changed:
            return self._take()

    def take(self, timeout_s: float) -> T | None:
        """Take an item, and wait for one at most so long; None when none came in time, or none comes any more.

        Raises:
            BaseException: the error the hand-off was closed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._items), timeout=timeout_s)
            return self._take()

    def __iter__(self) -> Iterator[T]:
        """Yield items as they come, until the hand-off is closed and empty; raise the error it was closed with."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._items))
                item = self._take()
            if item is None:
                return
            yield item

    def close(self, error: BaseException | None = None) -> None:
        """End the hand-off from the producer's side. The first call wins.

        Args:
            error: raised in the consumer once the waiting items are taken.
        """
        with self._changed:
            if not self._closed:
                self._closed, self._error = True, error
            self._changed.notify_all()

    def stop(self) -> None:
        """End the hand-off from the consumer's side: what waits is thrown away, the producer's next put says False."""
        with self._changed:
            self._is_cut_short = self._is_cut_short or not self._closed or bool(self._items)
            self._closed = self._stopped = True
            self._items.clear()
            self._changed.notify_all()

    @property
    def is_over(self) -> bool:
        """Whether the producer has ended and all that it gave was taken."""
        with self._changed:
            return self._closed and not self._items and not self._is_cut_short

    def sleep(self, seconds: float) -> None:
        """Let the consumer wait, but not beyond a ``stop`` from another thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, timeout=seconds)

    def raise_error(self) -> None:
        """Raise the error that the producer closed with, if there was one."""
        with self._changed:
            if self._error is not None:
                raise self._error

    @property
    def is_waiting(self) -> bool:
        """Whether an item can be taken at once."""
        with self._changed:
            return bool(self._items)

    @property
    def closed(self) -> bool:
        """True once closed and drained."""
        with self._changed:
            return self._closed and not self._items

    def _take(self) -> T | None:
        if self._items:
            item = self._items.popleft()
            self._changed.notify_all()
            return item
        self.raise_error()
        return None


class LatestSlot(Handoff[T]):
    """Holds the newest item only and counts what it dropped: for live sources and for viewers."""

    def __init__(self) -> None:
        super().__init__(1, drop_oldest=True)


class BlockingQueue(Handoff[T]):
    """Loses nothing: a full queue makes the producer wait."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity, drop_oldest=False)
