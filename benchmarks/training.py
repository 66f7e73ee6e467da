"""Windows a second that the sample maker gives, beside those that each lifter's training takes, in one process.

    python benchmarks/training.py --data CORPUS.npz [--threads N] [--rounds N] [--lifter NAME ...]

Samples of preset ``live`` (virtual cameras, other bodies, a detector's errors) are made and lifters trained by turns;
the median of the rounds counts. A ratio well above 1 says that making samples does not hold training up.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from posedemo.models.config import TrainConfig, preset
from posedemo.models.corpus import read_corpus
from posedemo.models.lifter import NETWORKS
from posedemo.models.run import Run
from posedemo.models.samples import Maker, SampleMaker, Samples
from posedemo.models.windows import load_motion

STEPS = 8
"""A round: as many batches as are made together."""


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


def measure(config: TrainConfig, maker: Maker, rounds: int) -> tuple[float, float]:
    """Windows a second: made, and trained on."""
    windows = STEPS * config.batch_size
    run = Run(config, Prepared(maker.take(1, 0, windows)))

    def train() -> None:
        for _ in range(STEPS):
            run.advance(0.5)

    train()
    made_s, trained_s = [], []
    for number in range(rounds):
        made_s.append(seconds(lambda number=number: maker.take(1, number, windows)))
        trained_s.append(seconds(train))
    return windows / statistics.median(made_s), windows / statistics.median(trained_s)


def main() -> None:
    """Print one line a lifter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CORPUS.npz")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lifter", nargs="+", choices=sorted(NETWORKS), default=list(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    corpus = read_corpus(arguments.data)
    motion = load_motion(corpus, corpus.clips)
    print("| lifter | T | batch | made, windows/s | trained, windows/s | ratio |\n|---|---|---|---|---|---|")
    for name in arguments.lifter:
        config = preset(name, "live")
        made, trained = measure(config, SampleMaker(motion, config.num_frames, config.look_ahead), arguments.rounds)
        size = f"{name} | {config.num_frames} | {config.batch_size}"
        print(f"| {size} | {made:.0f} | {trained:.0f} | {made / trained:.1f} |", flush=True)


if __name__ == "__main__":
    main()
