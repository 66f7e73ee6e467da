"""Small files in exactly the layout of the field's: dicts in arrays without dimensions, pickled by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from posedemo.models.field_cameras import H36M_CAMERAS, HUMANEVA_CAMERAS, FieldCamera, Lens

PINHOLE = Lens((600.0, 600.0), (320.0, 240.0), (0.0, 0.0, 0.0), (0.0, 0.0))
"""HumanEva's lenses are not in the field's files; any will do to make 2D joints that fit the 3D."""

H36M_SIDES = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
H36M16_SIDES = [[4, 5, 6, 10, 11, 12], [1, 2, 3, 13, 14, 15]]
MPII_SIDES = [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]
HUMANEVA_SIDES = [[2, 3, 4, 8, 9, 10], [5, 6, 7, 11, 12, 13]]
COCO_SIDES = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]

H36M_ACTIONS = ("Directions", "Directions 1", "Sitting", "SittingDown 1", "Photo", "WalkDog", "Walking 1")
HUMANEVA_ACTIONS = ("Walking 1 chunk0", "Jog 1 chunk0", "Jog 1 chunk2", "Box 1 chunk0")

Tree = dict[str, dict[str, Any]]


def walks(random: np.random.Generator, num_frames: int, num_joints: int) -> np.ndarray:
    """(F, J, 3) joints of a body that walks about the middle of a room whose z axis is up."""
    body = random.normal(scale=(0.2, 0.2, 0.45), size=(num_joints, 3)) + (0, 0, 0.95)
    path = np.cumsum(random.normal(scale=0.01, size=(num_frames, 1, 3)), axis=0)
    sway = 0.05 * np.sin(0.2 * np.arange(num_frames)[:, None, None] + random.uniform(0, 6, (1, num_joints, 3)))
    return (body + path + sway).astype(np.float32)


def to_picture(xyz_z_up: np.ndarray, orientation: np.ndarray, place_m: np.ndarray, lens: Lens) -> np.ndarray:
    """Project by turning with quaternion products, step by step: another way than the program's."""
    w, x, y, z = orientation
    vector = -np.array([x, y, z])  # the inverse turn
    moved = xyz_z_up.astype(np.float64) - place_m
    cross = np.cross(np.broadcast_to(vector, moved.shape), moved)
    camera = moved + 2 * (w * cross + np.cross(np.broadcast_to(vector, moved.shape), cross))
    return lens.project(camera).astype(np.float32)


def z_up_pose(camera: FieldCamera) -> tuple[np.ndarray, np.ndarray]:
    """Orientation and place of a camera in the files' own world, whose z axis is up."""
    half = np.sqrt(0.5)
    w, x, y, z = camera.orientation
    # Turn by +90 degrees about x, the inverse of what the program does: (half, half, 0, 0) * q.
    orientation = half * np.array([w - x, x + w, y - z, z + y])
    x_m, y_m, z_m = camera.translation_m
    return orientation, np.array([x_m, -z_m, y_m])


def see(positions: Tree, cameras: Mapping[str, tuple[FieldCamera, ...]], *, extra_frames: int = 0) -> Tree:
    """What every camera of a subject sees of its clips."""
    return {
        subject: {
            action: [
                np.pad(
                    to_picture(xyz, *z_up_pose(camera), camera.lens or PINHOLE),
                    ((0, extra_frames), (0, 0), (0, 0)),
                    mode="edge",
                )
                for camera in cameras[subject]
            ]
            for action, xyz in actions.items()
        }
        for subject, actions in positions.items()
    }


def save_3d(path: Path, positions: object) -> Path:
    np.savez_compressed(path, positions_3d=positions)
    return path


def save_2d(path: Path, positions: object, sides: object, **more: object) -> Path:
    metadata = {"num_joints": 17, "keypoints_symmetry": sides, **more}
    np.savez_compressed(path, positions_2d=positions, metadata=metadata)
    return path


def h36m_positions(
    random: np.random.Generator, *, subjects: tuple[str, ...] = ("S1", "S9"), num_joints: int = 32, num_frames: int = 12
) -> Tree:
    return {
        subject: {
            action: walks(random, num_frames + number, num_joints)
            for number, action in enumerate(H36M_ACTIONS)
            if (subject, action) != ("S11", "Directions")
        }
        for subject in subjects
    }


def humaneva_positions(random: np.random.Generator, *, num_frames: int = 10) -> Tree:
    return {
        subject: {action: walks(random, num_frames + number, 15) for number, action in enumerate(HUMANEVA_ACTIONS)}
        for subject in HUMANEVA_CAMERAS
    }


def h36m_files(folder: Path, random: np.random.Generator, **options: Any) -> tuple[Path, Path]:
    """``data_3d_h36m.npz`` with 32 joints and the ``gt`` file that belongs to it, which is three frames longer."""
    positions = h36m_positions(random, **options)
    of_17 = {
        subject: {action: xyz[:, OF_32] for action, xyz in actions.items()} for subject, actions in positions.items()
    }
    return (
        save_3d(folder / "data_3d_h36m.npz", positions),
        save_2d(folder / "data_2d_h36m_gt.npz", see(of_17, H36M_CAMERAS, extra_frames=3), H36M_SIDES),
    )


OF_32 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


def humaneva_files(folder: Path, random: np.random.Generator, **options: Any) -> tuple[Path, Path]:
    """``data_3d_humaneva15.npz`` and the ``gt`` file that belongs to it, with clips without 3D beside the others."""
    positions = humaneva_positions(random, **options)
    seen = see(positions, HUMANEVA_CAMERAS)
    unlabelled = [walks(random, 7, 15)[..., :2] for _ in range(3)]
    seen["Unlabeled/Train/S1"] = {"Walking 1 chunk1": unlabelled}
    seen["Unlabeled/S4"] = {"Combo 1": [None, unlabelled[0], None]}
    return (
        save_3d(folder / "data_3d_humaneva15.npz", positions),
        save_2d(folder / "data_2d_humaneva15_gt.npz", seen, HUMANEVA_SIDES, num_joints=15, layout_name="humaneva15"),
    )
