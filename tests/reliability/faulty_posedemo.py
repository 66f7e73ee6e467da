"""``posedemo`` with a fault inside: ``python faulty_posedemo.py FAULT [arguments of posedemo]``.

Somebody who walks through the picture stands in for the detector, and black for the room, so that a run takes a second
and not ten; all else is what is shipped. Run in a process of its own.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes import standing_keypoints
from posedemo import cli, lookout, registry
from posedemo.capture import camera, opening
from posedemo.datatypes import Frame, Keypoints2D
from posedemo.skeleton import MEDIAPIPE33

FAULTY_FRAME = 40
_FRAME_S, _SLOW_FRAME_S = 0.004, 0.1


class Walker:
    """Somebody who walks from left to right, with joints that no compression makes small.

    Args:
        at_frame: called with the number of each frame before it is looked at.
        is_joined: two others come at ``FAULTY_FRAME``.
        frame_s: that a frame takes at least.
    """

    def __init__(self, at_frame: Callable[[int], None], *, is_joined: bool, frame_s: float) -> None:
        self._at_frame = at_frame
        self._is_joined = is_joined
        self._frame_s = frame_s
        self._num_frames = 0

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        """The same person in the same frame, however often it is run."""
        self._at_frame(self._num_frames)
        self._num_frames += 1
        time.sleep(self._frame_s)
        index, (width, height) = frame.stamp.index, frame.size_wh
        person = standing_keypoints(width * (0.3 + 0.0002 * index), 0.8 * height, MEDIAPIPE33)
        tremor = np.random.default_rng(index).normal(size=person.xy_px.shape)
        walker = Keypoints2D(person.xy_px + tremor.astype(np.float32), person.confidence, MEDIAPIPE33)
        if not self._is_joined or index < FAULTY_FRAME:
            return (walker,)
        return walker, *(standing_keypoints(width * place, 0.8 * height, MEDIAPIPE33) for place in (0.6, 0.85))

    def forget(self) -> None:
        """It follows nobody."""

    def close(self) -> None:
        """Nothing to close."""


class BlackRoom:
    """Pictures of a room in which the light is off."""

    def __init__(self, size_wh: tuple[int, int], **_: object) -> None:
        self._picture = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)

    def submit(self, people: Sequence[object], time_s: float) -> None:
        """Nothing is seen of them."""

    def receive(self) -> np.ndarray:
        """Black."""
        return self._picture

    def close(self) -> None:
        """Nothing to close."""


def _at(frame: int, fail: Callable[[], None]) -> Callable[[int], None]:
    return lambda index: fail() if index == frame else None


def _raise() -> None:
    raise RuntimeError("Graph has errors:\nCalculator::Process() failed")


def _hang() -> None:
    """In native code, as a driver or a deadlock of C++ threads does."""
    while True:
        ctypes.CDLL(None).sleep(1000)


def _refuse_to_encode() -> None:
    from posedemo.sinks import annotated_video

    annotated_video._ENCODER = {"b": "-5000000000000"}  # bits a second


def _break_window() -> None:
    from posedemo.viewer import window

    taken = iter(range(1000))
    take = window.RoomWindow._take

    def failing(self: window.RoomWindow, result: object) -> None:
        if next(taken) == 5:
            raise RuntimeError("the driver lost its context")
        take(self, result)

    window.RoomWindow._take = failing


class _StuckCamera:
    """A device that gives some pictures, and then a read that never returns."""

    def __init__(self, *_: object) -> None:
        self._num_read = 0

    def read(self) -> tuple[bool, np.ndarray]:
        self._num_read += 1
        if self._num_read > FAULTY_FRAME:
            _hang()
        time.sleep(0.03)
        return True, np.full((48, 64, 3), self._num_read, np.uint8)

    def __getattr__(self, name: str) -> Callable[..., object]:
        return {"isOpened": lambda: True, "get": lambda _: 30.0, "release": lambda: None}.get(name, lambda *_: False)


def _plug_in_stuck_camera(*, gives_up_after_s: float) -> None:
    camera.cv2 = SimpleNamespace(**{**vars(cv2), "VideoCapture": _StuckCamera})
    opening.GIVES_UP_DEVICE_AFTER_S = gives_up_after_s


DETECTOR_FAULTS = {
    "detector-raises": _at(FAULTY_FRAME, _raise),
    "detector-hangs": _at(FAULTY_FRAME, _hang),
    "detector-hangs-for-long": _at(FAULTY_FRAME, _hang),
}
OTHER_FAULTS: dict[str, Callable[[], None]] = {
    "encoder-refuses": _refuse_to_encode,
    "window-raises": _break_window,
    # Patience is for people; what happens at its end is the same.
    "camera-hangs": functools.partial(_plug_in_stuck_camera, gives_up_after_s=2.0),
    "camera-hangs-for-long": functools.partial(_plug_in_stuck_camera, gives_up_after_s=1000.0),
    "detector-hangs": functools.partial(setattr, lookout, "_LOOK_EVERY_S", 0.1),
}


def main(fault: str, arguments: list[str]) -> int:
    """Run posedemo with one fault, or none."""
    at_frame = DETECTOR_FAULTS.get(fault, lambda _: None)
    frame_s = _SLOW_FRAME_S if fault == "slow" else _FRAME_S
    registry.create_detector = lambda *_, **__: Walker(at_frame, is_joined=fault == "company", frame_s=frame_s)
    if fault != "real-room":
        from posedemo.viewer import offscreen

        offscreen.RoomRenderer = BlackRoom
    if fault in OTHER_FAULTS:
        OTHER_FAULTS[fault]()
    sys.argv = ["posedemo", *arguments]
    return cli.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
