"""A session that is played: the same poses as when it was recorded, jumps, and where one is."""

import logging
import threading
import time
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from fakes import FlatLifter, ListSink, ScriptedDetector, standing_keypoints
from posedemo.assembly import track_maker
from posedemo.datatypes import Pose3D, Stamp
from posedemo.live.shared import Shared
from posedemo.live.status import Status
from posedemo.live.steering import Steering, Workshop
from posedemo.live.turnstile import Turnstile
from posedemo.live.wishes import Wishes
from posedemo.pipeline import run
from posedemo.roster import REMEMBERED_S
from posedemo.sessions.playback import LONGEST_HOLE_S, NoDetector, PositionSink, SessionPlayback
from posedemo.sessions.source import SessionSource
from posedemo.sinks.session_file import SessionFile
from posedemo.stages import Stages
from posedemo.timing import StageTimers
from posedemo.tracking import Tracker
from posedemo.window import MAX_GAP_S
from sessions import header, shots, write_session

NUM_FRAMES = 90
PATIENCE_S = 60.0


@pytest.fixture
def session(tmp_path):
    source = SessionSource(write_session(tmp_path / "talk.pose", shots(NUM_FRAMES)))
    yield source
    source.close()


def stages(detector) -> Stages:
    tracker = Tracker(max_people=1, new_track=track_maker(FlatLifter.spec, "balanced", bones="fixed"))
    return Stages(detector, tracker, FlatLifter())


def poses(frames, detector) -> tuple[ListSink, np.ndarray]:
    sink = ListSink()
    run(frames, stages(detector), [sink], StageTimers())
    return sink, np.array([person.pose.xyz_m for result in sink.results for person in result.people])


def wishes(**fields) -> Shared[Wishes]:
    return Shared(Wishes(lifter="semgcn", detector="mediapipe-lite", smooth="balanced", **fields))


def test_played_session_has_the_poses_of_the_run_that_recorded_it(session):
    taken = shots(NUM_FRAMES)
    live, first = poses([frame for frame, _ in taken], ScriptedDetector([seen.found for _, seen in taken]))
    played, second = poses(SessionPlayback(session, wishes()).frames, NoDetector())
    assert len(first) == NUM_FRAMES
    assert first.tobytes() == second.tobytes()
    assert [r.frame.stamp.time_s for r in live.results] == [r.frame.stamp.time_s for r in played.results]


def test_jumps_lead_where_they_should_and_times_go_on_rising(session):
    wanted, played = wishes(), []
    for frame in SessionPlayback(session, wanted).frames:
        played.append(frame.stamp)
        if len(played) == 30:
            wanted.change(seek_s=1.0)
        if len(played) == 40:
            wanted.change(seek_s=-0.5)
    # A second on from frame 29, and then a second and a half back from frame 68.
    assert [stamp.index for stamp in played] == [*range(30), *range(59, 69), *range(23, 90)]
    steps_s = np.diff([stamp.time_s for stamp in played])
    assert (steps_s > 0).all()
    jumps = np.flatnonzero(steps_s > 0.5)
    assert jumps.tolist() == [29, 39]
    assert (steps_s[jumps] > max(REMEMBERED_S, MAX_GAP_S, LONGEST_HOLE_S)).all(), "nothing is filtered across a jump"


def test_hand_over_is_repeated_where_it_was_asked_for(tmp_path):
    """Two people stand still; somebody asks for the next one twice."""
    people = tuple(standing_keypoints(x_px) for x_px in (12.0, 50.0))
    taken = [frame for frame, _ in shots(40)]
    path = tmp_path / "talk.pose"

    def asking(tracker):
        for number, frame in enumerate(taken):
            if number in (10, 25):
                assert tracker.hand_over()
            yield frame

    with SessionFile(path, header(), on_failure=print) as recorder:
        sink, live = ListSink(), replace(stages(ScriptedDetector([people] * 40)), recorder=recorder)
        run(asking(live.tracker), live, [sink], StageTimers())
    ids = [result.people[0].track_id for result in sink.results]
    assert ids == [0] * 10 + [1] * 15 + [2] * 15
    source = SessionSource(path)
    played, _ = poses(SessionPlayback(source, wishes()).frames, NoDetector())
    source.close()
    assert [result.people[0].track_id for result in played.results] == ids
    first, second = ([result.people[0].pose.xyz_m.tobytes() for result in one.results] for one in (sink, played))
    assert first == second


class Leaning(FlatLifter):
    """A lifter that leans everybody towards the camera."""

    provider = "cpu"

    def __init__(self, lean: float) -> None:
        self._lean = np.float32(lean)

    def lift(self, windows):
        towards = self._lean * np.array([0, 0, 1], np.float32)
        return tuple(
            Pose3D(flat.xyz_m - flat.xyz_m[:, 1:2] * towards, flat.confidence) for flat in super().lift(windows)
        )

    def close(self):
        pass


