"""Pictures that take the place of others: fitted into the size that a run began with, and faded into each other."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..arrays import ImageArray
from ..datatypes import Frame, Keypoints2D
from ..letterbox import letterbox, place_within

FADE_S = 0.4


def fitted(frame: Frame, size_wh: tuple[int, int]) -> Frame:
    """Scale a frame into a size without distortion, in the middle of black where the aspect differs.

    People who come with the frame are moved with the picture.
    """
    if frame.size_wh == size_wh:
        return frame
    place = place_within(frame.size_wh, size_wh)
    stretch = np.divide((place.width, place.height), frame.size_wh, dtype=np.float32)
    offset = np.array([place.left, place.top], np.float32)

    def moved(people: tuple[Keypoints2D, ...]) -> tuple[Keypoints2D, ...]:
        return tuple(replace(person, xy_px=person.xy_px * stretch + offset) for person in people)

    seen = frame.detections
    detections = None if seen is None else replace(seen, found=moved(seen.found), again=moved(seen.again))
    return replace(frame, image_bgr=letterbox(frame.image_bgr, size_wh), detections=detections)


class Fade:
    """From one picture to those that follow it.

    Args:
        before: the last picture of what was shown, (H, W, 3) uint8.
        start_s: when the change began, on the clock of ``mixed``.
    """

    def __init__(self, before: ImageArray, start_s: float) -> None:
        self._before = before
        self._start_s = start_s

    def mixed(self, after: ImageArray, now_s: float) -> ImageArray:
        """What to show instead of a picture of the same size; the picture itself once the fade is over."""
        share = (now_s - self._start_s) / FADE_S
        if share >= 1:
            return after
        return np.asarray(cv2.addWeighted(after, max(0.0, share), self._before, 1 - max(0.0, share), 0), np.uint8)
