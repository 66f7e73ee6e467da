"""The numbers of a lifter on a clip without ground truth, and their table for people, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from . import motion_quality
from .arrays import Float32Array, FloatArray
from .datatypes import Person, Result
from .geometry import to_pixels, to_screen
from .pinhole import plane_scale
from .placement import place_root, project


@dataclass(frozen=True)
class ClipScores:
    """What can be measured without ground truth (``motion_quality`` has the definitions). None where a clip is too
    short, or has nothing to measure it on.

    Attributes:
        bone_spread_percent: mean over the bones of a person, and over people by their frames.
        asymmetry_percent: mean over frames and pairs of bones.
        jitter_mm: per frame squared, mean over frames and joints, the pelvis among them.
        jitter_m_per_s2: the same as an acceleration, to compare frame rates.
        reprojection_px: mean over frames, of the pose where it fits its 2D joints best.
        reprojection_percent: the same as a share of the body's size in the picture.
        jumps: numbers of the frames that a jump leads to.
        swaps: numbers of the frames where left and right change places.
        unknown_joints_percent: of the joints of all poses.
        from_detector_mm: mean disagreement with the detector's own 3D, which is no truth; None for that 3D itself.
        lifter_ms: wall time a frame.
    """

    bone_spread_percent: float | None
    asymmetry_percent: float | None
    jitter_mm: float | None
    jitter_m_per_s2: float | None
    reprojection_px: float | None
    reprojection_percent: float | None
    jumps: tuple[int, ...]
    swaps: tuple[int, ...]
    unknown_joints_percent: float | None
    from_detector_mm: float | None
    lifter_ms: float | None


COLUMNS = {
    "bone_spread_percent": ("bones", "bone spread %", 1),
    "asymmetry_percent": ("sides", "left-right difference %", 1),
    "jitter_mm": ("jitter", "jitter mm/frame²", 1),
    "jitter_m_per_s2": ("m/s2", "jitter m/s²", 1),
    "reprojection_px": ("reproj px", "reprojection px", 1),
    "reprojection_percent": ("reproj %", "reprojection % of body", 2),
    "jumps": ("jumps", "jumps", 0),
    "swaps": ("swaps", "left-right swaps", 0),
    "unknown_joints_percent": ("unknown %", "unknown joints %", 1),
    "from_detector_mm": ("from MP", "from MediaPipe's 3D mm", 0),
    "lifter_ms": ("ms", "ms a frame", 1),
}
"""By field of ``ClipScores``: heading for a terminal, heading in Markdown, and decimals."""


@dataclass(frozen=True)
class Motion:
    """One person in successive frames.

    Attributes:
        frames: (F,) numbers of the frames, one after the other without a gap.
        time_s: (F,).
        xyz_m: (F, 17, 3) poses as in ``Pose3D``.
        people: F persons whose poses they are.
    """

    frames: npt.NDArray[np.int64]
    time_s: npt.NDArray[np.float64]
    xyz_m: Float32Array
    people: tuple[Person, ...]


def motions(results: Iterable[Result]) -> list[list[Motion]]:
    """The motion of each person, in pieces where they were not seen for a while."""
    tracks: dict[int, list[list[tuple[Result, Person]]]] = defaultdict(list)
    for result in results:
        for person in result.people:
            if person.pose is None:
                continue
            pieces = tracks[person.track_id]
            is_next = pieces and pieces[-1][-1][0].frame.stamp.index + 1 == result.frame.stamp.index
            if not is_next:
                pieces.append([])
            pieces[-1].append((result, person))
    return [[_motion(piece) for piece in pieces] for pieces in tracks.values()]


def _motion(piece: Sequence[tuple[Result, Person]]) -> Motion:
    return Motion(
        frames=np.array([result.frame.stamp.index for result, _ in piece]),
        time_s=np.array([result.frame.stamp.time_s for result, _ in piece]),
        xyz_m=np.array([person.pose.xyz_m for _, person in piece if person.pose is not None]),
        people=tuple(person for _, person in piece),
    )


def score_clip(
    results: Sequence[Result], *, fov_deg: float, has_reference: bool = True, lifter_ms: float | None = None
) -> ClipScores:
    """Measure what a lifter made of a clip.

    Args:
        results: one a frame.
        fov_deg: field of view that the poses are to be seen with.
        has_reference: False where the poses are themselves the detector's own 3D.
        lifter_ms: wall time a frame.
    """
    people = motions(results)
    pieces = [piece for person in people for piece in person]
    size_wh = results[0].frame.size_wh
    offsets_px = [_reprojection_px(piece, size_wh, fov_deg) for piece in pieces]
    sizes_px = [motion_quality.body_sizes_px(_joints_px(piece)) for piece in pieces]
    return ClipScores(
        bone_spread_percent=_bone_spread_percent(people),
        asymmetry_percent=_mean([motion_quality.asymmetry(piece.xyz_m) for piece in pieces], 100),
        jitter_mm=_mean([motion_quality.jitter(piece.xyz_m) for piece in pieces], 1000),
        jitter_m_per_s2=_mean([motion_quality.accelerations(piece.xyz_m, piece.time_s) for piece in pieces]),
        reprojection_px=_mean(offsets_px),
        reprojection_percent=_mean([offset / size for offset, size in zip(offsets_px, sizes_px, strict=True)], 100),
        jumps=_frames_where([(piece, motion_quality.find_jumps(piece.xyz_m, piece.time_s)) for piece in pieces]),
        swaps=_frames_where([(piece, motion_quality.find_swaps(piece.xyz_m)) for piece in pieces]),
        unknown_joints_percent=_mean([np.asarray(~np.isfinite(piece.xyz_m).all(axis=-1)) for piece in pieces], 100),
        from_detector_mm=_mean([from_detector_m(piece) for piece in pieces], 1000) if has_reference else None,
        lifter_ms=lifter_ms,
    )


def from_detector_m(piece: Motion) -> FloatArray:
    """Disagreement (F,) in metres with the detector's own 3D; NaN where it has none."""
    unknown = np.full(piece.xyz_m.shape[1:], np.nan, np.float32)
    own_m = [person.keypoints.world_xyz_m for person in piece.people]
    return motion_quality.disagreement(piece.xyz_m, np.array([unknown if xyz_m is None else xyz_m for xyz_m in own_m]))


