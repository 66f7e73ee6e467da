"""A value that several threads read and change: a frozen dataclass, replaced as a whole."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Holds the newest value. Readers never wait for long and never see half a change.

    Args:
        value: the first, an instance of a frozen dataclass.
    """

    def __init__(self, value: T) -> None:
        self._lock = threading.Lock()
        self._value = value

    @property
    def value(self) -> T:
        """The newest value."""
        with self._lock:
            return self._value

    def change(self, **changes: Any) -> T:
        """Replace some of its fields, and return the new value."""
        with self._lock:
            self._value = dataclasses.replace(self._value, **changes)  # type: ignore[type-var]
            return self._value

    def apply(self, change: Callable[[T], T]) -> T:
        """Replace the value by what a function makes of it, and return that; for changes that depend on the value.

        Args:
            change: quick, since readers wait for it.
        """
        with self._lock:
            self._value = change(self._value)
            return self._value
