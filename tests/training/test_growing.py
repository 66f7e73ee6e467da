"""A lifter that goes on with a longer window than it began with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from posedemo.errors import ConfigError
from posedemo.models.checkpoints import Checkpoint, save_checkpoint, start_weights
from posedemo.models.config import TrainConfig
from posedemo.models.lifter import Lifter, build_lifter

NETWORKS = {
    "dg-net": {"channels": 16, "dropout": 0.0},
    "gla-gcn": {"channels": 16, "kernel": 3, "global_blocks": 0, "dropout": 0.0},
}


def short_run(name: str, path: Path, **changes: int) -> Lifter:
    """A lifter with windows of nine frames, and its checkpoint."""
    config = TrainConfig(lifter=name, network={**NETWORKS[name], **changes}, num_frames=9)
    lifter = build_lifter(config)
    save_checkpoint(Checkpoint(config, 1, 1.0, lifter.state_dict(), {}, (), "c.npz", ""), path)
    return lifter


@pytest.mark.parametrize(("name", "stages"), [("dg-net", "blocks"), ("gla-gcn", "stages")])
def test_stages_of_the_short_window_come_first_and_last(name: str, stages: str, tmp_path: Path) -> None:
    short = short_run(name, tmp_path / "short.pt")
    config = TrainConfig(lifter=name, network=NETWORKS[name], num_frames=27, seed=2)
    long = build_lifter(config)
    new = build_lifter(config)
    start_weights(long, config, tmp_path / "short.pt")
    layers, theirs = (getattr(one.network, stages) for one in (long, short))
    per_stage = len(theirs) // 2
    for layer, source in zip([*layers[:per_stage], *layers[-per_stage:]], theirs, strict=True):
        torch.testing.assert_close(layer.state_dict(), source.state_dict())
    unchanged = getattr(new.network, stages)[per_stage].spatial.own if name == "dg-net" else None
    if unchanged is not None:
        torch.testing.assert_close(layers[per_stage].spatial.own.state_dict(), unchanged.state_dict())


@pytest.mark.parametrize("name", ["dg-net", "gla-gcn"])
def test_new_stages_start_near_their_shortcut_and_learn(name: str, tmp_path: Path) -> None:
    short_run(name, tmp_path / "short.pt")
    config = TrainConfig(lifter=name, network=NETWORKS[name], num_frames=27)
    grown, new = build_lifter(config), build_lifter(config)
    start_weights(grown, config, tmp_path / "short.pt")

    def added(lifter: Lifter) -> float:
        """What the middle stage adds to the frames that its shortcut passes on, beside their size."""
        layers = lifter.network.blocks[2:4] if name == "dg-net" else lifter.network.stages[1:2]
        x = torch.randn(4, 16, 9, 17)
        y = x
        for layer in layers:
            y = layer(y, x)[0] if name == "dg-net" else layer(y)
        return float((y.detach() - x[:, :, 2::3]).norm() / x[:, :, 2::3].norm())

    torch.manual_seed(0)
    # The features that it adds are scaled by a tenth in each of its normalisations, of which DG-Net has four.
    assert added(grown) < 0.3 < added(new)
    grown(torch.randn(4, 27, 17, 2)).square().sum().backward()
    middle = grown.network.blocks[3].temporal.norm if name == "dg-net" else grown.network.stages[1].second.norm
    assert middle.weight.grad is not None
    assert middle.weight.grad.abs().max() > 0


def test_windows_do_not_shrink_and_widths_do_not_change(tmp_path: Path) -> None:
    short_run("gla-gcn", tmp_path / "wide.pt", channels=24)
    for num_frames in (1, 27):
        config = TrainConfig(lifter="gla-gcn", network=NETWORKS["gla-gcn"], num_frames=num_frames)
        with pytest.raises(ConfigError, match="other layers"):
            start_weights(build_lifter(config), config, tmp_path / "wide.pt")
