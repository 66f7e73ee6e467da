"""One frame in, one result out: the whole program in a loop. No threads, windows, files or libraries in here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from .datatypes import Detections, Frame, Keypoints2D
from .downstream import Downstream, Seen, Sighting
from .errors import ModelError, PosedemoError, SourceError, first_line
from .focus import Focus
from .remap import remap
from .second_look import closer, uncovered
from .stages import Detector, Sink, Stages, is_attentive
from .timing import StageTimers
from .track import Track
from .tracking import Tracker

Look = Callable[[Frame, Detector, Tracker], Callable[[], tuple[Detections, float]]]
"""Begins to look for everybody in a frame, and returns what waits for the result: that of ``look_at``."""


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
    knows every frame. Where lifter, filters or sides look ahead a result comes so much later than its picture. The last
    ones are made when no more frames come, or after a session's last frame: to the lifter with that one repeated.
    Nobody is followed from a camera's pictures to those that stand in for them, nor back.

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
    downstream = Downstream(stages, sinks, timers)
    is_recorded = False
    try:
        for frame in frames:
            stages = steer(stages, frame)
            if frame.is_recorded != is_recorded:
                is_recorded = frame.is_recorded
                stages.forget()
            detections_and_time = look(frame, stages.detector, stages.tracker)
            downstream.catch_up()
            detections, took_ms = detections_and_time()
            timers.add("detect", took_ms)
            downstream.hold(_track(frame, detections, stages, timers), stages)
            if frame.is_last:
                # Somebody may watch until they jump back, which is to the stages a hole in time.
                downstream.end(stages)
            elif not is_next_there():
                downstream.catch_up()
    except (SourceError, ModelError):
        # A source that breaks off has still given the frames that wait, and a detector that fails has seen them.
        downstream.end(stages)
        raise
    downstream.end(stages)


def _look_when_waited_for(frame: Frame, detector: Detector, tracker: Tracker) -> Callable[[], tuple[Detections, float]]:
    return partial(look_at, frame, detector, tracker)


def look_at(frame: Frame, detector: Detector, tracker: Tracker) -> tuple[Detections, float]:
    """Everybody in a frame, with a second look where one is needed, and the milliseconds that it took.

    Raises:
        ModelError: the detector has failed.
    """
    started_s = time.perf_counter()
    try:
        detections = find_people(frame, detector, tracker)
    except PosedemoError:
        raise
    except Exception as error:  # a detector's library raises what it likes
        raise ModelError(
            f"the detector failed at frame {frame.stamp.index}: {first_line(error)}",
            "try another --detector; --debug shows more",
        ) from error
    return detections, (time.perf_counter() - started_s) * 1e3


def _track(frame: Frame, detections: Detections, stages: Stages, timers: StageTimers) -> Seen:
    """Say who is who in a frame. The detector's next look waits for this, and for nothing else."""
    if stages.recorder is not None:
        stages.recorder.record(frame, detections)
    with timers.stage("track"):
        tracks = follow(frame, detections, stages.tracker)
    people = tuple(Sighting(track, track.keypoints) for track in tracks)
    return Seen(frame, people, timers.take_frame())


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
            if not again and (barer := uncovered(focus)) is not None:
                again = look_again(barer)
            nearer = closer(focus, (*found, *again), frame.size_wh)
            again = again if nearer is None else (*again, *look_again(nearer))
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
