"""Makes small session files for tests, as the recorder writes them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from fakes import make_frame, standing_keypoints
from posedemo.capture.source import SourceInfo
from posedemo.datatypes import Detections, Frame, Keypoints2D
from posedemo.sessions.header import SessionHeader, make_header
from posedemo.settings import Settings
from posedemo.sinks.session_file import SessionFile

SIZE_WH = (64, 48)


def header(**settings) -> SessionHeader:
    """Of a live run with one of the shipped lifters."""
    info = SourceInfo(name="camera 0", size_wh=SIZE_WH, fps=Fraction(30), is_live=True)
    return make_header(Settings(**{"mode": "live", "lifter": "semgcn", **settings}), info)


def walking(index: int, *, has_world: bool = False) -> Keypoints2D:
    """Somebody who crosses the picture; a wrist is not seen in every third frame."""
    person = standing_keypoints(x_px=20.0 + index / 4)
    xy_px, confidence = person.xy_px.copy(), person.confidence.copy()
    if index % 3 == 0:
        xy_px[-1], confidence[-1] = np.nan, 0
    world = np.random.default_rng(index).normal(size=(17, 3)).astype(np.float32) if has_world else None
    return Keypoints2D(xy_px, confidence, world_xyz_m=world)


def shots(num_frames: int, *, has_world: bool = False) -> list[tuple[Frame, Detections]]:
    """Frames at 30 a second from an odd time on, with one person each; in every fifth a second look found them too."""
    return [
        (
            make_frame(index, 1234.5678901 + index / 30, SIZE_WH),
            Detections(
                (walking(index, has_world=has_world),), (walking(index + 1, has_world=has_world),) * (index % 5 == 0)
            ),
        )
        for index in range(num_frames)
    ]


def write_session(path: Path, taken: Sequence[tuple[Frame, Detections]], **settings) -> Path:
    """A session file with these frames."""
    with SessionFile(path, header(**settings), on_failure=print) as file:
        for frame, detections in taken:
            file.record(frame, detections)
    return path
