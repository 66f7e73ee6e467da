"""Hold back what native libraries write to the terminal behind Python's back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_native_output() -> Iterator[None]:
    """Send file descriptor 2 to nowhere while the body runs.

    TFLite, MediaPipe and ONNX Runtime greet on standard error from C++ whatever their log level. For short start-up
    calls only: what another thread says meanwhile is lost too.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
