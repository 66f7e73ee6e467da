"""Who steps back takes along the threads that it starts, and nobody else."""

import os
import sys
import threading

import pytest
from posedemo.priority import done_behind, step_back

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority of their own")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def in_a_thread(task) -> int:
    values = []
    thread = threading.Thread(target=lambda: values.append(task()))
    thread.start()
    thread.join()
    return values[0]


def test_a_thread_steps_back_alone_with_those_that_it_starts():
    before = niceness()

    def work():
        step_back()
        return niceness(), in_a_thread(niceness)

    own, child = in_a_thread(work)
    assert own == child > before
    assert niceness() == before == in_a_thread(niceness)


def test_a_task_is_done_behind_and_its_result_or_error_comes_back():
    assert done_behind(lambda: in_a_thread(niceness)) > niceness()
    with pytest.raises(ZeroDivisionError):
        done_behind(lambda: 1 // 0)


def test_it_is_no_error_to_step_back_from_the_last_place():
    def work():
        for _ in range(5):
            step_back()
        return niceness()

    assert in_a_thread(work) == 19
