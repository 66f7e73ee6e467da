"""2D keypoints of a file: this program's own, or made elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .array_files import read_arrays
from .arrays import Float32Array
from .datatypes import Keypoints2D
from .errors import SourceError
from .remap import remap, with_own_trunk
from .settings import FOV_RANGE_DEG, HEIGHT_RANGE_CM, in_range
from .skeleton import COCO17, H36M17, MEDIAPIPE33, SKELETONS, Skeleton

logger = logging.getLogger(__name__)

_LAYOUTS = (H36M17, COCO17, MEDIAPIPE33)
_SETTLED = "sides_look_ahead_ms"
"""A file of this program that states more than 0 has left and right as they suit what follows: to decide it once more
would exchange others, which the detector's own opinion had spoken for."""
_SETTLED_RANGE_MS = (0.0, 60_000.0)
_OWN = "posedemo_version"
"""States that a file is this program's own."""
_ARRAYS = {
    "keypoints_2d",
    "image_size",
    "fps",
    "layout",
    "frame_index",
    "time_s",
    "track_id",
    "detector",
    "fov_deg",
    "height_cm",
    _SETTLED,
    _OWN,
}
_FORMAT_HINT = "give keypoints_2d as (frames, 17 or 33, 2 or 3): x px, y px[, confidence]"
_SHARES = (-0.5, 1.5)
"""Coordinates that all lie within are no pixels, but shares of a picture's sides."""
_SMALLEST_PICTURE_PX = 16
_OTHER_PACE = 5.0
"""Times that go by so many times faster or slower than the frames are not in seconds."""
_FARTHEST_PX = 1e6
_FEWEST_ROWS = 10
"""Fewer do not show whether somebody goes back and forth."""
_LARGEST_NUMBER = 2.0**53
"""Up to there float64 has all whole numbers."""
_MOST_TRACKS = 10_000
"""Each has a filter and a body of its own: together some 400 MB."""


@dataclass(frozen=True)
class KeypointTable:
    """2D keypoints of a file, one row a person and frame, in the order of time.

    Attributes:
        keypoints: N persons' joints, in any layout.
        frame_index: (N,).
        time_s: (N,), rising within a track.
        track_id: (N,).
        size_wh: of the pictures, pixels.
        fps: frames a second.
        detector: what made the keypoints.
        settled_s: how far beyond each frame was looked to tell left from right; 0 where they are as they were found.
        fov_deg: that a file of this program was made with; None otherwise.
        height_cm: the same.
    """

    keypoints: tuple[Keypoints2D, ...]
    frame_index: npt.NDArray[np.int64]
    time_s: npt.NDArray[np.float64]
    track_id: npt.NDArray[np.int64]
    size_wh: tuple[int, int]
    fps: float
    detector: str
    settled_s: float
    fov_deg: float | None = None
    height_cm: float | None = None


def read_keypoints(path: Path) -> KeypointTable:
    """Read keypoints from an NPZ file.

    ``keypoints_2d`` is (N, J, 2 or 3): pixels, and confidence (1 where it is left out). ``layout`` names the joints;
    without it 33 joints are MediaPipe's and 17 are H36M's, of which pelvis, spine and thorax are made from the others
    unless the file is this program's own. ``frame_index``, ``time_s`` and ``track_id`` as in this program's own files;
    without them each row is the next frame of one person.

    Raises:
        SourceError: the file cannot be read or does not fit that description.
    """
    arrays = _load(path)
    table, size_wh, fps = _rows_and_pictures(arrays, path)
    skeleton = _layout(arrays, table.shape[1], path)
    num_rows = len(table)
    frame_index = _column(arrays, "frame_index", num_rows, np.arange(num_rows), path).astype(np.int64)
    time_s = _column(arrays, "time_s", num_rows, frame_index / fps, path).astype(np.float64)
    track_id = _column(arrays, "track_id", num_rows, np.zeros(num_rows), path).astype(np.int64)
    _check_moments(track_id, time_s, path)
    num_tracks = len(np.unique(track_id))
    own = arrays if _OWN in arrays else {}
    if num_tracks > _MOST_TRACKS:
        raise SourceError(f"{path} has {num_tracks} tracks, more than the {_MOST_TRACKS} allowed", "split the file")
    return KeypointTable(
        keypoints=tuple(_person(row, skeleton, is_own=_OWN in arrays) for row in table),
        frame_index=frame_index,
        time_s=time_s,
        track_id=track_id,
        size_wh=size_wh,
        fps=fps,
        detector=str(arrays.get("detector", "unknown")),
        settled_s=(_stated(arrays, _SETTLED, _SETTLED_RANGE_MS, "milliseconds", path) or 0.0) / 1e3,
        fov_deg=_stated(own, "fov_deg", FOV_RANGE_DEG, "degrees", path),
        height_cm=_stated(own, "height_cm", HEIGHT_RANGE_CM, "cm", path),
    )


