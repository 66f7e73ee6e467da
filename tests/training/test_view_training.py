"""Training on real views: the papers' recipes run, resume exactly, and refuse what does not fit."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from posedemo.errors import ConfigError, ModelError
from posedemo.models.checkpoints import load_checkpoint, save_checkpoint
from posedemo.models.commands import COMMANDS
from posedemo.models.config import TrainConfig, preset
from posedemo.models.corpus import Corpus, write_corpus
from posedemo.models.lifter import NETWORKS, build_lifter
from posedemo.models.losses import mpjpe
from posedemo.models.objectives import Objective, Truth
from posedemo.models.overrides import override
from posedemo.models.run import Run
from posedemo.models.train import CHECKPOINT_NAME, LOG_NAME, Pace, train
from posedemo.models.training_data import load_training_data
from posedemo.skeleton import H36M16
from torch import Tensor
from view_corpora import h36m_corpus, humaneva_corpus

NARROW = {
    "semgcn": {"network": ["channels=8", "num_blocks=1"]},
    "global-gcn": {"network": ["channels=8", "num_blocks=1"]},
    "dg-net": {"network": ["channels=8"], "frames": 9},
    "gla-gcn": {"network": ["channels=8", "kernel=3", "global_blocks=0"], "frames": 9},
}


def paper(name: str, corpus: Corpus, **changes: object) -> TrainConfig:
    """A paper's recipe with a narrow network and a short window."""
    config = preset(name, "paper", skeleton=corpus.skeleton.name)
    return override(config, **{**NARROW[name], "batch_size": 16, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("corpus", [h36m_corpus(), h36m_corpus(H36M16), humaneva_corpus()], ids=["17", "16", "15"])
@pytest.mark.parametrize("name", NETWORKS)
def test_papers_recipes_run_on_views(name: str, corpus: Corpus, tmp_path: Path) -> None:
    path = train(paper(name, corpus, epochs=1), corpus, tmp_path, corpus_name="c.npz")
    checkpoint = load_checkpoint(path)
    config = checkpoint.config
    windows = sum(2 * clip.length for clip in corpus.clips if clip.subject.split("/", 1)[1] in ("S1", "S5", "Train/S1"))
    assert checkpoint.step == config.steps == -(-windows * (2 if config.flip else 1) // 16)
    assert (config.skeleton, config.normalisation) == (corpus.skeleton.name, "screen")
    assert (config.rate_hz, config.protocol) == ((60, "humaneva") if "humaneva" in config.skeleton else (50, "h36m"))
    if name in ("dg-net", "gla-gcn"):
        assert (config.num_frames, config.target) == (9, 4)
    with (tmp_path / LOG_NAME).open() as file:
        (row,) = csv.DictReader(file)
    assert 0 < float(row["p_mpjpe_mm"]) <= float(row["mpjpe_mm"])
    poses = checkpoint.lifter()(torch.randn(2, config.num_frames, corpus.skeleton.num_joints, 2))
    assert poses.shape == (2, corpus.skeleton.num_joints, 3)


def test_recipes_are_those_of_the_papers() -> None:
    semgcn = preset("semgcn", "paper", skeleton="h36m16")
    assert (semgcn.epochs, semgcn.batch_size, semgcn.skeleton, semgcn.loss) == (30, 64, "h36m16", "joints")
    assert preset("semgcn", "paper", source="cpn_ft_h36m_dbb").epochs == 100
    gla = preset("gla-gcn", "paper")
    assert (gla.num_frames, gla.look_ahead, gla.batch_size, gla.epochs) == (243, 121, 512, 80)
    gla = preset("gla-gcn", "paper", skeleton="humaneva15")
    assert (gla.num_frames, gla.look_ahead, gla.batch_size, gla.epochs) == (27, 13, 1024, 1000)
    assert preset("gla-gcn", "live", skeleton="humaneva15").skeleton == "h36m17"
    # 100 epochs of HumanEva are 18,000 steps: with SemGCN's own schedule the rate would never fall.
    for name, skeleton, schedule in (
        ("semgcn", "h36m17", "steps"),
        ("semgcn", "humaneva15", "cosine"),
        ("global-gcn", "humaneva15", "cosine"),
        ("dg-net", "humaneva15", "epochs"),
    ):
        assert preset(name, "paper", skeleton=skeleton).schedule == schedule
    for name in ("semgcn", "global-gcn"):
        on_detections = preset(name, "paper", skeleton="humaneva15", source="detectron_pt_coco")
        assert (on_detections.schedule, on_detections.epochs) == ("cosine", 100)
    for name in NETWORKS:
        build_lifter(preset(name, "paper"))


CASES = {
    "semgcn": {"loss": "joints+bones"},
    "global-gcn": {"ema": 0.9},
    "dg-net": {},  # has dropout
    "gla-gcn": {"ema": 0.9, "stages": "two_stage"},  # has Lookahead's slow weights, too
}


@pytest.mark.parametrize("name", CASES)
def test_resumed_on_views_is_bit_for_bit_the_uninterrupted_run(name: str, tmp_path: Path) -> None:
    corpus = humaneva_corpus()
    config = paper(name, corpus, epochs=4, **CASES[name])
    data = load_training_data(corpus, config, ())
    assert_resumes(Run(data.config, data.maker), Run(data.config, data.maker), Run(data.config, data.maker), tmp_path)


def assert_resumes(whole: Run, first: Run, second: Run, folder: Path) -> None:
    """Compare 20 steps with 9 steps, a file, and 11 steps."""
    for step in range(20):
        whole.advance(step / 20)
    for step in range(9):
        first.advance(step / 20)
    save_checkpoint(first.checkpoint(holdout=[], corpus_name="c.npz"), folder / "c.pt")
    torch.manual_seed(99)  # somebody else draws random numbers
    second.restore(load_checkpoint(folder / "c.pt"))
    for step in range(9, 20):
        second.advance(step / 20)
    for ours, theirs in ((second.lifter, whole.lifter), (second.result, whole.result)):
        for key, weights in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[key], weights), key
    assert (whole.result is whole.lifter) == (not whole.config.ema)


def test_the_average_is_what_is_exported_and_evaluated(tmp_path: Path) -> None:
    corpus = h36m_corpus()
    path = train(paper("semgcn", corpus, epochs=1, ema=0.99), corpus, tmp_path, corpus_name="c.npz")
    checkpoint = load_checkpoint(path)
    assert checkpoint.average is not None
    name = "network.output.bias"
    assert torch.equal(checkpoint.lifter().state_dict()[name], checkpoint.average[name])
    assert not torch.equal(checkpoint.weights[name], checkpoint.average[name])


@pytest.mark.parametrize("look_ahead", [0, 3, 4, 8])
def test_the_target_is_the_frame_before_those_that_are_looked_ahead_to(look_ahead: int) -> None:
    corpus = h36m_corpus()
    config = paper("dg-net", corpus, look_ahead=look_ahead, epochs=1)
    data = load_training_data(corpus, config, ())
    samples = data.maker.take(1, 0, 4)
    target = 8 - look_ahead
    rows = torch.arange(len(data.maker))  # type: ignore[arg-type]
    in_place = data.maker.windows(rows).xy[:, target]  # type: ignore[attr-defined]
    assert torch.equal(in_place, data.maker.xy)  # type: ignore[attr-defined]
    objective = Objective(mpjpe, target=config.target)
    assert float(objective(samples.xyz_m[:, target], Truth(samples.xyz_m))) == pytest.approx(0, abs=1e-7)
    assert float(objective(samples.xyz_m[:, target - 1], Truth(samples.xyz_m))) > 1e-3


def test_the_global_node_learns_the_actions() -> None:
    corpus = h36m_corpus()
    config = paper("global-gcn", corpus, epochs=1)
    data = load_training_data(corpus, config, ())
    assert data.config.network["num_actions"] == 3
    lifter = build_lifter(data.config).train()
    samples = data.maker.take(1, 0, 16)
    output = lifter.output(samples.xy)
    assert not isinstance(output, Tensor)
    truth = Truth(samples.xyz_m, samples.actions)
    with_action, without = (Objective(mpjpe, action_weight=weight)(output, truth) for weight in (0.01, 0.0))
    entropy = torch.nn.functional.cross_entropy(output.logits, samples.actions)  # type: ignore[union-attr,arg-type]
    torch.testing.assert_close(with_action - without, 0.01 * entropy, atol=1e-6, rtol=1e-4)


def test_a_run_goes_on_without_its_preset_being_named_again(tmp_path: Path) -> None:
    corpus = humaneva_corpus()
    path = train(paper("gla-gcn", corpus, epochs=1), corpus, tmp_path, corpus_name="c.npz", pace=Pace(max_minutes=1e-6))
    first = load_checkpoint(path)
    train(preset("gla-gcn", "live"), corpus, tmp_path, corpus_name="c.npz", resume=True)
    last = load_checkpoint(path)
    assert last.step == first.config.steps > first.step
    assert last.config == first.config


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    h36m, humaneva = h36m_corpus(), humaneva_corpus()
    path = train(paper("semgcn", h36m, epochs=1), h36m, tmp_path / "run", corpus_name="c.npz")

    def start(config: TrainConfig, corpus: Corpus, **options: object) -> None:
        train(config, corpus, tmp_path / "other", corpus_name="c.npz", **options)  # type: ignore[arg-type]

    with pytest.raises(ConfigError, match="holds the joints of humaneva15, this run of semgcn needs h36m17") as caught:
        start(preset("semgcn", "live"), humaneva)
    assert "--preset paper" in caught.value.hint
    with pytest.raises(ConfigError, match="what real cameras saw") as caught:
        start(preset("semgcn", "live"), h36m)
    assert "--preset paper" in caught.value.hint
    with pytest.raises(ConfigError, match="holds the joints of humaneva15"):
        train(paper("semgcn", h36m), humaneva, tmp_path / "run", corpus_name="c.npz", resume=True)
    with pytest.raises(ConfigError, match="has the lifter semgcn, not global-gcn"):
        train(paper("global-gcn", h36m), h36m, tmp_path / "run", corpus_name="c.npz", resume=True)
    with pytest.raises(ConfigError, match="has the lifter semgcn, not dg-net"):
        start(paper("dg-net", h36m), h36m, start_from=path)
    with pytest.raises(ConfigError, match="has the skeleton h36m17, not humaneva15"):
        start(paper("semgcn", humaneva), humaneva, start_from=path)
    with pytest.raises(ConfigError, match=r"other layers: its network is .*'channels': 8"):
        start(override(preset("semgcn", "paper"), network=["channels=16"]), h36m, start_from=path)
    fewer = replace(h36m, clips=tuple(clip for clip in h36m.clips if clip.action != h36m.clips[0].action))
    of_two = train(paper("global-gcn", fewer, epochs=1), fewer, tmp_path / "two actions", corpus_name="c.npz")
    with pytest.raises(ConfigError, match=r"other layers: its network is .*'num_actions': 2.*'num_actions': 3"):
        start(paper("global-gcn", h36m), h36m, start_from=of_two)
    with pytest.raises(ModelError, match="cannot read the checkpoint"):
        start(paper("semgcn", h36m), h36m, start_from=tmp_path / "absent.pt")
    with pytest.raises(ConfigError, match="no 2D joints 'cpn'"):
        start(replace(paper("semgcn", h36m), source="cpn"), h36m)
    with pytest.raises(ConfigError, match="needs the actions of real views"):
        start(override(preset("global-gcn", "live"), network=["action_head=true"]), h36m)
    with pytest.raises(ConfigError, match="which have no epochs"):
        start(override(preset("semgcn", "live"), epochs=3), h36m)
    assert not (tmp_path / "other").exists(), "what is refused leaves nothing behind"


def test_a_warm_start_begins_where_the_other_run_ended(tmp_path: Path) -> None:
    corpus = h36m_corpus()
    config = paper("semgcn", corpus, epochs=1, ema=0.9)
    path = train(config, corpus, tmp_path / "first", corpus_name="c.npz")
    moments = replace(config, learning_rate=1e-12, ema=0.0, steps=1, epochs=0)
    again = train(moments, corpus, tmp_path / "second", corpus_name="c.npz", start_from=path)
    first, second = load_checkpoint(path), load_checkpoint(again)
    assert second.step == 1
    name = "network.output.self_weight"
    torch.testing.assert_close(second.weights[name], first.lifter().state_dict()[name], atol=1e-9, rtol=0)


def test_options_of_the_network_are_checked() -> None:
    config = override(preset("semgcn", "paper"), network=["channels=64", "non_local=false"])
    assert config.network == {"channels": 64, "non_local": False, "channel_wise": False}
    gla = override(preset("gla-gcn", "live"), network=["unshared_share=0.25", "partition=gravity"], look_ahead=4)
    assert (gla.network["unshared_share"], gla.network["partition"], gla.target) == (0.25, "gravity", 22)
    assert override(preset("dg-net", "paper"), frames=81).look_ahead == 40
    with pytest.raises(ConfigError, match="semgcn has no option 'chanels'") as caught:
        override(preset("semgcn", "live"), network=["chanels=3"])
    assert "channels=128" in caught.value.hint
    assert "non_local=true" in caught.value.hint
    for text, reason in (
        ("channels=x", "a whole number"),
        ("non_local=maybe", "true or false"),
        ("channels", "no value"),
    ):
        with pytest.raises(ConfigError, match=reason):
            override(preset("semgcn", "live"), network=[text])
    with pytest.raises(ConfigError, match="semgcn lifts single frames"):
        override(preset("semgcn", "live"), frames=9)
    with pytest.raises(ConfigError, match="no frame with 27 after it"):
        override(preset("dg-net", "live"), look_ahead=27)
    with pytest.raises(ConfigError, match="say the same thing twice"):
        override(preset("semgcn", "paper"), steps=3, epochs=3)


def test_the_command_takes_recipe_and_joints_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "c.npz"
    write_corpus(humaneva_corpus(), data)
    parser = argparse.ArgumentParser()
    COMMANDS["train"].add_arguments(parser)
    text = (
        f"--lifter gla-gcn --preset paper --data {data} --output {tmp_path / 'run'} --2d detectron_pt_coco --frames 9 "
    )
    text += "--look-ahead 2 --steps 2 --batch-size 4 --network channels=8 kernel=3 --network sequence_head=false"
    text += " --device cpu --ema 0.5 --seed 5 --no-flip"
    assert COMMANDS["train"].run(parser.parse_args(text.split())) == 0
    config = load_checkpoint(Path(capsys.readouterr().out.strip())).config
    assert (config.source, config.protocol, config.target, config.steps) == ("detectron_pt_coco", "humaneva", 6, 2)
    assert (config.network["sequence_head"], config.flip, config.ema, config.seed) == (False, False, 0.5, 5)
    with pytest.raises(ConfigError, match="--exact-share is for virtual cameras"):
        train(override(config, exact_share=0.1), humaneva_corpus(), tmp_path / "y", corpus_name="c.npz")
    with pytest.raises(ConfigError, match="humaneva15 has no spine"):
        train(override(config, network=["partition=gravity"]), humaneva_corpus(), tmp_path / "x", corpus_name="c.npz")


@pytest.mark.parametrize("name", NETWORKS)
def test_half_precision_learns_too(name: str) -> None:
    corpus = h36m_corpus()
    data = load_training_data(corpus, paper(name, corpus, epochs=4, amp=True), ())
    run = Run(data.config, data.maker)
    losses = [float(run.advance(step / data.config.steps)) for step in range(data.config.steps)]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    assert {weights.dtype for weights in run.lifter.parameters()} == {torch.float32}


def test_a_run_that_diverges_keeps_its_last_checkpoint(tmp_path: Path) -> None:
    corpus = h36m_corpus()
    corpus.xyz_m[:20] = np.nan
    with pytest.raises(ModelError, match="no longer a number"):
        train(paper("semgcn", corpus, epochs=30), corpus, tmp_path, corpus_name="c.npz", pace=Pace())
    assert not (tmp_path / CHECKPOINT_NAME).exists()
