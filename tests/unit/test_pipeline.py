"""The loop and its capture thread: every frame a result, faults come home, nothing hangs."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from fakes import FlatLifter, ListSink, ListSource, ScriptedDetector, make_frame, standing_keypoints
from posedemo.assembly import track_maker
from posedemo.capture.thread import Capture
from posedemo.datatypes import Keypoints2D, LifterSpec
from posedemo.errors import ModelError, SourceError
from posedemo.pipeline import look_at, run
from posedemo.skeleton import H36M17, MEDIAPIPE33
from posedemo.stages import Stages
from posedemo.timing import StageTimers
from posedemo.tracking import Tracker

PERSON = standing_keypoints(skeleton=MEDIAPIPE33)


def stages(script, max_people: int = 1) -> Stages:
    spec = LifterSpec(name="flat", num_frames=1, rate_hz=30)
    tracker = Tracker(max_people=max_people, new_track=track_maker(spec, "off"))
    return Stages(ScriptedDetector(script), tracker, FlatLifter())


def capture_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "capture"]


def test_every_frame_becomes_a_result_also_without_anybody():
    sink, frames = ListSink(), [make_frame(index) for index in range(4)]
    run(frames, stages([[PERSON], [], [PERSON], []]), [sink], StageTimers())
    assert [result.frame.stamp.index for result in sink.results] == [0, 1, 2, 3]
    assert [len(result.people) for result in sink.results] == [1, 0, 1, 0]
    assert set(sink.results[0].timings_ms) == {"detect", "track", "lift", "smooth"}


def test_lifted_pose_has_its_pelvis_at_the_origin_and_y_down():
    sink = ListSink()
    run([make_frame()], stages([[PERSON]]), [sink], StageTimers())
    pose = sink.results[0].people[0].pose
    np.testing.assert_array_equal(pose.xyz_m[H36M17.index("pelvis")], 0)
    assert pose.xyz_m[H36M17.index("head"), 1] < 0 < pose.xyz_m[H36M17.index("left_ankle"), 1]


def test_joint_without_2d_is_nan_in_3d_and_the_others_are_not():
    lost = H36M17.index("left_wrist")
    xy_px, confidence = PERSON.xy_px.copy(), PERSON.confidence.copy()
    xy_px[MEDIAPIPE33.index("left_wrist")] = np.nan
    confidence[MEDIAPIPE33.index("left_wrist")] = 0
    sink = ListSink()
    run([make_frame()], stages([[Keypoints2D(xy_px, confidence, MEDIAPIPE33)]]), [sink], StageTimers())
    known = np.isfinite(sink.results[0].people[0].pose.xyz_m).all(axis=-1)
    assert not known[lost]
    assert np.delete(known, lost).all()


def test_several_people_are_lifted_together():
    sink = ListSink()
    people = [standing_keypoints(x, skeleton=MEDIAPIPE33) for x in (10.0, 50.0)]
    run([make_frame()], stages([people], max_people=2), [sink], StageTimers())
    assert [person.track_id for person in sink.results[0].people] == [0, 1]


@pytest.mark.parametrize("look_ahead", [0, 3])
def test_results_are_the_same_whether_or_not_the_next_frame_is_there(look_ahead):
    def results(*, is_there):
        sink, parts = ListSink(), stages([[PERSON], [], *[[PERSON]] * 8])
        parts.lifter.spec = LifterSpec(name="flat", num_frames=1 + look_ahead, rate_hz=30, look_ahead=look_ahead)
        frames = [make_frame(index) for index in range(10)]
        run(frames, parts, [sink], StageTimers(), is_next_there=lambda: is_there)
        return [(result.frame.stamp.index, len(result.people), set(result.timings_ms)) for result in sink.results]

    assert results(is_there=True) == results(is_there=False)


@pytest.mark.parametrize(("is_there", "lifted_first"), [(False, 1), (True, 0)])
def test_where_the_next_frame_is_there_the_last_one_is_lifted_while_it_is_looked_at(is_there, lifted_first):
    sink, lifted_when_looking, lifted_when_found = ListSink(), [], []

    def look(frame, detector, tracker):
        lifted_when_looking.append(len(sink.results))

        def wait():
            lifted_when_found.append(len(sink.results))
            return look_at(frame, detector, tracker)

        return wait

    frames = [make_frame(index) for index in range(5)]
    run(frames, stages([[PERSON]] * 5), [sink], StageTimers(), look=look, is_next_there=lambda: is_there)
    assert lifted_when_looking == [0, *(index + lifted_first for index in range(4))]
    assert lifted_when_found == [0, 1, 2, 3, 4]
    assert len(sink.results) == 5


def test_a_frame_that_waits_is_lifted_by_the_lifter_that_was_in_use():
    used, sink = [], ListSink()

    class Noted(FlatLifter):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def lift(self, windows):
            used.append(self.name)
            return super().lift(windows)

    first, second = Noted("first"), Noted("second")

    def steer(current, frame):
        return replace(current, lifter=first if frame.stamp.index < 3 else second)

    frames = [make_frame(index) for index in range(6)]
    run(frames, stages([[PERSON]] * 6), [sink], StageTimers(), steer, is_next_there=lambda: True)
    assert used == ["first"] * 3 + ["second"] * 3


@pytest.mark.parametrize("is_there", [True, False])
def test_what_was_seen_before_the_detector_failed_is_lifted(is_there):
    sink = ListSink()
    frames = [make_frame(index) for index in range(5)]
    script = [[PERSON], [PERSON], ModelError("the detector failed", "try another")]
    with pytest.raises(ModelError, match="the detector failed"):
        run(frames, stages(script), [sink], StageTimers(), is_next_there=lambda: is_there)
    assert [result.frame.stamp.index for result in sink.results] == [0, 1]


@pytest.mark.parametrize("is_there", [True, False])
def test_what_was_lifted_before_the_lifter_failed_is_written(is_there):
    """Also where it waits for its filter, which wants to know a quarter of a second more."""

    class Failing(FlatLifter):
        num_left = 4

        def lift(self, windows):
            self.num_left -= 1
            if self.num_left < 0:
                raise ModelError("the lifter failed", "try another")
            return super().lift(windows)

    sink, frames = ListSink(), [make_frame(index) for index in range(9)]
    parts = replace(stages([[PERSON]] * 9), lifter=Failing(), smoothing_s=0.25)
    with pytest.raises(ModelError, match="the lifter failed"):
        run(frames, parts, [sink], StageTimers(), is_next_there=lambda: is_there)
    assert [result.frame.stamp.index for result in sink.results] == [0, 1, 2, 3]


def test_nobody_is_followed_from_a_camera_to_what_stands_in_for_it_nor_back():
    frames = [replace(make_frame(index), is_recorded=3 <= index < 6) for index in range(9)]
    sink, parts = ListSink(), stages([[PERSON]] * len(frames))
    run(frames, parts, [sink], StageTimers())
    assert [person.track_id for result in sink.results for person in result.people] == [0] * 3 + [1] * 3 + [2] * 3
    assert parts.detector.num_forgotten == 2


def test_captured_file_loses_nothing_and_is_closed():
    source = ListSource([make_frame(index) for index in range(100)])
    capture = Capture(source)
    capture.start()
    assert [frame.stamp.index for frame in capture.frames] == list(range(100))
    capture.stop()
    assert source.is_closed
    assert (capture.num_frames_in, capture.frames.num_dropped) == (100, 0)


def test_captured_camera_drops_what_nobody_took():
    capture = Capture(ListSource([make_frame(index) for index in range(50)], is_live=True))
    capture.start()
    capture._thread.join()
    taken = [frame.stamp.index for frame in capture.frames]
    assert taken == [49]
    assert capture.frames.num_dropped == 49


def test_error_of_the_source_is_raised_after_its_last_frame():
    capture = Capture(ListSource([make_frame(0)], error=SourceError("camera 0 stopped giving pictures")))
    capture.start()
    sink = ListSink()
    with pytest.raises(SourceError, match="stopped giving"):
        run(capture.frames, stages([[PERSON]]), [sink], StageTimers())
    assert len(sink.results) == 1


def test_error_of_the_detector_leaves_no_thread_behind():
    source = ListSource([make_frame(index) for index in range(1000)])
    capture = Capture(source)
    capture.start()
    with pytest.raises(ModelError, match="the detector failed at frame 1: network broke"):
        run(capture.frames, stages([[PERSON], RuntimeError("network broke")]), [ListSink()], StageTimers())
    capture.stop()
    assert source.is_closed
    assert not capture_threads()


def test_capture_that_was_never_started_closes_its_source():
    source = ListSource([make_frame()])
    Capture(source).stop()
    assert source.is_closed
