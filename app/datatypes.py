"""The data that flows from stage to stage: small frozen dataclasses whose arrays are checked and read-only.

J joints, T frames. Left and right are the person's own. numpy and the standard library only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .arrays import Float32Array, ImageArray
from .pinhole import plane_scale
from .skeleton import H36M17, Skeleton

MAX_PIXELS = 8192 * 8192
"""Of a picture: twice 8K. A damaged header may claim 65535x65535, which would be 13 GB."""

_FLOAT32, _UINT8 = np.dtype(np.float32), np.dtype(np.uint8)


def _freeze(owner: object, name: str, shape: tuple[int | None, ...], dtype: np.dtype[Any] = _FLOAT32) -> None:
    """Check the shape and type of an array attribute, then make it a read-only view, where it is not one already."""
    array = getattr(owner, name)
    if not (isinstance(array, np.ndarray) and array.dtype == dtype and _fits(array.shape, shape)):
        want = "(" + ", ".join("*" if size is None else str(size) for size in shape) + ")"
        have = f"{array.shape} {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{type(owner).__name__}.{name}: expected {want} {dtype.name}, got {have}")
    if array.flags.writeable:
        view = array.view()
        view.flags.writeable = False
        object.__setattr__(owner, name, view)


def _fits(have: tuple[int, ...], want: tuple[int | None, ...]) -> bool:
    return have == want or (
        len(have) == len(want) and all(size in (None, side) for size, side in zip(want, have, strict=True))
    )


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a frame was taken.

    Attributes:
        index: position at the source, consecutive there: a gap means dropped frames.
        time_s: strictly increasing seconds on the source's clock: monotonic clock right after the grab for a camera,
            media time for a file.
        grabbed_s: monotonic clock when the picture reached the program, for the age of results.
    """

    index: int
    time_s: float
    grabbed_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture.

    Attributes:
        image_bgr: (H, W, 3) uint8.
        stamp: when it was taken.
        detections: whom a detector saw in it when it was recorded; None where one has still to look.
        in_use: what the run used that recorded it; None where it is not a recorded session's.
        is_recorded: True for a picture that stands in for the camera's while it is away.
        is_last: True where the recorded session that it is from has no frame after it.
    """

    image_bgr: ImageArray
    stamp: Stamp
    detections: Detections | None = None
    in_use: InUse | None = None
    is_recorded: bool = False
    is_last: bool = False
    _prepared: ImageArray | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _freeze(self, "image_bgr", (None, None, 3), _UINT8)

    def prepare(self, convert: Callable[[ImageArray], ImageArray]) -> None:
        """Leave with the frame what a conversion makes of its picture, for who needs it next (``colors``)."""
        object.__setattr__(self, "_prepared", convert(self.image_bgr))
        _freeze(self, "_prepared", self.image_bgr.shape, _UINT8)

    def take_prepared(self) -> ImageArray | None:
        """(H, W, 3) uint8, what was left; once only, for frames wait for their filters, and it is as large as they."""
        prepared = self._prepared
        object.__setattr__(self, "_prepared", None)
        return prepared

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.image_bgr.shape[:2]
        return width, height


@dataclass(frozen=True, slots=True)
class InUse:
    """What a run uses that can be changed while it goes on, as the user calls it.

    Attributes:
        detector: finds the people.
        lifter: lifts them.
        smooth: preset of the filters.
    """

    detector: str
    lifter: str
    smooth: str


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints2D:
    """The 2D joints of one person. Equal to itself only, so that what is found out about it can be remembered.

    Attributes:
        xy_px: (J, 2) float32 pixels, origin top-left, y down; NaN where a joint is not known.
        confidence: (J,) float32 in [0, 1]; 0 where a joint is not known.
        skeleton: names the J joints.
        world_xyz_m: (J, 3) float32 metres, the detector's own guess at the same joints in 3D: axes as in ``Pose3D``,
            origin between the hips; NaN where a joint is not known. None from detectors that see in 2D only.
        detected: the same person as the detector gave them, where left and right were exchanged since; None where
            these are the detector's own.
    """

    xy_px: Float32Array
    confidence: Float32Array
    skeleton: Skeleton = H36M17
    world_xyz_m: Float32Array | None = None
    detected: Keypoints2D | None = None

    def __post_init__(self) -> None:
        _freeze(self, "xy_px", (self.skeleton.num_joints, 2))
        _freeze(self, "confidence", (self.skeleton.num_joints,))
        if self.world_xyz_m is not None:
            _freeze(self, "world_xyz_m", (self.skeleton.num_joints, 3))

    @property
    def as_detected(self) -> Keypoints2D:
        """With left and right as the detector gave them."""
        return self if self.detected is None else self.detected


@dataclass(frozen=True, slots=True)
class Detections:
    """Everybody whom a detector saw in one frame, followed or not, as H36M-17 joints.

    Attributes:
        found: in no particular order, but the detector's: who is matched with whom may depend on it.
        again: whom a second look found, where one was needed.
        is_taken_back: the first of ``again`` is somebody who is followed, the second is who had taken their place and
            is found too. Older sessions, of one person, have the first alone.
        hand_over: the next person was asked for just before this frame.
    """

    found: tuple[Keypoints2D, ...]
    again: tuple[Keypoints2D, ...] = ()
    is_taken_back: bool = False
    hand_over: bool = False


@dataclass(frozen=True, slots=True)
class Pose3D:
    """The 3D joints of one person.

    Attributes:
        xyz_m: (17, 3) float32 metres, at the scale of an average adult where nobody said how tall the person is, pelvis
            at the origin, camera axes: x right, y down, z away from the camera; NaN where unknown.
        confidence: (17,) float32 in [0, 1], of the 2D joint that each was lifted from.
    """

    xyz_m: Float32Array
    confidence: Float32Array

    def __post_init__(self) -> None:
        _freeze(self, "xyz_m", (H36M17.num_joints, 3))
        _freeze(self, "confidence", (H36M17.num_joints,))


@dataclass(frozen=True, slots=True)
class Window:
    """What a lifter sees of one person.

    Attributes:
        xy: (T, 17, 2) float32 screen units (``geometry.to_screen``), oldest first, without NaN.
        confidence: (T, 17) float32.
        target: position in the window of the frame that is lifted; the last one unless the lifter looks ahead.
        plane_scale: brings ``xy`` onto the plane at distance 1 from the camera (``pinhole.plane_scale``).
        world_xyz_m: (17, 3) float32 the detector's own 3D of that frame (``Keypoints2D``), or None.
    """

    xy: Float32Array
    confidence: Float32Array
    target: int = -1
    plane_scale: float = plane_scale((1, 1))
    world_xyz_m: Float32Array | None = None

    def __post_init__(self) -> None:
        _freeze(self, "xy", (None, H36M17.num_joints, 2))
        _freeze(self, "confidence", (len(self.xy), H36M17.num_joints))
        if self.world_xyz_m is not None:
            _freeze(self, "world_xyz_m", (H36M17.num_joints, 3))


@dataclass(frozen=True, slots=True)
class LifterSpec:
    """What a lifter needs, as its model file states it.

    Attributes:
        name: of the architecture, such as ``semgcn``.
        num_frames: T, frames in its window.
        rate_hz: frames a second in the window.
        look_ahead: frames of the window that come after the one it lifts; 0 for a causal lifter.
    """

    name: str
    num_frames: int
    rate_hz: float
    look_ahead: int = 0

    @property
    def look_ahead_s(self) -> float:
        """How much later than its picture a pose can be known, in seconds."""
        return self.look_ahead / self.rate_hz


@dataclass(frozen=True, slots=True)
class Person:
    """One person of one frame, as far as the pipeline has come with them.

    Attributes:
        track_id: stays the same for as long as the person is followed; counts up from 0.
        keypoints: H36M-17 joints in the picture.
        pose: lifted joints, or None where the person could not be lifted.
        root_m: (3,) float32 estimated position of the pelvis in camera axes, metres, from this frame alone and an
            assumed field of view and body size; None where the person could not be placed. No measurement.
        reprojection_px: mean distance in the picture between the joints of the pose, where it best fits, and those that
            the detector is sure of; None where the person could not be placed.
        ghost: what a second lifter makes of the same joints, for comparison; None without one.
    """

    track_id: int
    keypoints: Keypoints2D
    pose: Pose3D | None = None
    root_m: Float32Array | None = None
    reprojection_px: float | None = None
    ghost: Pose3D | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Everything known about one frame. Made for every frame, also when nobody is in the picture.

    Attributes:
        frame: the picture and its stamp.
        people: zero or more persons.
        timings_ms: wall time by stage.
    """

    frame: Frame
    people: tuple[Person, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)
