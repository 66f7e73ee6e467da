"""``posedemo lift``: lift 2D keypoints that came from anywhere, with the same window, lifter and filter as a video."""

from __future__ import annotations

import argparse
import logging
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path

import numpy as np

from .. import registry
from ..arguments import file_path
from ..assembly import track_maker
from ..checks import check_posing
from ..command import Command, add_fov, add_posing
from ..datatypes import Keypoints2D, Window
from ..delay import DelayLine
from ..downstream import note_sides, own_sides, push_joints, window_of
from ..keypoint_table import KeypointTable, read_keypoints, warn_of_doubts
from ..lifters.engine_cache import MAX_BATCH
from ..manifest import manifest
from ..modes import choose_mode, lifter_in_mode, posing_facts, sides_look_ahead_s, smoothing_look_ahead_s
from ..outputs import POSE_SUFFIXES, PartialFile, check_outputs, check_suffix
from ..pinhole import DEFAULT_FOV_DEG, plane_scale
from ..posing import Draft, draft, finish
from ..settings import PROVIDER_CHOICES, Settings
from ..sinks.pose_file import PoseRows, file_facts, write_columns
from ..stages import Lifter
from ..track import Track

logger = logging.getLogger(__name__)

_INDENT = " " * 14
_CONTRACT = "docs/lifters.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _lifters_and_papers()
    parser.add_argument(
        "keypoints", metavar="KEYPOINTS.npz", type=file_path, help="keypoints_2d, image_size, fps[, layout]"
    )
    parser.add_argument(
        "--output", metavar="POSES.npz", type=file_path, required=True, help="where to write (.npz .json .csv .bvh)"
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
    warn_of_doubts(table, arguments.keypoints)
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
