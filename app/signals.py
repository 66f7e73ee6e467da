"""Turns the first Ctrl-C (SIGTERM, end of the terminal) into a tidy stop, and lets the second one interrupt at once."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_DELIVERED_AGAIN_AFTER_S = 0.01


@dataclass
class Interruption:
    """What stopped a run; ``exit_code`` is 0 as long as no signal came."""

    exit_code: int = 0


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[Interruption]:
    """Call ``stop`` at the first SIGINT, SIGTERM or SIGHUP; a second one raises KeyboardInterrupt where the program is.

    Args:
        stop: must not block: it runs between two steps of the main thread.

    Yields:
        An Interruption whose exit code becomes 128 plus the signal's number.
    """
    interruption = Interruption()

    def handle(number: int, _: FrameType | None) -> None:
        if interruption.exit_code:
            raise KeyboardInterrupt
        interruption.exit_code = 128 + number
        stop()

    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, handle) for number in _stopping_signals()}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def keep_interrupts() -> None:
    """Let no Ctrl-C be lost, nor be a traceback, because it came in a destructor or in a callback from native code.

    Python drops exceptions there: all it does is to call the hook that this replaces. MediaPipe deletes a picture a
    frame.
    """
    show = sys.unraisablehook

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            show(dropped)
            return
        again = threading.Timer(_DELIVERED_AGAIN_AFTER_S, _interrupt)
        again.daemon = True
        again.start()

    sys.unraisablehook = hook


def _interrupt() -> None:
    """As Ctrl-C does it; a real signal also wakes a main thread that waits."""
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        os.kill(os.getpid(), signal.SIGINT)


def _stopping_signals() -> list[signal.Signals]:
    signals = [signal.SIGINT, signal.SIGTERM]
    # Windows has no such signal, and a program under nohup is to outlive its terminal.
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    return signals