def _rows_and_pictures(
    arrays: Mapping[str, npt.NDArray[Any]], path: Path
) -> tuple[Float32Array, tuple[int, int], float]:
    """What every file must have: places (N, J, 2 or 3), and the size of the pictures and their rate."""
    try:
        table = _as_float32(arrays["keypoints_2d"])
        sides = arrays["image_size"].reshape(-1)
        if len(sides) != 2:
            raise SourceError(f"image_size in {path} has {len(sides)} numbers", "it is the pictures' width and height")
        width, height = (int(length) for length in sides)
        fps = float(arrays["fps"].reshape(()))
    except KeyError as error:
        raise SourceError(f"{path} has no {error.args[0]}", "it needs keypoints_2d, image_size and fps") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceError(f"{path} holds something that is not numbers: {error}", _FORMAT_HINT) from error
    if table.ndim != 3 or table.shape[2] not in (2, 3):
        raise SourceError(f"keypoints_2d in {path} has the shape {table.shape}", _FORMAT_HINT)
    if not 1 <= min(width, height) <= max(width, height) <= _FARTHEST_PX or not 0 < fps < 1e5:
        raise SourceError(
            f"{path} states image_size {width}x{height} and fps {fps:g}", "both must be above 0 and not beyond reason"
        )
    return table, (width, height), fps


def warn_of_doubts(table: KeypointTable, path: Path) -> None:
    """Say so where places are hardly pixels, times hardly seconds, or one person is hardly one: poses would be wrong
    without a word."""
    _warn_of_units(table, path)
    if _go_back_and_forth(table):
        logger.warning("rows of %s go back and forth between places: give everybody a number in track_id", path)


def _go_back_and_forth(table: KeypointTable) -> bool:
    """Whether most people of a track are nearer to the row before the last than to the last, and far from that."""
    order = np.lexsort((table.time_s, table.track_id))
    if len(order) < _FEWEST_ROWS:
        return False
    xy_px = np.array([table.keypoints[row].xy_px for row in order])
    known = np.isfinite(xy_px).all(axis=2, keepdims=True)
    num_known = np.maximum(known.sum(axis=1), 1)
    middle_px = np.where(known, xy_px, 0).sum(axis=1) / num_known
    size_px = np.sqrt((np.where(known, xy_px - middle_px[:, None], 0) ** 2).sum(axis=(1, 2)) / num_known[:, 0])
    to_last_px = np.linalg.norm(middle_px[2:] - middle_px[1:-1], axis=1)
    to_one_before_px = np.linalg.norm(middle_px[2:] - middle_px[:-2], axis=1)
    is_same = table.track_id[order][2:] == table.track_id[order][:-2]
    is_back = (to_last_px > size_px[2:]) & (to_one_before_px < to_last_px / 2)
    return bool(is_same.any() and is_back[is_same].mean() > 0.5)


