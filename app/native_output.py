"""Hold back what native libraries write to the terminal behind Python's back."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_num_inside = 0
_saved = -1


def keep_python_apart() -> None:
    """Give Python's standard error a descriptor of its own, so that ``quiet_native_output`` holds back others alone."""
    try:
        is_shared = sys.stderr.fileno() == 2
    except (OSError, ValueError):  # something in memory
        return
    if is_shared:
        sys.stderr.flush()
        # Bytes go at once: what could not be written must not be tried again when the interpreter ends, and fail then.
        raw = io.FileIO(os.dup(2), "wb")
        sys.stderr = io.TextIOWrapper(raw, encoding=sys.stderr.encoding, errors=sys.stderr.errors, line_buffering=True)


@contextmanager
def quiet_native_output() -> Iterator[None]:
    """Send file descriptor 2 to nowhere while the body runs, in any number of threads at once.

    TFLite, MediaPipe and ONNX Runtime greet on standard error from C++ whatever their log level. What Python says
    meanwhile is heard, once ``keep_python_apart`` was called; else it is lost too.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    """The first one in turns the descriptor away: a second one would take nowhere for the place to go back to."""
    global _num_inside, _saved
    with _lock:
        if _num_inside == 0:
            sys.stderr.flush()
            _saved = os.dup(2)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        _num_inside += 1


def _leave() -> None:
    """The last one out turns it back."""
    global _num_inside, _saved
    with _lock:
        _num_inside -= 1
        if _num_inside == 0:
            os.dup2(_saved, 2)
            os.close(_saved)