def steered(frames, detector, wanted, *, recorder=None, follows=()) -> list[bytes]:
    """Poses of a run in which lifter and filter can be changed."""
    lifters = {"semgcn": Leaning(0.0), "dg-net": Leaning(0.3), "gla-gcn": Leaning(0.6)}
    first = lifters[wanted.value.lifter]
    status = Shared(Status(detector="mediapipe-lite", lifter=wanted.value.lifter, smooth="balanced"))
    workshop = Workshop(
        open_lifter=lifters.__getitem__,
        tracks_with=lambda smooth: track_maker(first.spec, smooth, bones="fixed"),
        follows=follows,
    )
    sink, start = ListSink(), replace(stages(detector), lifter=first, recorder=recorder)
    with closing(Steering(start, first, wanted, status, workshop)) as steering:
        run(frames, start, [sink], StageTimers(), steering)
    return [person.pose.xyz_m.tobytes() for result in sink.results for person in result.people]


@pytest.fixture
def changed(tmp_path) -> tuple[SessionSource, list[bytes]]:
    """A session in which keys changed lifter and filter, and the poses of the run that recorded it."""
    taken, wanted = shots(NUM_FRAMES), wishes()

    def at_the_keys():
        for number, (frame, _) in enumerate(taken):
            if number == 20:
                wanted.change(lifter="dg-net")
            if number == 50:
                wanted.change(lifter="semgcn", smooth="calm")
            yield frame
            if number in (20, 50):
                time.sleep(0.05)  # It is opened aside, and comes some frames later.

    with SessionFile(tmp_path / "talk.pose", header(), on_failure=print) as recorder:
        live = steered(at_the_keys(), ScriptedDetector([seen.found for _, seen in taken]), wanted, recorder=recorder)
    source = SessionSource(tmp_path / "talk.pose")
    yield source, live
    source.close()


CHANGEABLE = ("lifter", "smooth", "detector")


def test_replay_follows_what_was_changed_with_keys(changed):
    source, live = changed
    assert [(now.lifter, now.smooth) for now in source.in_use] == [
        ("semgcn", "balanced"), ("dg-net", "balanced"), ("semgcn", "calm"),
    ]  # fmt: skip
    frames = list(SessionPlayback(source, wishes()).frames)
    assert steered(frames, NoDetector(), wishes(), follows=CHANGEABLE) == live
    alone = steered(frames, NoDetector(), wishes())
    assert alone[:20] == live[:20]
    assert alone[-1] != live[-1]


def test_what_is_asked_for_in_a_replay_stays(changed):
    """By option, for the whole replay; by key, from then on."""
    source, live = changed
    frames = list(SessionPlayback(source, wishes()).frames)
    own = {name: wishes() for name in ("option", "key")}
    own["option"].change(lifter="gla-gcn")

    def with_key():
        for number, frame in enumerate(frames):
            if number == 35:
                own["key"].change(lifter="gla-gcn")
            yield frame

    by_option = steered(frames, NoDetector(), own["option"], follows=("smooth", "detector"))
    assert own["option"].value.lifter == "gla-gcn"
    assert own["option"].value.smooth == "calm"
    by_key = steered(with_key(), NoDetector(), own["key"], follows=CHANGEABLE)
    assert own["key"].value.lifter == "gla-gcn"
    assert by_key[:35] == live[:35]
    assert not set(by_option) & set(live)


def test_lifter_that_is_not_here_is_told_and_the_replay_goes_on(tmp_path, caplog):
    with SessionFile(tmp_path / "talk.pose", header(), on_failure=print) as recorder:
        for number, (frame, seen) in enumerate(shots(20)):
            if number == 10:
                recorder.change(lifter="gone.onnx")
            recorder.record(frame, seen)
    source = SessionSource(tmp_path / "talk.pose")
    with caplog.at_level(logging.WARNING, "posedemo"):
        followed = steered(SessionPlayback(source, wishes()).frames, NoDetector(), wishes(), follows=CHANGEABLE)
    assert "gone.onnx" in caplog.text
    assert "goes on with semgcn" in caplog.text
    assert followed == steered(SessionPlayback(source, wishes()).frames, NoDetector(), wishes())
    source.close()


def test_after_a_jump_a_replay_uses_what_was_used_there(changed):
    source, _ = changed
    wanted, used = wishes(), []
    seek = {10: 60, 15: -45}

    def jumping():
        for number, frame in enumerate(SessionPlayback(source, wanted).frames):
            used.append((frame.stamp.index, frame.in_use.lifter, frame.in_use.smooth))
            wanted.change(seek_s=wanted.value.seek_s + seek.get(number, 0) / 30)
            yield frame
            if number == 20:
                return

    steered(jumping(), NoDetector(), wanted, follows=CHANGEABLE)
    assert used[0] == (0, "semgcn", "balanced")
    assert used[11] == (70, "semgcn", "calm")
    assert used[20][1:] == ("dg-net", "balanced")
    assert (wanted.value.lifter, wanted.value.smooth) == ("dg-net", "balanced")


