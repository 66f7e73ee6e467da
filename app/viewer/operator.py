"""The person behind the camera of the room: chooses where to stand, follows calmly, never whips round. numpy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from ..arrays import Float32Array
from .framing import (
    FRONT_PITCH_DEG,
    FRONT_YAW_DEG,
    STANDING_HALF_HEIGHT_M,
    View,
    fitting,
    kept_inside,
    mixed,
    target_height_m,
)
from .solids import floats
from .standing import StandingPerson

_WIDEN_TIME_CONSTANT_S, _NARROW_TIME_CONSTANT_S = 0.3, 1.2
"""Quick to let somebody and their feet into the picture, slow to come closer again."""

_MOVE_S = 1.1
"""From one preset to the next."""

_ORBIT_DEG_PER_S = 12.0
_LONGEST_TURN_S = 0.25
"""After a pause, moves and orbits go on from where they were."""

_SAFE_SHARE = 0.92
"""Of the picture: nearer to its edge, nobody is well inside."""


class Preset(Enum):
    """Where the camera stands; values are words for the audience."""

    FRONT = "front"
    SIDE = "side"
    TOP = "top"
    FOLLOW = "follow"
    ORBIT = "orbit"


@dataclass(frozen=True, slots=True)
class _Post:
    """A place to stand.

    Attributes:
        yaw_deg: see ``View``.
        pitch_deg: see ``View``.
        half_height_m: what is seen at least.
        is_still: keeps still in the middle of the room for as long as everybody is in the picture.
    """

    yaw_deg: float
    pitch_deg: float
    half_height_m: float
    is_still: bool = False


_POSTS = {
    Preset.FRONT: _Post(FRONT_YAW_DEG, FRONT_PITCH_DEG, 1.3, is_still=True),
    Preset.SIDE: _Post(82.0, 7.0, 1.3, is_still=True),
    Preset.TOP: _Post(0.0, 86.0, 1.9, is_still=True),
    Preset.FOLLOW: _Post(FRONT_YAW_DEG, FRONT_PITCH_DEG, STANDING_HALF_HEIGHT_M),
    Preset.ORBIT: _Post(FRONT_YAW_DEG, 13.0, 1.25),
}


class Operator:
    """Gives the view of each moment.

    Args:
        aspect: width over height of the picture.
        preset: where to begin.
        shift: how far right of the middle people are put, as a share of half the width, where something else
            covers the left of the picture.
    """

    def __init__(self, aspect: float, preset: Preset = Preset.FRONT, *, shift: float = 0.0) -> None:
        self._aspect, self._shift = aspect, shift
        self._preset = preset
        self._time_s: float | None = None
        self._orbit_deg = _POSTS[preset].yaw_deg
        self._followed: View | None = None
        self._shown: frozenset[int] = frozenset()
        self._last: View | None = None
        self._move_from: View | None = None
        self._moved_s = 0.0

    def fit(self, aspect: float, *, shift: float = 0.0) -> None:
        """Tell the size of the picture anew; arguments as for the class."""
        self._aspect, self._shift = aspect, shift

    def choose(self, preset: Preset, *, at_once: bool = False) -> None:
        """Go to another place: in a calm move, or with a cut."""
        self._preset = preset
        self._followed = None
        self._move_from, self._moved_s = (None if at_once else self._last), 0.0
        self._orbit_deg = self._last.yaw_deg if self._last is not None else _POSTS[preset].yaw_deg

    def take_over(self, view: View) -> None:
        """Begin the next move from here, where a mouse has left the camera; to be called before ``choose``."""
        self._last = view

    def view(self, people: Sequence[StandingPerson], time_s: float) -> View:
        """The view of one moment.

        Args:
            people: who stands in the room; with nobody the camera stays, or goes on around.
            time_s: on any one clock.
        """
        step_s = 0.0 if self._time_s is None else max(0.0, time_s - self._time_s)
        self._time_s = time_s
        turn_s = min(step_s, _LONGEST_TURN_S)
        self._orbit_deg = (self._orbit_deg + _ORBIT_DEG_PER_S * turn_s) % 360
        view = self._follow(people, step_s).moved_sideways(-self._shift * self._half_width)
        if self._move_from is not None:
            self._moved_s += turn_s
            share = min(1.0, self._moved_s / _MOVE_S)
            view = mixed(self._move_from, view, share * share * (3 - 2 * share))
            self._move_from = None if share == 1 else self._move_from
        self._last = view
        return view

    @property
    def _half_width(self) -> float:
        return self._aspect * (self._followed.half_height_m if self._followed is not None else 0.0)

    def _follow(self, people: Sequence[StandingPerson], step_s: float) -> View:
        """Where the camera of this preset is now, with people in the middle of the picture."""
        post = _POSTS[self._preset]
        yaw_deg = self._orbit_deg if self._preset is Preset.ORBIT else post.yaw_deg
        known = {person.track_id: joints for person in people if len(joints := _known(person))}
        home_m = (0.0, target_height_m(post.half_height_m, post.pitch_deg), 0.0)
        home = View(home_m, post.half_height_m, yaw_deg, post.pitch_deg)
        view = replace(self._followed or home, yaw_deg=yaw_deg)
        if known:
            aspect = self._aspect * (1 - abs(self._shift))
            points_m = np.concatenate(list(known.values()))
            wanted = home
            if not post.is_still or not _shows(home, points_m, aspect):
                wanted = fitting(
                    points_m, aspect, yaw_deg=yaw_deg, pitch_deg=post.pitch_deg, least_m=post.half_height_m
                )
            # A cut, as an operator would: the way from one person to a stranger shows nobody.
            is_followed = self._followed is not None and (post.is_still or bool(self._shown & known.keys()))
            view = _eased(view, wanted, step_s) if is_followed else wanted
            if not _shows(view, points_m, aspect):
                # Whoever was in the picture stays in it; the way to a newcomer is as calm as any.
                stayed = [joints_m for track_id, joints_m in known.items() if track_id in self._shown]
                view = kept_inside(view, np.concatenate(stayed) if stayed else points_m, aspect)
            self._shown = frozenset(known)
        self._followed = view
        return view


def _known(person: StandingPerson) -> Float32Array:
    return person.joints_m[np.isfinite(person.joints_m).all(axis=-1)]


def _shows(view: View, points_m: Float32Array, aspect: float) -> bool:
    """Whether all points are well inside the picture."""
    seen = view.seen_at(points_m)
    with np.errstate(invalid="ignore"):
        return bool((np.abs(seen) < floats([aspect, 1]) * _SAFE_SHARE).all())


def _bottom_m(view: View) -> float:
    """How high the lower edge of the picture is at the target. The target itself sinks when a view closes in, too."""
    return view.target_m[1] - view.half_height_m * view.up[1]


def _eased(view: View, wanted: View, step_s: float) -> View:
    is_wider = wanted.half_height_m > view.half_height_m or _bottom_m(wanted) < _bottom_m(view)
    share = 1 - math.exp(-step_s / (_WIDEN_TIME_CONSTANT_S if is_wider else _NARROW_TIME_CONSTANT_S))
    return mixed(view, wanted, share)
