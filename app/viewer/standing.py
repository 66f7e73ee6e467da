"""Where each person stands in the room: camera axes in, room axes out. The one place that turns one into the other.

Camera: x right, y down, z away. Room: x right, y up, z towards the viewer; the floor is y = 0. numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..datatypes import Float32Array, Person
from ..skeleton import H36M17
from .figure import JOINT_RADIUS_M
from .solids import floats

ROOM_HALF_WIDTH_M = 1.9
ROOM_HALF_DEPTH_M = 1.3
_PELVIS_HEIGHT_M = 0.92
"""Of an average adult, for people whose feet are not known."""

_GROUND_TIME_CONSTANT_S = 0.3
_FORGET_AFTER_S = 5.0
_CAMERA_TO_ROOM = floats([1, -1, -1])
_ANKLES = [H36M17.index("left_ankle"), H36M17.index("right_ankle")]


@dataclass(frozen=True, slots=True)
class StandingPerson:
    """A person in the room.

    Attributes:
        track_id: of the person.
        joints_m: (17, 3) room axes, metres; NaN where unknown.
        confidence: (17,) in [0, 1].
    """

    track_id: int
    joints_m: Float32Array
    confidence: Float32Array


@dataclass(slots=True)
class _Place:
    """What is remembered about a person from frame to frame."""

    reference_depth_m: float | None = None
    x_m: float = 0.0
    z_m: float = 0.0
    pelvis_height_m: float | None = None
    seen_s: float = 0.0


class Standing:
    """Stands people on the floor, at the place in the room that their estimated position says.

    Args:
        mirror: swap picture-left and picture-right, as a mirrored picture does.
    """

    def __init__(self, *, mirror: bool = False) -> None:
        self._to_room = _CAMERA_TO_ROOM * floats([-1 if mirror else 1, 1, 1])
        self._places: dict[int, _Place] = {}
        self._time_s = 0.0

    def update(self, people: Sequence[Person], time_s: float) -> tuple[StandingPerson, ...]:
        """Place the people of one frame; those without a lifted pose have no place.

        Args:
            people: of one frame.
            time_s: of that frame; on one clock.
        """
        step_s, self._time_s = max(0.0, time_s - self._time_s), time_s
        self._places = {
            track_id: place for track_id, place in self._places.items() if time_s - place.seen_s < _FORGET_AFTER_S
        }
        return tuple(self._stand(person, step_s) for person in people if person.pose is not None)

    def _stand(self, person: Person, step_s: float) -> StandingPerson:
        assert person.pose is not None
        place = self._places.setdefault(person.track_id, _Place())
        place.seen_s = self._time_s
        joints_m = person.pose.xyz_m * self._to_room
        self._move(place, person.root_m)
        place.pelvis_height_m = _settle(place.pelvis_height_m, _pelvis_height(joints_m), step_s)
        root_m = floats([place.x_m, place.pelvis_height_m, place.z_m])
        return StandingPerson(person.track_id, joints_m + root_m, person.pose.confidence)

    def _move(self, place: _Place, root_m: Float32Array | None) -> None:
        """Follow the estimated position; without one, stay."""
        if root_m is None or not np.isfinite(root_m).all():
            return
        depth_m = float(root_m[2])
        if place.reference_depth_m is None:
            # A newcomer is measured against those who are there already, so that who is nearer stays nearer.
            known = [p.reference_depth_m for p in self._places.values() if p.reference_depth_m is not None]
            place.reference_depth_m = known[0] if known else depth_m
        place.x_m = _within(float(root_m[0]) * float(self._to_room[0]), ROOM_HALF_WIDTH_M)
        place.z_m = _within(place.reference_depth_m - depth_m, ROOM_HALF_DEPTH_M)


def _within(value_m: float, limit_m: float) -> float:
    """Squeeze a distance softly into a limit: true in the middle of the room, never beyond its walls."""
    return limit_m * math.tanh(value_m / limit_m)


def _pelvis_height(joints_m: Float32Array) -> float:
    """How high the pelvis is when the lowest joint touches the floor."""
    if not np.isfinite(joints_m[_ANKLES]).all(axis=-1).any():
        return _PELVIS_HEIGHT_M
    return JOINT_RADIUS_M["ankle"] - float(np.nanmin(joints_m[:, 1]))


def _settle(height_m: float | None, wanted_m: float, step_s: float) -> float:
    """Follow the wanted height slowly downwards, so that steps do not bounce, and at once upwards, so that no foot
    goes through the floor."""
    if height_m is None or wanted_m >= height_m:
        return wanted_m
    return wanted_m + (height_m - wanted_m) * math.exp(-step_s / _GROUND_TIME_CONSTANT_S)
