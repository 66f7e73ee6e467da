"""The corpus: one ``.npz`` file with the joints of many motion clips. Written by ``prepare``, read by training.

It holds plain arrays and JSON text, never pickled objects, so that reading a stranger's file runs nothing of theirs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..array_files import read_arrays
from ..errors import ConfigError
from ..lifter_contract import UNITS
from ..outputs import whole_file
from ..skeleton import H36M16, H36M17, HUMANEVA15, Skeleton

SCHEMA_VERSION = 2
_READABLE_VERSIONS = (1, 2)
"""Version 1 had neither views nor skeletons other than H36M-17; all else is the same."""
CORPUS_SKELETONS = {skeleton.name: skeleton for skeleton in (H36M17, H36M16, HUMANEVA15)}

_FARTHEST_M = 1e4
_FARTHEST_PX = 1e6
"""Joints that are farther away come from damage alone, and their squares need not be finite."""
_HIGHEST_RATE_HZ = 1e4
_UNIT_TOLERANCE = 1e-2
"""Of an orientation's length: some calibrations are rounded to three digits."""

_XY_PREFIX = "xy_px."
"""Arrays of 2D joints are called by their source: ``xy_px.gt``."""


@dataclass(frozen=True)
class View:
    """One camera that filmed a clip.

    Attributes:
        camera: its name in the data set, such as "54138969" or "C1".
        width_px: width of its pictures.
        height_px: height of its pictures.
        orientation: unit quaternion w, x, y, z that turns camera axes (x right, y down, z away) to world axes.
        translation_m: its place in the world.
        starts: first row of the clip in ``Corpus.xy_px``, by the name of the 2D source.
    """

    camera: str
    width_px: int
    height_px: int
    orientation: tuple[float, float, float, float]
    translation_m: tuple[float, float, float]
    starts: Mapping[str, int]


@dataclass(frozen=True)
class Clip:
    """Where one clip lies in the corpus and what is known about it.

    Attributes:
        name: unique name, usually the stem of the file.
        start: first frame in ``Corpus.xyz_m``.
        length: number of frames.
        rate_hz: frames a second.
        subject: the person, as ``family/person``; the held-out split goes by it.
        action: what they do.
        family: data set or folder.
        views: the cameras that filmed it; none for motion without pictures.
    """

    name: str
    start: int
    length: int
    rate_hz: float
    subject: str
    action: str
    family: str
    views: tuple[View, ...] = ()


_NAMED = 20
"""Subjects that are named where all of them would be a list."""


@dataclass(frozen=True)
class Corpus:
    """Motion of many clips.

    Attributes:
        xyz_m: (F, J, 3) float32 joints of all clips, one after the other: metres, world axes, y up, right-handed.
            Data sets with other axes are turned when they are prepared, their cameras with them.
        clips: their places; they fill ``xyz_m`` in order.
        skeleton: the J joints: h36m17, h36m16 or humaneva15.
        xy_px: (R, J, 2) float32 joints in the pictures, in pixels, by 2D source ("gt", "cpn_ft_h36m_dbb"); all in the
            order of the skeleton. ``View.starts`` says which rows are whose.
    """

    xyz_m: npt.NDArray[np.float32]
    clips: tuple[Clip, ...]
    skeleton: Skeleton = H36M17
    xy_px: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    def name_subjects(self) -> str:
        """Who is in it, for people to read; of very many the first."""
        subjects = sorted({clip.subject for clip in self.clips})
        return ", ".join(subjects[:_NAMED]) + (", ..." if len(subjects) > _NAMED else "")


def make_corpus(clips: Sequence[tuple[Clip, npt.NDArray[np.floating]]]) -> Corpus:
    """Join clips (whose ``start`` is set here) with their H36M-17 joints (F, 17, 3)."""
    placed, start = [], 0
    for clip, xyz_m in clips:
        placed.append(replace(clip, start=start, length=len(xyz_m)))
        start += len(xyz_m)
    return Corpus(np.concatenate([xyz_m for _, xyz_m in clips]).astype(np.float32), tuple(placed))


def write_corpus(corpus: Corpus, path: Path) -> None:
    """Write a corpus; a file with the final name is always complete.

    Raises:
        OutputError: the file cannot be written.
    """
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **_to_arrays(corpus))


def _to_arrays(corpus: Corpus) -> dict[str, Any]:
    return {
        "xyz_m": corpus.xyz_m,
        "clips": np.array(json.dumps([asdict(clip) for clip in corpus.clips])),
        "skeleton": np.array(corpus.skeleton.name),
        "units": np.array(UNITS),
        "schema_version": np.array(SCHEMA_VERSION),
        **{_XY_PREFIX + source: xy_px for source, xy_px in corpus.xy_px.items()},
    }


