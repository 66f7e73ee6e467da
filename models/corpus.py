"""The corpus: one ``.npz`` file with the joints of many motion clips. Written by ``prepare``, read by training.

It holds plain arrays and JSON text, never pickled objects, so that reading a stranger's file runs nothing of theirs.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError, OutputError
from ..skeleton import H36M17

SCHEMA_VERSION = 1
UNITS = "metre"


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
    """

    name: str
    start: int
    length: int
    rate_hz: float
    subject: str
    action: str
    family: str


@dataclass(frozen=True)
class Corpus:
    """Motion of many clips.

    Attributes:
        xyz_m: (F, 17, 3) float32 H36M joints of all clips, one after the other: metres, world axes, y up,
            right-handed.
        clips: their places; they fill ``xyz_m`` in order.
    """

    xyz_m: npt.NDArray[np.float32]
    clips: tuple[Clip, ...]


def make_corpus(clips: Sequence[tuple[Clip, npt.NDArray[np.floating]]]) -> Corpus:
    """Join clips (whose ``start`` is set here) with their joints (F, 17, 3)."""
    placed, start = [], 0
    for clip, xyz_m in clips:
        placed.append(Clip(**{**asdict(clip), "start": start, "length": len(xyz_m)}))
        start += len(xyz_m)
    return Corpus(np.concatenate([xyz_m for _, xyz_m in clips]).astype(np.float32), tuple(placed))


def write_corpus(corpus: Corpus, path: Path) -> None:
    """Write a corpus under a temporary name and rename it, so that a file with the final name is always complete.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            part = Path(file.name)
            try:
                np.savez_compressed(
                    file,
                    xyz_m=corpus.xyz_m,
                    clips=np.array(json.dumps([asdict(clip) for clip in corpus.clips])),
                    skeleton=np.array(H36M17.name),
                    units=np.array(UNITS),
                    schema_version=np.array(SCHEMA_VERSION),
                )
                file.close()
                part.replace(path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    part.unlink()
    except OSError as error:
        raise OutputError(f"cannot write the corpus {path}: {error.strerror or error}") from error


def read_corpus(path: Path) -> Corpus:
    """Read and check a corpus.

    Raises:
        ConfigError: the file is missing, damaged or not a corpus of this version.
    """
    try:
        # Opened here because numpy leaves the file open when it finds that it is no zip.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _check(path, {name: arrays[name] for name in arrays.files})
    except OSError as error:
        raise ConfigError(
            f"cannot read the corpus {path}: {error.strerror or error}", hint="make one with: posedemo prepare"
        ) from error
    except (ValueError, EOFError, TypeError, AttributeError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{path} is not a corpus: {error}", hint="make one with: posedemo prepare") from error


def _check(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> Corpus:
    version = arrays["schema_version"].item()
    if version != SCHEMA_VERSION:
        raise ValueError(f"its schema version is {version}, this program reads {SCHEMA_VERSION}")
    stated = (str(arrays["skeleton"]), str(arrays["units"]))
    if stated != (H36M17.name, UNITS):
        raise ValueError(f"it holds {stated[0]} in {stated[1]}, expected {H36M17.name} in {UNITS}")
    xyz_m = arrays["xyz_m"]
    if xyz_m.dtype != np.float32 or xyz_m.ndim != 3 or xyz_m.shape[1:] != (H36M17.num_joints, 3):
        raise ValueError(f"xyz_m is {xyz_m.shape} {xyz_m.dtype}, expected (*, {H36M17.num_joints}, 3) float32")
    if not np.isfinite(xyz_m.astype(np.float32)).all():
        raise ValueError("xyz_m holds values that are not finite")
    clips = tuple(Clip(**entry) for entry in json.loads(str(arrays["clips"])))
    ends = np.cumsum([0, *(clip.length for clip in clips)])
    if not clips or min(clip.length for clip in clips) < 1 or [clip.start for clip in clips] != list(ends[:-1]):
        raise ValueError("its list of clips has gaps or overlaps")
    if ends[-1] != len(xyz_m):
        raise ValueError(f"its clips cover {ends[-1]} frames, xyz_m has {len(xyz_m)}")
    return Corpus(xyz_m.astype(np.float32, copy=False), clips)
