"""Read the field's standard files, in the layout of VideoPose3D, into a corpus with cameras and 2D joints.

``data_3d_h36m.npz`` and ``data_3d_humaneva15.npz`` hold a dict of subjects of actions of joints (F, J, 3) in metres,
z up; ``data_2d_<data set>_<source>.npz`` the same with a list of one (F, J, 2) a camera, in pixels, and ``metadata``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError, SourceError
from ..remap import RECIPES
from ..skeleton import COCO17, H36M16, H36M17, HUMANEVA15, Skeleton
from .corpus import Clip, Corpus, View
from .field_cameras import H36M_CAMERAS, HUMANEVA_CAMERAS, FieldCamera, to_y_up
from .pickled_arrays import read_pickled
from .views import canonical_action, to_camera

log = logging.getLogger(__name__)

Float32 = npt.NDArray[np.float32]
Recipes = Mapping[str, Mapping[str, float]]

_FILE_NAME = re.compile(r"data_(?P<kind>[23])d_(?P<data_set>[a-z0-9]+)(_(?P<source>[\w.+-]+))?\.npz")

_OF_32_JOINTS = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Where the H36M-17 joints are among the 32 that Human3.6M was recorded with."""

_FARTHEST_M = 100.0
"""No joint is farther from the middle of the room: larger numbers are millimetres."""


@dataclass(frozen=True)
class DataSet:
    """What is known about a data set and not in its files.

    Attributes:
        family: how the corpus calls it.
        skeleton: its joints.
        rate_hz: frames a second.
        cameras: of each subject, in the order of the 2D files.
        selections: by number of joints in the 3D file, which of them are the skeleton's.
    """

    family: str
    skeleton: Skeleton
    rate_hz: float
    cameras: Mapping[str, tuple[FieldCamera, ...]]
    selections: Mapping[int, Sequence[int]]


DATA_SETS = {
    "h36m": DataSet("h36m", H36M17, 50.0, H36M_CAMERAS, {17: range(17), 32: _OF_32_JOINTS}),
    "humaneva15": DataSet("humaneva", HUMANEVA15, 60.0, HUMANEVA_CAMERAS, {15: range(15)}),
}

MPII16 = Skeleton(
    name="mpii16",
    joints=(
        *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
        *("pelvis", "spine", "thorax", "head"),
        *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
    ),
    parents=(-1,) * 16,
)
"""The order of the stacked hourglass detector, with the names that the field gives its joints on Human3.6M."""

_LAYOUTS = {"h36m": H36M17, "coco": COCO17, "humaneva15": HUMANEVA15, "mpii": MPII16}
"""By ``layout_name``, where ``metadata`` states one."""

_COCO_TO_HUMANEVA: Recipes = {
    **{joint: {joint: 1.0} for joint in HUMANEVA15.joints if joint in COCO17.joints},
    "pelvis": {"left_hip": 0.5, "right_hip": 0.5},
    "thorax": {"left_shoulder": 0.5, "right_shoulder": 0.5},
    "head": {"nose": 1.0},
}
"""As the field does it. HumanEva's thorax is lower than H36M's, so ``posedemo.remap`` does not fit."""


def _same(target: Skeleton) -> Recipes:
    return {joint: {joint: 1.0} for joint in target.joints}


def _best(source: Skeleton, target: Skeleton) -> Recipes:
    """The first recipe of ``posedemo.remap``: the files have all joints."""
    return {joint: RECIPES[source.name][joint][0] for joint in target.joints}


_REMAPS: Mapping[tuple[str, str], Recipes] = {
    # Layout of the file, skeleton of the corpus.
    (H36M17.name, H36M17.name): _same(H36M17),
    (H36M17.name, H36M16.name): _same(H36M16),
    (H36M16.name, H36M16.name): _same(H36M16),
    (MPII16.name, H36M16.name): _same(H36M16),
    (COCO17.name, H36M17.name): _best(COCO17, H36M17),
    (COCO17.name, H36M16.name): _best(COCO17, H36M16),
    (HUMANEVA15.name, HUMANEVA15.name): _same(HUMANEVA15),
    (COCO17.name, HUMANEVA15.name): _COCO_TO_HUMANEVA,
}


