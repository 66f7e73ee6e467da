"""Where each person stands in the room: camera axes in, room axes out. The one place that turns one into the other.

Camera: x right, y down, z away. Room: x right, y up, z towards the viewer; the floor is y = 0. numpy only.

Whose feet are seen stands on the floor. Whose feet are not seen keeps their height: by the pelvis, or where that is a
guess too, as of a speaker behind a desk, by the base of the neck. Otherwise the whole body would bob with every guess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Float32Array
from ..datatypes import Person, Pose3D
from ..skeleton import H36M17
from ..smoothing import OneEuro, OneEuroParameters
from .figure import JOINT_RADIUS_M
from .solids import floats
from .visibility import ANKLES, KNEES, are_feet_seen, are_hips_seen, are_legs_hidden, is_seen

_PLACE_SMOOTHING = OneEuroParameters(min_cutoff_hz=0.7, beta_per_m=1.5)
"""A place in the room is a guess that jitters along the line of sight; it is smoothed harder than the pose."""

ROOM_HALF_WIDTH_M = 1.9
ROOM_HALF_DEPTH_M = 1.3
_PELVIS_HEIGHT_M = 0.92
"""Of an average adult, for people whose feet are not known."""
_TRUNK_M = 0.5
"""The same, for people whose hips are not known either."""

_GROUND_TIME_CONSTANT_S = 0.3
_CALM_M = 0.06
"""By so much hips go up and down in a walk. Who is so far above the ground, or further, comes down faster."""

_LANDING_S = 1.0
"""After feet come into sight, for which the way to the ground is calm also upwards."""

_GLIMPSE_S = 0.3
"""Feet that were not seen for no longer than this were in sight all the same."""

_HOLD_TIME_CONSTANT_S = 2.0
"""A height that is only held goes back to the usual one as slowly as this."""

_SIGHT_TIME_CONSTANT_S = 0.2
"""Confidence jumps from frame to frame; what is drawn by it does not flicker."""

_FORGET_AFTER_S = 5.0
_CAMERA_TO_ROOM = floats([1, -1, -1])
MIRROR = floats([-1, 1, 1])
"""Swaps left and right in room axes."""

_PELVIS, _NECK = H36M17.index("pelvis"), H36M17.index("thorax")
_LEGS = [*KNEES, *ANKLES]


@dataclass(frozen=True, slots=True)
class StandingPerson:
    """A person in the room.

    Attributes:
        track_id: of the person.
        joints_m: (17, 3) room axes, metres; NaN where unknown.
        root_m: (3,) where the pelvis is, known or not: joints are measured from it.
        confidence: (17,) in [0, 1], steadied over time.
        seen: (17,) in [0, 1]: 0 for a joint that is a mere guess, such as a foot out of the picture.
        ghost_m: (17, 3) the second lifter's joints in the same place, or None.
    """

    track_id: int
    joints_m: Float32Array
    root_m: Float32Array
    confidence: Float32Array
    seen: Float32Array
    ghost_m: Float32Array | None = None


@dataclass(slots=True)
class _Place:
    """What is remembered about a person from frame to frame."""

    calm: OneEuro = field(default_factory=lambda: OneEuro(_PLACE_SMOOTHING))
    reference_depth_m: float | None = None
    x_m: float = 0.0
    z_m: float = 0.0
    pelvis_height_m: float | None = None
    usual_height_m: float = _PELVIS_HEIGHT_M
    is_on_ground: bool = False
    landed_s: float = -math.inf
    ground_s: float = -math.inf
    held_joint: int = _PELVIS
    held_height_m: float = 0.0
    confidence: Float32Array | None = None
    hidden_legs: float = 0.0
    seen_s: float = 0.0


class Standing:
    """Stands people on the floor, at the place in the room that their estimated position says.

    Args:
        mirror: swap picture-left and picture-right, as a mirrored picture does.
        in_room: calm places as they come, and squeeze them into the room; else they are taken as they are.
    """

    def __init__(self, *, mirror: bool = False, in_room: bool = True) -> None:
        self._to_room = _CAMERA_TO_ROOM * floats([-1 if mirror else 1, 1, 1])
        self._in_room = in_room
        self._places: dict[int, _Place] = {}
        self._time_s = 0.0

    def set_mirror(self, *, mirror: bool) -> None:
        """Mirror the room from now on, or do not; everybody keeps their place."""
        was_mirrored = bool(self._to_room[0] < 0)
        if mirror != was_mirrored:
            self._to_room = self._to_room * MIRROR
            for place in self._places.values():
                place.x_m = -place.x_m

    def forget(self) -> None:
        """Begin anew: nobody was anywhere."""
        self._places.clear()

    def update(self, people: Sequence[Person], time_s: float) -> tuple[StandingPerson, ...]:
        """Place the people of one frame; those without a lifted pose have no place.

        Args:
            people: of one frame.
            time_s: of that frame; on one clock.
        """
        step_s, self._time_s = max(0.0, time_s - self._time_s), time_s
        self._places = {
            track_id: place
            for track_id, place in self._places.items()
            if time_s - place.seen_s < _FORGET_AFTER_S or not self._in_room
        }
        return tuple(self._stand(person, person.pose, step_s) for person in people if person.pose is not None)

    def _stand(self, person: Person, pose: Pose3D, step_s: float) -> StandingPerson:
        place = self._places.setdefault(person.track_id, _Place())
        place.seen_s = self._time_s
        joints_m = pose.xyz_m * self._to_room
        self._move(place, person.root_m)
        place.pelvis_height_m = height_m = self._rise(place, joints_m, pose.confidence, step_s)
        confidence, seen = _sight(place, pose.confidence, step_s)
        root_m = floats([place.x_m, height_m, place.z_m])
        joints_m = joints_m + root_m
        # Guessed legs may be longer than the person is high; none goes through the floor.
        lowest_m = np.where(seen[_LEGS] < 1, JOINT_RADIUS_M["ankle"], -np.inf)
        joints_m[_LEGS, 1] = np.maximum(joints_m[_LEGS, 1], lowest_m)
        ghost_m = None if person.ghost is None else person.ghost.xyz_m * self._to_room + root_m
        return StandingPerson(person.track_id, joints_m, root_m, confidence, seen, ghost_m)

    def _rise(self, place: _Place, joints_m: Float32Array, confidence: Float32Array, step_s: float) -> float:
        """Find the pelvis's height: by the feet, or by what keeps still where they are not seen."""
        lowest_m = _lowest(joints_m, confidence)
        if lowest_m is not None:
            if place.pelvis_height_m is not None and self._time_s - place.ground_s > _GLIMPSE_S:
                place.landed_s = self._time_s
            place.ground_s = self._time_s
            is_landing = self._time_s - place.landed_s < _LANDING_S
            wanted_m = JOINT_RADIUS_M["ankle"] - lowest_m
            place.usual_height_m = _settle(place.pelvis_height_m, wanted_m, step_s, is_calm=is_landing)
            place.is_on_ground = True
            return place.usual_height_m
        height_m = place.usual_height_m if place.pelvis_height_m is None else place.pelvis_height_m
        joint = _PELVIS if are_hips_seen(confidence) or not np.isfinite(joints_m[_NECK]).all() else _NECK
        if place.pelvis_height_m is None or place.is_on_ground or joint != place.held_joint:
            place.held_joint, place.held_height_m = joint, height_m + _height_of(joint, joints_m)
        # The trunk's own length: how far a guessed pelvis is below the neck says nothing.
        trunk_m = float(np.linalg.norm(joints_m[_NECK] - joints_m[_PELVIS])) if joint == _NECK else 0.0
        trunk_m = trunk_m if math.isfinite(trunk_m) else _TRUNK_M
        usual_m = place.usual_height_m + trunk_m
        place.held_height_m = _eased(place.held_height_m, usual_m, step_s, _HOLD_TIME_CONSTANT_S)
        place.is_on_ground = False
        return place.held_height_m - _height_of(joint, joints_m)

    def _move(self, place: _Place, root_m: Float32Array | None) -> None:
        """Follow the estimated position; without one, stay."""
        if root_m is None or not np.isfinite(root_m).all():
            return
        if self._in_room:
            root_m = place.calm(self._time_s, root_m)
        depth_m = float(root_m[2])
        if place.reference_depth_m is None:
            # A newcomer is measured against those who are there already, so that who is nearer stays nearer.
            known = [p.reference_depth_m for p in self._places.values() if p.reference_depth_m is not None]
            place.reference_depth_m = known[0] if known else depth_m
        x_m, z_m = float(root_m[0]) * float(self._to_room[0]), place.reference_depth_m - depth_m
        place.x_m = _within(x_m, ROOM_HALF_WIDTH_M) if self._in_room else x_m
        place.z_m = _within(z_m, ROOM_HALF_DEPTH_M) if self._in_room else z_m


