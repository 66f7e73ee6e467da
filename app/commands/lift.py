"""``posedemo lift``: lift 2D keypoints that came from anywhere, with the same window, lifter and filter as a video."""

from __future__ import annotations

import argparse
import logging
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import registry
from ..arguments import in_range
from ..array_files import read_arrays
from ..assembly import track_maker
from ..checks import check_posing
from ..command import FOV_RANGE_DEG, HEIGHT_RANGE_CM, Command, add_fov, add_posing
from ..datatypes import Float32Array, Keypoints2D, Window
from ..delay import DelayLine
from ..downstream import note_sides, own_sides, push_joints, window_of
from ..errors import SourceError
from ..lifters.engine_cache import MAX_BATCH
from ..manifest import manifest
from ..modes import choose_mode, lifter_in_mode, posing_facts, sides_look_ahead_s, smoothing_look_ahead_s
from ..outputs import POSE_SUFFIXES, PartialFile, check_outputs, check_suffix
from ..pinhole import DEFAULT_FOV_DEG, plane_scale
from ..posing import Draft, draft, finish
from ..remap import remap, with_own_trunk
from ..settings import PROVIDER_CHOICES, Settings
from ..sinks.pose_file import PoseRows, file_facts, write_columns
from ..skeleton import COCO17, H36M17, MEDIAPIPE33, SKELETONS, Skeleton
from ..stages import Lifter
from ..track import Track

logger = logging.getLogger(__name__)

_LAYOUTS = (H36M17, COCO17, MEDIAPIPE33)
_INDENT = " " * 14
_CONTRACT = "docs/lifters.md"
_SETTLED = "sides_look_ahead_ms"
"""A file of this program that states more than 0 has left and right as they suit what follows: to decide it once more
would exchange others, which the detector's own opinion had spoken for."""
_LONGEST_SETTLED_MS = 60_000
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
_SHARES = (-0.5, 1.5)
"""Coordinates that all lie within are no pixels, but shares of a picture's sides."""
_SMALLEST_PICTURE_PX = 16
_OTHER_PACE = 5.0
"""Times that go by so many times faster or slower than the frames are not in seconds."""
_FARTHEST_PX = 1e6
_LARGEST_NUMBER = 2.0**53
"""Up to there float64 has all whole numbers."""
_MOST_TRACKS = 10_000
"""Each has a filter and a body of its own: together some 400 MB."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _lifters_and_papers()
    parser.add_argument("keypoints", metavar="KEYPOINTS.npz", type=Path, help="keypoints_2d, image_size, fps[, layout]")
    parser.add_argument(
        "--output", metavar="POSES.npz", type=Path, required=True, help="where to write (.npz .json .csv .bvh)"
    )
    parser.add_argument(
        "--lifter", metavar="NAME", default=Settings.lifter, help="name or .onnx file (default: %(default)s)"
    )
    parser.add_argument("--provider", choices=PROVIDER_CHOICES, default=Settings.provider)
    add_fov(parser, default=None, words=f"as a file of this program states it, or {DEFAULT_FOV_DEG:g}")
    add_posing(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace an output that exists")


def _lifters_and_papers() -> str:
    """What ``--help`` says of the lifters, from the manifest."""
    lines = ["lifters:"]
    for entry in manifest():
        # The keypoints of a file come without the detector's 3D, which is all there is to a lifter without a file.
        if entry.kind == "lifter" and entry.file is not None:
            source = textwrap.fill(f"{entry.paper}; {entry.note}", initial_indent=_INDENT, subsequent_indent=_INDENT)
            lines += [f"  {entry.name}: {entry.title}", source]
    another = (
        f"FILE.onnx   your own: made by `posedemo export`, or any file that states the same contract ({_CONTRACT})"
    )
    lines.append(textwrap.fill(another, initial_indent="  ", subsequent_indent=_INDENT))
    return "\n".join(lines)


def run(arguments: argparse.Namespace) -> int:
    """Lift a file."""
    check_suffix(arguments.output, POSE_SUFFIXES, "--output")
    check_outputs([arguments.output], inputs=[arguments.keypoints], overwrite=arguments.overwrite)
    settings = Settings(
        fov_deg=DEFAULT_FOV_DEG if arguments.fov_deg is None else arguments.fov_deg,
        mode=arguments.mode,
        smooth=arguments.smooth,
        bones=arguments.bones,
        height_cm=arguments.height_cm,
    )
    check_posing(settings)
    mode = choose_mode(settings)
    name = lifter_in_mode(arguments.lifter, mode)
    table = read_keypoints(arguments.keypoints)
    if arguments.fov_deg is None and table.fov_deg is not None:
        settings = replace(settings, fov_deg=table.fov_deg)
    if arguments.height_cm is None and arguments.bones == "fixed":
        settings = replace(settings, height_cm=table.height_cm)
    _warn_of_units(table, arguments.keypoints)
    with registry.create_lifter(name, provider=arguments.provider) as lifter:
        rows = _lift(table, lifter, settings)
    facts = file_facts(
        fps=table.fps,
        size_wh=table.size_wh,
        detector=table.detector,
        lifter=Path(name).name,
        posing=posing_facts(lifter.spec, settings, mode, sides_s=table.settled_s),
    )
    write_columns(PartialFile(arguments.output), rows.columns(), facts)
    # A BVH holds one person, and says itself what it leaves out.
    num_poses = "" if arguments.output.suffix.lower() == ".bvh" else f": {len(rows.track_id)} poses"
    logger.info("wrote %s%s", arguments.output, num_poses)
    return 0


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
    unless the file is this program's own. ``frame_index``, ``time_s`` and ``track_id`` as in this
    program's own files; without them each row is the next frame of one person.

    Raises:
        SourceError: the file cannot be read or does not fit that description.
    """
    arrays = _load(path)
    try:
        table = _as_float32(arrays["keypoints_2d"])
        width, height = (int(length) for length in np.asarray(arrays["image_size"]).reshape(-1))
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
    skeleton = _layout(arrays, table.shape[1], path)
    num_rows = len(table)
    frame_index = _column(arrays, "frame_index", num_rows, np.arange(num_rows), path).astype(np.int64)
    time_s = _column(arrays, "time_s", num_rows, frame_index / fps, path).astype(np.float64)
    track_id = _column(arrays, "track_id", num_rows, np.zeros(num_rows), path).astype(np.int64)
    _check_moments(track_id, time_s, path)
    num_tracks = len(np.unique(track_id))
    if num_tracks > _MOST_TRACKS:
        raise SourceError(f"{path} has {num_tracks} tracks, more than the {_MOST_TRACKS} allowed", "split the file")
    return KeypointTable(
        keypoints=tuple(_person(row, skeleton, is_own=_OWN in arrays) for row in table),
        frame_index=frame_index,
        time_s=time_s,
        track_id=track_id,
        size_wh=(width, height),
        fps=fps,
        detector=str(arrays.get("detector", "unknown")),
        settled_s=_settled_s(arrays, path),
        fov_deg=_stated(arrays, "fov_deg", FOV_RANGE_DEG, path),
        height_cm=_stated(arrays, "height_cm", HEIGHT_RANGE_CM, path),
    )


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


