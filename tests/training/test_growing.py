"""A lifter that goes on with a longer window, or with more channels, than it began with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from posedemo.errors import ConfigError
from posedemo.models.checkpoints import Checkpoint, save_checkpoint, start_weights
from posedemo.models.config import TrainConfig
from posedemo.models.lifter import Lifter, build_lifter
from posedemo.models.objectives import pose_of

NETWORKS = {
    "dg-net": {"channels": 16, "dropout": 0.0, "sequence_head": True},
    "gla-gcn": {"channels": 16, "kernel": 3, "global_blocks": 0, "dropout": 0.0},
}


def save(lifter: Lifter, config: TrainConfig, path: Path) -> None:
    """Write a lifter as a run would have."""
    save_checkpoint(Checkpoint(config, 1, 1.0, lifter.state_dict(), {}, (), "c.npz", ""), path)


def short_run(name: str, path: Path, **changes: int) -> Lifter:
    """A lifter with windows of nine frames, and its checkpoint."""
    config = TrainConfig(lifter=name, network={**NETWORKS[name], **changes}, num_frames=9)
    lifter = build_lifter(config)
    save(lifter, config, path)
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


@pytest.mark.parametrize("look_ahead", [0, 4])
@pytest.mark.parametrize("name", ["dg-net", "gla-gcn", "gla-gcn framewise"])
def test_a_long_window_begins_with_what_still_stages_learned_from_single_frames(
    name: str, look_ahead: int, tmp_path: Path
) -> None:
    """As long as nobody moves, and with framewise content graphs always; what the other frames say can be learned."""
    network_of_all = NETWORKS[name.removesuffix(" framewise")] | ({"framewise": True} if "framewise" in name else {})
    name = name.removesuffix(" framewise")
    lifters = []
    for num_frames, still_stages in ((1, 3), (9, 1), (27, 0)):
        network = {**network_of_all, "still_stages": still_stages, "look_ahead": min(look_ahead, num_frames // 2)}
        # A person's size is that of their window, which would tell single frames from moving ones.
        config = TrainConfig(name, network, num_frames, seed=num_frames, normalisation="screen")
        lifter = build_lifter(config)
        if lifters:
            start_weights(lifter, config, tmp_path / "shorter.pt")
        else:
            _make_all_weights_count(lifter)
        lifters.append(lifter)
        save(lifter, config, tmp_path / "shorter.pt")
    single, short, long = (lifter.eval() for lifter in lifters)
    frame = torch.randn(4, 1, 17, 2)
    expected = single(frame).detach()
    # Sums over one frame and over many round differently; DG-Net's neighbours then have slightly other shares.
    tolerance = 1e-3 * float(expected.abs().mean())
    for lifter, num_frames in ((short, 9), (long, 27)):
        window = torch.randn(4, num_frames, 17, 2) if "framewise" in network_of_all else frame
        window = window.expand(-1, num_frames, -1, -1).clone()
        window[:, num_frames - 1 - min(look_ahead, num_frames // 2)] = frame[:, 0]
        torch.testing.assert_close(lifter(window), expected, rtol=0, atol=tolerance)
    long.train()
    long.output(torch.randn(4, 27, 17, 2)).xyz.square().sum().backward()
    first = long.network.blocks[0].temporal.own if name == "dg-net" else long.network.stages[0].first.temporal
    assert (first.weight.grad.abs().amax(dim=(0, 1, 3)) > 0).all()


def _make_all_weights_count(lifter: Lifter, num_frames: int = 1) -> None:
    """GLA-GCN's new normalisations are nearly zero, which would hide what is behind them; so let all see frames."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in lifter.parameters():
            weights += 0.1 * torch.randn_like(weights)
    for _ in range(3):
        lifter.output(torch.randn(16, num_frames, 17, 2))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("global-gcn", {}),
        ("global-gcn", {"shared": True}),
        ("global-gcn", {"global_node": False}),
        ("gla-gcn", {}),
        ("gla-gcn", {"framewise": True, "sequence_head": False, "learn_share": True}),
    ],
)
def test_a_wide_network_begins_with_what_the_narrow_one_knew(
    name: str, options: dict[str, bool], tmp_path: Path
) -> None:
    fixed = NETWORKS.get(name, {}) | {"joint_embedding": True, **options}
    num_frames = 9 if name == "gla-gcn" else 1
    lifters = []
    for channels in (16, 16, 24):
        config = TrainConfig(name, {**fixed, "channels": channels}, num_frames, seed=channels)
        lifter = build_lifter(config)
        if lifters:
            start_weights(lifter, config, tmp_path / "narrow.pt")
        else:
            _make_all_weights_count(lifter, num_frames)
            save(lifter, config, tmp_path / "narrow.pt")
        lifters.append(lifter)
    narrow, same, wide = (lifter.eval() for lifter in lifters)
    xy = torch.randn(8, num_frames, 17, 2)
    torch.testing.assert_close(same(xy), narrow(xy), rtol=0, atol=0)
    # Sums over more channels, of which the new ones are multiplied by zero, may be added up in another order.
    torch.testing.assert_close(wide(xy), narrow(xy), rtol=0, atol=1e-5)
    wide.train()
    pose_of(wide.output(xy), 0).square().sum().backward()
    if name == "gla-gcn":
        matrix = wide.network.stages[0].first.temporal
        # Theta's new rows are zero, so phi's learn a step later.
        theta = wide.network.stages[0].first.graph.theta.weight.grad.unflatten(0, (3, -1))
        assert (theta[:, 4:, :16].abs().amax(dim=(0, 2, 3, 4)) > 0).all()
    else:
        convolution = wide.network.blocks[0].first.convolution
        matrix = convolution.weight if options.get("shared") else convolution.joint_self
    assert matrix.weight.grad[:16, 16:].any()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"channels": 24}, {"channels": 16}),
        ({"num_blocks": 2}, {"num_blocks": 4}),
        ({"num_blocks": 2}, {"num_blocks": 2, "non_local": True}),
        ({"num_blocks": 2, "global_node": False}, {"num_blocks": 2}),
    ],
)
def test_networks_of_other_parts_or_wider_ones_are_refused(
    theirs: dict[str, int | bool], ours: dict[str, int | bool], tmp_path: Path
) -> None:
    other, config = (TrainConfig("global-gcn", {"channels": 16, **network}) for network in (theirs, ours))
    save(build_lifter(other), other, tmp_path / "other.pt")
    with pytest.raises(ConfigError, match="other layers"):
        start_weights(build_lifter(config), config, tmp_path / "other.pt")


