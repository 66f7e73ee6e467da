"""Do the parts of the lifters help? Small trainings that differ in one part, on equal samples for equal steps.

    python benchmarks/orderings.py --data CORPUS.npz --minutes 60 [--window 27] [--seeds 2] [--only NAME ...]

Every comparison gets the same share of the time. Within one, all variants are trained for the same number of steps on
the same samples, as many as fit, with narrow networks; then all are measured on the same frames of people held out,
before virtual cameras: P1 is MPJPE, P2 is P-MPJPE, V the error of the velocities in mm a frame, "clean" without and
"noisy" with a detector's errors. An ordering "A below B" is what is expected; it is reported as found, seed by seed.
Trainings this short favour what learns fast, which need not be what is best in the end.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from posedemo.errors import ConfigError, ending_in_a_sentence
from posedemo.models.chance import Chance
from posedemo.models.config import Options, TrainConfig
from posedemo.models.corpus import read_corpus
from posedemo.models.lifter import build_lifter
from posedemo.models.run import Run, choose_device
from posedemo.models.samples import Maker, SampleMaker, Samples
from posedemo.models.scores import Scores, score
from posedemo.models.split import split_clips
from posedemo.models.windows import Motion, load_motion
from posedemo.outputs import write_whole
from tqdm import tqdm

TARGETS = 8
"""Frames that are measured in each sequence, so that velocities can be."""
SEED = 30_000
KINDS = ("clean", "noisy")


@dataclass(frozen=True)
class Variant:
    """One of the networks that are compared.

    Attributes:
        config: what to train.
        is_still: the window shows its target frame only, again and again.
    """

    config: TrainConfig
    is_still: bool = False


@dataclass(frozen=True)
class Comparison:
    """Variants by name, and the pairs of them of which the first should have the lower error."""

    variants: Mapping[str, Variant]
    expected: tuple[tuple[str, str], ...]


def variant(lifter: str, *, num_frames: int = 1, is_still: bool = False, **network: int | bool) -> Variant:
    """A narrow network."""
    options: Options = {"channels": 64 if num_frames == 1 and lifter in ("semgcn", "global-gcn") else 32, **network}
    if lifter in ("semgcn", "global-gcn"):
        batch_size = 128
    else:
        batch_size, options = 32, {"dropout": 0.0, **options}
    config = TrainConfig(
        lifter,
        network=options,
        num_frames=num_frames,
        batch_size=batch_size,
        warm_up_steps=50,
        optimiser="muon",
        learning_rate=0.02,
    )
    return Variant(config, is_still)


def global_gcn(**network: int | bool) -> Variant:
    """The Global-node GCN without its heads, where they are not asked for."""
    return variant("global-gcn", **{"action_head": False, "embedding_head": False, **network})


def gla_gcn(window: int, **network: int | bool) -> Variant:
    """GLA-GCN as narrow as preset ``live`` is short of time."""
    return variant("gla-gcn", num_frames=window, kernel=3, global_blocks=0, **network)


def per_frame() -> Mapping[str, Comparison]:
    """What is compared among the lifters of single frames."""
    return {
        "semgcn": Comparison(
            {
                "full": variant("semgcn"),
                "without non-local blocks": variant("semgcn", non_local=False),
                # The same depth, width and residuals, one matrix for all edges: the Global-node GCN without its node.
                "vanilla": global_gcn(global_node=False, shared=True),
            },
            (("full", "without non-local blocks"), ("without non-local blocks", "vanilla")),
        ),
        "global-node": Comparison(
            {
                "global node": global_gcn(joint_embedding=True),
                "global node, pose embedding": global_gcn(joint_embedding=True, embedding_head=True),
                "none": global_gcn(joint_embedding=True, global_node=False),
                "global node, no joint embedding": global_gcn(),
            },
            (
                ("global node", "none"),
                ("global node, pose embedding", "none"),
                ("global node", "global node, no joint embedding"),
            ),
        ),
    }


def temporal(window: int) -> Mapping[str, Comparison]:
    """What is compared among the lifters of windows."""
    frames, some = f"T = {window}", min(4, window // 4)
    dynamic = variant("dg-net", num_frames=window)
    return {
        "dynamic": Comparison(
            {
                "dynamic": dynamic,
                "static": variant("dg-net", num_frames=window, dynamic=False, static=True),
                "both": variant("dg-net", num_frames=window, static=True),
                "dynamic, no joint embedding": variant("dg-net", num_frames=window, joint_embedding=False),
            },
            (("dynamic", "static"), ("dynamic", "dynamic, no joint embedding")),
        ),
        "window": Comparison(
            {
                frames: dynamic,
                "T = 1": variant("dg-net"),
                # The network of the window without anything to see over time: what is left is what its depth is worth.
                f"{frames}, one frame repeated": variant("dg-net", num_frames=window, is_still=True),
            },
            ((frames, "T = 1"), (frames, f"{frames}, one frame repeated")),
        ),
        "sequence": Comparison(
            {"with sequence head": gla_gcn(window), "without": gla_gcn(window, sequence_head=False)},
            (("with sequence head", "without"),),
        ),
        "look-ahead": Comparison(
            {
                "centre": gla_gcn(window, look_ahead=window // 2),
                f"{some} frames": gla_gcn(window, look_ahead=some),
                "causal": gla_gcn(window),
            },
            (("centre", f"{some} frames"), (f"{some} frames", "causal")),
        ),
    }


NAMES = (*per_frame(), *temporal(9))


@dataclass(frozen=True)
class Still:
    """A maker whose windows show one frame only."""

    maker: SampleMaker
    target: int
    batches_together: int = SampleMaker.batches_together

    def take(self, seed: int, number: int, count: int) -> Samples:
        """Samples of the other maker, each with its target frame in all places."""
        samples = self.maker.take(seed, number, count)
        return samples._replace(xy=stand_still(samples.xy, self.target))


def stand_still(xy: torch.Tensor, target: int) -> torch.Tensor:
    """Windows (N, T, J, 2) with one frame in all places."""
    return xy[:, target : target + 1].expand_as(xy)


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CORPUS.npz", help="made by: posedemo prepare")
    parser.add_argument("--minutes", type=float, required=True, help="for all trainings together")
    parser.add_argument("--seeds", type=int, default=2, help="trainings of each variant (2)")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES), help="comparisons")
    parser.add_argument("--window", type=int, choices=[9, 27, 81], default=27, help="T of the lifters of windows (27)")
    parser.add_argument("--holdout", nargs="+", default=[], metavar="SUBJECT", help="default: by hash")
    parser.add_argument("--sequences", type=int, default=512, help="to measure on (512)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="number of CPU threads")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to train (auto)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with ending_in_a_sentence():
        if arguments.minutes <= 0 or arguments.seeds < 1:
            raise ConfigError("--minutes and --seeds must be above zero")
        compare_all(arguments)


def compare_all(arguments: argparse.Namespace) -> None:
    """Run the comparisons; what is done is printed and written at once, so that stopping loses only the rest."""
    corpus, device = read_corpus(arguments.data), choose_device(arguments.device)
    kept, held = split_clips(corpus, arguments.holdout)
    training = load_motion(corpus, kept)
    held_motion, window = load_motion(corpus, held), arguments.window
    truth = {kind: draw_sequences(held_motion, arguments.sequences, kind, window) for kind in KINDS}
    share_s = 60 * arguments.minutes / len(arguments.only)
    found = {}
    comparisons = {**per_frame(), **temporal(window)}
    for name in arguments.only:
        comparison = comparisons[name]
        steps = steps_that_fit(comparison, training, share_s / arguments.seeds, device)
        scores: dict[str, list[dict[str, Scores]]] = {one: [] for one in comparison.variants}
        for seed in range(1, arguments.seeds + 1):
            for one, chosen in comparison.variants.items():
                run = train(chosen, training, steps=steps, seed=seed, device=device, title=f"{name}: {one}, {seed}")
                scores[one].append({kind: measure(run, chosen, truth[kind], window) for kind in KINDS})
        found[name] = describe(comparison, scores, steps)
        sys.stdout.write(as_text(name, found[name]))
        sys.stdout.flush()
        if arguments.json:
            write_whole(arguments.json, json.dumps(found, indent=2) + "\n")


def draw_sequences(motion: Motion, count: int, kind: str, window: int) -> Samples:
    """Sequences that hold the whole window of every variant for every target."""
    maker = SampleMaker(motion, window - 1 + TARGETS + window // 2, vary_motion=False, detector_errors=kind == "noisy")
    return maker.draw(Chance(SEED), count)


def make_run(chosen: Variant, training: Motion, *, steps: int, seed: int, device: torch.device) -> Run:
    """A run that has not begun."""
    config = replace(chosen.config, steps=steps, seed=seed)
    maker: Maker = SampleMaker(training, config.num_frames, config.look_ahead)
    if chosen.is_still:
        maker = Still(maker, config.target)
    return Run(config, maker, device=device)


def steps_that_fit(comparison: Comparison, training: Motion, seconds: float, device: torch.device) -> int:
    """How many steps all variants can take one after the other, by the time of a few steps of each."""
    cost_s = 0.0
    for chosen in comparison.variants.values():
        run = make_run(chosen, training, steps=1000, seed=0, device=device)
        run.advance(0.5)
        rounds = SampleMaker.batches_together
        began_s = time.monotonic()
        for _ in range(rounds):
            run.advance(0.5)
        float(run.advance(0.5))  # waits for a GPU
        cost_s += (time.monotonic() - began_s) / (rounds + 1)
    return max(int(seconds / cost_s), 1)


def train(chosen: Variant, training: Motion, *, steps: int, seed: int, device: torch.device, title: str) -> Run:
    """A run that is over."""
    run = make_run(chosen, training, steps=steps, seed=seed, device=device)
    for step in tqdm(range(steps), desc=title, mininterval=5):
        run.advance(step / steps)
    run.require_finite()
    return run


def measure(run: Run, chosen: Variant, truth: Samples, window: int) -> Scores:
    """Errors on the same frames for every variant, with as much before and after them as each can see."""
    config, first = chosen.config, window - 1
    lifter = run.result.eval()
    poses_m = []
    with torch.inference_mode():
        for target in range(first, first + TARGETS):
            begin = target - config.target
            windows = truth.xy[:, begin : begin + config.num_frames]
            windows = stand_still(windows, config.target) if chosen.is_still else windows
            poses_m.append(lifter(windows.to(run.device)).cpu())
    return score(torch.stack(poses_m, dim=1).numpy(), truth.xyz_m[:, first : first + TARGETS].numpy())


def describe(comparison: Comparison, scores: dict[str, list[dict[str, Scores]]], steps: int) -> dict[str, object]:
    """What was found, as plain values."""
    any_config = next(iter(comparison.variants.values())).config
    return {
        "steps": steps,
        "windows": steps * any_config.batch_size,
        "variants": {
            one: {
                "network": dict(chosen.config.network),
                "frames": chosen.config.num_frames,
                "parameters": sum(weights.numel() for weights in build_lifter(chosen.config).parameters()),
                "seeds": [{kind: asdict(found) for kind, found in seed.items()} for seed in scores[one]],
            }
            for one, chosen in comparison.variants.items()
        },
        "expected": [
            {"lower": lower, "higher": higher, "kind": kind, "difference_mm": differences(scores, lower, higher, kind)}
            for lower, higher in comparison.expected
            for kind in KINDS
        ],
    }


def differences(scores: dict[str, list[dict[str, Scores]]], lower: str, higher: str, kind: str) -> list[float]:
    """MPJPE of one variant less that of another, seed by seed: negative as expected."""
    pairs: Sequence[tuple[dict[str, Scores], dict[str, Scores]]] = list(zip(scores[lower], scores[higher], strict=True))
    return [ours[kind].mpjpe_mm - theirs[kind].mpjpe_mm for ours, theirs in pairs]


def as_text(name: str, found: dict) -> str:
    """A table for people."""
    width = max(map(len, found["variants"]))
    lines = [f"\n{name}: {found['steps']} steps, {found['windows']} windows each"]
    columns = [f"{column} {kind}" for kind in KINDS for column in ("P1", "P2", "V")]
    lines.append(" " * width + "  parameters" + "".join(f"{column:>12}" for column in columns))
    for one, row in found["variants"].items():
        means = [
            statistics.mean(seed[kind][key] for seed in row["seeds"])
            for kind in KINDS
            for key in ("mpjpe_mm", "p_mpjpe_mm", "mpjve_mm")
        ]
        lines.append(f"{one:<{width}}{row['parameters']:>12,}" + "".join(f"{mean:>12.1f}" for mean in means))
    for pair in found["expected"]:
        numbers = pair["difference_mm"]
        holds = int(np.sum(np.array(numbers) < 0))
        each = ", ".join(f"{number:+.1f}" for number in numbers)
        lines.append(
            f"{pair['lower']} below {pair['higher']}, {pair['kind']}: holds in {holds} of {len(numbers)} ({each} mm)"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
