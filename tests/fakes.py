"""Small real implementations of the pipeline's protocols, for tests that need a known input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from posedemo.capture.source import SourceInfo
from posedemo.datatypes import Frame, Keypoints2D, LifterSpec, Pose3D, Result, Stamp, Window
from posedemo.skeleton import H36M17, Skeleton


def make_frame(index: int = 0, time_s: float | None = None, size_wh: tuple[int, int] = (64, 48)) -> Frame:
    """A grey frame at 30 frames a second."""
    image = np.full((size_wh[1], size_wh[0], 3), 90, np.uint8)
    return Frame(image, Stamp(index, index / 30 if time_s is None else time_s))


def standing_keypoints(x_px: float = 32.0, height_px: float = 40.0, skeleton: Skeleton = H36M17) -> Keypoints2D:
    """Somebody standing upright, facing the camera: their right is on the picture's left."""
    sides = {"left": 1.0, "right": -1.0, "centre": 0.0}
    heights = {"head": 0.0, "ear": 0.05, "eye": 0.06, "nose": 0.08, "mouth": 0.1, "thorax": 0.17, "shoulder": 0.2,
               "spine": 0.35, "elbow": 0.38, "wrist": 0.52, "pinky": 0.55, "index": 0.55, "thumb": 0.54,
               "pelvis": 0.5, "hip": 0.5, "knee": 0.73, "ankle": 0.95, "heel": 0.98, "foot": 1.0}  # fmt: skip
    rows = []
    for number, name in enumerate(skeleton.joints):
        part = next(word for word in name.split("_") if word in heights)
        reach = 0.05 if part in ("ear", "eye", "mouth") else 0.12
        rows.append((x_px + sides[skeleton.side(number)] * reach * height_px, 4 + heights[part] * height_px))
    return Keypoints2D(np.array(rows, np.float32), np.full(len(rows), 0.9, np.float32), skeleton)


class ListSource:
    """Yields given frames, then ends or raises."""

    def __init__(self, frames: Sequence[Frame], *, is_live: bool = False, error: Exception | None = None) -> None:
        self._frames = frames
        self._error = error
        self.is_closed = False
        self.info = SourceInfo(name="list", size_wh=frames[0].size_wh, fps=Fraction(30), is_live=is_live)

    def frames(self) -> Iterator[Frame]:
        yield from self._frames
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.is_closed = True


class ScriptedDetector:
    """Finds what the script says, frame by frame."""

    def __init__(self, script: Sequence[Sequence[Keypoints2D] | Exception]) -> None:
        self._script = iter(script)
        self.is_closed = False
        self.num_forgotten = 0

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        step = next(self._script)
        if isinstance(step, Exception):
            raise step
        return tuple(step)

    def forget(self) -> None:
        self.num_forgotten += 1

    def close(self) -> None:
        self.is_closed = True


class FlatLifter:
    """Puts everybody into the plane z = 0, two metres to the width of the picture."""

    spec = LifterSpec(name="flat", num_frames=1, rate_hz=30.0)

    def lift(self, windows: Sequence[Window]) -> tuple[Pose3D, ...]:
        return tuple(self._lift_one(window) for window in windows)

    @staticmethod
    def _lift_one(window: Window) -> Pose3D:
        xy = window.xy[window.target] - window.xy[window.target, H36M17.index("pelvis")]
        return Pose3D(np.column_stack([xy, np.zeros(len(xy), np.float32)]), window.confidence[window.target])


class ListSink:
    """Keeps the results."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def write(self, result: Result) -> None:
        self.results.append(result)

    def close(self) -> None:
        pass
