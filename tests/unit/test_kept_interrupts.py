"""A Ctrl-C that comes where Python drops exceptions is neither lost nor a traceback."""

import subprocess
import sys

import pytest

SCRIPT = """
import contextlib, gc, signal, sys, time, weakref
from posedemo.signals import keep_interrupts, stop_on_signals

def press(*_):
    signal.raise_signal(signal.SIGINT)

class Picture:
    __del__ = press

def delete_it():
    Picture()

def collect_it():
    picture = Picture()
    picture.itself = picture
    del picture
    gc.collect()

def call_back():
    gone = contextlib.ExitStack()
    called = weakref.ref(gone, press)
    del gone

def press_twice():
    with stop_on_signals(lambda: print("stopping", flush=True)):
        Picture()
        Picture()
        time.sleep(20)

signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
keep_interrupts()
try:
    {press}()
    time.sleep(20)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("press", "said"), [("delete_it", ""), ("collect_it", ""), ("call_back", ""), ("press_twice", "stopping\n")]
)
def test_interrupt_in_a_destructor_comes_out_of_it(press, said):
    script = SCRIPT.format(press=press)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=15)
    assert done.returncode == 130
    assert done.stdout == said
    assert done.stderr == ""


def test_other_errors_of_destructors_are_shown():
    script = SCRIPT.replace("signal.raise_signal(signal.SIGINT)", "raise ValueError('of a picture')")
    done = subprocess.run(
        [sys.executable, "-c", script.format(press="delete_it").replace("time.sleep(20)", "pass")],
        capture_output=True, text=True, timeout=15,
    )  # fmt: skip
    assert done.returncode == 0
    assert "ValueError: of a picture" in done.stderr
