"""Pose files: one row a person and frame as NPZ, JSON or CSV; or one person's motion as BVH (``bvh_file``).

The columns, the same in all three formats (CSV is long form, one line a joint):

    frame_index (N,)        position in the source
    time_s (N,)             seconds on the source's clock
    track_id (N,)           who
    keypoints_2d (N,17,3)   x px, y px, confidence
    reprojection_px (N,)    mean distance of the pose's joints from the detector's in the picture; NaN where it could
                            not be placed (not in CSV)
    poses_3d (N,17,3)       metres, pelvis at the origin, x right, y down, z away from the camera; NaN where unknown

and once a file: fps, image_size (w, h), joint_names, parents, schema_version, posedemo_version, detector, lifter,
and how poses were made (``modes.posing_facts``): mode, smooth, bones, fov_deg, height_cm where it was given,
look_ahead_frames and look_ahead_ms (how far beyond its frame a pose knows the clip; 0 for a causal lifter, live),
sides_look_ahead_ms and smoothing_look_ahead_ms (what telling left from right, and the filter, have of it).

In file mode all poses of a track get the bones that it has in the end: an annotated video is written while they are
still being learned, a pose file at the end.
"""

from __future__ import annotations

import csv
import json
import math
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..arrays import Float32Array
from ..body import hold_last_lengths
from ..datatypes import Person, Result
from ..outputs import PartialFile, writing
from ..skeleton import H36M17
from .bvh_file import write_bvh

SCHEMA_VERSION = 1
ROOT = "root_m"
"""(N, 3) a column that only BVH is made with: a place is an estimate for showing, and not in the other files."""
_UNPLACED = np.full(3, np.nan, np.float32)
_CSV_COLUMNS = ("frame_index", "time_s", "track_id", "keypoints_2d", "poses_3d")
CSV_HEADER = (
    "frame_index", "time_s", "track_id", "joint", "x_px", "y_px", "confidence", "x_m", "y_m", "z_m",
)  # fmt: skip


@dataclass
class PoseRows:
    """Rows of a pose file in memory, 448 bytes each: an hour of one person at 30 frames a second is 48 MB."""

    frame_index: array[int] = field(default_factory=lambda: array("q"))
    time_s: array[float] = field(default_factory=lambda: array("d"))
    track_id: array[int] = field(default_factory=lambda: array("q"))
    keypoints_2d: bytearray = field(default_factory=bytearray)
    poses_3d: bytearray = field(default_factory=bytearray)
    reprojection_px: array[float] = field(default_factory=lambda: array("f"))
    root_m: bytearray = field(default_factory=bytearray)

    def add(self, index: int, time_s: float, person: Person) -> None:
        """Add one person of one frame."""
        self.frame_index.append(index)
        self.time_s.append(time_s)
        self.track_id.append(person.track_id)
        self.keypoints_2d += keypoint_table(person).tobytes()
        self.poses_3d += pose_table(person).tobytes()
        self.reprojection_px.append(math.nan if person.reprojection_px is None else person.reprojection_px)
        self.root_m += (_UNPLACED if person.root_m is None else person.root_m).tobytes()

    def columns(self) -> dict[str, np.ndarray[Any, Any]]:
        """The columns as arrays; right in shape and type also without rows."""
        shape = (-1, H36M17.num_joints, 3)
        return {
            "frame_index": np.array(self.frame_index, np.int64),
            "time_s": np.array(self.time_s, np.float64),
            "track_id": np.array(self.track_id, np.int64),
            "keypoints_2d": np.frombuffer(self.keypoints_2d, np.float32).reshape(shape),
            "poses_3d": np.frombuffer(self.poses_3d, np.float32).reshape(shape),
            "reprojection_px": np.array(self.reprojection_px, np.float32),
            ROOT: np.frombuffer(self.root_m, np.float32).reshape(-1, 3),
        }


def keypoint_table(person: Person) -> Float32Array:
    """(17, 3): x px, y px, confidence."""
    return np.column_stack([person.keypoints.xy_px, person.keypoints.confidence])


def pose_table(person: Person) -> Float32Array:
    """(17, 3) metres; all NaN where the person was not lifted."""
    if person.pose is None:
        return np.full((H36M17.num_joints, 3), np.nan, np.float32)
    return person.pose.xyz_m


