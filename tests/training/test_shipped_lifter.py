"""The shipped lifter on a real person, beside MediaPipe's own estimate of the depth.

``pytest -s tests/training/test_shipped_lifter.py`` prints the number that the model card quotes. It is a check for
gross errors (exchanged sides, axes, a wrong definition of the joints), not of accuracy: MediaPipe's depth is an
estimate, too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from posedemo.datatypes import Keypoints2D
from posedemo.geometry import bone_lengths, to_screen
from posedemo.models.metrics import p_mpjpe
from posedemo.models.predictors import load_predictor
from posedemo.remap import remap
from posedemo.skeleton import H36M17, MEDIAPIPE33

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"


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


@pytest.mark.slow
def test_the_shipped_lifter_roughly_agrees_with_mediapipe(demo_clip: Path) -> None:
    picture, world, size_wh = landmarks(demo_clip)
    assert len(picture) > 150
    xy = np.stack([to_screen(remap(person).xy_px, size_wh) for person in picture]).astype(np.float32)
    xyz_m = load_predictor(WEIGHTS / "semgcn.onnx").lift(xy[:, None])
    # The map from MediaPipe's joints is a weighted sum, so it serves x and y, and then z, of the world landmarks too.
    known = np.ones(33, np.float32)
    flat = np.stack([remap(Keypoints2D(person[:, :2].copy(), known, MEDIAPIPE33)).xy_px for person in world])
    deep = np.stack([remap(Keypoints2D(person[:, 1:].copy(), known, MEDIAPIPE33)).xy_px for person in world])
    world_m = np.concatenate([flat, deep[..., 1:]], axis=-1)
    errors_mm = 1000 * p_mpjpe(xyz_m, world_m)
    print(f"\n{len(xyz_m)} frames, {errors_mm.mean():.1f} mm in the mean, {np.median(errors_mm):.1f} mm in the median")
    assert errors_mm.mean() < 90
    mirrored_mm = 1000 * p_mpjpe(xyz_m * np.float32([1, 1, -1]), world_m)
    assert errors_mm.mean() < 0.8 * mirrored_mm.mean()
    assert 3.6 < bone_lengths(xyz_m, H36M17).sum(axis=-1).mean() < 4.6
