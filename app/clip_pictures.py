"""Pictures of the hard frames of a clip: the person, a lifter's 3D and the detector's own, from the front and the side.

Hard are the frames in which the two differ most. They show who is wrong, which no number without ground truth can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .arrays import Float32Array, ImageArray
from .capture.source import open_source
from .clip_scores import from_detector_m, motions
from .datatypes import Frame, Person, Pose3D, Result
from .outputs import write_whole, writing
from .skeleton import H36M17
from .viewer.offscreen import RoomRenderer
from .viewer.overlay import draw_people
from .viewer.theme import DARK, bgr_bytes

NUM_PICTURES = 6
_APART_S = 0.5
"""Neighbouring frames are hard for the same reason; one of them is shown."""

_PANE_WH = (400, 500)
_MARGIN = 1.5
"""Sides of what is shown of a picture over those of the person's box."""

_CAPTION_PX = 34
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.6
_APART_IN_ROOM_S = 60.0
"""On the room's clock, between panes: whoever stood there before is forgotten."""

_TO_THE_SIDE = np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]], np.float32)
"""What was far away is on the right, and what was on the right is near: seen from the picture's right."""


@dataclass(frozen=True)
class HardFrame:
    """A person in a frame of which two estimates differ.

    Attributes:
        index: number of the frame.
        time_s: of the frame.
        person: with a lifter's pose.
        apart_m: mean distance of the joints of both poses once they are aligned.
    """

    index: int
    time_s: float
    person: Person
    apart_m: float


def hard_frames(results: Iterable[Result]) -> list[HardFrame]:
    """The frames in which a lifter's poses differ most from the detector's own 3D, the worst first."""
    found = [
        HardFrame(int(index), float(time_s), person, float(apart_m))
        for pieces in motions(results)
        for piece in pieces
        for index, time_s, person, apart_m in zip(
            piece.frames, piece.time_s, piece.people, from_detector_m(piece), strict=True
        )
        if np.isfinite(apart_m)
    ]
    chosen: list[HardFrame] = []
    for frame in sorted(found, key=lambda frame: -frame.apart_m):
        if all(abs(frame.time_s - other.time_s) >= _APART_S for other in chosen):
            chosen.append(frame)
    return chosen[:NUM_PICTURES]


def picture_paths(folder: Path) -> list[Path]:
    """The files that ``write_pictures`` may write."""
    return [folder / f"hard-{number}.png" for number in range(1, NUM_PICTURES + 1)]


def draw_pictures(video: Path, frames: Sequence[HardFrame], lifter: str) -> list[ImageArray]:
    """One picture a hard frame, (H, W, 3) BGR.

    Args:
        video: the clip.
        frames: of that clip.
        lifter: whose poses they have.

    Raises:
        SourceError: the clip cannot be read any more.
        ModelError: the room cannot be drawn on this machine.
    """
    images = {frame.stamp.index: frame for frame in _pick(video, {frame.index for frame in frames})}
    with RoomRenderer(_PANE_WH) as renderer:
        panes = _Panes(renderer)
        return [_draw(frame, images[frame.index], lifter, panes) for frame in frames]


def write_pictures(folder: Path, pictures: Sequence[ImageArray]) -> None:
    """Write PNG files, each of which is complete or not there; those of another clip that had more are removed.

    Raises:
        OutputError: one cannot be written.
    """
    with writing(folder):
        folder.mkdir(exist_ok=True)
    for path, picture in zip(picture_paths(folder), pictures, strict=False):
        write_whole(path, cv2.imencode(".png", picture)[1].tobytes())
    for path in picture_paths(folder)[len(pictures) :]:
        with writing(path):
            path.unlink(missing_ok=True)


def _pick(video: Path, wanted: set[int]) -> Iterator[Frame]:
    """The frames of some numbers."""
    source = open_source(camera=None, video=video)
    try:
        for frame in source.frames():
            if frame.stamp.index in wanted:
                yield frame
            if frame.stamp.index >= max(wanted, default=-1):
                return
    finally:
        source.close()


class _Panes:
    """Draws poses in the room, one after the other, each as if it were the first."""

    def __init__(self, renderer: RoomRenderer) -> None:
        self._renderer = renderer
        self._count = 0

    def draw(self, person: Person, xyz_m: Float32Array, caption: str) -> ImageArray:
        """A pose (17, 3) in the room, with a line of text."""
        self._count += 1
        pose = Pose3D(np.ascontiguousarray(xyz_m, np.float32), person.keypoints.confidence)
        self._renderer.submit([Person(self._count, person.keypoints, pose)], self._count * _APART_IN_ROOM_S)
        return _captioned(self._renderer.receive(), caption)


def _draw(hard: HardFrame, frame: Frame, lifter: str, panes: _Panes) -> ImageArray:
    assert hard.person.pose is not None
    assert hard.person.keypoints.world_xyz_m is not None, "nothing else to be apart from"
    own_m = hard.person.keypoints.world_xyz_m
    estimates = {
        lifter: hard.person.pose.xyz_m,
        "detector's own 3D": own_m - own_m[H36M17.index("pelvis")],
    }
    columns = [_captioned(_close_up(frame, hard.person), f"frame {hard.index}: {1000 * hard.apart_m:.0f} mm apart")]
    for name, xyz_m in estimates.items():
        columns.append(panes.draw(hard.person, xyz_m, name))
        columns.append(panes.draw(hard.person, xyz_m @ _TO_THE_SIDE, f"{name}, from the side"))
    return np.hstack(columns)


def _close_up(frame: Frame, person: Person) -> ImageArray:
    """The part of a picture with a person in it, and their 2D skeleton, as large as a pane."""
    image_bgr = frame.image_bgr.copy()
    draw_people(image_bgr, [person])
    xy_px = person.keypoints.xy_px[np.isfinite(person.keypoints.xy_px).all(axis=-1)]
    low, high = xy_px.min(axis=0), xy_px.max(axis=0)
    pane_wh = np.array(_PANE_WH)
    size_px = pane_wh * float(np.max(_MARGIN * (high - low) / pane_wh).clip(1e-3))
    scale = pane_wh[0] / size_px[0]
    corner = (low + high - size_px) / 2
    place = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    return np.asarray(cv2.warpAffine(image_bgr, place, _PANE_WH, flags=cv2.INTER_AREA), np.uint8)


def _captioned(picture: ImageArray, text: str) -> ImageArray:
    """A picture with a line of text below it."""
    strip: ImageArray = np.full((_CAPTION_PX, picture.shape[1], 3), bgr_bytes(DARK.background), np.uint8)
    place = (10, _CAPTION_PX - 11)
    cv2.putText(strip, text, place, _FONT, _FONT_SCALE, bgr_bytes(DARK.text), 1, cv2.LINE_AA)
    return np.vstack([picture, strip])
