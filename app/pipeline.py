"""One frame in, one result out: the whole program in a loop. No threads, windows, files or libraries in here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Protocol, Self, TypeGuard, runtime_checkable

from .datatypes import Detections, Frame, Keypoints2D, LifterSpec, Pose3D, Result, Window
from .delay import DelayLine
from .errors import ModelError, SourceError
from .focus import Focus
from .geometry import to_screen
from .pinhole import DEFAULT_FOV_DEG, plane_scale
from .posing import Draft, draft
from .posing import finish as finish_draft
from .remap import remap
from .timing import StageTimers
from .track import Track
from .tracking import Tracker


class Detector(Protocol):
    """Finds the 2D joints of the people in a picture. A context manager; used by one thread only."""

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        """People of the frame, in no particular order; empty when there is nobody."""
        ...

    def forget(self) -> None:
        """Follow nobody any more: the next frame has nothing to do with those before."""
        ...

    def close(self) -> None:
        """Free what the detector holds."""
        ...


@runtime_checkable
class Attentive(Detector, Protocol):
    """A detector that can look where it is told to."""

    def watch(self, focus: Focus | None) -> None:
        """Do not see the others of a focus in the next frame; None shows everybody."""
        ...

    def look_again(self, frame: Frame, focus: Focus) -> tuple[Keypoints2D, ...]:
        """People at one place of the frame that it looked at last, found without regard to the frames before."""
        ...


def is_attentive(detector: Detector) -> TypeGuard[Attentive]:
    """Whether a detector can look where it is told to."""
    return _is_attentive_kind(type(detector))


@cache
def _is_attentive_kind(kind: type[Detector]) -> bool:
    """The same of a class, and once for each: to compare its methods takes longer than all of the tracking."""
    return issubclass(kind, Attentive)


class Lifter(Protocol):
    """Lifts windows of 2D joints to 3D poses. Used by one thread only."""

    spec: LifterSpec

    def lift(self, windows: Sequence[Window]) -> tuple[Pose3D, ...]:
        """One pose a window, of the window's target frame, as one batch."""
        ...


class Recorder(Protocol):
    """Keeps what the detector saw, so that it can be lifted again."""

    def record(self, frame: Frame, detections: Detections) -> None:
        """Take one frame's; must not wait for anything."""
        ...

    def change(self, **in_use: str) -> None:
        """Take down what is used from the next frame on, by fields of ``InUse``; must not wait for anything."""
        ...


class Sink(Protocol):
    """Takes results: a file, a video, a viewer."""

    def write(self, result: Result) -> None:
        """Take one result; results come in order."""
        ...

    def close(self) -> None:
        """Finish what was written so far so that it is complete and valid."""
        ...


Look = Callable[[Frame, Detector, Tracker], Callable[[], tuple[Detections, float]]]
"""Begins to look for everybody in a frame, and returns what waits for the result: that of ``look_at``."""


