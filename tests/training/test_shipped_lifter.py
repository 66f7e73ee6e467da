"""The shipped lifters on a real person, beside MediaPipe's own estimate of the depth.

``pytest -s tests/training/test_shipped_lifter.py`` prints the numbers that the model cards quote. It is a check for
gross errors (exchanged sides, axes, a wrong definition of the joints), not of accuracy: MediaPipe's depth is an
estimate, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from posedemo.datatypes import Keypoints2D
from posedemo.geometry import bone_lengths, to_screen
from posedemo.models.metrics import p_mpjpe
from posedemo.models.predictors import lift_sequences, load_predictor
from posedemo.remap import remap
from posedemo.skeleton import H36M17, MEDIAPIPE33

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS, ASSETS = ROOT / "weights", ROOT / "assets"
SHIPPED = ("semgcn", "global-gcn", "dg-net", "gla-gcn", "gla-gcn-centred", "global-gcn-cmu")


def landmarks(clip: Path) -> tuple[list[Keypoints2D], list[np.ndarray], tuple[int, int]]:
    """Picture landmarks in pixels, world landmarks (33, 3) in metres, and the picture's size; frames with a person."""
    import cv2
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=(WEIGHTS / "pose_landmarker_full.task").read_bytes()),
        running_mode=vision.RunningMode.VIDEO,
    )
    video = cv2.VideoCapture(str(clip))
    size_wh = (int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    picture, world = [], []
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        for number in range(10_000):
            found, image = video.read()
            if not found:
                break
            rgb = mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            result = landmarker.detect_for_video(rgb, int(number * 1000 / video.get(cv2.CAP_PROP_FPS)))
            for in_picture, in_world in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True):
                points = np.array([[point.x, point.y, point.visibility] for point in in_picture], np.float32)
                picture.append(Keypoints2D(points[:, :2] * np.float32(size_wh), points[:, 2].copy(), MEDIAPIPE33))
                world.append(np.array([[point.x, point.y, point.z] for point in in_world], np.float32))
    video.release()
    return picture, world, size_wh


@dataclass(frozen=True)
class Seen:
    """The person of a clip: 2D joints (F, 17, 2) in screen units, and MediaPipe's own 3D joints (F, 17, 3)."""

    xy: np.ndarray
    world_m: np.ndarray


@pytest.fixture(scope="module")
def seen() -> Seen:
    picture, world, size_wh = landmarks(ASSETS / "demo.mp4")
    assert len(picture) > 150
    xy = np.stack([to_screen(remap(person).xy_px, size_wh) for person in picture]).astype(np.float32)
    # The map from MediaPipe's joints is a weighted sum, so it serves x and y, and then z, of the world landmarks too.
    known = np.ones(33, np.float32)
    flat = np.stack([remap(Keypoints2D(person[:, :2].copy(), known, MEDIAPIPE33)).xy_px for person in world])
    deep = np.stack([remap(Keypoints2D(person[:, 1:].copy(), known, MEDIAPIPE33)).xy_px for person in world])
    return Seen(xy, np.concatenate([flat, deep[..., 1:]], axis=-1))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_lifters_roughly_agree_with_mediapipe(name: str, seen: Seen) -> None:
    xyz_m = lift_sequences(load_predictor(WEIGHTS / f"{name}.onnx"), seen.xy[None])[0]
    errors_mm = 1000 * p_mpjpe(xyz_m, seen.world_m)
    print(f"\n{name}: {len(xyz_m)} frames, {errors_mm.mean():.1f} mm mean, {np.median(errors_mm):.1f} in the median")
    assert errors_mm.mean() < 90
    mirrored_mm = 1000 * p_mpjpe(xyz_m * np.float32([1, 1, -1]), seen.world_m)
    assert errors_mm.mean() < 0.8 * mirrored_mm.mean()
    assert 3.6 < bone_lengths(xyz_m, H36M17).sum(axis=-1).mean() < 4.6
