"""Windows a second that the sample maker gives, beside those that each lifter's training takes, in one process.

    python benchmarks/training.py --data CORPUS.npz [--published] [--compile] [--threads N] [--rounds N]
        [--batch-size N] [--lifter NAME ...]

Samples of preset ``live`` (virtual cameras, other bodies, a detector's errors) are made and lifters trained by turns,
in float32 and with ``--amp``; the median of the rounds counts. A first ratio well above 1 says that making samples does
not hold training up; the others say what bfloat16 brings and, with ``--compile``, compiled steps in either precision.
``--published`` takes the papers' widths, at 27 frames.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from posedemo.lifter_contract import SIGHT
from posedemo.models.config import TrainConfig, preset, with_window
from posedemo.models.corpus import read_corpus
from posedemo.models.lifter import NETWORKS
from posedemo.models.run import Run
from posedemo.models.samples import Maker, SampleMaker, Samples
from posedemo.models.windows import load_motion

STEPS = 8
"""A round: as many batches as are made together."""

WAYS = ((False, False), (True, False), (False, True), (True, True))
"""To train: in bfloat16 or not, compiled or not; the first is what the others are held against."""
_NAMES = ("trained", "bfloat16", "compiled", "compiled bfloat16")


class Prepared:
    """Samples made beforehand, so that a step's time is the network's alone."""

    batches_together = STEPS

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def take(self, seed: int, number: int, count: int) -> Samples:
        """The same samples, whatever is asked for."""
        return self.samples


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def trainer(config: TrainConfig, samples: Samples, *, compiled: bool) -> Callable[[], None]:
    """Takes the steps of a round, after one to warm up."""
    run = Run(config, Prepared(samples), compiled=compiled)

    def train() -> None:
        for _ in range(STEPS):
            run.advance(0.5)

    train()
    return train


def measure(config: TrainConfig, maker: Maker, rounds: int, *, with_compiled: bool) -> tuple[float, list[float]]:
    """Windows a second: made, and trained on in each of ``WAYS``."""
    windows = STEPS * config.batch_size
    samples = maker.take(1, 0, windows)
    trainers = [
        trainer(replace(config, amp=amp), samples, compiled=compiled)
        for amp, compiled in WAYS
        if with_compiled or not compiled
    ]
    made_s: list[float] = []
    trained_s: list[list[float]] = [[] for _ in trainers]
    for number in range(rounds):
        made_s.append(seconds(lambda number=number: maker.take(1, number, windows)))
        for train, times_s in zip(trainers, trained_s, strict=True):
            times_s.append(seconds(train))
    return windows / statistics.median(made_s), [windows / statistics.median(times_s) for times_s in trained_s]


def published(config: TrainConfig) -> TrainConfig:
    """The same run with the network of the paper's preset, at the same window; without what needs labels of actions."""
    theirs = with_window(preset(config.lifter, "paper"), num_frames=config.num_frames)
    network = {**theirs.network, **({"action_head": False} if "action_head" in theirs.network else {})}
    return replace(config, network=network)


def main() -> None:
    """Print one line a lifter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CORPUS.npz")
    parser.add_argument("--published", action="store_true", help="at the papers' widths")
    parser.add_argument("--compile", dest="with_compiled", action="store_true", help="compiled steps, too")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, help="default: the preset's")
    parser.add_argument("--lifter", nargs="+", choices=sorted(NETWORKS), default=list(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    corpus = read_corpus(arguments.data)
    motion = load_motion(corpus, corpus.clips)
    names = _NAMES if arguments.with_compiled else _NAMES[:2]
    ways = "".join(f" {name} | ratio |" for name in names[1:])
    print(f"| lifter | T | batch | made, windows/s | trained, windows/s | made / trained |{ways}")
    print("|---" * (6 + 2 * len(names[1:])) + "|")
    for name in arguments.lifter:
        config = published(preset(name, "live")) if arguments.published else preset(name, "live")
        config = replace(config, batch_size=arguments.batch_size or config.batch_size)
        is_turned = config.normalisation == SIGHT
        maker = SampleMaker(motion, config.num_frames, config.look_ahead, turned=is_turned)
        made, (trained, *others) = measure(config, maker, arguments.rounds, with_compiled=arguments.with_compiled)
        size = f"{name} | {config.num_frames} | {config.batch_size}"
        ratios = "".join(f" {other:.0f} | {other / trained:.2f} |" for other in others)
        print(f"| {size} | {made:.0f} | {trained:.0f} | {made / trained:.1f} |{ratios}", flush=True)


if __name__ == "__main__":
    main()
