"""What other threads have freed goes back to the system."""

import platform
import threading

import numpy as np
import psutil
import pytest
from posedemo.freed_memory import give_back

NUM_BLOCKS, BLOCK_BYTES = 2000, 48 * 1024
"""A hundred megabytes in blocks that glibc takes from its heaps and does not map one by one."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have nothing to be asked for")
def test_what_a_thread_has_freed_is_given_back():
    last = []

    def fill() -> None:
        blocks = [np.ones(BLOCK_BYTES, np.uint8) for _ in range(NUM_BLOCKS)]
        last.append(blocks[-1])  # At the top of the heap: what is below cannot go by itself.

    thread = threading.Thread(target=fill)
    thread.start()
    thread.join()
    process = psutil.Process()
    before = process.memory_info().rss
    give_back()
    # A tenth of it may be in use by others, or was never reserved.
    assert before - process.memory_info().rss > 0.9 * NUM_BLOCKS * BLOCK_BYTES
