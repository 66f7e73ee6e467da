"""The room in Open3D: puts the scene into a visualizer and keeps it up to date. Used by window and off-screen alike."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Float32Array
from ..datatypes import Person
from .framing import FIELD_OF_VIEW_DEG, View
from .library import load_open3d
from .scene import Part, Scene
from .solids import IntArray
from .theme import Theme

_FIELD_OF_VIEW_STEP_DEG = 5.0
"""What Open3D's ``change_field_of_view`` multiplies its argument with."""

_GRID_LINE_PX = 1.0


class Room:
    """The scene inside an Open3D visualizer.

    Args:
        visualizer: an ``o3d.visualization.Visualizer`` with a window.
        max_people: how many people can be shown.
        theme: colours.
        mirror: swap picture-left and picture-right, as a mirrored picture does.
    """

    def __init__(self, visualizer: Any, *, max_people: int, theme: Theme, mirror: bool) -> None:
        self._visualizer = visualizer
        self.scene = Scene(max_people=max_people, theme=theme, mirror=mirror)
        floor = self.scene.floor
        self._ground = _mesh(floor.vertices, floor.colors, floor.triangles)
        self._grid = _lines(floor.grid_points, floor.grid_colors, floor.grid_lines)
        self._moving = [_Moving(visualizer) for _ in self._parts()]
        option = visualizer.get_render_option()
        option.background_color = np.asarray(theme.background)
        option.light_on = False
        # Bodies are closed; without a graphics card, their backs take a seventh of a frame.
        option.mesh_show_back_face = False
        option.line_width = _GRID_LINE_PX
        # Only the floor counts for the bounding box, which is Open3D's unit of zoom and must not change.
        visualizer.add_geometry(self._ground, reset_bounding_box=True)
        visualizer.add_geometry(self._grid, reset_bounding_box=False)
        self._extent_m = float(np.ptp(floor.vertices, axis=0).max())
        control = visualizer.get_view_control()
        control.change_field_of_view((FIELD_OF_VIEW_DEG - control.get_field_of_view()) / _FIELD_OF_VIEW_STEP_DEG)

    def set_theme(self, theme: Theme) -> None:
        """Show everything in other colours from now on."""
        self.scene.set_theme(theme)
        floor = self.scene.floor
        self._visualizer.get_render_option().background_color = np.asarray(theme.background)
        _move(self._ground, floor.vertices, floor.colors)
        self._grid.colors = _line_colors(floor.grid_colors, floor.grid_lines)
        self._visualizer.update_geometry(self._ground)
        self._visualizer.update_geometry(self._grid)
        self._show_scene()

    def set_mirror(self, *, mirror: bool) -> None:
        """Swap left and right from now on, or do not."""
        self.scene.set_mirror(mirror=mirror)
        self._show_scene()

    def show_trails(self, *, is_wanted: bool) -> None:
        """Show where hands and feet came from, or do not."""
        self.scene.has_trails = is_wanted
        self.scene.draw()
        self._show_scene()

    def cut(self) -> None:
        """What is shown next has nothing to do with what was shown before: nothing leads from one to the other."""
        self.scene.cut()

    def update(self, people: Sequence[Person], time_s: float) -> None:
        """Show the people of one frame, whose time is ``time_s``."""
        self.scene.update(people, time_s)
        self._show_scene()

    def _show_scene(self) -> None:
        for moving, part in zip(self._moving, self._parts(), strict=True):
            moving.show(part)

    def _parts(self) -> tuple[Part, ...]:
        return self.scene.shadows, self.scene.bodies, self.scene.ghosts, self.scene.trails

    def look(self, view: View) -> None:
        """Set the camera."""
        control = self._visualizer.get_view_control()
        control.set_lookat(view.target_m)
        control.set_front(view.front)
        control.set_up(view.up)
        control.set_zoom(view.half_height_m / self._extent_m)

    def seen(self) -> View:
        """The camera as it stands now, wherever a mouse has taken it."""
        status = json.loads(self._visualizer.get_view_status())["trajectory"][0]
        x, y, z = status["front"]
        yaw_deg, pitch_deg = math.degrees(math.atan2(x, z)), math.degrees(math.asin(min(1.0, max(-1.0, y))))
        return View(tuple(status["lookat"]), status["zoom"] * self._extent_m, yaw_deg, pitch_deg)


class _Moving:
    """A part of the scene in the visualizer, as much of it as has something to show: absent people cost nothing."""

    def __init__(self, visualizer: Any) -> None:
        self._visualizer = visualizer
        self._mesh: Any = None
        self._num_shown = 0

    def show(self, part: Part) -> None:
        """Show a part as it is now."""
        triangles, vertices, colors = part.shown()
        if part.num_shown != self._num_shown:
            if self._mesh is not None:
                self._visualizer.remove_geometry(self._mesh, reset_bounding_box=False)
            self._mesh = None if part.is_empty else _mesh(vertices, colors, triangles)
            if self._mesh is not None:
                self._visualizer.add_geometry(self._mesh, reset_bounding_box=False)
            self._num_shown = part.num_shown
        elif self._mesh is not None:
            _move(self._mesh, vertices, colors)
            self._visualizer.update_geometry(self._mesh)


def _mesh(vertices: Float32Array, colors: Float32Array, triangles: IntArray) -> Any:
    o3d = load_open3d()
    mesh = o3d.geometry.TriangleMesh()
    mesh.triangles = o3d.utility.Vector3iVector(triangles)
    _move(mesh, vertices, colors)
    # Unlit, but Open3D draws no mesh without normals.
    mesh.vertex_normals = o3d.utility.Vector3dVector(np.tile([0.0, 1.0, 0.0], (len(vertices), 1)))
    return mesh


def _lines(points: Float32Array, colors: Float32Array, lines: IntArray) -> Any:
    """Lines whose colour changes along them; Open3D has one colour a line, so they are drawn as short pieces."""
    o3d = load_open3d()
    line_set = o3d.geometry.LineSet()
    line_set.points = o3d.utility.Vector3dVector(points.astype(np.float64))
    line_set.lines = o3d.utility.Vector2iVector(lines)
    line_set.colors = _line_colors(colors, lines)
    return line_set


def _line_colors(colors: Float32Array, lines: IntArray) -> Any:
    o3d = load_open3d()
    return o3d.utility.Vector3dVector(colors[lines].mean(axis=1).astype(np.float64))


def _move(mesh: Any, vertices: Float32Array, colors: Float32Array) -> None:
    o3d = load_open3d()
    mesh.vertices = o3d.utility.Vector3dVector(vertices.astype(np.float64))
    mesh.vertex_colors = o3d.utility.Vector3dVector(colors.astype(np.float64))