@dataclass(frozen=True)
class _Motion:
    """One clip of the 3D file: joints (F, J, 3) float32, metres, z up."""

    person: str
    action: str
    xyz_m: Float32


@dataclass(frozen=True)
class _Files:
    """What the user gave: one 3D file and the 2D files by source."""

    data_set: DataSet
    path_3d: Path
    paths_2d: Mapping[str, Path]


def read_field_files(paths: Sequence[Path], *, trust_pickle: bool) -> Corpus:
    """Read a 3D file and any number of 2D files of one data set.

    Human3.6M without a 2D file gets the source "gt": the joints projected by the cameras, lens distortion included.

    Args:
        paths: the files, recognised by their names.
        trust_pickle: whether the user wants pickles to be read.

    Raises:
        ConfigError: the files do not go together, or pickles are not trusted.
        SourceError: a file is damaged, incomplete or does not fit the others.
    """
    files = _sort_out(paths)
    if not trust_pickle:
        raise ConfigError(
            f"{files.path_3d.name} holds Python pickles, a format that can run programs when it is read",
            hint="if you know where the files are from, add --trust-pickle; all but plain arrays is refused even then",
        )
    layouts = {source: _layout(path) for source, path in files.paths_2d.items()}
    skeleton = files.data_set.skeleton
    if any(layout.num_joints == H36M16.num_joints for layout in layouts.values()):
        skeleton = H36M16
    motions = _read_3d(files, skeleton)
    clips = _place(files.data_set, motions, tuple(layouts) or ("gt",))
    xyz_m = np.concatenate([to_y_up(motion.xyz_m) for motion in motions])
    if not layouts:
        return Corpus(xyz_m, clips, skeleton, {"gt": _project(files.data_set, clips, xyz_m)})
    frames = {(motion.person, motion.action): len(motion.xyz_m) for motion in motions}
    del motions
    xy_px = {
        source: _read_2d(files.paths_2d[source], files.data_set, frames, layout, skeleton)
        for source, layout in layouts.items()
    }
    return Corpus(xyz_m, clips, skeleton, xy_px)


def _sort_out(paths: Sequence[Path]) -> _Files:
    """Tell the files by their names."""
    places: dict[tuple[str, str | None], Path] = {}
    for path in paths:
        match = _FILE_NAME.fullmatch(path.name)
        if not match or match["data_set"] not in DATA_SETS or (match["kind"] == "2") != bool(match["source"]):
            names = ", ".join(f"data_3d_{name}.npz, data_2d_{name}_<source>.npz" for name in DATA_SETS)
            raise ConfigError(f"{path.name} is not the name of a field's file", hint=f"the names are: {names}")
        if not path.is_file():
            raise ConfigError(f"{path} does not exist", hint="check the path")
        place = (match["data_set"], match["source"])
        if place in places:
            raise ConfigError(f"{path} and {places[place]} are the same part of the data", hint="give one of them")
        places[place] = path
    data_sets = sorted({data_set for data_set, _ in places})
    if len(data_sets) > 1:
        raise ConfigError(
            f"the files are of different data sets, {' and '.join(data_sets)}", hint="prepare a corpus of each"
        )
    (name,) = data_sets
    if (name, None) not in places:
        raise ConfigError(f"{paths[0].name} has no use without its 3D file", hint=f"give data_3d_{name}.npz as well")
    paths_2d = {source: path for (_, source), path in places.items() if source}
    if not paths_2d and any(camera.lens is None for views in DATA_SETS[name].cameras.values() for camera in views):
        raise ConfigError(
            f"data_3d_{name}.npz has no 2D file beside it, and the lenses that could make one are not known",
            hint=f"give a data_2d_{name}_<source>.npz as well",
        )
    return _Files(DATA_SETS[name], places[name, None], paths_2d)


