"""What threads have freed goes back to the system, and threads share their heaps."""

import platform
import subprocess
import sys
import threading
from xml.etree import ElementTree

import numpy as np
import psutil
import pytest
from posedemo import heaps

NUM_BLOCKS, BLOCK_BYTES = 2000, 48 * 1024
"""A hundred megabytes in blocks that glibc takes from its heaps and does not map one by one."""

NUM_THREADS = 12
COUNT_HEAPS = """
import ctypes, sys, threading
from posedemo import heaps
if sys.argv[1] == "limited":
    heaps.limit()
libc, all_have_one = ctypes.CDLL(None), threading.Barrier({num_threads} + 1)
libc.fopen.restype = ctypes.c_void_p
def allocate():
    libc.malloc(1000)
    all_have_one.wait()
threads = [threading.Thread(target=allocate) for _ in range({num_threads})]
for thread in threads:
    thread.start()
all_have_one.wait()
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""

with_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep no such heaps")


@with_glibc
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
    heaps.give_back()
    # A tenth of it may be in use by others, or was never reserved.
    assert before - process.memory_info().rss > 0.9 * NUM_BLOCKS * BLOCK_BYTES


@with_glibc
@pytest.mark.parametrize(("how", "is_few"), [("limited", True), ("as it comes", False)])
def test_many_threads_share_a_few_heaps(tmp_path, monkeypatch, how, is_few):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    script = COUNT_HEAPS.format(num_threads=NUM_THREADS)
    subprocess.run([sys.executable, "-c", script, how, str(tmp_path / "heaps.xml")], check=True)
    num_heaps = len(ElementTree.parse(tmp_path / "heaps.xml").findall("heap"))
    assert (num_heaps <= 4) == is_few, num_heaps
