"""What is reported about a lifter: mean errors, as a table for people, as Markdown and as JSON. numpy only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from ..arrays import FloatArray
from ..motion_quality import bone_spread
from ..skeleton import H36M17, Skeleton
from .metrics import mpjpe, mpjve, n_mpjpe, p_mpjpe

COLUMNS = {
    "mpjpe_mm": "MPJPE mm",
    "p_mpjpe_mm": "P-MPJPE mm",
    "n_mpjpe_mm": "N-MPJPE mm",
    "mpjve_mm": "MPJVE mm/frame",
    "bone_spread_percent": "bone spread %",
}
"""Headings of the tables, by field of ``Scores``."""


@dataclass(frozen=True)
class Scores:
    """Means over all poses; ``mpjve_mm`` is per frame; ``bone_spread_percent`` is the standard deviation of a bone's
    length within a sequence, as a share of its mean length, averaged over bones and sequences.
    """

    mpjpe_mm: float
    p_mpjpe_mm: float
    n_mpjpe_mm: float
    mpjve_mm: float
    bone_spread_percent: float

    def __str__(self) -> str:
        return f"MPJPE {self.mpjpe_mm:.1f}, P-MPJPE {self.p_mpjpe_mm:.1f} mm"


@dataclass(frozen=True)
class SequenceScores:
    """Scores of ``num_frames`` successive frames, and who did what in them."""

    action: str
    subject: str
    num_frames: int
    scores: Scores


def score(
    predicted_m: FloatArray,
    true_m: FloatArray,
    skeleton: Skeleton = H36M17,
    *,
    joints: Sequence[str] | None = None,
) -> Scores:
    """Compare sequences (..., F, J, 3) in metres. A single frame has no velocity: ``mpjve_mm`` is then 0.

    Args:
        predicted_m: poses to be scored.
        true_m: the truth.
        skeleton: names the J joints.
        joints: compare these alone; the spread of bones stays that of the whole body.
    """
    whole_m = predicted_m
    if joints is not None:
        compared = [skeleton.index(joint) for joint in joints]
        predicted_m, true_m = predicted_m[..., compared, :], true_m[..., compared, :]
    return Scores(
        mpjpe_mm=1000 * float(mpjpe(predicted_m, true_m).mean()),
        p_mpjpe_mm=1000 * float(p_mpjpe(predicted_m, true_m).mean()),
        n_mpjpe_mm=1000 * float(n_mpjpe(predicted_m, true_m).mean()),
        mpjve_mm=1000 * float(mpjve(predicted_m, true_m).mean()) if true_m.shape[-3] > 1 else 0.0,
        bone_spread_percent=100 * float(bone_spread(whole_m, skeleton).mean()),
    )


def mean_of_frames(sequences: Sequence[SequenceScores]) -> Scores:
    """Every frame counts alike, so long sequences count more.

    Velocities belong to pairs of successive frames, of which a sequence has one fewer than frames; the spread of bones
    belongs to a sequence, and a single frame has none.
    """
    frames = np.array([sequence.num_frames for sequence in sequences], np.float64)
    weights = {"mpjve_mm": frames - 1, "bone_spread_percent": (frames > 1).astype(np.float64)}
    means = {}
    for field in fields(Scores):
        values = np.array([getattr(sequence.scores, field.name) for sequence in sequences])
        weight = weights.get(field.name, frames)
        means[field.name] = float((values * weight).sum() / max(weight.sum(), 1.0))
    return Scores(**means)


def mean_of_rows(rows: Sequence[Scores]) -> Scores:
    """Every row counts alike, however many frames it has."""
    return Scores(
        **{field.name: float(np.mean([getattr(row, field.name) for row in rows])) for field in fields(Scores)}
    )


@dataclass(frozen=True)
class Report:
    """The result of an evaluation.

    Attributes:
        facts: what was measured and how, by name: lifter, data, protocol ...
        rows: scores by the name of the row.
        notes: what a reader must know before comparing the numbers with others.
    """

    facts: Mapping[str, str]
    rows: Mapping[str, Scores]
    notes: tuple[str, ...] = ()

    def with_facts(self, *, data: str, flip_tta: bool) -> Report:
        """The report with the facts that only the caller knows."""
        return replace(self, facts={**self.facts, "data": data, "flip TTA": "yes" if flip_tta else "no"})

    def text(self) -> str:
        """A table for a terminal."""
        width = max(map(len, self.rows))
        heading = " " * width + "".join(f"  {title:>14}" for title in COLUMNS.values())
        lines = [self._facts(), "", heading]
        for name, scores in self.rows.items():
            lines.append(f"{name:<{width}}" + "".join(f"  {value:>14.1f}" for value in asdict(scores).values()))
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)]) + "\n"

    def markdown(self) -> str:
        """The same table in Markdown, ready for a model card."""
        lines = [f"| | {' | '.join(COLUMNS.values())} |", "|---" * (1 + len(COLUMNS)) + "|"]
        for name, scores in self.rows.items():
            lines.append(f"| {name} | {' | '.join(f'{value:.1f}' for value in asdict(scores).values())} |")
        return "\n".join([self._facts() + ".", "", *lines, *(f"\nNote: {note}." for note in self.notes)]) + "\n"

    def json(self) -> str:
        """Everything, unrounded."""
        rows = {name: asdict(scores) for name, scores in self.rows.items()}
        content = {"measured": dict(self.facts), "scores": rows, "notes": list(self.notes)}
        return json.dumps(content, indent=2, allow_nan=False) + "\n"

    def _facts(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.facts.items())
