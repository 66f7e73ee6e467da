"""Pause, single steps and pace: what gets through, and when."""

import threading
import time

import pytest
from fakes import make_frame
from posedemo.capture.handoff import BlockingQueue, LatestSlot
from posedemo.datatypes import Frame, Result
from posedemo.live.shared import Shared
from posedemo.live.status import Status, tell
from posedemo.live.status_sink import StatusSink
from posedemo.live.turnstile import Turnstile
from posedemo.live.wishes import Wishes

PATIENCE_S = 30.0


def first_wishes(**fields) -> Shared[Wishes]:
    return Shared(Wishes(lifter="semgcn", detector="mediapipe-lite", smooth="off", **fields))


def full_queue(num_frames: int) -> BlockingQueue[Frame]:
    queue: BlockingQueue[Frame] = BlockingQueue(num_frames)
    for index in range(num_frames):
        queue.put(make_frame(index))
    queue.close()
    return queue


def until(condition) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def passing(turnstile: Turnstile) -> tuple[list[int], threading.Thread]:
    """Pass frames in a thread; gives the list that grows with their indices, and the thread."""
    passed: list[int] = []

    def work() -> None:
        for frame in turnstile:
            passed.append(frame.stamp.index)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return passed, thread


def test_without_a_pause_every_frame_passes():
    frames = Turnstile(full_queue(5), first_wishes(), is_paced=False)
    assert [frame.stamp.index for frame in frames] == [0, 1, 2, 3, 4]


def test_paused_run_takes_single_frames_and_then_all_the_others():
    wishes = first_wishes(is_paused=True)
    passed, thread = passing(Turnstile(full_queue(6), wishes, is_paced=False))
    assert passed == []
    wishes.change(num_steps=2)
    until(lambda: passed == [0, 1])
    wishes.change(num_steps=3)
    until(lambda: passed == [0, 1, 2])
    wishes.change(is_paused=False)
    thread.join(PATIENCE_S)
    assert passed == [0, 1, 2, 3, 4, 5]


def test_steps_that_were_asked_for_before_a_pause_are_not_made_up_for():
    wishes, queue = first_wishes(), full_queue(6)
    turnstile = Turnstile(queue, wishes, is_paced=False)
    frames = iter(turnstile)
    next(frames)
    wishes.change(num_steps=5)
    next(frames)
    wishes.change(is_paused=True, num_steps=6)
    assert next(frames).stamp.index == 2
    threading.Timer(0.1, queue.stop).start()
    assert next(frames, None) is None


def test_paused_run_ends_when_the_window_is_closed():
    queue = full_queue(6)
    passed, thread = passing(Turnstile(queue, first_wishes(is_paused=True), is_paced=False))
    queue.stop()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert passed == []


def test_next_frame_is_there_while_one_waits_and_nobody_has_paused():
    queue, wishes = full_queue(2), first_wishes()
    turnstile = Turnstile(queue, wishes, is_paced=False)
    frames = iter(turnstile)
    assert turnstile.is_next_there()
    assert not Turnstile(queue, wishes, is_paced=True).is_next_there()
    next(frames)
    wishes.change(is_paused=True)
    assert not turnstile.is_next_there()
    wishes.change(is_paused=False)
    assert turnstile.is_next_there()
    next(frames)
    assert not turnstile.is_next_there()


def test_what_a_live_source_gave_during_a_pause_does_not_count_as_dropped():
    slot: LatestSlot[Frame] = LatestSlot()
    wishes = first_wishes()
    turnstile = Turnstile(slot, wishes, is_paced=False)
    slot.put(make_frame(0))
    slot.put(make_frame(1))
    passed, _ = passing(turnstile)
    until(lambda: passed == [1])
    # One more frame lets the loop come round to the pause.
    wishes.change(is_paused=True)
    slot.put(make_frame(2))
    until(lambda: passed == [1, 2])
    for index in range(3, 9):
        slot.put(make_frame(index))
    wishes.change(is_paused=False)
    until(lambda: passed[-1] == 8)
    # Six were dropped, four or five of them while it was paused.
    assert slot.num_dropped in (1, 2)
    slot.stop()


def test_file_is_watched_at_its_own_pace_or_another():
    """A tenth of a second of film; no upper limits, machines are busy."""
    for speed, least_s in ((1.0, 0.1), (0.5, 0.2)):
        started_s = time.monotonic()
        assert len(list(Turnstile(full_queue(4), first_wishes(speed=speed), is_paced=True))) == 4
        assert time.monotonic() - started_s >= least_s - 0.001


def test_what_a_machine_could_not_reach_is_not_made_up_for():
    """At eight times the pace each frame takes ten times too long; asked for its own pace, the file has it at once."""
    wishes = first_wishes(speed=8.0)
    frames = iter(Turnstile(full_queue(40), wishes, is_paced=True))
    for _ in range(20):
        next(frames)
        time.sleep(0.04)
    wishes.change(speed=1.0)
    next(frames)
    started_s = time.monotonic()
    for _ in range(15):
        next(frames)
    # Half a second of film; no more than a quarter of one is made up for.
    assert time.monotonic() - started_s >= 15 / 30 - 0.26


def test_status_counts_frames_and_notices():
    status = Shared(Status(detector="mediapipe-lite", lifter="semgcn"))
    counter = StatusSink(status, num_frames_in=lambda: 7, num_dropped=lambda: 2)
    counter.write(Result(make_frame(3), ()))
    assert (status.value.num_frames_in, status.value.num_dropped, status.value.position_s) == (7, 2, pytest.approx(0.1))
    threads = [threading.Thread(target=tell, args=(status, "the same words")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (status.value.notice, status.value.num_notices) == ("the same words", 20)
