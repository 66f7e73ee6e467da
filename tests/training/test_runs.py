"""What a step of a run does, and how far it thinks it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from posedemo.models.checkpoints import load_checkpoint, save_checkpoint
from posedemo.models.config import preset
from posedemo.models.losses import mpjpe
from posedemo.models.objectives import Objective, Truth
from posedemo.models.overrides import override
from posedemo.models.run import Run
from posedemo.models.temporal_target import SequenceOutput
from posedemo.models.train import Pace
from posedemo.models.training_data import load_training_data
from posedemo.models.view_samples import _order
from view_corpora import humaneva_corpus


def two_stage_run(**changes: object) -> Run:
    """GLA-GCN's sequence first, then its target, as its paper trains on HumanEva."""
    network = ["channels=8", "kernel=3", "global_blocks=0"]
    config = override(preset("gla-gcn", "paper", skeleton="humaneva15"), network=network, frames=9, batch_size=16)
    config = replace(config, stages="two_stage", ema=0.0, **changes)  # type: ignore[arg-type]
    data = load_training_data(humaneva_corpus(), config, ())
    return Run(data.config, data.maker)


def moved(run: Run, progress: float) -> dict[str, float]:
    """How far each weight goes in a step."""
    before = {name: weights.detach().clone() for name, weights in run.lifter.named_parameters()}
    run.advance(progress)
    return {
        name: float((weights.detach() - before[name]).abs().max()) for name, weights in run.lifter.named_parameters()
    }


def of_part(steps: dict[str, float], part: str) -> list[float]:
    return [step for name, step in steps.items() if name.startswith(f"network.{part}")]


def test_the_sequence_is_learned_in_the_first_third_and_the_target_in_the_rest() -> None:
    early, late = (moved(two_stage_run(), progress) for progress in (0.32, 0.34))
    assert any(of_part(early, "sequence_head"))
    assert not any(of_part(early, "stages") + of_part(early, "head"))
    assert any(of_part(late, "stages"))
    assert any(of_part(late, "head"))
    assert not any(of_part(late, "sequence_head"))


def test_what_the_sequence_taught_goes_on_at_a_tenth_of_the_rate() -> None:
    # Adam's first step has the length of the rate, whatever the gradient.
    steps = [moved(two_stage_run(optimiser="adam"), progress) for progress in (0.0, 0.5)]
    taught = [max(of_part(one, "representation")) for one in steps]
    rates = [two_stage_run(optimiser="adam").learning_rate(progress) for progress in (0.0, 0.5)]
    assert taught[1] / taught[0] == pytest.approx(0.1 * rates[1] / rates[0], rel=1e-2)
    assert max(of_part(steps[1], "head")) == pytest.approx(rates[1], rel=1e-2)


def test_sequences_count_as_much_as_their_weight_says() -> None:
    torch.manual_seed(0)
    sequence, true_m = (joints - joints[:, :, :1] for joints in torch.randn(2, 4, 9, 17, 3))
    output, truth = SequenceOutput(sequence[:, 4], sequence), Truth(true_m)
    of_target, of_sequence = float(mpjpe(sequence[:, 4], true_m[:, 4])), float(mpjpe(sequence, true_m))
    for weight in (0.0, 1.0, 2.0):
        loss = float(Objective(mpjpe, target=4, sequence_weight=weight)(output, truth))
        assert loss == pytest.approx(of_target + weight * of_sequence, rel=1e-5)


def test_a_run_is_as_far_as_whichever_ends_it_first() -> None:
    run = two_stage_run()
    run.step, run.elapsed_s = run.config.steps // 4, 30.0
    quarter = run.step / run.config.steps
    assert Pace().progress(run) == quarter
    assert Pace(max_minutes=1).progress(run) == 0.5
    assert Pace(max_minutes=100).progress(run) == quarter


def test_time_that_was_used_counts_after_a_pause(tmp_path: Path) -> None:
    run, resumed = two_stage_run(), two_stage_run()
    run.elapsed_s = 45.0
    save_checkpoint(run.checkpoint(holdout=[], corpus_name="c.npz"), tmp_path / "c.pt")
    resumed.restore(load_checkpoint(tmp_path / "c.pt"))
    assert Pace(max_minutes=1).progress(resumed) == 0.75


def test_every_epoch_of_every_seed_has_an_order_of_its_own() -> None:
    orders = {tuple(_order(seed, epoch, 50).tolist()) for seed in range(4) for epoch in range(4)}
    assert len(orders) == 16