def _within(value_m: float, limit_m: float) -> float:
    """Squeeze a distance softly into a limit: true in the middle of the room, never beyond its walls."""
    return limit_m * math.tanh(value_m / limit_m)


def _sight(place: _Place, confidence: Float32Array, step_s: float) -> tuple[Float32Array, Float32Array]:
    """Confidence, and how little of a guess each joint is, both (17,) and steadied over time."""
    is_hidden = float(are_legs_hidden(confidence))
    if place.confidence is None:
        place.confidence, place.hidden_legs = confidence, is_hidden
    else:
        share = 1 - math.exp(-step_s / _SIGHT_TIME_CONSTANT_S)
        place.confidence = (place.confidence + (confidence - place.confidence) * share).astype(np.float32)
        place.hidden_legs += (is_hidden - place.hidden_legs) * share
    seen = is_seen(place.confidence)
    seen[_LEGS] = np.minimum(seen[_LEGS], 1 - place.hidden_legs)
    return place.confidence, seen


def _lowest(joints_m: Float32Array, confidence: Float32Array) -> float | None:
    """How far below the pelvis the ground is; None where no foot is seen."""
    known = np.isfinite(joints_m).all(axis=-1) & (is_seen(confidence) == 1)
    if not are_feet_seen(np.where(known, confidence, 0).astype(np.float32)):
        return None
    return float(joints_m[known, 1].min())


def _height_of(joint: int, joints_m: Float32Array) -> float:
    """Above the pelvis; 0 for one that is not known."""
    height_m = float(joints_m[joint, 1])
    return height_m if math.isfinite(height_m) else 0.0


def _settle(height_m: float | None, wanted_m: float, step_s: float, *, is_calm: bool) -> float:
    """Follow the wanted height slowly downwards, so that steps do not bounce, but the faster the further it is, so that
    who drops into a crouch does not hover; and at once upwards, so that no foot goes through the floor; calmly both
    ways just after the feet came into sight."""
    if height_m is None or (wanted_m >= height_m and not is_calm):
        return wanted_m
    haste = 0.0 if is_calm else ((height_m - wanted_m) / _CALM_M) ** 2
    return _eased(height_m, wanted_m, step_s, _GROUND_TIME_CONSTANT_S / (1 + haste))


def _eased(value: float, wanted: float, step_s: float, time_constant_s: float) -> float:
    return wanted + (value - wanted) * math.exp(-step_s / time_constant_s)
