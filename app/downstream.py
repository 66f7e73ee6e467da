"""What becomes of a frame once its people are found: their sides, their poses, their filters, and the sinks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .datatypes import Frame, Keypoints2D, LifterSpec, Pose3D, Result, Window
from .delay import DelayLine
from .geometry import to_screen
from .pinhole import plane_scale
from .posing import Draft, draft
from .posing import finish as finish_draft
from .stages import Lifter, Sink, Stages
from .timing import StageTimers
from .track import Track


@dataclass(frozen=True, slots=True)
class Sighting:
    """One person of one frame; the track itself goes on to later frames while this one waits."""

    track: Track
    keypoints: Keypoints2D


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame with its people, before they are lifted, and the milliseconds that its stages took so far."""

    frame: Frame
    people: tuple[Sighting, ...]
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Lifted:
    """A frame whose people wait for their filters, and the milliseconds that its stages took so far."""

    frame: Frame
    drafts: tuple[Draft, ...]
    timings_ms: Mapping[str, float]


class Downstream:
    """Takes frames with their people in order and makes results of them, in the same order.

    A frame waits up to three times for those that follow: until left and right are decided, until the lifter's window
    is full, and until the filters know enough. Each wait is as long as the stages of the first frame say.

    Args:
        stages: of the first frame. Later ones must not look further ahead, nor tell sides differently.
        sinks: take the results.
        timers: of the run.
    """

    def __init__(self, stages: Stages, sinks: Sequence[Sink], timers: StageTimers) -> None:
        self._sinks, self._timers = sinks, timers
        self._held: tuple[Seen, Stages] | None = None
        self._unsettled: DelayLine[Seen] = DelayLine(stages.sides_s)
        self._unlifted: DelayLine[Seen] = DelayLine(stages.lifter.spec.look_ahead_s)
        self._unsmoothed: DelayLine[_Lifted] = DelayLine(stages.smoothing_s)

    def hold(self, seen: Seen, stages: Stages) -> None:
        """Take the next frame, and do nothing yet. The one before must have been caught up with."""
        self._held = (seen, stages)

    def catch_up(self) -> None:
        """Send on the frame that is held, if one is, and what has waited for it."""
        if self._held is not None:
            held, self._held = self._held, None
            self._push(*held)

    def _push(self, seen: Seen, stages: Stages) -> None:
        time_s = seen.frame.stamp.time_s
        for person in seen.people:
            note_sides(person.track, person.keypoints, time_s)
        for ready in self._unsettled.push(time_s, seen):
            self._settle(ready, stages)

    def end(self, stages: Stages) -> None:
        """Send on all that waits: nothing follows, and the lifter is given the last frame again. What is pushed all the
        same comes after a hole."""
        try:
            self.catch_up()
            for seen in self._unsettled.rest():
                self._settle(seen, stages)
            for seen in self._unlifted.rest():
                self._lift(seen, stages)
        finally:
            for lifted in self._unsmoothed.rest():
                self._finish(lifted)

    def _settle(self, seen: Seen, stages: Stages) -> None:
        time_s, size_wh = seen.frame.stamp.time_s, seen.frame.size_wh
        if stages.sides_s:
            seen = replace(seen, people=tuple(_settled(person, time_s) for person in seen.people))
        for person in seen.people:
            push_joints(person.track, person.keypoints, time_s, size_wh)
        for ready in self._unlifted.push(time_s, seen):
            self._lift(ready, stages)

    def _lift(self, seen: Seen, stages: Stages) -> None:
        with self._timers.stage("lift"):
            drafts = _lift_people(seen, stages)
        lifted = _Lifted(seen.frame, drafts, {**seen.timings_ms, **self._timers.take_frame()})
        for ready in self._unsmoothed.push(seen.frame.stamp.time_s, lifted):
            self._finish(ready)

    def _finish(self, lifted: _Lifted) -> None:
        frame = lifted.frame
        with self._timers.stage("smooth"):
            people = tuple(finish_draft(draft, frame.stamp.time_s, frame.size_wh) for draft in lifted.drafts)
        timings_ms = {**lifted.timings_ms, **self._timers.take_frame()}
        result = Result(frame=frame, people=people, timings_ms=timings_ms)
        with self._timers.stage("write"):
            for sink in self._sinks:
                sink.write(result)


def note_sides(track: Track, keypoints: Keypoints2D, time_s: float) -> None:
    """Let a track know one frame's joints, by which it tells left from right of those before."""
    if track.sides is not None:
        track.sides.push(time_s, keypoints)


def _settled(person: Sighting, time_s: float) -> Sighting:
    keypoints = own_sides(person.track, person.keypoints, time_s)
    return person if keypoints is person.keypoints else replace(person, keypoints=keypoints)


def own_sides(track: Track, keypoints: Keypoints2D, time_s: float) -> Keypoints2D:
    """The joints of a frame that was noted, with left and right as they suit those before and after; as they are where
    the track does not look ahead."""
    return keypoints if track.sides is None else track.sides.at(time_s, keypoints)


def _lift_people(seen: Seen, stages: Stages) -> tuple[Draft, ...]:
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
