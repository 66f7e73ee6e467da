"""The numbers of a run: its rate, and who took the time."""

import time
from dataclasses import replace

import pytest
from fakes import make_frame, standing_keypoints
from posedemo.datatypes import Frame, Person, Result, Stamp
from posedemo.motion_quality import body_sizes_px
from posedemo.statistics import RunStatistics
from posedemo.timing import StageTimers


def result(grabbed_s: float) -> Result:
    return Result(Frame(make_frame().image_bgr, Stamp(index=0, time_s=0.0, grabbed_s=grabbed_s)), people=())


def test_rate_counts_from_the_first_picture():
    """From the first result on, a filter that waits for eight frames would make them all come at once."""
    statistics = RunStatistics()
    assert statistics.frames_per_second == 0
    first_s = time.monotonic() - 100
    for index in range(4):
        statistics.write(result(first_s + index))
    # Ten seconds are for a machine that pauses this test.
    assert statistics.frames_per_second == pytest.approx(4 / 100, rel=0.1)


def test_people_of_a_fallback_were_not_before_the_camera():
    statistics = RunStatistics()
    person = Person(0, standing_keypoints(), reprojection_px=4.0)
    shown = result(time.monotonic())
    statistics.write(replace(shown, frame=replace(shown.frame, is_recorded=True), people=(person,)))
    assert (statistics.num_frames, statistics.num_frames_with_people) == (1, 0)
    assert statistics.summary(StageTimers(), num_frames_in=1, num_dropped=0)["reprojection"] == {}
    statistics.write(replace(shown, people=(person,)))
    assert statistics.num_frames_with_people == 1


def test_shares_are_those_of_the_whole_time():
    timers = StageTimers()
    for _ in range(3):
        timers.add("detect", 20.0)
        timers.add("lift", 5.0)
    assert timers.shares_percent(0.1) == {"detect": 60.0, "lift": 15.0}
    assert StageTimers().shares_percent(0.0) == {}


def test_reprojection_is_a_mean_over_people_and_not_over_frames():
    """Two people in the first frame, of whom the first is twice as large; nobody in two more."""
    statistics = RunStatistics()
    near, far = (Person(0, standing_keypoints(height_px=px), reprojection_px=4.0) for px in (80.0, 40.0))
    statistics.write(replace(result(time.monotonic()), people=(near, far)))
    for _ in range(2):
        statistics.write(result(time.monotonic()))
    found = statistics.summary(StageTimers(), num_frames_in=3, num_dropped=0)["reprojection"]
    sizes_px = [float(body_sizes_px(one.keypoints.xy_px[None])[0]) for one in (near, far)]
    assert found["mean_px"] == 4
    assert found["mean_percent_of_body"] == pytest.approx(sum(400 / size for size in sizes_px) / 2, abs=0.01)
