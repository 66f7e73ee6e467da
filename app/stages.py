"""What a frame goes through: detector, tracker, lifter and sinks, as the pipeline knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, Self, TypeGuard, runtime_checkable

from .datatypes import Detections, Frame, Keypoints2D, LifterSpec, Pose3D, Result, Window
from .focus import Focus
from .pinhole import DEFAULT_FOV_DEG
from .tracking import Tracker


class Detector(Protocol):
    """Finds the 2D joints of the people in a picture. Used by one thread only."""

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


@dataclass(frozen=True)
class Stages:
    """What stands between a frame and its result.

    Attributes:
        detector: finds people.
        tracker: says who is who.
        lifter: makes poses of their joints.
        fov_deg: field of view of the camera along the longer side of the picture, which nobody measures.
        sides_s: how far the tracker's tracks look ahead to tell left from right.
        smoothing_s: how far their filters look ahead after that.
        recorder: keeps what the detector saw, if anybody does.
        ghost: a second lifter to compare with.
    """

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
