"""Points the room's camera: as the operator says, until a mouse takes it, and again from the next preset on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .framing import View
from .layout import Layout, room_shift
from .operator import Operator, Preset
from .room import Room

_LOWEST_PITCH_DEG, _HIGHEST_PITCH_DEG = 0.0, 89.0
"""For a hand: from below the floor nothing can be seen."""

_ROUNDING = 1e-9
"""Open3D works a camera out anew with every picture, and the same one differs then by less, or by the sign of a zero. A
hand moves it by a thousandth at least."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The part of the window that the room has.

    Attributes:
        aspect: its width over its height.
        shift: how far right of its middle people stand, as a share of half its width.
        covered: share of the window's height that something else covers at the bottom.
    """

    aspect: float
    shift: float = 0.0
    covered: float = 0.0

    def framed(self, view: View) -> View:
        """The view of the whole window that shows another view in this part of it."""
        half_height_m = view.half_height_m / (1 - self.covered)
        return replace(_moved_up(view, -self.covered * half_height_m), half_height_m=half_height_m)

    def unframed(self, view: View) -> View:
        """What ``framed`` was made of."""
        half_height_m = view.half_height_m * (1 - self.covered)
        return replace(_moved_up(view, self.covered * view.half_height_m), half_height_m=half_height_m)

    def shifted(self, view: View) -> View:
        """The view, for something in its middle to be shown where people stand."""
        return view.moved_sideways(-self.shift * self.aspect * view.half_height_m)

    def unshifted(self, view: View) -> View:
        """What ``shifted`` was made of."""
        return view.moved_sideways(self.shift * self.aspect * view.half_height_m)


class Aim:
    """Moves the camera of a room.

    Args:
        room: whose camera.
        visualizer: the ``o3d.visualization.Visualizer`` that the room is in.
    """

    def __init__(self, room: Room, visualizer: Any) -> None:
        self._room = room
        self._control = visualizer.get_view_control()
        self._stage = Stage(16 / 9)
        self._operator = Operator(self._stage.aspect)
        self._held: View | None = None
        """Where a hand has put the camera, with what it orbits in the middle."""

        self._shown: View | None = None
        self._extrinsic = np.zeros((4, 4))

    @property
    def is_held(self) -> bool:
        """Whether a mouse has taken the camera."""
        return self._held is not None

    def fit(self, layout: Layout, stage_wh: tuple[int, int], window_height: int, *, has_table: bool = False) -> None:
        """Tell how the window is divided now."""
        width, height = stage_wh
        shift = room_shift(layout, has_table=has_table)
        self._stage = Stage(width / max(1, height), shift, 1 - height / max(1, window_height))
        self._operator.fit(self._stage.aspect, shift=self._stage.shift)

    def choose(self, preset: Preset, *, at_once: bool = False) -> None:
        """Give the camera to the operator, to go to a preset calmly or with a cut."""
        if self._shown is not None:
            self._operator.take_over(self._stage.unframed(self._shown))
        self._held = None
        self._operator.choose(preset, at_once=at_once)

    def cut_to(self, preset: Preset) -> None:
        """Show another preset at once, unless a hand holds the camera."""
        if self._held is None:
            self._operator.choose(preset, at_once=True)

    def notice_mouse(self) -> None:
        """See whether a mouse has moved the camera since ``update``; if so it keeps it, turning about the people."""
        if self._shown is None or self._is_where_it_was():
            return
        stage, seen = self._stage, self._room.seen()
        middle = self._held or stage.unshifted(stage.unframed(self._shown))
        moved_m = (now - before for now, before in zip(seen.target_m, self._shown.target_m, strict=True))
        x, y, z = (old + step for old, step in zip(middle.target_m, moved_m, strict=True))
        pitch_deg = min(max(seen.pitch_deg, _LOWEST_PITCH_DEG), _HIGHEST_PITCH_DEG)
        self._held = View((x, y, z), seen.half_height_m * (1 - stage.covered), seen.yaw_deg, pitch_deg)

    def update(self, time_s: float) -> bool:
        """Set the camera of this moment; says whether it has moved.

        Args:
            time_s: monotonic.
        """
        if self._held is not None:
            view = self._stage.shifted(self._held)
        else:
            view = self._operator.view(self._room.scene.people, time_s)
        view = self._stage.framed(view)
        if view == self._shown and self._is_where_it_was():
            return False
        self._room.look(view)
        self._shown, self._extrinsic = view, self._now()
        return True

    def _is_where_it_was(self) -> bool:
        return bool((np.abs(self._now() - self._extrinsic) < _ROUNDING).all())

    def _now(self) -> npt.NDArray[np.float64]:
        return np.array(self._control.convert_to_pinhole_camera_parameters().extrinsic)


def _moved_up(view: View, distance_m: float) -> View:
    x, y, z = (place + up * distance_m for place, up in zip(view.target_m, view.up, strict=True))
    return replace(view, target_m=(x, y, z))
