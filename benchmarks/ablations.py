"""What does each part of the training data bring? Equal trainings, each without one part, measured on people held out.

    python benchmarks/ablations.py --data CORPUS.npz --windows 200000 [--seeds 2] [--only NAME ...] [--markdown FILE]

All trainings see the same number of windows from the same clips, with preset ``live`` of the Global-node GCN, the
lifter that learns fastest. Errors are P-MPJPE in millimetres of the rows of ``posedemo evaluate --protocol heldout``.
Held-out people are motion capture too: they hardly sit, reach or lie, so a part can be worth more before a webcam than
it is here, and a short training has less to learn from variety than a long one.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import torch
from posedemo.errors import ConfigError, ending_in_a_sentence
from posedemo.models import bodies, cameras, detections, samples
from posedemo.models.config import preset
from posedemo.models.corpus import Corpus, read_corpus
from posedemo.models.evaluate import LEGLESS, LEVEL, UPPER, evaluate_held_out
from posedemo.models.predictors import torch_predictor
from posedemo.models.run import Run
from posedemo.models.samples import SampleMaker
from posedemo.models.split import split_clips
from posedemo.models.windows import Motion, load_motion
from posedemo.outputs import write_whole
from tqdm import tqdm

LIFTER = "global-gcn"
WHOLE = "all of it"
ROWS = {"clean": "clean", "level camera": LEVEL, "noisy": "noisy", "upper body": UPPER, "legs hidden": LEGLESS}
"""Columns of the table, and the rows of the report that they are."""


@dataclass(frozen=True)
class Off:
    """A constant of the making of samples, and the value at which it does nothing."""

    module: ModuleType
    name: str
    value: object = 0.0


PARTS: Mapping[str, Sequence[Off]] = {
    "bodies of other proportions": [Off(bodies, "_LENGTH_SPREADS", ())],
    "exchanged limbs": [Off(bodies, "_EXCHANGE_ARM_PROBABILITY"), Off(bodies, "_EXCHANGE_LEGS_PROBABILITY")],
    "seated, folded legs": [Off(bodies, "_SEATED_PROBABILITY")],
    "reaching": [Off(bodies, "_REACHING_PROBABILITY")],
    "bent, twisted, lying": [
        Off(bodies, "_BENT_PROBABILITY"),
        Off(bodies, "_TWISTED_PROBABILITY"),
        Off(bodies, "_TILTED_PROBABILITY"),
    ],
    "turned limbs": [Off(bodies, "_TURNED_PROBABILITY")],
    "pitched and rolled cameras": [Off(cameras, "_PITCH_DEG", (0.0, 0.0)), Off(cameras, "_ROLL_DEG", (0.0, 1.0))],
    "other fields of view": [Off(cameras, "_FIELD_OF_VIEW_SPREAD")],
    "other definitions of joints": [Off(detections, "_DEFINITION_M", {})],
    "the detector's measured errors": [Off(detections, "_MEASURED_NOISE"), Off(detections, "_MEASURED_SWAPS")],
    "guessed errors": [Off(detections, "_UNSEEN_NOISE_MEDIAN")],
    "missing joints": [Off(detections, "_MISSING_PROBABILITY")],
    "double speed": [Off(samples, "_DOUBLE_STEP_PROBABILITY")],
}
"""What can be left out. Slow cameras are not here: they change nothing for a lifter of single frames."""


@contextmanager
def without(offs: Sequence[Off]) -> Iterator[None]:
    """Make samples without a part."""
    with ExitStack() as stack:
        for off in offs:
            stack.enter_context(patch.object(off.module, off.name, off.value))
        yield


def trained(motion: Motion, *, num_windows: int, seed: int, title: str) -> Run:
    """A run that is over."""
    config = preset(LIFTER, "live")
    config = replace(config, steps=max(1, num_windows // config.batch_size), seed=seed)
    run = Run(config, SampleMaker(motion, config.num_frames, turned=True))
    for step in tqdm(range(config.steps), desc=title, mininterval=5):
        run.advance(step / config.steps)
    run.require_finite()
    return run


def errors_of(run: Run, corpus: Corpus, holdout: Sequence[str]) -> dict[str, float]:
    """P-MPJPE in millimetres by column."""
    config = run.config
    predictor = replace(torch_predictor(run.result, config.num_frames), normalisation=config.normalisation)
    rows = evaluate_held_out(predictor, corpus, holdout).rows
    return {column: rows[row].p_mpjpe_mm for column, row in ROWS.items()}


def as_markdown(found: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """The table: the errors with everything, and for each part what they become without it, means over the seeds."""
    whole = found[WHOLE]
    lines = [f"| left out | {' | '.join(ROWS)} |", f"|---|{'---|' * len(ROWS)}"]
    for part, seeds in found.items():
        means = {column: statistics.mean(seed[column] for seed in seeds) for column in ROWS}
        cells = [f"{means[column]:.1f}" for column in ROWS]
        if part != WHOLE:
            cells = [f"{means[column] - statistics.mean(seed[column] for seed in whole):+.1f}" for column in ROWS]
        lines.append(f"| {'nothing' if part == WHOLE else part} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CORPUS.npz", help="made by: posedemo prepare")
    parser.add_argument("--windows", type=int, required=True, help="of each training")
    parser.add_argument("--seeds", type=int, default=1, help="trainings without each part (1)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="NAME", help="parts")
    parser.add_argument("--holdout", nargs="+", default=[], metavar="SUBJECT", help="default: by hash")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="number of CPU threads")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers, and go on from those in it")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with ending_in_a_sentence():
        if arguments.windows < 1 or arguments.seeds < 1:
            raise ConfigError("--windows and --seeds must be above zero")
        compare(arguments)


def compare(arguments: argparse.Namespace) -> None:
    """Run the trainings; what is done is kept at once, so that stopping loses only the one under way."""
    corpus = read_corpus(arguments.data)
    kept, _ = split_clips(corpus, arguments.holdout)
    motion = load_motion(corpus, kept)
    is_kept = arguments.json is not None and arguments.json.is_file()
    found: dict[str, list[dict[str, float]]] = json.loads(arguments.json.read_text()) if is_kept else {}
    for seed in range(1, arguments.seeds + 1):
        for part in (WHOLE, *arguments.only):
            if len(found.setdefault(part, [])) >= seed:
                continue
            with without(PARTS.get(part, ())):
                run = trained(motion, num_windows=arguments.windows, seed=seed, title=f"without {part}, {seed}")
            found[part].append(errors_of(run, corpus, arguments.holdout))
            if arguments.json is not None:
                write_whole(arguments.json, json.dumps(found, indent=2) + "\n")
    table = as_markdown({part: seeds for part, seeds in found.items() if seeds})
    print(table, end="")
    if arguments.markdown is not None:
        write_whole(arguments.markdown, table)


if __name__ == "__main__":
    main()