def _layout(path: Path) -> Skeleton:
    """The joints of a 2D file: the known layout with the same left and right joints, else the one named."""
    metadata = read_pickled(path, "metadata")
    if not isinstance(metadata, dict):
        raise SourceError(f"{path.name}: its metadata are no dict", hint="get the file again")
    name, symmetry = metadata.get("layout_name"), metadata.get("keypoints_symmetry")
    if symmetry is not None:
        try:
            sides = [sorted(int(joint) for joint in side) for side in symmetry]
        except (TypeError, ValueError):
            raise SourceError(f"{path.name}: cannot understand its keypoints_symmetry") from None
        for layout in (*_LAYOUTS.values(), H36M16):
            if [sorted(side) for side in zip(*layout.left_right_pairs, strict=True)] == sides:
                return layout
    elif isinstance(name, str) and name in _LAYOUTS:
        return _LAYOUTS[name]
    raise SourceError(
        f"{path.name}: its order of joints is not known (layout_name {name}, keypoints_symmetry {symmetry})",
        hint=f"known are {', '.join(_LAYOUTS)} and h36m without the nose",
    )


def _read_3d(files: _Files, skeleton: Skeleton) -> list[_Motion]:
    data_set, name = files.data_set, files.path_3d.name
    motions = []
    for (person, action), joints in _by_clip(files.path_3d, "positions_3d").items():
        where = f"{name}, {person}/{action}"
        if person not in data_set.cameras:
            raise SourceError(
                f"{where}: no cameras are known for this subject",
                hint=f"the subjects with built-in cameras are {', '.join(data_set.cameras)}",
            )
        xyz_m = _numbers(joints, where, tuple(data_set.selections), 3)
        if abs(xyz_m).max() > _FARTHEST_M:
            raise SourceError(f"{where}: joints are {abs(xyz_m).max():.0f} m away", hint="the unit should be metres")
        selected = data_set.selections[xyz_m.shape[1]]
        kept = [selected[data_set.skeleton.index(joint)] for joint in skeleton.joints]
        motions.append(_Motion(person, action, xyz_m[:, kept]))
    return motions


def _by_clip(path: Path, key: str) -> dict[tuple[str, str], Any]:
    """The values of a dict of subjects of actions, by subject and action, the action spelled as papers do."""
    subjects = read_pickled(path, key)
    if not isinstance(subjects, dict) or not all(isinstance(actions, dict) for actions in subjects.values()):
        raise SourceError(f"{path.name}: its {key} are not a dict of subjects of actions", hint="get the file again")
    by_clip: dict[tuple[str, str], Any] = {}
    for person, actions in subjects.items():
        for action, content in actions.items():
            clip = (str(person), canonical_action(str(action)))
            if clip in by_clip:
                raise SourceError(f"{path.name}: {'/'.join(clip)} is there twice", hint="check the file")
            by_clip[clip] = content
    if not by_clip:
        raise SourceError(f"{path.name} is empty", hint="get the file again")
    return by_clip


def _numbers(array: Any, where: str, joint_counts: Sequence[int], num_axes: int) -> Float32:
    """The array as float32, if it is (F, J, num_axes) and finite. A detector's score beside 2D is left out."""
    counts = " or ".join(map(str, joint_counts))
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        have = f"{array.dtype} array" if isinstance(array, np.ndarray) else type(array).__name__
        raise SourceError(f"{where}: expected an array of (F, {counts}, {num_axes}) numbers, found a {have}")
    has_score = num_axes == 2 and array.ndim == 3 and array.shape[2] == 3
    if (
        array.ndim != 3
        or array.shape[1] not in joint_counts
        or array.shape[2] - has_score != num_axes
        or not len(array)
    ):
        raise SourceError(f"{where}: expected (F, {counts}, {num_axes}), found {array.shape}")
    numbers = array[..., :num_axes].astype(np.float32, copy=False)
    if not np.isfinite(numbers).all():
        frame = int(np.flatnonzero(~np.isfinite(numbers).all(axis=(1, 2)))[0])
        raise SourceError(f"{where}: frame {frame} has values that are not finite", hint="fill or cut such frames")
    return numbers


