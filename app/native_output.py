"""Hold back what native libraries write to the terminal behind Python's back."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_num_inside = 0
_saved = -1


@contextmanager
def quiet_native_output() -> Iterator[None]:
    """Send file descriptor 2 to nowhere while the body runs, in any number of threads at once.

    TFLite, MediaPipe and ONNX Runtime greet on standard error from C++ whatever their log level. For short start-up
    calls only: what another thread says meanwhile is lost too.
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