@pytest.mark.parametrize(("seek_s", "first_after"), [(-100.0, 0), (100.0, NUM_FRAMES - 1)])
def test_jumps_end_at_the_ends(session, seek_s, first_after):
    wanted, played = wishes(seek_s=3.0), []
    for frame in SessionPlayback(session, wanted).frames:
        played.append(frame.stamp.index)
        if len(played) == 10:
            wanted.change(seek_s=3.0 + seek_s)
    assert played[:10] == list(range(10)), "what was wished before the run is not followed"
    assert played[10:] == list(range(first_after, NUM_FRAMES))


def test_somebody_is_somebody_new_after_a_jump(session):
    wanted = wishes()

    def frames():
        for number, frame in enumerate(SessionPlayback(session, wanted).frames):
            if number == 20:
                wanted.change(seek_s=-0.4)
            if number == 30:
                return
            yield frame

    sink, _ = poses(frames(), NoDetector())
    assert {person.track_id for result in sink.results[:21] for person in result.people} == {0}
    assert {person.track_id for result in sink.results[21:] for person in result.people} == {1}


def test_position_is_that_in_the_session_whatever_was_jumped(session):
    status = Shared(Status(detector="mediapipe-lite", lifter="semgcn"))
    sink = PositionSink(session, status)
    wanted, positions_s = wishes(), []

    def frames():
        for number, frame in enumerate(SessionPlayback(session, wanted).frames):
            if number == 10:
                wanted.change(seek_s=-0.2)
            if number == 12:
                return
            yield frame

    class Watch:
        def write(self, result):
            positions_s.append(status.value.position_s)

        def close(self):
            pass

    run(frames(), stages(NoDetector()), [sink, Watch()], StageTimers())
    assert status.value.duration_s == pytest.approx((NUM_FRAMES - 1) / 30)
    np.testing.assert_allclose(np.array(positions_s) * 30, [*range(11), 4], atol=1e-4)


def test_whoever_watches_stays_at_the_end_and_can_jump_back(session):
    wanted = wishes()
    playback = SessionPlayback(session, wanted, stays=True)
    played: list[int] = []
    worker = threading.Thread(target=lambda: played.extend(frame.stamp.index for frame in playback.frames), daemon=True)
    worker.start()
    until(lambda: playback.num_frames_in == NUM_FRAMES)
    wanted.change(seek_s=-1.0)
    until(lambda: playback.num_frames_in == NUM_FRAMES + 31)
    assert worker.is_alive()
    playback.frames.stop()
    worker.join(PATIENCE_S)
    assert not worker.is_alive()
    # A second back from the last frame, which is played once more.
    assert played == [*range(NUM_FRAMES), *range(NUM_FRAMES - 31, NUM_FRAMES)]


def test_holes_in_a_recording_are_not_waited_for(tmp_path):
    """The camera was away for a day."""
    first, second = (
        shots(4),
        [(replace(f, stamp=Stamp(f.stamp.index + 90, f.stamp.time_s + 86_400)), s) for f, s in shots(4)],
    )
    source = SessionSource(write_session(tmp_path / "talk.pose", [*first, *second]))
    frames = SessionPlayback(source, wishes()).frames
    started_s = time.monotonic()
    played = list(Turnstile(frames, wishes(), is_paced=True, longest_hole_s=LONGEST_HOLE_S))
    assert len(played) == 8
    assert 0.2 - 1e-3 <= time.monotonic() - started_s < PATIENCE_S, "frames on either side keep their pace"
    source.close()


def test_jump_in_a_pause_shows_one_frame(session):
    wanted = wishes(is_paused=True)
    playback = SessionPlayback(session, wanted)
    played: list[int] = []
    turnstile = Turnstile(playback.frames, wanted, is_paced=True, longest_hole_s=LONGEST_HOLE_S)
    worker = threading.Thread(target=lambda: played.extend(frame.stamp.index for frame in turnstile), daemon=True)
    worker.start()
    for number in (1, 2):
        wanted.change(seek_s=float(number))
        until(lambda number=number: playback.num_frames_in == number)
    playback.frames.stop()
    worker.join(PATIENCE_S)
    # From the frame before: a second on from the first, and a second on from that.
    assert played == [30, 60]


def until(condition) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_stopped_playback_ends(session):
    playback = SessionPlayback(session, wishes())
    taken = []
    for frame in playback.frames:
        taken.append(frame)
        if len(taken) == 3:
            playback.frames.stop()
    assert len(taken) == 3
    assert playback.num_frames_in == 3
