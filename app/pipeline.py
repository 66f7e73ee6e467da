"""One frame in, one result out: the whole program in a loop. No threads, windows, files or libraries in here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from .datatypes import Frame, Keypoints2D, LifterSpec, Person, Pose3D, Result, Window
from .geometry import to_screen
from .placement import place_root
from .remap import remap
from .timing import StageTimers
from .tracking import Track, Tracker


class Detector(Protocol):
    """Finds the 2D joints of the people in a picture. A context manager; used by one thread only."""

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        """People of the frame, in no particular order; empty when there is nobody."""
        ...

    def close(self) -> None:
        """Free what the detector holds."""
        ...


class Lifter(Protocol):
    """Lifts windows of 2D joints to 3D poses. Used by one thread only."""

    spec: LifterSpec

    def lift(self, windows: Sequence[Window]) -> tuple[Pose3D, ...]:
        """One pose a window, of the window's last frame, as one batch."""
        ...


class Sink(Protocol):
    """Takes results: a file, a video, a viewer."""

    def write(self, result: Result) -> None:
        """Take one result; results come in order."""
        ...

    def close(self) -> None:
        """Finish what was written so far so that it is complete and valid."""
        ...


@dataclass(frozen=True)
class Stages:
    """The three stages between a frame and its result."""

    detector: Detector
    tracker: Tracker
    lifter: Lifter

    def close(self) -> None:
        """Free the detector."""
        self.detector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(frames: Iterable[Frame], stages: Stages, sinks: Sequence[Sink], timers: StageTimers) -> None:
    """Process frames until they end.

    Every frame becomes a result, also when nobody is in it, so that a viewer goes on showing the picture and a file
    knows every frame.
    """
    for frame in frames:
        with timers.stage("detect"):
            found = stages.detector.detect(frame)
        with timers.stage("track"):
            tracks = stages.tracker.update([remap(keypoints) for keypoints in found], frame.stamp)
        with timers.stage("lift"):
            people = lift_people(tracks, stages.lifter, frame)
        result = Result(frame=frame, people=people, timings_ms=timers.take_frame())
        with timers.stage("write"):
            for sink in sinks:
                sink.write(result)


def lift_people(tracks: Sequence[Track], lifter: Lifter, frame: Frame) -> tuple[Person, ...]:
    """Lift, smooth and place everybody in the frame; one batch through the lifter."""
    if not tracks:
        return ()
    time_s = frame.stamp.time_s
    windows = [push_window(track, track.keypoints, time_s, frame.size_wh) for track in tracks]
    people = []
    for track, window, lifted in zip(tracks, windows, lifter.lift(windows), strict=True):
        pose = smooth_pose(track, track.keypoints, lifted, time_s)
        root_m = place_root(pose.xyz_m, window.xy[-1], window.confidence[-1])
        if root_m is not None:
            root_m = track.root_smoother(time_s, root_m)
        people.append(Person(track_id=track.track_id, keypoints=track.keypoints, pose=pose, root_m=root_m))
    return tuple(people)


def push_window(track: Track, keypoints: Keypoints2D, time_s: float, size_wh: tuple[int, int]) -> Window:
    """Add one frame's joints to a track's window and return what the lifter shall see."""
    return track.window.push(time_s, to_screen(keypoints.xy_px, size_wh), keypoints.confidence)


def smooth_pose(track: Track, keypoints: Keypoints2D, lifted: Pose3D, time_s: float) -> Pose3D:
    """Filter a lifted pose; a joint that is not in the 2D is unknown in 3D."""
    unknown = np.isnan(keypoints.xy_px).any(axis=-1, keepdims=True)
    xyz_m = track.smoother(time_s, np.where(unknown, np.float32(np.nan), lifted.xyz_m))
    return Pose3D(xyz_m=xyz_m, confidence=lifted.confidence)
