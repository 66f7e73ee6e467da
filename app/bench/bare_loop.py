"""Decode a picture, detect, and again, as every demo begins. Beside it is seen what the rest of the program costs."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np

from .. import model_files
from ..deferral import deferred
from ..errors import SourceError

with deferred("matplotlib", "matplotlib.pyplot", "sounddevice"):
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

_FRAME_MS = 33


def bare_loop_fps(video: Path, detector: str, max_frames: int) -> float:
    """Frames a second of ``cv2.VideoCapture`` and MediaPipe, one after the other in one thread.

    Models are loaded before, as in the program.

    Raises:
        SourceError: OpenCV reads no picture of the video.
    """
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=model_files.load("detector", detector).content),
        running_mode=vision.RunningMode.VIDEO,
    )
    capture = cv2.VideoCapture(str(video))
    try:
        with vision.PoseLandmarker.create_from_options(options) as landmarker:
            landmarker.detect_for_video(_image(np.zeros((256, 256, 3), np.uint8)), 0)
            num_frames = 0
            started_s = time.perf_counter()
            while num_frames < max_frames and (read := capture.read())[0]:
                num_frames += 1
                landmarker.detect_for_video(_image(read[1]), num_frames * _FRAME_MS)
            elapsed_s = time.perf_counter() - started_s
    finally:
        capture.release()
    if not num_frames:
        raise SourceError(f"OpenCV reads no picture of {video.name}", "give a file that other programs play")
    return num_frames / elapsed_s


def _image(image_bgr: cv2.typing.MatLike) -> mp.Image:
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB))
