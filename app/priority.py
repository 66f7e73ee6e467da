"""Lets threads step back that work ahead or afterwards: on few cores they would take turns with the detector, which
everybody waits for. It uses one core and hands over between threads of its own, each time behind whoever is running."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_STEP = 10
"""On the scale from 0 to 19 of Unix: still a tenth of the time of a core that others want as well."""


def step_back() -> None:
    """Give this thread, and those that it will start, less of the time that others want too.

    On Linux only: elsewhere the whole program would step back.
    """
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _STEP)


def done_behind(task: Callable[[], T]) -> T:
    """Do a task in a thread that has stepped back, for the sake of the threads that it starts, and wait for it."""
    with ThreadPoolExecutor(1, initializer=step_back) as executor:
        return executor.submit(task).result()
