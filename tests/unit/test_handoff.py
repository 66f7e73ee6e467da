"""Hand-offs between threads: order, drops, and that nobody waits for ever."""

import threading
import time

import pytest
from posedemo.capture.handoff import BlockingQueue, LatestSlot

SOON_S = 5.0


def in_thread(function, *arguments) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def test_queue_loses_nothing_and_keeps_the_order():
    queue: BlockingQueue[int] = BlockingQueue(2)

    def produce() -> None:
        for number in range(1000):
            queue.put(number)
        queue.close()

    in_thread(produce)
    assert list(queue) == list(range(1000))
    assert queue.num_dropped == 0


def test_slot_keeps_the_newest_and_counts_what_it_dropped():
    slot: LatestSlot[int] = LatestSlot()
    for number in range(5):
        slot.put(number)
    assert (slot.poll(), slot.poll(), slot.num_dropped) == (4, None, 4)


@pytest.mark.parametrize("handoff", [LatestSlot(), BlockingQueue(3)])
def test_what_waits_is_taken_before_the_error_is_raised(handoff):
    handoff.put(1)
    handoff.close(RuntimeError("camera unplugged"))
    taken = iter(handoff)
    assert next(taken) == 1
    with pytest.raises(RuntimeError, match="camera unplugged"):
        next(taken)


def test_stop_wakes_a_producer_that_waits_for_room():
    queue: BlockingQueue[int] = BlockingQueue(1)
    queue.put(0)
    answers: list[bool] = []
    thread = in_thread(lambda: answers.append(queue.put(1)))
    time.sleep(0.05)
    queue.stop()
    thread.join(SOON_S)
    assert answers == [False]


def test_close_wakes_a_consumer_that_waits_for_an_item():
    slot: LatestSlot[int] = LatestSlot()
    taken: list[list[int]] = []
    thread = in_thread(lambda: taken.append(list(slot)))
    time.sleep(0.05)
    slot.close()
    thread.join(SOON_S)
    assert taken == [[]]


def test_stop_ends_a_sleep_and_an_end_of_the_file_does_not():
    queue: BlockingQueue[int] = BlockingQueue(1)
    queue.close()
    started_s = time.monotonic()
    queue.sleep(0.1)
    assert time.monotonic() - started_s >= 0.1
    thread = in_thread(queue.sleep, 60.0)
    queue.stop()
    thread.join(SOON_S)
    assert not thread.is_alive()


def test_put_after_close_says_so_and_the_first_close_wins():
    slot: LatestSlot[int] = LatestSlot()
    slot.close()
    slot.close(RuntimeError("late"))
    assert slot.put(1) is False
    assert list(slot) == []
    assert slot.closed
