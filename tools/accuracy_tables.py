"""Write the tables of docs/accuracy.md and of the README anew: after new weights, or a change that moves the numbers.

    python tools/accuracy_tables.py               all of them; looks at the demo clip, so give it a quiet machine
    python tools/accuracy_tables.py --held-out    only what the manifest has, in a second

Tables stand between comments that name them. Everything else in the documents is left as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from posedemo.clip_evaluation import evaluate_clip
from posedemo.clip_scores import COLUMNS, ClipReport, ClipScores
from posedemo.manifest import manifest
from posedemo.modes import lifter_in_mode
from posedemo.outputs import write_whole
from posedemo.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT / "assets" / "demo.mp4"
DOCUMENTS = (ROOT / "docs" / "accuracy.md", ROOT / "README.md")

_HELD_OUT = {"mpjpe_mm": "MPJPE", "p_mpjpe_mm": "P-MPJPE", "mpjve_mm": "MPJVE", "bone_spread_percent": "bone spread %"}
_KINDS = ("clean", "noisy")
_SHORT_HELD_OUT = ("mpjpe_mm", "p_mpjpe_mm")
_SHORT = ("bone_spread_percent", "jitter_mm", "reprojection_percent", "jumps", "swaps", "lifter_ms")


def held_out_table(columns: Sequence[str] = tuple(_HELD_OUT)) -> str:
    """The scores that the manifest states: measured by ``tools/ship_weights.py`` when a lifter was entered."""
    titles = [f"{kind} {_HELD_OUT[name]}" for kind in _KINDS for name in columns]
    lines = [f"| lifter | {' | '.join(titles)} |", "|---" * (1 + len(titles)) + "|"]
    for entry in manifest():
        if entry.scores:
            cells = [entry.scores[f"heldout_{kind}_{name}"] for kind in _KINDS for name in columns]
            lines.append(f"| {entry.name} | {' | '.join(f'{cell:.1f}' for cell in cells)} |")
    return "\n".join(lines)


def held_out_tables() -> dict[str, str]:
    """Both tables of the manifest's scores, by name."""
    return {"held out": held_out_table(), "held out, short": held_out_table(_SHORT_HELD_OUT)}


def short_table(report: ClipReport) -> str:
    """A few columns: every lifter as it is, and files' default as the program shows it."""
    as_they_are, as_shown = report.blocks.values()
    default = lifter_in_mode(Settings.lifter, "file")
    rows = {**as_they_are, f"**{default}, as the program shows it**": as_shown[default]}
    lines = [f"| | {' | '.join(COLUMNS[name][1] for name in _SHORT)} |", "|---" * (1 + len(_SHORT)) + "|"]
    lines += [f"| {name} | {' | '.join(_cell(scores, column) for column in _SHORT)} |" for name, scores in rows.items()]
    return "\n".join(lines)


def _cell(scores: ClipScores, column: str) -> str:
    value = getattr(scores, column)
    number = len(value) if isinstance(value, tuple) else value
    return "-" if number is None else f"{number:.{COLUMNS[column][2]}f}"


def filled(text: str, tables: Mapping[str, str]) -> str:
    """A document with its tables replaced; those that it does not have are left out.

    Raises:
        ValueError: a table begins but does not end.
    """
    for name, table in tables.items():
        first, last = f"<!-- table: {name} -->\n", f"\n<!-- end: {name} -->"
        if first in text:
            head, rest = text.split(first, 1)
            tail = rest[rest.index(last) :]
            text = head + first + table + tail
    return text


def main() -> int:
    """Fill in the documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="only the manifest's numbers")
    tables = held_out_tables()
    if not parser.parse_args().held_out:
        report = evaluate_clip(CLIP).report
        tables |= {"demo clip": report.markdown().rstrip(), "demo clip, short": short_table(report)}
    for document in DOCUMENTS:
        write_whole(document, filled(document.read_text(encoding="utf-8"), tables))
        print(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
