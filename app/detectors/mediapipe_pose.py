"""MediaPipe's pose landmarker as a detector. The only importer of mediapipe."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Self

import cv2
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from ..datatypes import Frame, Keypoints2D
from ..errors import ModelError
from ..native_output import quiet_native_output
from ..skeleton import MEDIAPIPE33

_WARM_UP_SIZE_PX = 256


class MediaPipePose:
    """Finds people with a MediaPipe pose bundle, following them from frame to frame (VIDEO mode).

    The landmarker keeps the state of one source: make a new detector for each. It must be closed; left to the
    interpreter's exit it prints an exception.

    Args:
        bundle: contents of a ``.task`` file.
        name: how to call that file in errors.
        max_people: how many people to look for.

    Raises:
        ModelError: the bundle is not a usable pose model.
    """

    skeleton = MEDIAPIPE33

    def __init__(self, bundle: bytes, *, name: str, max_people: int) -> None:
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=bundle),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=max_people,
        )
        self._timestamp_ms = 0
        self._has_greeted = False
        with quiet_native_output():
            try:
                self._landmarker: Any = vision.PoseLandmarker.create_from_options(options)
            except OSError as error:
                raise ImportError(f"mediapipe: {error}") from error
            except (RuntimeError, ValueError) as error:
                raise ModelError(
                    f"{name} is not a MediaPipe pose model", "check the file, or use --detector mediapipe-full"
                ) from error
            # The first picture loads the networks, which takes long and logs: better here than in the show.
            self._landmark(np.zeros((_WARM_UP_SIZE_PX, _WARM_UP_SIZE_PX, 3), np.uint8), timestamp_ms=0)

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        """People of the frame as MEDIAPIPE33 joints, in pixels and in MediaPipe's own 3D; visibility is confidence."""
        # MediaPipe refuses a time stamp that does not rise, and media times can repeat in whole milliseconds.
        self._timestamp_ms = max(self._timestamp_ms + 1, round(frame.stamp.time_s * 1e3))
        image_rgb = cv2.cvtColor(frame.image_bgr, cv2.COLOR_BGR2RGB)
        # MediaPipe warns once, on the first person, that pictures are not square; it handles them all the same.
        with nullcontext() if self._has_greeted else quiet_native_output():
            people = self._landmark(image_rgb, timestamp_ms=self._timestamp_ms)
        self._has_greeted = self._has_greeted or bool(people)
        return tuple(_keypoints(landmarks, world, frame.size_wh) for landmarks, world in people)

    def close(self) -> None:
        """Free the landmarker."""
        self._landmarker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _landmark(self, image_rgb: np.ndarray[Any, Any], *, timestamp_ms: int) -> list[tuple[list[Any], list[Any]]]:
        """Landmarks in the picture and in the world, person by person."""
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=image_rgb)
        found = self._landmarker.detect_for_video(image, timestamp_ms)
        return list(zip(found.pose_landmarks, found.pose_world_landmarks, strict=True))


def _keypoints(landmarks: list[Any], world: list[Any], size_wh: tuple[int, int]) -> Keypoints2D:
    """Landmarks are shares of width and of height: x and y have different scales until multiplied.

    World landmarks have this program's axes already: metres from the middle of the hips, x right, y down, and smaller z
    nearer to the camera.
    """
    rows = np.array([(mark.x, mark.y, mark.visibility) for mark in landmarks], np.float32)
    return Keypoints2D(
        xy_px=rows[:, :2] * np.array(size_wh, np.float32),
        confidence=np.clip(rows[:, 2], 0, 1),
        skeleton=MEDIAPIPE33,
        world_xyz_m=np.array([(mark.x, mark.y, mark.z) for mark in world], np.float32),
    )
