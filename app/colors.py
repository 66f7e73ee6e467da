"""The order of a picture's colours: OpenCV and what draws have blue first, detectors red."""

from __future__ import annotations

import cv2
import numpy as np

from .arrays import ImageArray
from .datatypes import Frame


def prepare(frame: Frame) -> None:
    """Do ahead what ``image_rgb`` does, in a thread that has time."""
    frame.prepare(_to_rgb)


def image_rgb(frame: Frame) -> ImageArray:
    """(H, W, 3) uint8, a frame's picture for detectors."""
    prepared = frame.take_prepared()
    return _to_rgb(frame.image_bgr) if prepared is None else prepared


def _to_rgb(image_bgr: ImageArray) -> ImageArray:
    return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), np.uint8)