def _bone_spread_percent(people: Sequence[Sequence[Motion]]) -> float | None:
    """A person's bones keep their lengths while they are out of sight, so their pieces belong together."""
    joined = [np.concatenate([piece.xyz_m for piece in pieces]) for pieces in people]
    spreads = [np.tile(motion_quality.bone_spread(xyz_m), (len(xyz_m), 1)) for xyz_m in joined]
    return _mean(spreads, 100)


def _joints_px(piece: Motion) -> Float32Array:
    return np.array([person.keypoints.xy_px for person in piece.people])


def _reprojection_px(piece: Motion, size_wh: tuple[int, int], fov_deg: float) -> FloatArray:
    """How far (F,) the poses lie beside their 2D joints, each from the place where it fits best (``place_root``)."""
    scale = plane_scale(size_wh, fov_deg)
    xy_px = _joints_px(piece)
    points = np.full(xy_px.shape, np.nan)
    for row, (xyz_m, person) in enumerate(zip(piece.xyz_m, piece.people, strict=True)):
        joints = scale * to_screen(person.keypoints.xy_px, size_wh)
        root_m = place_root(xyz_m, joints, person.keypoints.confidence)
        if root_m is not None:
            points[row] = to_pixels(project(xyz_m, root_m) / scale, size_wh)
    return motion_quality.reprojection_px(points, xy_px)


def _mean(arrays: Sequence[npt.NDArray[np.generic]], factor: float = 1.0) -> float | None:
    """Mean of all known numbers of some arrays, which may be of different lengths."""
    values = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays]) if arrays else np.zeros(0)
    known = values[np.isfinite(values)]
    return float(known.mean()) * factor if len(known) else None


def _frames_where(found: Sequence[tuple[Motion, npt.NDArray[np.bool_]]]) -> tuple[int, ...]:
    return tuple(sorted(int(frame) for piece, mask in found for frame in piece.frames[mask]))


@dataclass(frozen=True)
class ClipReport:
    """The result of an evaluation on a clip.

    Attributes:
        facts: what was measured and how, by name.
        blocks: scores by name of the lifter, by what was done to its poses.
        notes: what a reader must know before making much of the numbers.
    """

    facts: Mapping[str, str]
    blocks: Mapping[str, Mapping[str, ClipScores]]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Tables for a terminal."""
        width = max(len(name) for rows in self.blocks.values() for name in rows)
        heading = " " * width + "".join(f"  {short:>9}" for short, _, _ in COLUMNS.values())
        lines = [self._facts()]
        for block, rows in self.blocks.items():
            lines += ["", f"{block}:", heading]
            lines += [
                f"{name:<{width}}" + "".join(f"  {cell:>9}" for cell in _cells(row)) for name, row in rows.items()
            ]
        return "\n".join([*lines, "", *(f"note: {note}" for note in self.notes)]) + "\n"

    def markdown(self) -> str:
        """The same tables in Markdown."""
        titles = " | ".join(title for _, title, _ in COLUMNS.values())
        lines = [self._facts() + "."]
        for block, rows in self.blocks.items():
            lines += ["", f"{block}:", "", f"| lifter | {titles} |", "|---" * (1 + len(COLUMNS)) + "|"]
            lines += [f"| {name} | {' | '.join(_cells(row))} |" for name, row in rows.items()]
        return "\n".join([*lines, *(f"\nNote: {note}." for note in self.notes)]) + "\n"

    def json(self) -> str:
        """Everything, unrounded, with the frames of jumps and swaps."""
        blocks = {block: {name: asdict(scores) for name, scores in rows.items()} for block, rows in self.blocks.items()}
        content = {"measured": dict(self.facts), "scores": blocks, "notes": list(self.notes)}
        return json.dumps(content, indent=2, allow_nan=False) + "\n"

    def _facts(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.facts.items())


def _cells(scores: ClipScores) -> list[str]:
    cells = []
    for name, (_, _, decimals) in COLUMNS.items():
        value = getattr(scores, name)
        number = len(value) if isinstance(value, tuple) else value
        cells.append("-" if number is None else f"{number:.{decimals}f}")
    return cells