@dataclass(frozen=True)
class Stages:
    """The three stages between a frame and its result, the camera's field of view, which nobody measures, how far the
    tracker's tracks look ahead to tell left from right, and then their filters, who keeps what the detector saw, if
    anybody does, and a second lifter to compare with."""

    detector: Detector
    tracker: Tracker
    lifter: Lifter
    fov_deg: float = DEFAULT_FOV_DEG
    sides_s: float = 0.0
    smoothing_s: float = 0.0
    recorder: Recorder | None = None
    ghost: Lifter | None = None

    def forget(self) -> None:
        """Follow nobody any more: the next frame has nothing to do with those before."""
        self.detector.forget()
        self.tracker.forget()

    def close(self) -> None:
        """Free the detector."""
        self.detector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Sighting:
    """One person of one frame; the track itself goes on to later frames while this one waits."""

    track: Track
    keypoints: Keypoints2D


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame with its people, before they are lifted, and the milliseconds that its stages took so far."""

    frame: Frame
    people: tuple[_Sighting, ...]
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Lifted:
    """A frame whose people wait for their filters, and the milliseconds that its stages took so far."""

    frame: Frame
    drafts: tuple[Draft, ...]
    timings_ms: Mapping[str, float]


def run(
    frames: Iterable[Frame],
    stages: Stages,
    sinks: Sequence[Sink],
    timers: StageTimers,
    steer: Callable[[Stages, Frame], Stages] = lambda stages, _: stages,
    look: Look | None = None,
    *,
    is_next_there: Callable[[], bool] = lambda: False,
) -> None:
    """Process frames until they end.

    Every frame becomes a result, also when nobody is in it, so that a viewer goes on showing the picture and a file
    knows every frame. Where lifter, filters or sides look ahead a result comes so much later than its picture, and the
    last ones are made when no more frames come: to the lifter with the last of them repeated. Nobody is followed from
    a camera's pictures to those that stand in for them, nor back.

    Args:
        frames: to be processed.
        stages: that they go through.
        sinks: take the results.
        timers: of the run.
        steer: asked before every frame, with the stages of the last one and with the frame, for those to use from now
            on. A lifter that it puts in must not look further ahead than the first one.
        look: finds everybody in a frame; ``look_at``, once it is waited for, by default.
        is_next_there: whether ``frames`` gives another one at once. A frame is then lifted while the detector looks at
            the next one, which costs neither of them time where ``look`` has a thread of its own.
    """
    look = look or _look_when_waited_for
    waiting: list[Callable[[], None]] = []
    unsettled: DelayLine[_Seen] = DelayLine(stages.sides_s)
    unlifted: DelayLine[_Seen] = DelayLine(stages.lifter.spec.look_ahead_s)
    unsmoothed: DelayLine[_Lifted] = DelayLine(stages.smoothing_s)

    def catch_up() -> None:
        while waiting:
            waiting.pop(0)()

    def settle(seen: _Seen, stages: Stages) -> None:
        for person in seen.people:
            note_sides(person.track, person.keypoints, seen.frame.stamp.time_s)
        for ready in unsettled.push(seen.frame.stamp.time_s, seen):
            fill_windows(ready, stages)

    def fill_windows(seen: _Seen, stages: Stages) -> None:
        settled = _with_sides(seen)
        _fill_windows(settled)
        for ready in unlifted.push(settled.frame.stamp.time_s, settled):
            lift(ready, stages)

    def lift(seen: _Seen, stages: Stages) -> None:
        with timers.stage("lift"):
            drafts = _lift_people(seen, stages)
        lifted = _Lifted(seen.frame, drafts, {**seen.timings_ms, **timers.take_frame()})
        for ready in unsmoothed.push(seen.frame.stamp.time_s, lifted):
            finish(ready)

    def finish(lifted: _Lifted) -> None:
        frame = lifted.frame
        with timers.stage("smooth"):
            people = tuple(finish_draft(draft, frame.stamp.time_s, frame.size_wh) for draft in lifted.drafts)
        result = Result(frame=frame, people=people, timings_ms={**lifted.timings_ms, **timers.take_frame()})
        with timers.stage("write"):
            for sink in sinks:
                sink.write(result)

    def finish_all() -> None:
        try:
            catch_up()
            for seen in unsettled.rest():
                fill_windows(seen, stages)
            for seen in unlifted.rest():
                lift(seen, stages)
        finally:
            for lifted in unsmoothed.rest():
                finish(lifted)

    is_recorded = False
    try:
        for frame in frames:
            stages = steer(stages, frame)
            if frame.is_recorded != is_recorded:
                is_recorded = frame.is_recorded
                stages.forget()
            detections_and_time = look(frame, stages.detector, stages.tracker)
            catch_up()
            detections, took_ms = detections_and_time()
            timers.add("detect", took_ms)
            seen = _track(frame, detections, stages, timers)
            waiting.append(partial(settle, seen, stages))
            if not is_next_there():
                catch_up()
    except (SourceError, ModelError):
        # A source that breaks off has still given the frames that wait, and a detector that fails has seen them.
        finish_all()
        raise
    finish_all()


def _look_when_waited_for(frame: Frame, detector: Detector, tracker: Tracker) -> Callable[[], tuple[Detections, float]]:
    return partial(look_at, frame, detector, tracker)


def look_at(frame: Frame, detector: Detector, tracker: Tracker) -> tuple[Detections, float]:
    """Everybody in a frame, with a second look where one is needed, and the milliseconds that it took."""
    started_s = time.perf_counter()
    detections = find_people(frame, detector, tracker)
    return detections, (time.perf_counter() - started_s) * 1e3


def _track(frame: Frame, detections: Detections, stages: Stages, timers: StageTimers) -> _Seen:
    """Say who is who in a frame. The detector's next look waits for this, and for nothing else."""
    if stages.recorder is not None:
        stages.recorder.record(frame, detections)
    with timers.stage("track"):
        tracks = follow(frame, detections, stages.tracker)
    people = tuple(_Sighting(track, track.keypoints) for track in tracks)
    return _Seen(frame, people, timers.take_frame())


def _with_sides(seen: _Seen) -> _Seen:
    """A frame with left and right as they suit what came before and after it."""
    time_s = seen.frame.stamp.time_s
    people = (_Sighting(person.track, own_sides(person.track, person.keypoints, time_s)) for person in seen.people)
    return replace(seen, people=tuple(people))


def note_sides(track: Track, keypoints: Keypoints2D, time_s: float) -> None:
    """Let a track know one frame's joints, by which it tells left from right of those before."""
    if track.sides is not None:
        track.sides.push(time_s, keypoints)