def read_corpus(path: Path) -> Corpus:
    """Read and check a corpus.

    Raises:
        ConfigError: the file is missing, damaged or not a corpus of this version.
    """
    try:
        return _check(read_arrays(path))
    except OSError as error:
        raise ConfigError(
            f"cannot read the corpus {path}: {error.strerror or error}", hint="make one with: posedemo prepare"
        ) from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError) as error:
        raise ConfigError(f"{path} is not a corpus: {error}", hint="make one with: posedemo prepare") from error


def _check(arrays: dict[str, npt.NDArray[np.generic]]) -> Corpus:
    version = arrays["schema_version"].item()
    if version not in _READABLE_VERSIONS:
        raise ValueError(f"its schema version is {version}, this program reads up to {SCHEMA_VERSION}")
    name, units = str(arrays["skeleton"]), str(arrays["units"])
    if name not in CORPUS_SKELETONS or units != UNITS:
        raise ValueError(f"it holds {name} in {units}, expected one of {', '.join(CORPUS_SKELETONS)} in {UNITS}")
    skeleton = CORPUS_SKELETONS[name]
    xyz_m = _checked(arrays["xyz_m"], "xyz_m", (skeleton.num_joints, 3), farthest=_FARTHEST_M)
    xy_px = {
        key.removeprefix(_XY_PREFIX): _checked(array, key, (skeleton.num_joints, 2), farthest=_FARTHEST_PX)
        for key, array in arrays.items()
        if key.startswith(_XY_PREFIX)
    }
    clips = tuple(_to_clip(entry) for entry in json.loads(str(arrays["clips"])))
    for clip in clips:
        _check_clip(clip)
    ends = np.cumsum([0, *(clip.length for clip in clips)])
    if not clips or min(clip.length for clip in clips) < 1 or [clip.start for clip in clips] != list(ends[:-1]):
        raise ValueError("its list of clips has gaps or overlaps")
    if ends[-1] != len(xyz_m):
        raise ValueError(f"its clips cover {ends[-1]} frames, xyz_m has {len(xyz_m)}")
    for clip in clips:
        _check_views(clip, xy_px)
    return Corpus(xyz_m, clips, skeleton, xy_px)


def _checked(
    array: npt.NDArray[np.generic], name: str, shape: tuple[int, int], *, farthest: float
) -> npt.NDArray[np.float32]:
    """The array, if it is (*, *shape) float32 and finite, and nothing in it farther from 0."""
    if array.dtype != np.float32 or array.ndim != 3 or array.shape[1:] != shape:
        raise ValueError(f"{name} is {array.shape} {array.dtype}, expected (*, {shape[0]}, {shape[1]}) float32")
    numbers = array.astype(np.float32, copy=False)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} holds values that are not finite")
    if (np.abs(numbers) > farthest).any():
        raise ValueError(f"{name} holds values beyond {farthest:g}")
    return numbers


def _to_clip(entry: dict[str, Any]) -> Clip:
    """A clip from its JSON object, whose views are lists where ours are tuples."""
    views = tuple(
        View(
            **{
                **view,
                "orientation": tuple(map(float, view["orientation"])),
                "translation_m": tuple(map(float, view["translation_m"])),
            }
        )
        for view in entry.get("views", ())
    )
    return Clip(**{**entry, "views": views})


def _check_clip(clip: Clip) -> None:
    """JSON has types of its own, and knows numbers that are none."""
    if not all(isinstance(text, str) for text in (clip.name, clip.subject, clip.action, clip.family)):
        raise ValueError("a clip has a name that is no text")
    if type(clip.start) is not int or type(clip.length) is not int:
        raise ValueError(f"the length of clip {clip.name} is not a whole number")
    if not isinstance(clip.rate_hz, int | float) or not 0 < clip.rate_hz <= _HIGHEST_RATE_HZ:
        raise ValueError(f"clip {clip.name} has {clip.rate_hz} frames a second")


def _check_views(clip: Clip, xy_px: Mapping[str, npt.NDArray[np.float32]]) -> None:
    for view in clip.views:
        if not _is_camera(view):
            raise ValueError(f"camera {view.camera} of clip {clip.name} is not a camera")
        for source, start in view.starts.items():
            is_there = source in xy_px and type(start) is int and 0 <= start <= len(xy_px[source]) - clip.length
            if not is_there:
                raise ValueError(f"the 2D joints '{source}' of clip {clip.name} are not all there")


def _is_camera(view: View) -> bool:
    sizes = (view.width_px, view.height_px)
    return (
        isinstance(view.camera, str)
        and all(type(size) is int and 1 <= size <= _FARTHEST_PX for size in sizes)
        and len(view.orientation) == 4
        and abs(math.hypot(*view.orientation) - 1) <= _UNIT_TOLERANCE
        and len(view.translation_m) == 3
        and all(abs(metres) <= _FARTHEST_M for metres in view.translation_m)
    )
