"""Where the camera of the room looks: a first view, and one that follows the people. numpy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..datatypes import Float32Array
from .standing import StandingPerson

FIELD_OF_VIEW_DEG = 35.0
_YAW_DEG, _PITCH_DEG = 14.0, 9.0
"""A little from the side and from above: depth can be seen, and everybody stays on their side of the picture."""

_STANDING_HALF_HEIGHT_M = 1.14
_TARGET_HEIGHT_SHARE = 0.76
"""Look a little below the middle of a standing person, who then fills about 70 % of the height."""

_SIDE_MARGIN_M = 0.42
_TOP_MARGIN_M = 0.16
_EDGE_MARGIN_M = 0.2
_WIDEN_TIME_CONSTANT_S, _NARROW_TIME_CONSTANT_S = 0.3, 1.2
"""Quick to let somebody into the picture, slow to come closer again."""


@dataclass(frozen=True, slots=True)
class View:
    """A camera of the room.

    Attributes:
        target_m: (x, y, z) that it looks at, room axes.
        half_height_m: half of what is seen at the target, from top to bottom.
    """

    target_m: tuple[float, float, float]
    half_height_m: float

    @property
    def front(self) -> tuple[float, float, float]:
        """Unit vector from the target to the camera."""
        yaw, pitch = math.radians(_YAW_DEG), math.radians(_PITCH_DEG)
        return math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)

    @property
    def up(self) -> tuple[float, float, float]:
        """Unit vector upwards in the picture, square to ``front``: Open3D reports a wrong camera for any other."""
        yaw, pitch = math.radians(_YAW_DEG), math.radians(_PITCH_DEG)
        return -math.sin(yaw) * math.sin(pitch), math.cos(pitch), -math.cos(yaw) * math.sin(pitch)


FIRST_VIEW = View((0.0, _STANDING_HALF_HEIGHT_M * _TARGET_HEIGHT_SHARE, 0.0), _STANDING_HALF_HEIGHT_M)
"""A standing person in the middle of the room fills about 70 % of the height."""

WINDOW_VIEW = View((-0.5, 1.3 * _TARGET_HEIGHT_SHARE, 0.0), 1.3)
"""The middle of the room is right of the window's middle, since the camera picture takes the upper left."""


class Framing:
    """A camera that keeps everybody in the picture and moves as calmly as a good operator.

    Args:
        aspect: width over height of the picture.
    """

    def __init__(self, aspect: float) -> None:
        self._aspect = aspect
        self._view: View | None = None
        self._shown: frozenset[int] = frozenset()
        self._time_s = 0.0

    def update(self, people: Sequence[StandingPerson], time_s: float) -> View:
        """The view for one frame; with nobody in the room the camera stays."""
        step_s, self._time_s = max(0.0, time_s - self._time_s), time_s
        known = {person.track_id: joints for person in people if len(joints := _known(person))}
        if known:
            points_m = np.concatenate(list(known.values()))
            wanted = _fitting(points_m, self._aspect)
            # A cut, as an operator would: the way from one person to a stranger shows nobody.
            is_followed = bool(self._shown & known.keys())
            view = _eased(self._view, wanted, step_s) if self._view is not None and is_followed else wanted
            self._view = _kept_inside(view, points_m, self._aspect)
            self._shown = frozenset(known)
        return self._view or FIRST_VIEW


def _known(person: StandingPerson) -> Float32Array:
    return person.joints_m[np.isfinite(person.joints_m).all(axis=-1)]


def _fitting(points_m: Float32Array, aspect: float) -> View:
    """The closest view that shows all points (N, 3) and is not closer than the first view."""
    low, high = points_m.min(axis=0), points_m.max(axis=0)
    half_width = (high[0] - low[0]) / 2 + _SIDE_MARGIN_M
    tall = (high[1] + _TOP_MARGIN_M) / (1 + _TARGET_HEIGHT_SHARE)
    half_height = max(_STANDING_HALF_HEIGHT_M, half_width / aspect, tall)
    middle = (low + high) / 2
    return View((float(middle[0]), half_height * _TARGET_HEIGHT_SHARE, float(middle[2])), float(half_height))


def _kept_inside(view: View, points_m: Float32Array, aspect: float) -> View:
    """The view, shifted sideways where somebody would leave it faster than it follows."""
    reach_m = view.half_height_m * aspect - _EDGE_MARGIN_M
    first, last = float(points_m[:, 0].max()) - reach_m, float(points_m[:, 0].min()) + reach_m
    x, y, z = view.target_m
    return View((min(max(x, first), last), y, z), view.half_height_m) if first <= last else view


def _eased(view: View, wanted: View, step_s: float) -> View:
    is_wider = wanted.half_height_m > view.half_height_m
    share = 1 - math.exp(-step_s / (_WIDEN_TIME_CONSTANT_S if is_wider else _NARROW_TIME_CONSTANT_S))
    x, y, z = (old + (new - old) * share for old, new in zip(view.target_m, wanted.target_m, strict=True))
    return View((x, y, z), view.half_height_m + (wanted.half_height_m - view.half_height_m) * share)