def own_sides(track: Track, keypoints: Keypoints2D, time_s: float) -> Keypoints2D:
    """The joints of a frame that was noted, with left and right as they suit those before and after; as they are where
    the track does not look ahead."""
    return keypoints if track.sides is None else track.sides.at(time_s, keypoints)


def _fill_windows(seen: _Seen) -> None:
    """Add everybody who was seen in a frame to their tracks' windows."""
    for person in seen.people:
        push_joints(person.track, person.keypoints, seen.frame.stamp.time_s, seen.frame.size_wh)


def find_people(frame: Frame, detector: Detector, tracker: Tracker) -> Detections:
    """Everybody in a frame, and those whom a second look found, where one was needed.

    A frame that comes with its detections, from a recorded session, is not looked at.
    """
    if frame.detections is not None:
        return _recorded(frame, frame.detections, tracker)
    hand_over = tracker.is_asked_to_leave
    if not is_attentive(detector):
        return Detections(tuple(remap(keypoints) for keypoints in detector.detect(frame)), hand_over=hand_over)
    detector.watch(tracker.watched(frame.stamp))
    found = tuple(remap(keypoints) for keypoints in detector.detect(frame))

    def look_again(focus: Focus) -> tuple[Keypoints2D, ...]:
        return tuple(remap(keypoints) for keypoints in detector.look_again(frame, focus))

    tracker.look_at_clothes(frame, found)
    taken_back = tracker.taken_back(frame, found)
    if taken_back is None:
        focus = tracker.focus(found, frame.stamp, frame.size_wh)
        if focus is None:
            taken_back = tracker.looked_for(frame, found, look_again)
        else:
            again = look_again(focus)
            closer = tracker.closer(focus, (*found, *again), frame.size_wh)
            again = again if closer is None else (*again, *look_again(closer))
            taken_back = tracker.taken_back(frame, found, again)
            if taken_back is None:
                return Detections(found, again, hand_over=hand_over)
    if taken_back is not None:
        return Detections(found, taken_back, is_taken_back=True, hand_over=hand_over)
    return Detections(found, hand_over=hand_over)


def _recorded(frame: Frame, detections: Detections, tracker: Tracker) -> Detections:
    """What was recorded of a frame, as far as it is of use: others may be followed than were then."""
    if detections.hand_over:
        tracker.hand_over()
    is_missing = tracker.focus(detections.found, frame.stamp, frame.size_wh) is not None
    return detections if is_missing or detections.is_taken_back else replace(detections, again=())


def follow(frame: Frame, detections: Detections, tracker: Tracker) -> tuple[Track, ...]:
    """The tracks of everybody who is followed in a frame, after ``find_people``."""
    return tracker.update(
        detections.found,
        frame.stamp,
        again=detections.again,
        is_taken_back=detections.is_taken_back,
        size_wh=frame.size_wh,
    )


def _lift_people(seen: _Seen, stages: Stages) -> tuple[Draft, ...]:
    """Lift everybody in the frame, one batch through the lifter, and hand the poses to the filters."""
    if not seen.people:
        return ()
    time_s = seen.frame.stamp.time_s
    scale = plane_scale(seen.frame.size_wh, stages.fov_deg)

    def windows_for(lifter: Lifter) -> list[Window]:
        return [window_of(person.track, person.keypoints, time_s, scale, lifter.spec) for person in seen.people]

    windows = windows_for(stages.lifter)
    poses = stages.lifter.lift(windows)
    ghosts: Sequence[Pose3D | None] = (
        [None] * len(poses) if stages.ghost is None else stages.ghost.lift(windows_for(stages.ghost))
    )
    return tuple(
        draft(person.track, person.keypoints, window, lifted, time_s, ghost)
        for person, window, lifted, ghost in zip(seen.people, windows, poses, ghosts, strict=True)
    )


def push_joints(track: Track, keypoints: Keypoints2D, time_s: float, size_wh: tuple[int, int]) -> None:
    """Add one frame's joints to a track's window."""
    track.window.push(time_s, to_screen(keypoints.xy_px, size_wh), keypoints.confidence)


def window_of(
    track: Track, keypoints: Keypoints2D, time_s: float, scale: float, spec: LifterSpec | None = None
) -> Window:
    """What the lifter shall see of a frame whose joints were pushed.

    Args:
        track: whose joints.
        keypoints: of that frame.
        time_s: of that frame.
        scale: ``pinhole.plane_scale`` of the picture.
        spec: of the lifter; the one that the track was made for by default.
    """
    return replace(track.window.at(time_s, spec), plane_scale=scale, world_xyz_m=keypoints.world_xyz_m)
