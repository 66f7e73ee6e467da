"""Pictures that stay where they are in an Open3D window, however the camera moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import ImageArray
from .layout import Rect
from .library import load_open3d

_FARTHEST_M, _LAYER_STEP_M = 0.15, 0.008
_NEAR_M = 0.1
"""Nearer than anything in the room, and just behind the plane where drawing starts."""

_PIXEL_CENTRE = 0.5
"""Open3D's camera counts pixels by their middles, a rectangle by its edges."""

_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
_TRIANGLES = np.array([[0, 2, 1], [0, 3, 2]], np.int32)
"""Counter-clockwise, as the camera sees them: Open3D shows no backs."""


class Panel:
    """A textured rectangle just in front of the camera, invisible until it is shown.

    Args:
        visualizer: an ``o3d.visualization.Visualizer`` with a window.
        layer: those with a higher number cover those with a lower one, from 0 to 4.
    """

    def __init__(self, visualizer: Any, *, layer: int) -> None:
        o3d = load_open3d()
        self._visualizer = visualizer
        self._control = visualizer.get_view_control()
        self._control.set_constant_z_near(_NEAR_M)
        self._distance_m = _FARTHEST_M - layer * _LAYER_STEP_M
        self._rect: Rect | None = None
        self._is_added = False
        self._drawn_corners = b""
        self._has_news = False
        self._mesh = o3d.geometry.TriangleMesh()
        self._mesh.vertices = o3d.utility.Vector3dVector(np.zeros((4, 3)))
        self._mesh.vertex_normals = o3d.utility.Vector3dVector(np.tile([0.0, 0.0, 1.0], (4, 1)))
        self._mesh.triangles = o3d.utility.Vector3iVector(_TRIANGLES)
        self._mesh.triangle_uvs = o3d.utility.Vector2dVector(_CORNERS[_TRIANGLES.ravel()])
        self._mesh.triangle_material_ids = o3d.utility.IntVector([0, 0])

    @property
    def rect(self) -> Rect | None:
        """Where it can be seen from the next ``place`` on; None while it cannot."""
        return self._rect

    def show(self, image_rgb: ImageArray, rect: Rect) -> None:
        """Show a picture (h, w, 3) in a rectangle of the window, from the next ``place`` on."""
        o3d = load_open3d()
        texture: Any = np.ascontiguousarray(image_rgb)
        self._mesh.textures = [o3d.geometry.Image(texture)]
        self._rect, self._has_news = rect, True

    def hide(self) -> None:
        """Show nothing any more."""
        self._rect = None
        if self._is_added:
            self._visualizer.remove_geometry(self._mesh, reset_bounding_box=False)
            self._is_added = False

    def place(self) -> None:
        """Put the picture before the camera as it stands now; to be called before every drawing."""
        o3d = load_open3d()
        if self._rect is None:
            return
        camera = self._control.convert_to_pinhole_camera_parameters()
        corners = corners_in_room(
            camera.intrinsic.intrinsic_matrix, camera.extrinsic, self._rect, distance_m=self._distance_m
        )
        if not self._has_news and corners.tobytes() == self._drawn_corners:
            return
        self._drawn_corners, self._has_news = corners.tobytes(), False
        self._mesh.vertices = o3d.utility.Vector3dVector(corners)
        if self._is_added:
            self._visualizer.update_geometry(self._mesh)
        else:
            self._visualizer.add_geometry(self._mesh, reset_bounding_box=False)
            self._is_added = True


def corners_in_room(
    intrinsic: npt.NDArray[np.float64], extrinsic: npt.NDArray[np.float64], rect: Rect, *, distance_m: float
) -> npt.NDArray[np.float64]:
    """Where the corners of a picture have to be to fill a rectangle of the window, pixel by pixel.

    Args:
        intrinsic: (3, 3) of the window's camera, pixels.
        extrinsic: (4, 4) from the room to that camera's axes (x right, y down, z forwards).
        rect: the rectangle.
        distance_m: before the camera.

    Returns:
        (4, 3) metres, clockwise from the upper left.
    """
    corners_px = [rect.x, rect.y] + _CORNERS * rect.size_wh - _PIXEL_CENTRE
    rays = np.column_stack([corners_px, np.ones(4)]) @ np.linalg.inv(intrinsic).T
    in_camera = np.column_stack([rays * distance_m, np.ones(4)])
    in_room: npt.NDArray[np.float64] = (in_camera @ np.linalg.inv(extrinsic).T)[:, :3]
    return in_room
