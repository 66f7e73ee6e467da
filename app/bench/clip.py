"""The clip that everything is measured with where the user gives none: two seconds of a real person, in full HD."""

from __future__ import annotations

import importlib.resources
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from ..capture.video import VideoFile
from ..datatypes import Frame
from ..h264 import VideoWriter, to_planes

SIZE_WH = (1920, 1080)
NUM_FRAMES = 150
"""Five seconds; of a longer file the first so many are used."""

_FPS = Fraction(30)
_ENCODER = {"preset": "veryfast", "crf": "23"}
"""As cameras and phones encode, which is what is to be decoded."""


def write_clip(path: Path, num_frames: int = NUM_FRAMES) -> None:
    """Write the packaged clip forwards and backwards until it is long enough, enlarged.

    To the detector that makes no difference: it scales every picture down to 256 pixels.
    """
    with importlib.resources.as_file(importlib.resources.files("posedemo.bench") / "clip.mp4") as packaged:
        pictures = [frame.image_bgr for frame in read_frames(packaged, num_frames)]
    there_and_back = islice(cycle([*pictures, *pictures[-2:0:-1]]), num_frames)
    video = VideoWriter(path, SIZE_WH, rate=_FPS, time_base=1 / _FPS, encoder=_ENCODER, container={})
    for index, picture in enumerate(there_and_back):
        enlarged = np.asarray(cv2.resize(picture, SIZE_WH), np.uint8)
        video.write(to_planes(enlarged), float(index / _FPS))
    video.flush()
    video.close()


def measure_clip(path: Path, max_frames: int) -> tuple[int, tuple[int, int]]:
    """How many frames a video has, up to some number, and how large they are; without keeping them.

    Raises:
        SourceError: it cannot be read.
    """
    video = VideoFile(path)
    try:
        return sum(1 for _ in islice(video.frames(), max_frames)), video.info.size_wh
    finally:
        video.close()


def read_frames(path: Path, max_frames: int) -> list[Frame]:
    """The first frames of a video.

    Raises:
        SourceError: it cannot be read.
    """
    video = VideoFile(path)
    try:
        return list(islice(video.frames(), max_frames))
    finally:
        video.close()
