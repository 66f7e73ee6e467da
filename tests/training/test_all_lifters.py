"""Every lifter that can be trained goes the whole way: training, export, and the run time that loads the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from posedemo.datatypes import Window
from posedemo.errors import ConfigError
from posedemo.lifters.onnx_gcn import OnnxLifter
from posedemo.models.chance import Chance
from posedemo.models.checkpoints import load_checkpoint
from posedemo.models.config import PRESETS, TrainConfig, preset
from posedemo.models.corpus import read_corpus
from posedemo.models.export import export
from posedemo.models.lifter import NETWORKS, TEMPORAL, build_lifter
from posedemo.models.losses import LOSSES
from posedemo.models.objectives import Objective, Truth
from posedemo.models.predictors import lift_sequences, torch_predictor
from posedemo.models.samples import SampleMaker
from posedemo.models.train import Pace, train
from posedemo.models.windows import load_motion
from posedemo.skeleton import H36M17


def test_every_network_has_its_presets() -> None:
    assert {name for name, _ in PRESETS} == set(NETWORKS)
    assert all((name, kind) in PRESETS for name in NETWORKS for kind in ("live", "tiny"))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "semgcn"])
def test_trained_file_runs_at_run_time(name: str, corpus_path: Path, tmp_path: Path) -> None:
    config = replace(preset(name, "tiny"), steps=3, warm_up_steps=1)
    corpus = read_corpus(corpus_path)
    train(config, corpus, tmp_path / "run", corpus_name="c.npz", holdout=("lab/bob",), pace=Pace())
    path = tmp_path / "lifter.onnx"
    export(load_checkpoint(tmp_path / "run" / "checkpoint.pt"), path, extra={})
    with OnnxLifter(path.read_bytes(), name=name, provider="cpu") as lifter:
        assert (lifter.spec.name, lifter.spec.num_frames) == (name, config.num_frames)
        xy = np.random.default_rng(0).normal(size=(config.num_frames, 17, 2)).astype(np.float32)
        poses = lifter.lift([Window(xy, np.ones(xy.shape[:2], np.float32))] * 3)
    assert len(poses) == 3
    np.testing.assert_array_equal(poses[0].xyz_m[H36M17.index("pelvis")], 0)
    assert np.isfinite(poses[0].xyz_m).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_that_training_has_gets_a_gradient(name: str, corpus_path: Path) -> None:
    """The heads are trained with the pose: an extra output that no loss looks at would stay as it was made."""
    config = preset(name, "tiny")
    lifter = build_lifter(config).train()
    corpus = read_corpus(corpus_path)
    samples = SampleMaker(load_motion(corpus, corpus.clips), config.num_frames).draw(Chance(0), 8)
    Objective(LOSSES[config.loss])(lifter.output(samples.xy), Truth(samples.xyz_m)).backward()
    # The output layer of the global node feeds nothing: the pose and the heads read what comes before it.
    unused = {"network.output.link.node_self", "network.output.link.up"}
    for key, weights in lifter.named_parameters():
        assert weights.grad is not None or key.rpartition(".")[0] in unused, key


def test_per_frame_network_refuses_a_window() -> None:
    with pytest.raises(ConfigError, match="single frames"):
        build_lifter(TrainConfig(lifter="global-gcn", num_frames=9))


def test_run_with_heads_lifts_the_same_pose_in_evaluation() -> None:
    config = preset("gla-gcn", "tiny")
    lifter = build_lifter(config).eval()
    xy = torch.randn(2, config.num_frames, 17, 2)
    with torch.inference_mode():
        torch.testing.assert_close(lifter(xy), lifter(xy * 3 + 5), atol=1e-4, rtol=0)


@pytest.mark.parametrize("look_ahead", [0, 4])
@pytest.mark.parametrize("name", TEMPORAL)
def test_no_pose_knows_more_of_the_future_than_is_stated(name: str, look_ahead: int) -> None:
    tiny = preset(name, "tiny")
    config = replace(tiny, network={**tiny.network, "look_ahead": look_ahead})
    predictor = replace(torch_predictor(build_lifter(config), config.num_frames), look_ahead=config.look_ahead)
    xy = np.random.default_rng(0).normal(size=(1, 20, 17, 2)).astype(np.float32)
    other_future = xy.copy()
    other_future[:, 12:] += 1
    poses, others = (lift_sequences(predictor, one)[0] for one in (xy, other_future))
    is_changed = (poses != others).any(axis=(1, 2))
    assert not is_changed[: 12 - look_ahead].any()
    assert is_changed[12 - look_ahead :].all()
