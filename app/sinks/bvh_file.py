"""BVH: the poses of one person for Blender, MotionBuilder and their like. ``bvh_rig`` has the skeleton.

In centimetres, y up. The figure stands where the program's room shows it: its feet on the floor, its place an estimate.
Frames are as far apart as those of the source; where a frame is missing, or the person in it, joints go straight from
one known place to the next. Where a single joint is not known it goes with the body, its bone turning from one known
direction to the next.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Float64Array, FloatArray
from ..body import fix_bones
from ..capture.source import USUAL_FPS
from ..datatypes import Keypoints2D, Person, Pose3D
from ..errors import OutputError
from ..geometry import bone_lengths
from ..skeleton import H36M17
from ..viewer.figure import JOINT_RADIUS_M
from ..viewer.standing import Standing
from ..viewer.visibility import ANKLES
from .bvh_rig import RIG, ROTATION_ORDER, bone_m, ends_chain, offset_m, rotations_deg
from .root_path import calm_path

logger = logging.getLogger(__name__)

_CM = 100.0
_MOST_FRAMES = 2_000_000
"""Eighteen hours at 30 frames a second, in a gigabyte of memory."""

_PELVIS = H36M17.index("pelvis")

Columns = Mapping[str, np.ndarray[Any, Any]]


def write_bvh(path: Path, columns: Columns, facts: Mapping[str, Any], *, name: str) -> None:
    """Write the person who was seen longest.

    Args:
        path: to write to.
        columns: of a pose file, with ``root_m`` (N, 3), the estimated places in camera axes.
        facts: of a pose file; ``fps`` may be NaN.
        name: what the file will be called, for what is said of it.

    Raises:
        OutputError: the times span more frames than anybody films.
    """
    fps = float(facts["fps"])
    fps = fps if math.isfinite(fps) and fps > 0 else USUAL_FPS
    columns = _longest_track(name, columns)
    if len(columns["time_s"]) and columns["frame_index"][0] > 0:
        logger.info("%s begins with frame %d, %.3f s", name, columns["frame_index"][0], columns["time_s"][0])
    time_s, joints_m = _standing(columns)
    # Before frames are filled in: the ends of a bone that turns are nearer to each other on straight ways.
    lengths_m = _lengths(joints_m)
    beats_s, joints_m = _on_the_beat(time_s, _hung_on(time_s, joints_m), fps)
    joints_m = _above_ground(joints_m, lengths_m)
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in _hierarchy(lengths_m))
        file.write(f"MOTION\nFrames: {len(beats_s)}\nFrame Time: {1 / fps:.8f}\n")
        for pelvis_m, angles in zip(joints_m[:, _PELVIS], rotations_deg(joints_m), strict=True):
            file.write(" ".join(f"{number:.4f}" for number in (*(pelvis_m * _CM), *angles.flat)) + "\n")


def _longest_track(name: str, columns: Columns) -> Columns:
    """The lifted rows of one person; says whom the file leaves out."""
    is_lifted = np.isfinite(columns["poses_3d"]).all(axis=-1).any(axis=-1)
    tracks, counts = np.unique(columns["track_id"][is_lifted], return_counts=True)
    if len(tracks) == 0:
        logger.warning("%s has no frames: nobody was found", name)
        return {name: column[:0] for name, column in columns.items()}
    longest = int(counts.argmax())
    if len(tracks) > 1:
        logger.warning(
            "%s holds the one person who was seen longest, in %d frames; %d others, in %d frames, are left out",
            name, counts[longest], len(tracks) - 1, counts.sum() - counts[longest],
        )  # fmt: skip
    rows = is_lifted & (columns["track_id"] == tracks[longest])
    return {name: column[rows] for name, column in columns.items()}


def _standing(columns: Columns) -> tuple[Float64Array, Float64Array]:
    """Times (N,), and joints (N, 17, 3) in the room."""
    room = Standing(in_room=False)
    roots_m = _bridged(columns["time_s"], calm_path(columns["time_s"], columns["root_m"])).astype(np.float32)
    joints_m = np.zeros((len(columns["time_s"]), H36M17.num_joints, 3))
    for row, time_s in enumerate(columns["time_s"]):
        xy_px, confidence = np.split(columns["keypoints_2d"][row], [2], axis=1)
        keypoints = Keypoints2D(xy_px, np.nan_to_num(confidence[:, 0]))
        pose = Pose3D(columns["poses_3d"][row], keypoints.confidence)
        person = Person(int(columns["track_id"][row]), keypoints, pose, roots_m[row])
        (standing,) = room.update([person], float(time_s))
        joints_m[row] = standing.joints_m
        joints_m[row, _PELVIS] = standing.root_m
    return columns["time_s"], joints_m


def _bridged(time_s: Float64Array, places_m: FloatArray, at_s: Float64Array | None = None) -> Float64Array:
    """Places (N, 3) on straight ways from one that is known to the next, at these times or others; NaN without any."""
    at_s, known = time_s if at_s is None else at_s, np.isfinite(places_m).all(axis=-1)
    if not known.any():
        return np.full((len(at_s), places_m.shape[1]), np.nan)
    return np.stack([np.interp(at_s, time_s[known], along_m[known]) for along_m in places_m.T], axis=-1)


def _hung_on(time_s: Float64Array, joints_m: Float64Array) -> Float64Array:
    """Joints (N, 17, 3) where those that are unknown at times go with their parents; before and after all times at
    which one is known its bone keeps its direction."""
    hung_m = joints_m.copy()
    for parent, child in H36M17.bones:
        bones_m = hung_m[:, child] - hung_m[:, parent]
        rows = ~np.isfinite(hung_m[:, child]).all(axis=-1)
        hung_m[rows, child] = hung_m[rows, parent] + _bridged(time_s, bones_m)[rows]
    return hung_m


def _on_the_beat(time_s: Float64Array, joints_m: Float64Array, fps: float) -> tuple[Float64Array, Float64Array]:
    """Times from the first to the last as far apart as ``fps`` says, and the joints then; NaN where never known."""
    if len(time_s) == 0:
        return time_s, joints_m
    num_beats = round((time_s[-1] - time_s[0]) * fps) + 1
    if num_beats > _MOST_FRAMES:
        raise OutputError(
            f"BVH has no gaps: from {time_s[0]:g} to {time_s[-1]:g} seconds it would have {num_beats} frames",
            "check that time_s is in seconds, or write another format",
        )
    beats_s = time_s[0] + np.arange(num_beats) / fps
    ways_m = [_bridged(time_s, joints_m[:, joint], beats_s) for joint in range(joints_m.shape[1])]
    return beats_s, np.stack(ways_m, axis=1)


def _above_ground(joints_m: Float64Array, lengths_m: Float64Array) -> Float64Array:
    """Joints (N, 17, 3) lifted so far that no foot of the skeleton goes through the floor, whose bones keep their
    lengths where frames are filled in, and are longer there than from joint to joint."""
    feet_m = fix_bones(joints_m.astype(np.float32), lengths_m.astype(np.float32))[:, ANKLES, 1]
    too_low_m = JOINT_RADIUS_M["ankle"] - np.where(np.isfinite(feet_m), feet_m, np.inf).min(axis=-1)
    lifted: Float64Array = joints_m + np.maximum(too_low_m, 0)[:, None, None] * np.array([0.0, 1.0, 0.0])
    return lifted


def _lengths(joints_m: Float64Array) -> Float64Array:
    """(16,) median over the frames in which a bone is known; 0 where it never is."""
    lengths_m = bone_lengths(joints_m, H36M17)
    known = [of_bone[np.isfinite(of_bone)] for of_bone in lengths_m.T]
    return np.array([np.median(of_bone) if len(of_bone) else 0.0 for of_bone in known])


def _hierarchy(lengths_m: Float64Array) -> Iterator[str]:
    """The lines of the tree."""
    yield "HIERARCHY"
    open_joints: list[int] = []
    for index, joint in enumerate(RIG):
        while open_joints and open_joints[-1] != joint.parent:
            open_joints.pop()
            yield "\t" * len(open_joints) + "}"
        indent = "\t" * len(open_joints)
        is_root = joint.parent < 0
        yield f"{indent}{'ROOT' if is_root else 'JOINT'} {joint.name}"
        yield indent + "{"
        yield f"{indent}\t{_offset(np.zeros(3) if is_root else offset_m(index, lengths_m))}"
        places = "Xposition Yposition Zposition " if is_root else ""
        turns = " ".join(f"{axis}rotation" for axis in ROTATION_ORDER)
        yield f"{indent}\tCHANNELS {6 if is_root else 3} {places}{turns}"
        open_joints.append(index)
        if ends_chain(index):
            yield from (
                f"{indent}\t{line}" for line in ("End Site", "{", f"\t{_offset(bone_m(index, lengths_m))}", "}")
            )
    while open_joints:
        open_joints.pop()
        yield "\t" * len(open_joints) + "}"


def _offset(place_m: Float64Array) -> str:
    return "OFFSET " + " ".join(f"{number:.4f}" for number in place_m * _CM + 0.0)