def _stated(arrays: Mapping[str, npt.NDArray[Any]], name: str, bounds: tuple[float, float], path: Path) -> float | None:
    """What a file of this program was made with."""
    if _OWN not in arrays or name not in arrays:
        return None
    number = arrays[name]
    if number.shape != () or number.dtype.kind not in "iuf" or not in_range(float(number), bounds):
        raise SourceError(f"{name} in {path} is not a number from {bounds[0]:g} to {bounds[1]:g}", "leave it out")
    return float(number)


def _warn_of_units(table: KeypointTable, path: Path) -> None:
    """Say so where places are hardly pixels, or times hardly seconds: poses would be wrong without a word."""
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


def _settled_s(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> float:
    milliseconds = arrays.get(_SETTLED, np.zeros(()))
    if milliseconds.shape != () or milliseconds.dtype.kind not in "iuf" or not 0 <= milliseconds <= _LONGEST_SETTLED_MS:
        raise SourceError(f"{_SETTLED} in {path} is not a number of milliseconds", "leave it out")
    return float(milliseconds) / 1e3


def _as_float32(array: npt.NDArray[Any]) -> Float32Array:
    """Numbers that float32 cannot hold become infinite, which is as unknown."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


_FORMAT_HINT = "give keypoints_2d as (frames, 17 or 33, 2 or 3): x px, y px[, confidence]"


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
    if column.dtype.kind == "f" and not (np.abs(column.astype(np.float64)) <= _LARGEST_NUMBER).all():
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


def _lift(table: KeypointTable, lifter: Lifter, settings: Settings) -> PoseRows:
    """Window, lift in batches, pose and smooth, each track on its own."""
    mode = choose_mode(settings)
    new_track = track_maker(lifter.spec, settings.smooth, mode=mode, bones=settings.bones, height_cm=settings.height_cm)
    tracks = {int(track_id): new_track(int(track_id)) for track_id in np.unique(table.track_id)}
    rows = PoseRows()
    unsmoothed: DelayLine[tuple[int, Draft]] = DelayLine(smoothing_look_ahead_s(settings, mode))

    def add(row: int, drafted: Draft) -> None:
        time_s = float(table.time_s[row])
        rows.add(int(table.frame_index[row]), time_s, finish(drafted, time_s, table.size_wh))

    settled = _settled(table, tracks, sides_look_ahead_s(mode))
    ready = _windows(settled, table, tracks, lifter.spec.look_ahead_s, plane_scale(table.size_wh, settings.fov_deg))
    while batch := list(islice(ready, MAX_BATCH)):
        poses = lifter.lift([window for _, _, window in batch])
        for (row, keypoints, window), lifted in zip(batch, poses, strict=True):
            time_s = float(table.time_s[row])
            drafted = draft(tracks[int(table.track_id[row])], keypoints, window, lifted, time_s)
            for seen_row, seen in unsmoothed.push(time_s, (row, drafted)):
                add(seen_row, seen)
    for seen_row, seen in unsmoothed.rest():
        add(seen_row, seen)
    return rows


_Row = tuple[int, Keypoints2D]
"""A row's number, and its joints."""


def _settled(table: KeypointTable, tracks: Mapping[int, Track], sides_s: float) -> Iterator[_Row]:
    """Each row with left and right of its own, in the order of time."""
    rows = np.lexsort((table.track_id, table.time_s)).tolist()
    if table.settled_s:
        yield from ((row, table.keypoints[row]) for row in rows)
        return
    waiting: DelayLine[int] = DelayLine(sides_s)

    def settle(row: int) -> _Row:
        return row, own_sides(tracks[int(table.track_id[row])], table.keypoints[row], float(table.time_s[row]))

    for time_s, together in groupby(rows, key=lambda row: float(table.time_s[row])):
        of_frame = list(together)
        for row in of_frame:
            note_sides(tracks[int(table.track_id[row])], table.keypoints[row], time_s)
        for row in of_frame:
            yield from map(settle, waiting.push(time_s, row))
    yield from map(settle, waiting.rest())


def _windows(
    settled: Iterable[_Row], table: KeypointTable, tracks: Mapping[int, Track], look_ahead_s: float, scale: float
) -> Iterator[tuple[int, Keypoints2D, Window]]:
    """Each row, and what the lifter shall see of it.

    Frames without anybody have no rows, but time goes on in them, too: what lies beyond them is further ahead than the
    lifter looks.
    """
    waiting: DelayLine[_Row | None] = DelayLine(look_ahead_s)
    last_s = math.inf

    def look(settled: _Row) -> tuple[int, Keypoints2D, Window]:
        row, keypoints = settled
        window = window_of(tracks[int(table.track_id[row])], keypoints, float(table.time_s[row]), scale)
        return row, keypoints, window

    for time_s, together in groupby(settled, key=lambda settled: float(table.time_s[settled[0]])):
        for empty_s in _empty_frames_s(last_s, time_s, table.fps, look_ahead_s):
            yield from map(look, filter(None, waiting.push(empty_s, None)))
        of_frame, last_s = list(together), time_s
        for row, keypoints in of_frame:
            push_joints(tracks[int(table.track_id[row])], keypoints, time_s, table.size_wh)
        for one in of_frame:
            yield from map(look, filter(None, waiting.push(time_s, one)))
    yield from map(look, filter(None, waiting.rest()))


def _empty_frames_s(before_s: float, after_s: float, fps: float, reach_s: float) -> list[float]:
    """Times of the frames between two that have rows, as far as a lifter reaches."""
    num_between = max(0.0, (after_s - before_s) * fps - 0.5)
    num_reached = math.ceil(reach_s * fps) + 1
    return [before_s + number / fps for number in range(1, 1 + int(min(num_between, num_reached)))]


COMMANDS = {"lift": Command(add_arguments=add_arguments, run=run)}