def _warn_of_units(table: KeypointTable, path: Path) -> None:
    places = np.array([one.xy_px for one in table.keypoints]).reshape(-1)
    places = places[np.isfinite(places)]
    is_large = min(table.size_wh) > _SMALLEST_PICTURE_PX
    if is_large and len(places) and all(in_range(float(end), _SHARES) for end in (places.min(), places.max())):
        logger.warning("keypoints_2d in %s look like shares of the picture, not pixels: multiply by its size", path)
    order = np.lexsort((table.time_s, table.track_id))
    frames, seconds = np.diff(table.frame_index[order]), np.diff(table.time_s[order])
    goes_on = (np.diff(table.track_id[order]) == 0) & (frames > 0)
    if goes_on.any():
        pace = float(np.median(seconds[goes_on] / frames[goes_on])) * table.fps
        if not 1 / _OTHER_PACE <= pace <= _OTHER_PACE:
            logger.warning(
                "time_s in %s goes by %.3g times as fast as %g frames a second: it must be in seconds",
                path, pace, table.fps,
            )  # fmt: skip


def _check_moments(track_id: npt.NDArray[np.int64], time_s: npt.NDArray[np.float64], path: Path) -> None:
    """Refuse two rows of one person at one time: they are two people."""
    order = np.lexsort((time_s, track_id))
    is_again = (np.diff(track_id[order]) == 0) & (np.diff(time_s[order]) == 0)
    if is_again.any():
        first = order[int(is_again.argmax())]
        raise SourceError(
            f"{path} has two rows of person {track_id[first]} at {time_s[first]:g} seconds",
            "give everybody a number in track_id",
        )


def _stated(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, bounds: tuple[float, float], unit: str, path: Path
) -> float | None:
    """A number that says how the file was made, where it says so."""
    if name not in arrays:
        return None
    number = arrays[name]
    if number.shape != () or number.dtype.kind not in "iuf" or not in_range(float(number), bounds):
        raise SourceError(
            f"{name} in {path} is not a number from {bounds[0]:g} to {bounds[1]:g} {unit}", "leave it out"
        )
    return float(number)


def _as_float32(array: npt.NDArray[Any]) -> Float32Array:
    """Numbers that float32 cannot hold become infinite, which is as unknown."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def _load(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        return read_arrays(path, only=_ARRAYS)
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist", "check the path") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SourceError(
            f"{path} is not a readable NPZ file of plain arrays: {reason}", "save it with np.savez"
        ) from error


def _layout(arrays: dict[str, npt.NDArray[Any]], num_joints: int, path: Path) -> Skeleton:
    default = MEDIAPIPE33.name if num_joints == MEDIAPIPE33.num_joints else H36M17.name
    name = str(arrays.get("layout", default))
    skeleton = SKELETONS.get(name)
    if skeleton not in _LAYOUTS:
        known = ", ".join(layout.name for layout in _LAYOUTS)
        raise SourceError(f"{path} states the layout {name!r}", f"use one of {known}")
    if skeleton.num_joints != num_joints:
        raise SourceError(f"{path} has {num_joints} joints, {name} has {skeleton.num_joints}", "state the right layout")
    return skeleton


def _column(
    arrays: dict[str, npt.NDArray[Any]], name: str, num_rows: int, default: npt.NDArray[Any], path: Path
) -> npt.NDArray[Any]:
    column = arrays.get(name, default)
    if column.shape != (num_rows,) or column.dtype.kind not in "iuf":
        raise SourceError(f"{name} in {path} is not one number a row", f"it needs the shape ({num_rows},)")
    if not (np.abs(column.astype(np.float64)) <= _LARGEST_NUMBER).all():
        raise SourceError(f"{name} in {path} holds values that are not finite, or beyond reason", _FORMAT_HINT)
    return column


def _person(row: Float32Array, skeleton: Skeleton, *, is_own: bool) -> Keypoints2D:
    """One row; a joint with a coordinate that is not finite, or beyond reason, is unknown."""
    known = np.isfinite(row).all(axis=-1) & (np.abs(row[:, :2]) <= _FARTHEST_PX).all(axis=-1)
    confidence = np.clip(row[:, 2], 0, 1) if row.shape[1] == 3 else np.ones(len(row), np.float32)
    confidence = np.where(known, confidence, 0).astype(np.float32)
    xy_px = np.where((confidence > 0)[:, None], row[:, :2], np.nan).astype(np.float32)
    person = Keypoints2D(xy_px=xy_px, confidence=confidence, skeleton=skeleton)
    return with_own_trunk(person) if skeleton is H36M17 and not is_own else remap(person)
