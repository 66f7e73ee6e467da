"""What a camera of the room sees, and the view that suits some points: pure functions. numpy only."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Float32Array, FloatArray
from .solids import floats

FIELD_OF_VIEW_DEG = 35.0
_TAN_HALF = math.tan(math.radians(FIELD_OF_VIEW_DEG / 2))

FRONT_YAW_DEG, FRONT_PITCH_DEG = 14.0, 9.0
"""A little from the side and from above: depth can be seen, and everybody stays on their side of the picture."""

STANDING_HALF_HEIGHT_M = 1.14
_TARGET_HEIGHT_SHARE = 0.76
"""Look a little below the middle of a standing person, who then fills about 70 % of the height."""

_TOP_TARGET_HEIGHT_M = 0.75
_SIDE_MARGIN_M = 0.42
_TOP_MARGIN_M = 0.16
_EDGE_MARGIN_M = 0.2
_TALL_MARGIN_M = 0.1
_FILLED_SHARE = 0.9
_MOST_STEPS_BACK = 8

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class View:
    """A camera of the room.

    Attributes:
        target_m: (x, y, z) that it looks at, room axes.
        half_height_m: half of what is seen at the target, from top to bottom.
        yaw_deg: how far around the room it stands: 0 in front, 90 at the right, 180 behind.
        pitch_deg: how far above the target: 0 level, 90 straight above.
    """

    target_m: Vector
    half_height_m: float
    yaw_deg: float = FRONT_YAW_DEG
    pitch_deg: float = FRONT_PITCH_DEG

    @property
    def front(self) -> Vector:
        """Unit vector from the target to the camera."""
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        return math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)

    @property
    def up(self) -> Vector:
        """Unit vector upwards in the picture, square to ``front``: Open3D reports a wrong camera for any other."""
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        return -math.sin(yaw) * math.sin(pitch), math.cos(pitch), -math.cos(yaw) * math.sin(pitch)

    @property
    def right(self) -> Vector:
        """Unit vector to the right in the picture; always level."""
        yaw = math.radians(self.yaw_deg)
        return math.cos(yaw), 0.0, -math.sin(yaw)

    @property
    def distance_m(self) -> float:
        """From the target to the camera."""
        return self.half_height_m / _TAN_HALF

    def seen_at(self, points_m: Float32Array) -> Float32Array:
        """Where points are in the picture.

        Args:
            points_m: (N, 3) room axes.

        Returns:
            (N, 2): right and up, where 1 is half the height of the picture; NaN for points behind the camera.
        """
        offset_m = points_m - floats(self.target_m)
        depth_m = self.distance_m - offset_m @ floats(self.front)
        across_m = np.stack([offset_m @ floats(self.right), offset_m @ floats(self.up)], axis=-1)
        scale_m = np.where(depth_m > 0, depth_m * _TAN_HALF, np.nan)
        return (across_m / scale_m[:, None]).astype(np.float32)

    def moved_sideways(self, distance_m: float) -> View:
        """The same view from further right."""
        return replace(self, target_m=_moved(self.target_m, self.right, distance_m))

    def moved_upwards(self, distance_m: float) -> View:
        """The same view from further up in the picture."""
        return replace(self, target_m=_moved(self.target_m, self.up, distance_m))


def _moved(target_m: Vector, way: Vector, distance_m: float) -> Vector:
    x, y, z = (start_m + distance_m * share for start_m, share in zip(target_m, way, strict=True))
    return x, y, z


def target_height_m(half_height_m: float, pitch_deg: float) -> float:
    """How high to look: the floor lies low in the picture, unless it is seen from above and fills it."""
    level = math.cos(math.radians(pitch_deg))
    return level * half_height_m * _TARGET_HEIGHT_SHARE + (1 - level) * _TOP_TARGET_HEIGHT_M


def fitting(points_m: Float32Array, aspect: float, *, yaw_deg: float, pitch_deg: float, least_m: float) -> View:
    """The closest view from one side that shows points (N, 3), with a margin, and is not closer than ``least_m``.

    Args:
        points_m: at least one; room axes.
        aspect: width over height of the picture.
        yaw_deg: of the view.
        pitch_deg: of the view.
        least_m: the smallest half height.
    """
    axes = View((0.0, 0.0, 0.0), 1.0, yaw_deg, pitch_deg)
    across, away = points_m @ floats(axes.right), points_m[:, [0, 2]] @ floats([axes.right[2], -axes.right[0]])
    across_m, away_m = float(across.min() + across.max()) / 2, float(away.min() + away.max()) / 2
    middle_x = across_m * axes.right[0] + away_m * axes.right[2]
    middle_z = across_m * axes.right[2] - away_m * axes.right[0]
    half_height_m = max(least_m, (float(np.ptp(across)) / 2 + _SIDE_MARGIN_M) / aspect)
    level = math.cos(math.radians(pitch_deg))
    tall_m = (float(points_m[:, 1].max()) + _TOP_MARGIN_M) / (1 + _TARGET_HEIGHT_SHARE)
    deep_m = float(np.ptp(away)) / 2 + _SIDE_MARGIN_M
    half_height_m = max(half_height_m, level * tall_m, (1 - level) * deep_m)
    view = View((middle_x, target_height_m(half_height_m, pitch_deg), middle_z), half_height_m, yaw_deg, pitch_deg)
    # Whoever is nearer to the camera than the target is larger, and reaches further down and up: look lower or higher,
    # or step back.
    for _ in range(_MOST_STEPS_BACK):
        seen = view.seen_at(points_m) / floats([aspect, 1])
        lowest, highest = float(np.nanmin(seen[:, 1])), float(np.nanmax(seen[:, 1]))
        excess = max(float(np.nanmax(np.abs(seen[:, 0]))), (highest - lowest) / 2) / _FILLED_SHARE
        beyond = min(0.0, lowest + _FILLED_SHARE) or max(0.0, highest - _FILLED_SHARE)
        if excess > 1:
            half_height_m = view.half_height_m * excess
            view = View(
                (middle_x, target_height_m(half_height_m, pitch_deg), middle_z), half_height_m, yaw_deg, pitch_deg
            )
        elif beyond:
            x, y, z = view.target_m
            view = replace(view, target_m=(x, y + beyond * view.half_height_m, z))
        else:
            break
    return view


def kept_inside(view: View, points_m: Float32Array, aspect: float) -> View:
    """The view, shifted where somebody would leave it faster than it follows, and wider where they are too tall."""
    offset_m = points_m - floats(view.target_m)
    across_m, upwards_m = offset_m @ floats(view.right), offset_m @ floats(view.up)
    # Whoever is nearer to the camera than the target leaves the picture sooner.
    tall_m = np.maximum(view.distance_m - offset_m @ floats(view.front), 0) * _TAN_HALF - _TALL_MARGIN_M
    # Further away, everybody has as much more room as the target has.
    lacking_m = max(0.0, float((upwards_m - tall_m).max() - (upwards_m + tall_m).min()) / 2)
    view, tall_m = replace(view, half_height_m=view.half_height_m + lacking_m), tall_m + lacking_m
    reach_m = view.half_height_m * aspect - _EDGE_MARGIN_M
    return view.moved_upwards(_shift_m(upwards_m, tall_m)).moved_sideways(_shift_m(across_m, reach_m))


def _shift_m(points_m: FloatArray, reach_m: FloatArray | float) -> float:
    """The smallest shift that has all points within reach; none where that cannot be: let the view widen."""
    first_m, last_m = float((points_m - reach_m).max()), float((points_m + reach_m).min())
    return min(max(0.0, first_m), last_m) if first_m <= last_m + 1e-6 else 0.0


def mixed(first: View, second: View, share: float) -> View:
    """A view between two, ``share`` of the way, turning the shorter way round."""
    turn_deg = (second.yaw_deg - first.yaw_deg + 180) % 360 - 180
    x, y, z = (a + (b - a) * share for a, b in zip(first.target_m, second.target_m, strict=True))
    return View(
        (x, y, z),
        first.half_height_m + (second.half_height_m - first.half_height_m) * share,
        first.yaw_deg + turn_deg * share,
        first.pitch_deg + (second.pitch_deg - first.pitch_deg) * share,
    )