def _place(data_set: DataSet, motions: Sequence[_Motion], sources: Sequence[str]) -> tuple[Clip, ...]:
    """Clips with their cameras; the 2D joints of all sources lie in the same rows, camera after camera."""
    clips, frame, row = [], 0, 0
    for motion in motions:
        views = []
        for camera in data_set.cameras[motion.person]:
            size = (camera.width_px, camera.height_px)
            starts = dict.fromkeys(sources, row)
            views.append(View(camera.name, *size, camera.orientation, camera.translation_m, starts))
            row += len(motion.xyz_m)
        clips.append(
            Clip(
                name=f"{motion.person}/{motion.action}",
                start=frame,
                length=len(motion.xyz_m),
                rate_hz=data_set.rate_hz,
                subject=f"{data_set.family}/{motion.person}",
                action=motion.action,
                family=data_set.family,
                views=tuple(views),
            )
        )
        frame += len(motion.xyz_m)
    return tuple(clips)


def _read_2d(
    path: Path, data_set: DataSet, frames: Mapping[tuple[str, str], int], layout: Skeleton, skeleton: Skeleton
) -> Float32:
    """The rows of one 2D file, in the order of ``_place``."""
    weights = _remap_weights(path, layout, skeleton)
    by_clip = _by_clip(path, "positions_2d")
    num_rows = sum(length * len(data_set.cameras[person]) for (person, _), length in frames.items())
    xy_px = np.empty((num_rows, skeleton.num_joints, 2), np.float32)
    row = 0
    for (person, action), length in frames.items():
        where = f"{path.name}, {person}/{action}"
        if (person, action) not in by_clip:
            raise SourceError(f"{where}: is in the 3D file and not here", hint="the two files must belong together")
        views, cameras = by_clip.pop((person, action)), data_set.cameras[person]
        if not isinstance(views, list | tuple | np.ndarray) or len(views) != len(cameras):
            have = len(views) if isinstance(views, list | tuple | np.ndarray) else "none"
            raise SourceError(f"{where}: expected the joints of {len(cameras)} cameras, found {have}")
        for camera, view in zip(cameras, views, strict=True):
            seen = _numbers(view, f"{where}, camera {camera.name}", (layout.num_joints,), 2)
            if len(seen) < length:
                raise SourceError(
                    f"{where}, camera {camera.name}: {len(seen)} frames of 2D are too few for {length} of 3D",
                    hint="the two files must belong together",
                )
            np.matmul(weights, seen[:length], out=xy_px[row : row + length])
            row += length
    if by_clip:
        unlabelled = sum(person.startswith("Unlabeled/") for person, _ in by_clip)
        log.info("%s: %d clips without 3D left out, %d of them unlabelled", path.name, len(by_clip), unlabelled)
    return xy_px


def _remap_weights(path: Path, layout: Skeleton, skeleton: Skeleton) -> Float32:
    """(J, S): every joint of the corpus as a weighted sum of the file's."""
    if (layout.name, skeleton.name) not in _REMAPS:
        raise SourceError(
            f"{path.name}: its joints are those of {layout.name}, from which {skeleton.name} cannot be made",
            hint="give another 2D file",
        )
    weights = np.zeros((skeleton.num_joints, layout.num_joints), np.float32)
    for joint, recipe in _REMAPS[layout.name, skeleton.name].items():
        for source, weight in recipe.items():
            weights[skeleton.index(joint), layout.index(source)] = weight
    return weights


def _project(data_set: DataSet, clips: Sequence[Clip], xyz_m: Float32) -> Float32:
    """The rows that a detector without errors would give: every camera's picture of the true joints."""
    xy_px = np.empty((sum(clip.length * len(clip.views) for clip in clips), xyz_m.shape[1], 2), np.float32)
    for clip in clips:
        world_m = xyz_m[clip.start : clip.start + clip.length]
        person = clip.subject.removeprefix(f"{data_set.family}/")
        for view, camera in zip(clip.views, data_set.cameras[person], strict=True):
            assert camera.lens is not None  # _sort_out has seen to it
            (row,) = set(view.starts.values())
            xy_px[row : row + clip.length] = camera.lens.project(to_camera(world_m, view))
    return xy_px
