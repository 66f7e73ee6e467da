"""What the window says, and for how long."""

import logging
import threading
import time

import pytest
from posedemo.live.shared import Shared
from posedemo.live.status import Status, tell
from posedemo.viewer.notices import NOTICE_S, Notices


@pytest.fixture
def status() -> Shared[Status]:
    return Shared(Status(detector="mediapipe-full", lifter="gla-gcn", is_live=True))


def test_a_notice_goes_by_itself_and_trouble_stays(status):
    notices = Notices(status)
    assert not notices.update(time.monotonic())
    tell(status, "paused")
    status.change(source_trouble="camera 0 is silent")
    now_s = time.monotonic()
    assert notices.update(now_s)
    assert (notices.text, notices.trouble) == ("paused", "camera 0 is silent")
    assert not notices.update(now_s + NOTICE_S / 2)
    assert notices.update(now_s + 2 * NOTICE_S)
    assert (notices.text, notices.trouble) == ("", "camera 0 is silent")
    status.change(source_trouble="")
    assert notices.update(now_s + 3 * NOTICE_S)
    assert notices.trouble == ""


def test_what_the_run_said_before_there_was_a_window_is_not_repeated(status):
    tell(status, "opening the camera")
    notices = Notices(status)
    notices.update(time.monotonic())
    assert notices.text == ""
    tell(status, "opening the camera")
    notices.update(time.monotonic())
    assert notices.text == "opening the camera"


def test_files_are_told_from_any_thread_and_every_one_is_in_the_log(caplog):
    notices = Notices(None)
    told = [f"recorded {number}.mp4" for number in range(3)]
    with caplog.at_level(logging.INFO):
        for text in told:
            thread = threading.Thread(target=notices.tell_of_file, args=(text,))
            thread.start()
            thread.join()
    assert [record.message for record in caplog.records] == told
    assert notices.update(time.monotonic())
    assert notices.text == told[-1]


def test_the_same_words_again_stay_longer():
    notices = Notices(None)
    notices.tell("louder")
    first_s = time.monotonic()
    assert notices.update(first_s)
    time.sleep(0.2)
    notices.tell("louder")
    assert not notices.update(first_s + NOTICE_S)
    assert notices.text == "louder"
