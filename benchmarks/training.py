"""Windows a second that the sample maker gives, beside those that each lifter's training takes, in one process.

    python benchmarks/training.py --data CORPUS.npz [--published] [--threads N] [--rounds N] [--lifter NAME ...]

Samples of preset ``live`` (virtual cameras, other bodies, a detector's errors) are made and lifters trained by turns,
in float32 and with ``--amp``; the median of the rounds counts. A first ratio well above 1 says that making samples does
not hold training up; the second says what bfloat16 brings. ``--published`` takes the papers' widths, at 27 frames.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from posedemo.models.config import TrainConfig, preset, with_window
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


def trainer(config: TrainConfig, samples: Samples) -> Callable[[], None]:
    """Takes the steps of a round, after one to warm up."""
    run = Run(config, Prepared(samples))

    def train() -> None:
        for _ in range(STEPS):
            run.advance(0.5)

    train()
    return train


def measure(config: TrainConfig, maker: Maker, rounds: int) -> tuple[float, float, float]:
    """Windows a second: made, trained on, and trained on in bfloat16."""
    windows = STEPS * config.batch_size
    samples = maker.take(1, 0, windows)
    train, train_half = (trainer(replace(config, amp=amp), samples) for amp in (False, True))
    made_s, trained_s, half_s = [], [], []
    for number in range(rounds):
        made_s.append(seconds(lambda number=number: maker.take(1, number, windows)))
        trained_s.append(seconds(train))
        half_s.append(seconds(train_half))
    made, trained, half = (windows / statistics.median(each) for each in (made_s, trained_s, half_s))
    return made, trained, half


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
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lifter", nargs="+", choices=sorted(NETWORKS), default=list(NETWORKS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    corpus = read_corpus(arguments.data)
    motion = load_motion(corpus, corpus.clips)
    print("| lifter | T | batch | made, windows/s | trained, windows/s | ratio | in bfloat16 | ratio |")
    print("|---" * 8 + "|")
    for name in arguments.lifter:
        config = published(preset(name, "live")) if arguments.published else preset(name, "live")
        maker = SampleMaker(motion, config.num_frames, config.look_ahead)
        made, trained, half = measure(config, maker, arguments.rounds)
        size = f"{name} | {config.num_frames} | {config.batch_size}"
        ratios = f"{trained:.0f} | {made / trained:.1f} | {half:.0f} | {half / trained:.2f}"
        print(f"| {size} | {made:.0f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