@pytest.mark.parametrize("channels", [16, 24])
def test_kernels_of_other_lengths_are_refused(channels: int, tmp_path: Path) -> None:
    """Their middles would be elsewhere: what was learned would be of other frames."""
    short_run("gla-gcn", tmp_path / "three.pt")
    config = TrainConfig("gla-gcn", NETWORKS["gla-gcn"] | {"kernel": 9, "channels": channels}, 9)
    with pytest.raises(ConfigError, match="other layers"):
        start_weights(build_lifter(config), config, tmp_path / "three.pt")


def test_a_window_may_grow_and_a_network_gain_channels_at_once(tmp_path: Path) -> None:
    lifters = []
    for num_frames, still_stages, channels in ((1, 2, 16), (9, 0, 24)):
        network = NETWORKS["gla-gcn"] | {"still_stages": still_stages, "channels": channels, "framewise": True}
        config = TrainConfig("gla-gcn", network, num_frames, seed=num_frames, normalisation="screen")
        lifters.append(build_lifter(config))
        if lifters[1:]:
            start_weights(lifters[1], config, tmp_path / "narrow.pt")
        else:
            _make_all_weights_count(lifters[0])
            save(lifters[0], config, tmp_path / "narrow.pt")
    single, window = torch.randn(4, 1, 17, 2), torch.randn(4, 9, 17, 2)
    window[:, -1] = single[:, 0]
    expected, found = lifters[0].eval()(single).detach(), lifters[1].eval()(window)
    # Sums of float32 in another order.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3 * float(expected.abs().mean()))


def test_a_head_that_the_defaults_do_not_have_is_left_behind(tmp_path: Path) -> None:
    short = short_run("dg-net", tmp_path / "with.pt")
    config = TrainConfig("dg-net", {"channels": 16, "dropout": 0.0}, 9, seed=2)
    lifter = build_lifter(config)
    start_weights(lifter, config, tmp_path / "with.pt")
    windows = torch.randn(4, 9, 17, 2)
    torch.testing.assert_close(lifter.eval()(windows), short.eval()(windows), rtol=0, atol=0)


def test_a_head_that_a_single_frame_did_not_have_begins_anew(tmp_path: Path) -> None:
    one = TrainConfig("gla-gcn", NETWORKS["gla-gcn"] | {"still_stages": 2, "sequence_head": False}, 1)
    save(build_lifter(one), one, tmp_path / "single.pt")
    config = TrainConfig("gla-gcn", NETWORKS["gla-gcn"], 9, seed=2)
    lifter, new = build_lifter(config), build_lifter(config)
    start_weights(lifter, config, tmp_path / "single.pt")
    assert torch.equal(lifter.network.sequence_head.temporal.weight, new.network.sequence_head.temporal.weight)


@pytest.mark.parametrize("name", ["dg-net", "gla-gcn"])
def test_a_run_may_go_on_without_its_sequence_head(name: str, tmp_path: Path) -> None:
    short = short_run(name, tmp_path / "with.pt")
    without = NETWORKS[name] | {"sequence_head": False}
    config = TrainConfig(lifter=name, network=without, num_frames=9, seed=2)
    lifter = build_lifter(config)
    start_weights(lifter, config, tmp_path / "with.pt")
    windows = torch.randn(4, 9, 17, 2)
    torch.testing.assert_close(lifter.eval()(windows), short.eval()(windows), rtol=0, atol=0)
    save(lifter, config, tmp_path / "without.pt")
    with pytest.raises(ConfigError, match="other layers"):
        start_weights(short, TrainConfig(lifter=name, network=NETWORKS[name], num_frames=9), tmp_path / "without.pt")


def test_neither_windows_nor_networks_shrink(tmp_path: Path) -> None:
    short_run("gla-gcn", tmp_path / "wide.pt", channels=24)
    for num_frames in (1, 27):
        config = TrainConfig(lifter="gla-gcn", network=NETWORKS["gla-gcn"], num_frames=num_frames)
        with pytest.raises(ConfigError, match="other layers"):
            start_weights(build_lifter(config), config, tmp_path / "wide.pt")
