"""MediaPipe's pose landmarker as a detector. Nothing else in a run imports mediapipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, Self

import numpy as np

from ..arrays import Float32Array, ImageArray
from ..colors import image_rgb
from ..datatypes import Frame, Keypoints2D
from ..deferral import deferred
from ..errors import ModelError
from ..focus import Box, Focus
from ..native_output import quiet_native_output
from ..skeleton import MEDIAPIPE33
from .bundle import without_silhouette
from .cover import cover

# MediaPipe imports these to draw charts and to record sound: a second of processor time at every start, otherwise.
with deferred("matplotlib", "matplotlib.pyplot", "sounddevice"):
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

_BLANK_SIZE_PX = 256
_SMALLEST_CROP_PX = 16
_EDGE, _OUTSIDE_CONFIDENCE = 0.05, 0.05
"""Width of the strip around the picture in which joints fade, as a share of its larger side; what is left beyond it."""

_CLOSE_UP_MARGIN = 0.7
"""Room around a person who is watched closely, as a share of their larger side: so far they can go before the part of
the picture changes, which costs a search."""

_LARGEST_CLOSE_UP = 3.0
"""Larger than what is needed by this factor, it is chosen anew."""

_STATUSES = (
    *(RuntimeError, ValueError, IndexError),
    *(FileNotFoundError, FileExistsError, PermissionError, TimeoutError),
)
"""As what MediaPipe hands on the statuses of its native part. A library that cannot be loaded is a plain OSError."""


class MediaPipePose:
    """Finds people with a MediaPipe pose bundle, following them from frame to frame (VIDEO mode).

    A second landmarker looks at single pictures for ``look_again``.

    The landmarker keeps the state of one source: make a new detector for each. It must be closed; left to the
    interpreter's exit it prints an exception.

    Args:
        bundle: contents of a ``.task`` file.
        name: how to call that file in errors.
        max_people: how many people to look for.

    Raises:
        ModelError: the bundle is not a usable pose model.
    """

    def __init__(self, bundle: bytes, *, name: str, max_people: int) -> None:
        self._bundle, self._name = without_silhouette(bundle), name
        self._timestamp_ms = 0
        self._has_greeted = self._is_following = False
        self._focus: Focus | None = None
        self._close_up: Box | None = None
        self._seen: tuple[Frame, ImageArray] | None = None
        self._blank = _picture(np.zeros((_BLANK_SIZE_PX, _BLANK_SIZE_PX, 3), np.uint8))
        with quiet_native_output(), self._refusing(), ExitStack() as undo:
            self._landmarker = self._make_landmarker(vision.RunningMode.VIDEO, max_people)
            undo.callback(self._landmarker.close)
            self._second = self._make_landmarker(vision.RunningMode.IMAGE, max_people + 1)
            undo.callback(self._second.close)
            # The first picture loads the networks, which takes long and logs: better here than in the show.
            self._landmarker.detect_for_video(self._blank, 0)
            self._second.detect(self._blank)
            undo.pop_all()

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        """People of the frame as MEDIAPIPE33 joints, in pixels and in MediaPipe's own 3D; visibility is confidence."""
        picture = self._aim(frame)
        # MediaPipe refuses a time stamp that does not rise, and media times can repeat in whole milliseconds.
        self._timestamp_ms = max(self._timestamp_ms + 1, round(frame.stamp.time_s * 1e3))
        # MediaPipe warns once, on the first person, that pictures are not square; it handles them all the same.
        with nullcontext() if self._has_greeted else quiet_native_output():
            found = self._landmarker.detect_for_video(_picture(picture), self._timestamp_ms)
        self._is_following = bool(found.pose_landmarks)
        self._has_greeted = self._has_greeted or self._is_following
        return _people(found, (picture.shape[1], picture.shape[0]), (self._close_up or (0, 0))[:2])

    def watch(self, focus: Focus | None) -> None:
        """Do not see the others of a focus in the next frame, nor what is far from a close one; None shows it all."""
        self._focus = focus

    def forget(self) -> None:
        """Follow nobody any more: the next frame has nothing to do with those before."""
        self._focus = self._close_up = None
        self._let_go()

    def _aim(self, frame: Frame) -> ImageArray:
        """What of a frame is looked at: all of it, or a part that stays the same while the person stays in it.

        What MediaPipe follows has its place in the picture, so another part means to look for people anew.
        """
        picture = self._picture_of(frame)
        close_up = _close_up(self._focus, self._close_up, frame.size_wh)
        if close_up != self._close_up:
            self._close_up = close_up
            self._let_go()
        if self._focus is not None:
            picture = cover(picture, self._focus)
        return picture if close_up is None else _cut(picture, close_up)

    def _let_go(self) -> None:
        if self._is_following:
            # It looks for people anew once it has lost those whom it followed.
            self._timestamp_ms += 1
            self._landmarker.detect_for_video(self._blank, self._timestamp_ms)
            self._is_following = False

    def look_again(self, frame: Frame, focus: Focus) -> tuple[Keypoints2D, ...]:
        """People at one place of a frame that was looked at already, found afresh: a crop of it, others covered."""
        left, top, right, bottom = focus.box_px(frame.size_wh)
        if right - left < _SMALLEST_CROP_PX or bottom - top < _SMALLEST_CROP_PX:
            return ()
        crop = _cut(cover(self._picture_of(frame), focus), (left, top, right, bottom))
        with nullcontext() if self._has_greeted else quiet_native_output():
            found = self._second.detect(_picture(crop))
        return _people(found, (right - left, bottom - top), origin_px=(left, top))

    def close(self) -> None:
        """Free the landmarkers."""
        self._landmarker.close()
        self._second.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _picture_of(self, frame: Frame) -> ImageArray:
        """(H, W, 3) uint8, red first; a second look gets what the first one got."""
        if self._seen is None or self._seen[0] is not frame:
            self._seen = frame, image_rgb(frame)
        return self._seen[1]

    def _make_landmarker(self, mode: Any, num_people: int) -> Any:
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=self._bundle), running_mode=mode, num_poses=num_people
        )
        return vision.PoseLandmarker.create_from_options(options)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Blame the bundle for whatever MediaPipe says while it is opened."""
        try:
            yield
        except _STATUSES as error:
            raise ModelError(
                f"{self._name} is not a MediaPipe pose model", "check the file, or use --detector mediapipe-full"
            ) from error
        except OSError as error:
            raise ImportError(f"mediapipe: {error}") from error


def _close_up(focus: Focus | None, last: Box | None, size_wh: tuple[int, int]) -> Box | None:
    """The part of the picture to look at: the last one where it serves; None for the whole."""
    if focus is None or not focus.is_close:
        return None
    needed = focus.box_px(size_wh)
    if last is not None and _holds(last, needed):
        return last
    box = focus.box_px(size_wh, margin=_CLOSE_UP_MARGIN)
    return None if min(box[2] - box[0], box[3] - box[1]) < _SMALLEST_CROP_PX or box == (0, 0, *size_wh) else box


def _holds(box: Box, needed: Box) -> bool:
    """Whether a part of the picture has another in it, and is not much larger than that."""
    is_inside = box[0] <= needed[0] and box[1] <= needed[1] and needed[2] <= box[2] and needed[3] <= box[3]
    return is_inside and max(box[2] - box[0], box[3] - box[1]) <= _LARGEST_CLOSE_UP * max(
        needed[2] - needed[0], needed[3] - needed[1]
    )


def _cut(picture: ImageArray, box: Box) -> ImageArray:
    left, top, right, bottom = box
    return picture[top:bottom, left:right]


def _picture(picture_rgb: ImageArray) -> mp.Image:
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture_rgb))


def _people(found: Any, size_wh: tuple[int, int], origin_px: tuple[int, int] = (0, 0)) -> tuple[Keypoints2D, ...]:
    """What a landmarker found in a picture of ``size_wh`` whose upper left corner is at ``origin_px``."""
    people = zip(found.pose_landmarks, found.pose_world_landmarks, strict=True)
    return tuple(_keypoints(landmarks, world, size_wh, origin_px) for landmarks, world in people)


def _most_confidence(xy_px: Float32Array, size_wh: tuple[int, int]) -> Float32Array:
    """How sure one can be of joints (J, 2) at their places: hardly of those beyond the edge, whatever MediaPipe says.

    It gives knees below the picture up to 0.7 when somebody bends, and hips up to 0.9.
    """
    size_px = np.array(size_wh, np.float32)
    beyond_px = np.maximum(-xy_px, xy_px - size_px).max(axis=-1)
    most: Float32Array = np.clip(1 - beyond_px / (_EDGE * size_px.max()), _OUTSIDE_CONFIDENCE, 1)
    return most


def _keypoints(
    landmarks: list[Any], world: list[Any], size_wh: tuple[int, int], origin_px: tuple[int, int]
) -> Keypoints2D:
    """Landmarks are shares of width and of height: x and y have different scales until multiplied.

    World landmarks have this program's axes already: metres from the middle of the hips, x right, y down, and smaller z
    nearer to the camera.
    """
    rows = np.array([(mark.x, mark.y, mark.visibility) for mark in landmarks], np.float32)
    xy_px = rows[:, :2] * np.array(size_wh, np.float32)
    return Keypoints2D(
        xy_px=xy_px + np.array(origin_px, np.float32),
        confidence=np.clip(rows[:, 2], 0, _most_confidence(xy_px, size_wh)),
        skeleton=MEDIAPIPE33,
        world_xyz_m=np.array([(mark.x, mark.y, mark.z) for mark in world], np.float32),
    )
