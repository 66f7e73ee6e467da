"""The lifters head to head: size, work, time on one core, and errors on held-out people, all measured in one run.

    python benchmarks/lifters.py [--data CORPUS.npz] [--lifter FILE.onnx ...] [--json FILE]

Without --lifter it takes the shipped ones. Time is that of ONNX Runtime alone, on one thread, as the run time uses it:
the median of many runs, the lifters in turns, since machines drift; quote the ratios to the first lifter, not the
milliseconds. "1 person" is a batch of one window, "4 people" a batch of four. Work is millions of multiply-adds in
matrix products and convolutions, for one window.

With --data also the errors on held-out people before virtual cameras (`posedemo evaluate --protocol heldout`): P1 is
MPJPE, P2 is P-MPJPE, V the error of the velocities in mm a frame, each on clean and on noisy 2D. Everybody is measured
on the same people: those on whom none of the lifters was trained.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from posedemo.errors import ConfigError, ending_in_a_sentence
from posedemo.models.corpus import Corpus, read_corpus
from posedemo.models.evaluate import HeldOut, check_held_out_fits, evaluate
from posedemo.models.multiplications import count_multiplications
from posedemo.models.predictors import Predictor, onnx_predictor
from posedemo.models.scores import Scores
from posedemo.models.split import split_clips
from posedemo.models.windows import load_motion
from posedemo.outputs import write_whole

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("semgcn", "global-gcn", "dg-net", "gla-gcn")
WARM_UP_RUNS = 20


@dataclass(frozen=True)
class Row:
    """A lifter's line of the table.

    Attributes:
        name: name of its file.
        num_frames: length of its window.
        parameters: learned numbers as trained, or None where the file does not state them.
        megabytes: size of the file.
        mmac: millions of multiply-adds a window.
        median_ms: time of a run, by batch size.
        ratio: the same in units of the first lifter's, from round to round.
        scores: errors by kind of 2D; empty without data.
    """

    name: str
    num_frames: int
    parameters: int | None
    megabytes: float
    mmac: float
    median_ms: dict[int, float]
    ratio: dict[int, float]
    scores: dict[str, Scores]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lifter", type=Path, nargs="+", metavar="FILE.onnx", help="the first one is the baseline")
    parser.add_argument("--data", type=Path, metavar="CORPUS.npz", help="measure errors on held-out people of it, too")
    parser.add_argument("--holdout", nargs="+", metavar="SUBJECT", help="instead of what the files state")
    parser.add_argument("--sequences", type=int, default=512, help="sequences of 32 frames to measure errors on (512)")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4], help="batch sizes to time (1 and 4)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of all lifters (9)")
    parser.add_argument("--runs", type=int, default=60, help="runs in each turn (60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers as JSON")
    arguments = parser.parse_args()
    shipped = [path for name in SHIPPED if (path := ROOT / "weights" / f"{name}.onnx").exists()]
    with ending_in_a_sentence():
        rows = measure(arguments.lifter or shipped, arguments)
        if arguments.json:
            write_whole(arguments.json, json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    print(table(rows))


def measure(files: Sequence[Path], arguments: argparse.Namespace) -> list[Row]:
    """All rows, the baseline first."""
    rows = [describe(path) for path in files]
    timed = time_in_turns(files, arguments.batch, rounds=arguments.rounds, runs=arguments.runs)
    rows = [replace(row, median_ms=median, ratio=ratio) for row, (median, ratio) in zip(rows, timed, strict=True)]
    if arguments.data:
        predictors = [onnx_predictor(path) for path in files]
        held_out = common_held_out(predictors, read_corpus(arguments.data), arguments.holdout)
        held_out = replace(held_out, num_sequences=arguments.sequences)
        rows = [
            replace(row, scores=evaluate(predictor, held_out)) for row, predictor in zip(rows, predictors, strict=True)
        ]
    return rows


def describe(path: Path) -> Row:
    """What a file says without being run."""
    num_frames = onnx_predictor(path).num_frames  # also checks that it is a lifter
    model = onnx.load(path)
    stated = {entry.key: entry.value for entry in model.metadata_props}
    return Row(
        name=path.stem,
        num_frames=num_frames,
        parameters=int(stated["parameters"]) if "parameters" in stated else None,
        megabytes=path.stat().st_size / 1e6,
        mmac=count_multiplications(model) / 1e6,
        median_ms={},
        ratio={},
        scores={},
    )


def time_in_turns(
    files: Sequence[Path], batches: Sequence[int], *, rounds: int, runs: int
) -> list[tuple[dict[int, float], dict[int, float]]]:
    """Median milliseconds by batch size, and the median over rounds of the ratio to the first file."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = [ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"]) for path in files]
    results: list[tuple[dict[int, float], dict[int, float]]] = [({}, {}) for _ in files]
    random = np.random.default_rng(0)
    for batch in batches:
        inputs = [
            random.normal(0, 0.4, (batch, *session.get_inputs()[0].shape[1:])).astype(np.float32)
            for session in sessions
        ]
        for session, xy in zip(sessions, inputs, strict=True):
            run_times_ms(session, xy, WARM_UP_RUNS)
        times_ms = [
            [run_times_ms(session, xy, runs) for session, xy in zip(sessions, inputs, strict=True)]
            for _ in range(rounds)
        ]
        for number, (median_ms, ratio) in enumerate(results):
            median_ms[batch] = statistics.median(time_ms for turn in times_ms for time_ms in turn[number])
            ratio[batch] = statistics.median(
                statistics.median(turn[number]) / statistics.median(turn[0]) for turn in times_ms
            )
    return results


