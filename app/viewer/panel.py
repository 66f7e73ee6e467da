"""A picture that stays in the upper left corner of an Open3D window, however the camera moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..datatypes import ImageArray

_DISTANCE_M = 0.15
_NEAR_M = 0.1
"""Nearer than anything in the room, and just behind the plane where drawing starts."""

_MARGIN_SHARE = 0.025
_MAX_WIDTH_SHARE, _MAX_HEIGHT_SHARE = 0.32, 0.45
"""Of the window: leaves the middle to the room, also in a window that is taller than wide."""

_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


class PicturePanel:
    """A textured rectangle just in front of the camera.

    Args:
        visualizer: an ``o3d.visualization.Visualizer`` with a window.
    """

    def __init__(self, visualizer: Any) -> None:
        import open3d as o3d

        self._visualizer = visualizer
        self._control = visualizer.get_view_control()
        self._control.set_constant_z_near(_NEAR_M)
        self._aspect: float | None = None
        self._is_added = False
        self._mesh = o3d.geometry.TriangleMesh()
        self._mesh.vertices = o3d.utility.Vector3dVector(np.zeros((4, 3)))
        self._mesh.vertex_normals = o3d.utility.Vector3dVector(np.tile([0.0, 0.0, 1.0], (4, 1)))
        self._mesh.triangles = o3d.utility.Vector3iVector(_TRIANGLES)
        self._mesh.triangle_uvs = o3d.utility.Vector2dVector(_CORNERS[_TRIANGLES.ravel()])
        self._mesh.triangle_material_ids = o3d.utility.IntVector([0, 0])

    def show(self, image_rgb: ImageArray) -> None:
        """Show another picture (h, w, 3) from the next ``place`` on."""
        import open3d as o3d

        self._aspect = image_rgb.shape[1] / image_rgb.shape[0]
        texture: Any = np.ascontiguousarray(image_rgb)
        self._mesh.textures = [o3d.geometry.Image(texture)]

    def place(self) -> None:
        """Put the picture before the camera as it stands now; to be called after every change of either."""
        import open3d as o3d

        if self._aspect is None:
            return
        camera = self._control.convert_to_pinhole_camera_parameters()
        corners = corners_in_room(
            camera.intrinsic.intrinsic_matrix,
            camera.extrinsic,
            (camera.intrinsic.width, camera.intrinsic.height),
            aspect=self._aspect,
        )
        self._mesh.vertices = o3d.utility.Vector3dVector(corners)
        if self._is_added:
            self._visualizer.update_geometry(self._mesh)
        else:
            self._visualizer.add_geometry(self._mesh, reset_bounding_box=False)
            self._is_added = True


def corners_in_room(
    intrinsic: npt.NDArray[np.float64],
    extrinsic: npt.NDArray[np.float64],
    window_wh: tuple[int, int],
    *,
    aspect: float,
) -> npt.NDArray[np.float64]:
    """Where the corners of the picture have to be.

    Args:
        intrinsic: (3, 3) of the window's camera, pixels.
        extrinsic: (4, 4) from the room to that camera's axes (x right, y down, z forwards).
        window_wh: size of the window in pixels.
        aspect: width over height of the picture.

    Returns:
        (4, 3) metres, clockwise from the upper left.
    """
    width, height = window_wh
    panel_width = min(_MAX_WIDTH_SHARE * width, _MAX_HEIGHT_SHARE * height * aspect)
    margin = _MARGIN_SHARE * min(width, height)
    corners_px = margin + _CORNERS * [panel_width, panel_width / aspect]
    rays = np.column_stack([corners_px, np.ones(4)]) @ np.linalg.inv(intrinsic).T
    in_camera = np.column_stack([rays * _DISTANCE_M, np.ones(4)])
    in_room: npt.NDArray[np.float64] = (in_camera @ np.linalg.inv(extrinsic).T)[:, :3]
    return in_room
