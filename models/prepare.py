"""``posedemo prepare``: folders and zips of BVH files, or the field's standard files, in; one corpus file out."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from tqdm import tqdm

from ..array_files import ZIP_DAMAGE
from ..arrays import FloatArray
from ..errors import ConfigError, PosedemoError, SourceError
from ..geometry import bone_lengths
from ..skeleton import CANONICAL_BONE_SUM_M, H36M17
from .bvh import forward_kinematics, local_transforms, parse_bvh, resample
from .corpus import Clip, Corpus, make_corpus, write_corpus
from .field_files import read_field_files
from .joint_maps import JointMap, choose_map, read_map
from .lost_bones import restore_lost_bones

log = logging.getLogger(__name__)

METRES = {"cm": 0.01, "m": 1.0, "inch": 0.0254}
"""Length units of BVH files, which do not state theirs."""

_DEFAULT_RATE_HZ = 30.0

_LARGEST_FILE_BYTES = 200_000_000
"""A single BVH file above this is refused before it is read: an hour of motion takes about 60 MB."""
_ALWAYS_ALLOWED_BYTES, _MOST_UNPACKED = 2**24, 100
"""A member of a zip that is larger may be so many times its packed size: motion packs to a tenth."""


@dataclass(frozen=True)
class BvhSource:
    """A BVH file that can be read: ``read`` returns its text. ``folder`` tells files of unknown families apart."""

    name: str
    folder: str
    read: Callable[[], str]

    @property
    def stem(self) -> str:
        """File name without folders and extension."""
        return PurePosixPath(self.name).stem


def prepare(
    sources: Sequence[Path],
    output: Path,
    *,
    map_file: Path | None = None,
    exclude: Sequence[str] = (),
    rate_hz: float | None = None,
    unit: str = "auto",
    trust_pickle: bool = False,
) -> Corpus:
    """Read BVH files, or the field's standard files, and write the corpus.

    Args:
        sources: folders, zips and single BVH files; or the ``.npz`` files of one data set, see ``field_files``.
        output: the corpus to write.
        map_file: TOML joint map for all BVH files; without it each file's joint names choose a built-in one.
        exclude: patterns of names of BVH files to leave out.
        rate_hz: frame rate of a corpus from BVH files, 30 without one; the field's files keep theirs.
        unit: of BVH files: "cm", "m", "inch", or "auto" to guess from the size of the body.
        trust_pickle: whether to read pickles, which the field's files are.

    Raises:
        ConfigError: a source does not exist, the sources do not go together, the map is wrong, or no file could be
            used.
        SourceError: one of the field's files is damaged or incomplete.
        OutputError: the corpus cannot be written.
    """
    field_files = [source for source in sources if source.suffix.lower() == ".npz"]
    if len(field_files) < len(sources):
        if field_files:
            raise ConfigError(
                f"{field_files[0]} and {(set(sources) - set(field_files)).pop()} do not go into one corpus",
                hint="prepare the field's .npz files and BVH files separately",
            )
        corpus = read_bvh_files(
            sources, map_file=map_file, exclude=exclude, rate_hz=rate_hz or _DEFAULT_RATE_HZ, unit=unit
        )
    else:
        if map_file or exclude or rate_hz or unit != "auto":
            raise ConfigError(
                "--map, --exclude, --rate and --unit are for BVH files, and the sources are the field's .npz files",
                hint="leave them out: joints, rate and unit of these files are known",
            )
        corpus = read_field_files(field_files, trust_pickle=trust_pickle)
    write_corpus(corpus, output)
    return corpus


def read_bvh_files(
    sources: Sequence[Path], *, map_file: Path | None, exclude: Sequence[str], rate_hz: float, unit: str
) -> Corpus:
    """Read every BVH file; those that cannot be used are named in the log and skipped.

    Raises:
        ConfigError: a source does not exist, the map is wrong, or no file could be used.
    """
    joint_map = read_map(map_file) if map_file else None
    found = [file for source in sources for file in find_files(source) if not _is_excluded(file, exclude)]
    clips, num_skipped = [], 0
    for file in tqdm(found, desc="reading", unit="file"):
        try:
            clips.append(read_clip(file, joint_map=joint_map, rate_hz=rate_hz, unit=unit))
        except PosedemoError as error:
            num_skipped += 1
            log.warning("skipped: %s", error.message)
    if not clips:
        raise ConfigError(
            f"no usable BVH file among the {len(found)} in {', '.join(map(str, sources))}",
            hint="the lines above say what was wrong with each" if found else "give folders or zips of .bvh files",
        )
    corpus = make_corpus(clips)
    log.info("%d clips, %d frames, %d files skipped", len(clips), len(corpus.xyz_m), num_skipped)
    return corpus


def find_files(source: Path) -> Iterator[BvhSource]:
    """All BVH files of a folder, of a zip (whose members are read in memory, never extracted), or the file itself."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() == ".bvh":
                yield _plain_file(path)
    elif source.suffix.lower() == ".zip":
        yield from _zip_members(source)
    elif source.is_file():
        yield _plain_file(source)
    else:
        raise ConfigError(f"{source} does not exist", hint="give folders, zips or .bvh files")