def run_times_ms(session: ort.InferenceSession, xy: np.ndarray, runs: int) -> list[float]:
    """Wall time of each of some runs."""
    times_ms = []
    for _ in range(runs):
        started_s = time.perf_counter()
        session.run(["xyz"], {"xy": xy})
        times_ms.append(1000 * (time.perf_counter() - started_s))
    return times_ms


def common_held_out(predictors: Sequence[Predictor], corpus: Corpus, holdout: Sequence[str] | None) -> HeldOut:
    """The clips that none of the lifters was trained on."""
    for predictor in predictors:
        check_held_out_fits(predictor, corpus)
    held = [split_clips(corpus, holdout or predictor.holdout)[1] for predictor in predictors]
    common = set.intersection(*({clip.start for clip in clips} for clips in held))
    if not common:
        raise ConfigError("each of these people was trained on by one of the lifters", hint="choose with --holdout")
    print(f"{len(common)} held-out clips", file=sys.stderr)
    return HeldOut(load_motion(corpus, [clip for clip in corpus.clips if clip.start in common]))


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    batches = list(rows[0].median_ms)
    people = ["1 person" if batch == 1 else f"{batch} people" for batch in batches]
    heading = ["lifter", "frames", "parameters", "MB", "MMAC", *(f"ms, {who}" for who in people)]
    heading += [f"x {rows[0].name}, {who}" for who in people]
    kinds = list(rows[0].scores)
    heading += [f"{error} {kind}" for error in ("P1", "P2", "V") for kind in kinds]
    heading += [f"bone spread % {kind}" for kind in kinds]
    lines = [f"| {' | '.join(heading)} |", "|---" * len(heading) + "|"]
    for row in rows:
        cells = [row.name, str(row.num_frames), f"{row.parameters:,}" if row.parameters else "not stated"]
        cells += [f"{row.megabytes:.2f}", f"{row.mmac:.1f}"]
        cells += [f"{row.median_ms[batch]:.2f}" for batch in batches] + [f"{row.ratio[batch]:.2f}" for batch in batches]
        cells += [
            f"{getattr(row.scores[kind], field):.1f}"
            for field in ("mpjpe_mm", "p_mpjpe_mm", "mpjve_mm", "bone_spread_percent")
            for kind in kinds
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