def file_facts(
    *, fps: float | None, size_wh: tuple[int, int], detector: str, lifter: str, posing: Mapping[str, Any]
) -> dict[str, Any]:
    """What a pose file says once; ``lifter`` is what the user called it, ``posing`` from ``posing_facts``."""
    return {
        "fps": float("nan") if fps is None else float(fps),
        "image_size": np.array(size_wh, np.int64),
        "joint_names": np.array(H36M17.joints),
        "parents": np.array(H36M17.parents, np.int64),
        "schema_version": SCHEMA_VERSION,
        "posedemo_version": __version__,
        "detector": detector,
        "lifter": lifter,
        **posing,
    }


class PoseFile:
    """Writes results to one pose file; the suffix chooses the format.

    Args:
        path: ends with .npz, .json, .csv or .bvh.
        facts: from ``file_facts``.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self._facts = facts
        self._rows = PoseRows()
        self._file = PartialFile(path)

    def write(self, result: Result) -> None:
        """Add everybody in the frame, unless it stands in for the camera's: nobody was there at that moment."""
        if result.frame.is_recorded:
            return
        for person in result.people:
            self._rows.add(result.frame.stamp.index, result.frame.stamp.time_s, person)

    def check(self) -> None:
        """Raise OutputError where the file, which has yet to be filled, was removed."""
        self._file.check()

    def close(self) -> None:
        """Write the file and give it its name."""
        write_columns(self._file, self._rows.columns(), self._facts)

    def abandon(self) -> None:
        """The same as ``discard``: nothing was written yet."""
        self._file.discard()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._file.discard()


def write_columns(file: PartialFile, columns: Mapping[str, np.ndarray[Any, Any]], facts: Mapping[str, Any]) -> None:
    """Write columns and facts in the format that the file's suffix names, and give the file its final name.

    Raises:
        OutputError: the file cannot be written, and nothing is left behind; or it cannot have its name.
    """
    if (facts["mode"], facts["bones"]) == ("file", "fixed"):
        columns = {**columns, "poses_3d": hold_last_lengths(columns["poses_3d"], columns["track_id"])}
    suffix = file.path.suffix.lower()
    as_bvh = partial(write_bvh, name=file.path.name)
    writers: dict[str, Callable[..., None]] = {
        ".npz": _write_npz, ".json": _write_json, ".csv": _write_csv, ".bvh": as_bvh,
    }  # fmt: skip
    write = writers[suffix]
    if write is not as_bvh:
        columns = {name: column for name, column in columns.items() if name != ROOT}
    try:
        with writing(file.path):
            # Somebody may have removed the folder, but not what is in memory.
            file.partial.parent.mkdir(parents=True, exist_ok=True)
            write(file.partial, columns, facts)
    except BaseException:
        file.discard()
        raise
    file.commit()


def _write_npz(path: Path, columns: Mapping[str, np.ndarray[Any, Any]], facts: Mapping[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **columns, **facts)  # type: ignore[arg-type]  # columns are no options


def _write_json(path: Path, columns: Mapping[str, np.ndarray[Any, Any]], facts: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump({name: _plain(value) for name, value in {**facts, **columns}.items()}, file, allow_nan=False)
        file.write("\n")


def _plain(value: Any) -> Any:
    """Arrays as lists, float32 without digits it does not have, and null for NaN, which JSON does not know."""
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        value = np.round(value.astype(np.float64), 5)
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value] if value.ndim > 1 else [_plain(item) for item in value.tolist()]
    return None if isinstance(value, float) and np.isnan(value) else value


def _write_csv(path: Path, columns: Mapping[str, np.ndarray[Any, Any]], facts: Mapping[str, Any]) -> None:
    del facts  # a table has no place for them; they are in the other formats
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_HEADER)
        rows = zip(*(columns[name] for name in _CSV_COLUMNS), strict=True)
        for frame_index, time_s, track_id, keypoints, pose in rows:
            for name, image, room in zip(H36M17.joints, keypoints, pose, strict=True):
                numbers = ("" if np.isnan(number) else f"{number:.5f}" for number in (*image, *room))
                writer.writerow([frame_index, f"{time_s:.6f}", track_id, name, *numbers])
