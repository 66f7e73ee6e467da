"""A run that is steered: lifters, ghosts, detectors and filters change between two frames, and nothing else does."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np
from fakes import FlatLifter, ListSink, make_frame, standing_keypoints
from posedemo.assembly import track_maker
from posedemo.datatypes import Frame, InUse, Keypoints2D, LifterSpec, Pose3D, Result
from posedemo.errors import ModelError
from posedemo.live.shared import Shared
from posedemo.live.status import Status
from posedemo.live.steering import Steering, Workshop
from posedemo.live.wishes import Wishes
from posedemo.pipeline import run
from posedemo.sessions.playback import NoDetector
from posedemo.skeleton import H36M17
from posedemo.stages import Stages
from posedemo.timing import StageTimers
from posedemo.tracking import Tracker

PATIENCE_S = 60.0
SIZE_WH = (640, 360)


class Steady:
    """A lifter that remembers how full its windows were, and leans everybody by so many metres towards the camera."""

    provider = "cpu"

    def __init__(self, num_frames: int = 1, look_ahead: int = 0, lean_m: float = 0.0) -> None:
        self.spec = LifterSpec(name="steady", num_frames=num_frames, rate_hz=30.0, look_ahead=look_ahead)
        self.is_closed = False
        self.windows: list[np.ndarray] = []
        self._lean_m = np.float32(lean_m)

    def lift(self, windows):
        self.windows += [window.xy for window in windows]
        towards = self._lean_m * np.array([0, 0, 1], np.float32)
        flat = FlatLifter().lift(windows)
        return tuple(Pose3D(pose.xyz_m - pose.xyz_m[:, 1:2] * towards, pose.confidence) for pose in flat)

    def close(self):
        self.is_closed = True


class Crowd:
    """A detector that sees the same people, moving to the right, in every frame; the second look sees all of them."""

    def __init__(self, *places_px: float) -> None:
        self._places_px = places_px
        self.is_closed = False
        self.num_forgotten = 0

    def people(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        moved_px = 0.5 * frame.stamp.index
        return tuple(standing_keypoints(place_px + moved_px, height_px=200) for place_px in self._places_px)

    def detect(self, frame):
        return self.people(frame)[:1]

    def forget(self):
        self.num_forgotten += 1

    def watch(self, focus):
        pass

    def look_again(self, frame, focus):
        hidden = [np.nanmean(other.xy_px, axis=0) for other in focus.others]
        people = self.people(frame)
        return tuple(one for one in people if all(np.hypot(*(one.xy_px.mean(axis=0) - other)) > 20 for other in hidden))

    def close(self):
        self.is_closed = True


class Beginner(Crowd):
    """A detector whose first poses have limbs and head a quarter of a body aside; its second looks are right."""

    NUM_FRAMES_OFF = 4

    def __init__(self, *places_px: float) -> None:
        super().__init__(*places_px)
        self._num_seen = 0

    def detect(self, frame):
        self._num_seen += 1
        people = super().detect(frame)
        if self._num_seen > self.NUM_FRAMES_OFF:
            return people
        return tuple(replace(one, xy_px=one.xy_px + 48 * _IS_LIMB) for one in people)


_IS_LIMB = np.array(
    [[name.split("_")[-1] in ("elbow", "wrist", "knee", "ankle", "nose", "head"), False] for name in H36M17.joints],
    np.float32,
)


class Tape:
    """Keeps what was seen, and what was in use, frame by frame."""

    def __init__(self, in_use: InUse) -> None:
        self.frames: list[Frame] = []
        self._in_use = in_use

    def record(self, frame, detections):
        self.frames.append(replace(frame, detections=detections, in_use=self._in_use))

    def change(self, **in_use):
        self._in_use = replace(self._in_use, **in_use)


class Show:
    """A steered run whose script acts on the wishes between frames.

    Args:
        workshop: what can be opened, by name.
        act: called with the frame's index before each frame; a frame waits until it returns True.
    """

    def __init__(self, lifters: dict[str, object], detectors: dict[str, object] | None = None, **workshop) -> None:
        self.lifters, self.detectors = lifters, detectors or {"crowd": Crowd(200)}
        self.wishes = Shared(Wishes(lifter=next(iter(lifters)), detector=next(iter(self.detectors)), smooth="off"))
        self.status = Shared(Status(detector=self.wishes.value.detector, lifter=self.wishes.value.lifter))
        self.opened: list[tuple[str, int]] = []
        self._workshop = workshop
        self.ahead: dict[str, tuple[str, ...]] = {}
        self.recorder = None
        self.timers = StageTimers()

    def _open(self, models: dict[str, object], name: str) -> object:
        self.opened.append((name, threading.get_ident()))
        if isinstance(models[name], Exception):
            raise models[name]
        return models[name]

    def run(
        self, num_frames: int, act: Callable[[int], bool] = lambda _: True, tape: Sequence[Frame] = ()
    ) -> list[Result]:
        first = self.lifters[self.wishes.value.lifter]

        def tracks_with(smooth: str):
            return track_maker(first.spec, smooth, keep_s=0.9)

        tracker = Tracker(max_people=1, new_track=tracks_with("off"))
        stages = Stages(self.detectors[self.wishes.value.detector], tracker, first, recorder=self.recorder)
        workshop = Workshop(
            open_lifter=lambda name: self._open(self.lifters, name),
            open_detector=lambda name: self._open(self.detectors, name),
            tracks_with=tracks_with,
            **self._workshop,
        )
        sink = ListSink()
        with closing(Steering(stages, first, self.wishes, self.status, workshop)) as steering:
            steering.open_ahead(**self.ahead)
            run(tape or self._frames(num_frames, act, steering), stages, [sink], self.timers, steering)
        self.steering = steering
        return sink.results

    def _frames(self, num_frames: int, act: Callable[[int], bool], steering: Steering) -> Iterator[Frame]:
        deadline_s = time.monotonic() + PATIENCE_S
        index = 0
        while index < num_frames:
            is_ready = act(index)
            yield make_frame(index, size_wh=SIZE_WH)
            index += 1
            if not is_ready:
                # The scene goes on while something is opened, as it does live; only the test gives up at some time.
                assert time.monotonic() < deadline_s
                num_frames += 1
                time.sleep(0.002)


def poses(results: list[Result]) -> np.ndarray:
    return np.array([result.people[0].pose.xyz_m for result in results])


def test_lifter_changes_without_a_missing_frame_and_finds_its_window_full():
    show = Show({"one": Steady(), "many": Steady(num_frames=27)})

    def act(index: int) -> bool:
        if index == 40:
            show.wishes.change(lifter="many")
        return index < 40 or show.status.value.lifter == "many"

    results = show.run(60, act)
    assert all(len(result.people) == 1 and result.people[0].track_id == 0 for result in results)
    np.testing.assert_array_equal(np.diff([result.frame.stamp.index for result in results]), 1)
    # Half a pixel a frame to the right, from the first window on: nothing of it is one frame repeated.
    first = show.lifters["many"].windows[0][:, 0, 0]
    np.testing.assert_allclose(np.diff(first), np.diff(first).mean(), rtol=0.01)
    assert np.diff(first).mean() > 0
    assert show.status.value.provider == "cpu"
    assert show.steering.lifters_used == ["one", "many"]
    assert show.opened[0][1] != threading.get_ident()
    assert show.lifters["many"].is_closed
    assert not show.lifters["one"].is_closed


def test_lifter_that_was_used_before_comes_back_at_once():
    show = Show({"one": Steady(), "two": Steady()})
    seen: list[str] = []

    def act(index: int) -> bool:
        seen.append(show.status.value.lifter)
        if len(seen) == 5:
            show.wishes.change(lifter="two")
        if seen[-1] == "two":
            show.wishes.change(lifter="one")
        return len(seen) < 5 or "two" in seen

    show.run(20, act)
    assert [name for name, _ in show.opened] == ["two"]
    assert seen.count("two") == 1
    assert show.status.value.lifter == "one"


def test_lifter_that_cannot_be_loaded_leaves_the_old_one_and_becomes_a_notice():
    show = Show({"one": Steady(), "broken": ModelError("the packaged file broken.onnx is missing", "install again")})

    def act(index: int) -> bool:
        if index == 5:
            show.wishes.change(lifter="broken")
        return index < 5 or bool(show.status.value.notice)

    results = show.run(20, act)
    assert all(result.people for result in results)
    assert show.status.value.lifter == "one"
    assert show.status.value.notice == "the packaged file broken.onnx is missing"
    assert show.status.value.num_notices == 1


def test_lifter_that_looks_ahead_is_refused_where_results_do_not_wait():
    show = Show({"one": Steady(), "ahead": Steady(num_frames=27, look_ahead=13)})

    def act(index: int) -> bool:
        show.wishes.change(lifter="ahead", ghost="ahead")
        return bool(show.status.value.notice)

    show.run(10, act)
    assert show.status.value.notice == "ahead looks 433 ms ahead: start with --lifter ahead"
    assert (show.status.value.lifter, show.status.value.ghost) == ("one", None)


def test_causal_lifter_takes_over_from_one_that_looks_ahead():
    show = Show({"ahead": Steady(num_frames=9, look_ahead=4), "one": Steady(num_frames=3)})

    def act(index: int) -> bool:
        if index == 20:
            show.wishes.change(lifter="one")
        return index < 20 or show.status.value.lifter == "one"

    results = show.run(40, act)
    np.testing.assert_array_equal(np.diff([result.frame.stamp.index for result in results]), 1)
    assert all(result.people for result in results)
    # FlatLifter's poses depend on the target frame only: a change of lifter must not be seen.
    assert np.abs(np.diff(poses(results), axis=0)).max() < 1e-4


def test_ghost_is_the_second_lifters_pose_and_changes_nothing_else():
    show = Show({"one": Steady(), "leaning": Steady(num_frames=27, lean_m=0.3)})

    def act(index: int) -> bool:
        if index == 10:
            show.wishes.change(ghost="leaning")
        return index < 10 or show.status.value.ghost == "leaning"

    results = show.run(40, act)
    alone = Show({"one": Steady()}).run(len(results), lambda _: True)
    np.testing.assert_array_equal(poses(results), poses(alone))
    last = results[-1].people[0]
    np.testing.assert_allclose(last.ghost.xyz_m[:, :2], last.pose.xyz_m[:, :2], atol=1e-5)
    np.testing.assert_allclose(last.ghost.xyz_m[:, 2], -0.3 * last.pose.xyz_m[:, 1], atol=1e-5)
    assert results[0].people[0].ghost is None
    assert [name for name, _ in show.opened] == ["leaning"]
    assert show.steering.lifters_used == ["one"]


def test_ghost_goes_when_it_is_no_longer_wished_for():
    show = Show({"one": Steady(), "two": Steady()})

    def act(index: int) -> bool:
        if index == 3:
            show.wishes.change(ghost="two")
        has_appeared = show.status.value.ghost == "two"
        if index > 3 and has_appeared:
            show.wishes.change(ghost=None)
        return index < 3 or show.wishes.value.ghost is None

    results = show.run(20, act)
    assert results[-1].people[0].ghost is None
    assert any(result.people[0].ghost is not None for result in results)


def test_ghost_that_may_not_become_the_lifter_stays_the_ghost():
    show = Show({"one": Steady(), "two": Steady(lean_m=0.3)}, is_bound=True)

    def act(index: int) -> bool:
        if index == 3:
            show.wishes.change(ghost="two")
        if index == 10:
            show.wishes.change(lifter="two", ghost="one")
        return index < 10 or ("lifter", "two") in show.status.value.refused

    show.run(20, act)
    assert (show.status.value.lifter, show.status.value.ghost) == ("one", "two")


def test_lifter_and_ghost_change_places():
    show = Show({"one": Steady(), "two": Steady(lean_m=0.3)})

    def act(index: int) -> bool:
        if index == 3:
            show.wishes.change(ghost="two")
        if index == 10:
            show.wishes.change(lifter="two", ghost="one")
        return show.status.value.ghost == "two" if 3 < index < 10 else True

    show.run(20, act)
    assert (show.status.value.lifter, show.status.value.ghost) == ("two", "one")


def test_detector_is_opened_aside_swapped_in_and_the_old_one_closed():
    show = Show({"one": Steady()}, {"crowd": Crowd(200), "other": Crowd(200)})

    def act(index: int) -> bool:
        if index == 5:
            show.wishes.change(detector="other")
        return index < 5 or show.status.value.detector == "other"

    results = show.run(20, act)
    assert all(len(result.people) == 1 and result.people[0].track_id == 0 for result in results)
    assert show.detectors["crowd"].is_closed
    assert show.detectors["other"].is_closed
    assert show.steering.detectors_used == ["crowd", "other"]
    assert show.opened[0][1] != threading.get_ident()


def test_replay_is_as_wary_of_another_detector_as_the_run_was():
    """Its first poses are possible and off: only a second look shows it, and sessions keep what that found."""
    show = Show({"one": Steady()}, {"crowd": Crowd(200), "other": Beginner(200)})
    show.recorder = Tape(InUse("crowd", "one", "off"))

    def act(index: int) -> bool:
        if index == 10:
            show.wishes.change(detector="other")
        return index < 10 or show.status.value.detector == "other"

    results = show.run(30, act)
    assert show.steering.detectors_used == ["crowd", "other"]
    replayed = Show({"one": Steady()}, {"crowd": NoDetector()}).run(0, tape=show.recorder.frames)
    for result, again in zip(results, replayed, strict=True):
        (person,), (same,) = result.people, again.people
        (right,) = show.detectors["crowd"].people(result.frame)
        np.testing.assert_array_equal(person.keypoints.xy_px, right.xy_px)
        np.testing.assert_array_equal(same.keypoints.xy_px, right.xy_px)


def test_detector_that_is_no_longer_wanted_when_it_is_there_is_not_used():
    show = Show({"one": Steady()}, {"crowd": Crowd(200), "other": Crowd(200)})

    def act(index: int) -> bool:
        if index == 5:
            show.wishes.change(detector="other")
        if show.opened:
            show.wishes.change(detector="crowd")
        return index < 5 or bool(show.opened)

    show.run(10, act)
    assert show.status.value.detector == "crowd"
    assert show.steering.detectors_used == ["crowd"]
    assert show.detectors["other"].is_closed


def test_what_is_open_already_is_used_from_the_very_frame_that_it_is_wished_for():
    """However often it changes, nothing is opened any more, and a detector that comes back forgets whom it saw."""
    show = Show({"one": Steady(), "two": Steady()}, {"crowd": Crowd(200), "other": Crowd(200)})
    show.ahead = {"lifters": ("one", "two"), "detectors": ("crowd", "other")}
    used, wished = [("one", "crowd")], [("one", "crowd")]

    def act(index: int) -> bool:
        if len(show.opened) < 2:
            return False
        used.append((show.status.value.lifter, show.status.value.detector))
        is_ready = used[-1] == wished[-1]
        if is_ready:
            wished.append(("two", "other") if wished[-1] == ("one", "crowd") else ("one", "crowd"))
            show.wishes.change(lifter=wished[-1][0], detector=wished[-1][1])
        return is_ready

    results = show.run(20, act)
    assert [name for name, _ in show.opened] in (["two", "other"], ["other", "two"])
    # Only the very first change may have come while something was still being opened.
    assert used[-15:] == wished[-16:-1]
    assert min(show.detectors[name].num_forgotten for name in ("crowd", "other")) >= 7
    assert {person.track_id for result in results for person in result.people} == {0}


def test_smoothing_changes_for_everybody_and_the_pose_does_not_jump():
    show = Show({"one": Steady()})

    def act(index: int) -> bool:
        if index == 20:
            show.wishes.change(smooth="calm")
        return True

    results = show.run(40, act)
    assert show.status.value.smooth == "calm"
    assert np.abs(np.diff(poses(results), axis=0)).max() < 1e-3


def test_files_that_name_their_lifter_keep_it():
    show = Show({"one": Steady(), "two": Steady()}, {"crowd": Crowd(200), "other": Crowd(200)}, is_bound=True)

    def act(index: int) -> bool:
        if index == 5:
            show.wishes.change(lifter="two", detector="other", smooth="calm", ghost="two")
        return index < 5 or show.status.value.ghost == "two"

    show.run(20, act)
    status = show.status.value
    assert (status.lifter, status.detector, status.smooth) == ("one", "crowd", "")
    assert {("lifter", "two"), ("detector", "other"), ("smooth", "calm")} <= status.refused
    assert [name for name, _ in show.opened] == ["two"]


def test_hand_over_goes_to_the_next_person_and_round_again():
    show = Show({"one": Steady()}, {"crowd": Crowd(300, 100, 500)})
    places: list[float] = []

    def act(index: int) -> bool:
        if index in (10, 40, 70):
            show.wishes.change(num_handovers=show.wishes.value.num_handovers + 1)
        return True

    results = show.run(100, act)
    assert all(len(result.people) == 1 for result in results)
    for result in results:
        places.append(float(result.people[0].keypoints.xy_px[:, 0].mean()) - 0.5 * result.frame.stamp.index)
    assert [round(places[index]) for index in (9, 39, 69, 99)] == [300, 500, 100, 300]
    ids = [result.people[0].track_id for result in results]
    assert ids == sorted(ids)
    assert len(set(ids)) == 4


def test_hand_over_with_nobody_else_there_keeps_the_person_and_says_so():
    show = Show({"one": Steady()})

    def act(index: int) -> bool:
        if index == 10:
            show.wishes.change(num_handovers=1)
        return True

    results = show.run(60, act)
    assert [result.people[0].track_id for result in results] == [0] * 60
    assert show.status.value.notice == "nobody else is in the picture"