def _plain_file(path: Path) -> BvhSource:
    def read() -> str:
        try:
            _check_size(str(path), path.stat().st_size)
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror}") from error

    return BvhSource(path.as_posix(), path.parent.name, read)


def _zip_members(path: Path) -> Iterator[BvhSource]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.lower().endswith(".bvh")]
    except (OSError, UnicodeDecodeError, *ZIP_DAMAGE) as error:
        raise ConfigError(f"cannot open {path} as a zip: {error}") from error
    for member in sorted(members, key=lambda info: info.filename):
        yield BvhSource(member.filename, path.stem, _member_reader(path, member))


def _member_reader(path: Path, member: zipfile.ZipInfo) -> Callable[[], str]:
    def read() -> str:
        name = f"{path}:{member.filename}"
        # Nothing is ever unpacked, so such a path could do no harm; an archive that has one is not what it seems.
        if _leaves_its_folder(member.filename):
            raise SourceError(f"{name}: the path leaves the archive's folder", hint="pack the files again")
        _check_size(name, member.file_size)
        if member.file_size > max(_ALWAYS_ALLOWED_BYTES, _MOST_UNPACKED * member.compress_size):
            raise SourceError(f"{name} unpacks to a size that no motion has", hint="pack the files again")
        try:
            with zipfile.ZipFile(path) as archive, archive.open(member) as file:
                # The size in a zip's directory is a claim: read no further than it says, whatever is inside.
                return file.read(member.file_size).decode("utf-8", errors="replace")
        except (OSError, *ZIP_DAMAGE) as error:
            raise SourceError(f"cannot read {name}: {error}") from error

    return read


def _leaves_its_folder(name: str) -> bool:
    path = PureWindowsPath(name)  # splits at both kinds of slashes and knows drives
    return ".." in path.parts or bool(path.anchor)


def _check_size(name: str, size_bytes: int) -> None:
    if size_bytes > _LARGEST_FILE_BYTES:
        raise SourceError(
            f"{name} has {size_bytes / 1e6:.0f} MB, more than the {_LARGEST_FILE_BYTES / 1e6:.0f} allowed"
        )


def _is_excluded(file: BvhSource, patterns: Sequence[str]) -> bool:
    return any(fnmatch(file.name, pattern) or fnmatch(PurePosixPath(file.name).name, pattern) for pattern in patterns)


def read_clip(
    file: BvhSource, *, joint_map: JointMap | None, rate_hz: float, unit: str = "auto"
) -> tuple[Clip, FloatArray]:
    """Read one file into a clip and its H36M joints (F, 17, 3) in metres.

    Raises:
        SourceError: the file is damaged.
        ConfigError: no joint map fits.
    """
    motion = restore_lost_bones(parse_bvh(file.read(), name=file.name))
    chosen = joint_map or choose_map(motion.names, file_name=file.name)
    if missing := chosen.missing_from(motion.names):
        raise ConfigError(f"{file.name}: the map '{chosen.name}' needs {', '.join(missing)}, which the file lacks")
    rotations, translations = local_transforms(motion)
    rotations, translations = resample(rotations, translations, from_hz=1 / motion.frame_time_s, to_hz=rate_hz)
    parents = tuple(joint.parent for joint in motion.joints)
    positions, turned = forward_kinematics(parents, rotations, translations)
    metres = METRES[unit] if unit in METRES else guess_unit(chosen.apply(motion.names, positions, turned))
    xyz_m = chosen.apply(motion.names, positions * metres, turned)
    family, subject, action = describe(file.stem, folder=file.folder)
    return Clip(file.stem, 0, len(xyz_m), rate_hz, subject, action, family), xyz_m


def guess_unit(xyz: FloatArray) -> float:
    """Metres to the unit in which the bones (F, 17, 3) sum nearest to an average adult's."""
    # Nose and head are left out: their offsets are in centimetres whatever the file's unit is.
    facial = {H36M17.index("nose"), H36M17.index("head")}
    counted = [i for i, (_, child) in enumerate(H36M17.bones) if child not in facial]
    size = float(np.median(bone_lengths(xyz, H36M17)[:, counted].sum(-1)))
    if not size > 0:
        raise SourceError("the body has no size", hint="check the OFFSET lines of the file")
    return min(METRES.values(), key=lambda metres: abs(np.log(size * metres / CANONICAL_BONE_SUM_M)))


def describe(stem: str, *, folder: str) -> tuple[str, str, str]:
    """Family, subject and action of a clip, from names such as ``FAMILY_SUBJECT_ACTION_TAKE``.

    Other names count as ``SUBJECT_ACTION`` in a family called after their folder.
    """
    parts = stem.split("_")
    if len(parts) >= 3:
        family, person, rest = parts[0], parts[1], parts[2:]
    else:
        family, person, rest = folder or "files", parts[0], parts[1:]
    action = "_".join(part for part in rest if not part.isdigit()) or "unknown"
    return family, f"{family}/{person}", action
