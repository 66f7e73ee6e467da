"""SemGCN to the layer: parameter counts, masks, non-local blocks; and the normalisation that every lifter shares."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from posedemo.errors import ConfigError
from posedemo.models.config import TrainConfig
from posedemo.models.folding import fold
from posedemo.models.graph import adjacency, row_normalised
from posedemo.models.lifter import build_lifter
from posedemo.models.normalise import PersonNormalise
from posedemo.models.semgcn import NonLocalBlock, SemGCN, SemGConv
from posedemo.skeleton import H36M16, H36M17, Skeleton
from torch import nn


def count(module: nn.Module) -> int:
    return sum(parameters.numel() for parameters in module.parameters())


@pytest.mark.parametrize(
    ("skeleton", "channel_wise", "non_local", "expected"),
    [
        (H36M16, False, False, 267_343),
        (H36M16, False, True, 434_703),
        (H36M16, True, False, 320_013),
        (H36M16, True, True, 487_373),
        (H36M17, False, True, 434_733),
        (H36M17, True, True, 490_838),
    ],
)
def test_parameter_counts(skeleton: Skeleton, channel_wise: bool, non_local: bool, expected: int) -> None:
    network = SemGCN(skeleton, channel_wise=channel_wise, non_local=non_local)
    assert count(network) == expected
    assert network(torch.zeros(2, skeleton.num_joints, 2)).shape == (2, skeleton.num_joints, 3)


@pytest.mark.parametrize("skeleton", [H36M16, H36M17], ids=lambda skeleton: skeleton.name)
def test_adjacency(skeleton: Skeleton) -> None:
    plain = adjacency(skeleton, self_loops=False)
    assert plain.sum() == 2 * (skeleton.num_joints - 1)
    np.testing.assert_array_equal(plain, plain.T)
    flip = list(skeleton.flip_order)
    np.testing.assert_array_equal(plain[flip][:, flip], plain)
    np.testing.assert_array_equal(adjacency(skeleton, self_loops=True) - plain, np.eye(skeleton.num_joints))
    knee = skeleton.index("left_knee")
    assert plain[knee, skeleton.index("left_hip")] == plain[knee, skeleton.index("left_ankle")] == 1
    np.testing.assert_allclose(row_normalised(plain).sum(axis=1), 1)


@pytest.mark.parametrize("channel_wise", [False, True])
def test_equal_edge_weights_give_the_mean_of_the_neighbourhood(channel_wise: bool) -> None:
    layer = SemGConv(H36M17, 2, 5, channel_wise=channel_wise)
    expected = row_normalised(adjacency(H36M17, self_loops=True))
    shares = layer.edge_softmax().detach().numpy()
    assert shares.shape == (5 if channel_wise else 1, 17, 17)
    np.testing.assert_allclose(shares, np.broadcast_to(expected, shares.shape), atol=1e-6)


@pytest.mark.parametrize("channel_wise", [False, True])
def test_the_graph_convolution_follows_its_equation(channel_wise: bool) -> None:
    torch.manual_seed(0)
    layer = SemGConv(H36M17, 3, 4, channel_wise=channel_wise)
    nn.init.normal_(layer.edge_weights)
    x = torch.randn(2, 17, 3)
    shares = layer.edge_softmax().expand(4, -1, -1)
    own = torch.diagonal(shares, dim1=1, dim2=2)  # (C, J)
    expected = torch.empty(2, 17, 4)
    for channel in range(4):
        received = (shares[channel] - torch.diag(own[channel])) @ x @ layer.neighbour_weight[:, channel]
        expected[..., channel] = own[channel] * (x @ layer.self_weight[:, channel]) + received + layer.bias[channel]
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(fold(nn.Sequential(layer))(x), expected)


def test_a_joint_hears_only_its_neighbours() -> None:
    layer = SemGConv(H36M17, 2, 3)
    x = torch.zeros(1, 17, 2, requires_grad=True)
    wrist = H36M17.index("left_wrist")
    layer(x)[0, wrist].sum().backward()
    heard = set(np.flatnonzero(x.grad.abs().sum(-1)[0].numpy()))
    assert heard == {wrist, H36M17.index("left_elbow")}


@pytest.mark.parametrize("skeleton", [H36M16, H36M17], ids=lambda skeleton: skeleton.name)
def test_non_local_blocks_start_as_identity_but_learn(skeleton: Skeleton) -> None:
    torch.manual_seed(0)
    block = NonLocalBlock(skeleton, 8)
    x = torch.randn(3, skeleton.num_joints, 8)
    torch.testing.assert_close(block(x), x)
    nn.init.ones_(block.norm.weight)
    changed = block(x) - x
    assert changed.abs().max() > 0.01
    assert block.num_senders == (8 if skeleton is H36M16 else 17)


def test_non_local_attention_without_pooling_follows_equation_4() -> None:
    torch.manual_seed(0)
    block = NonLocalBlock(H36M17, 4).eval()
    nn.init.ones_(block.norm.weight)
    x = torch.randn(1, 17, 4)
    theta, phi, g = block.theta(x)[0], block.phi(x)[0], block.g(x)[0]
    weight = torch.cat([block.theta_affinity.weight[0], block.phi_affinity.weight[0]])
    expected = x.clone()
    for i in range(17):
        mean = sum(torch.relu(weight @ torch.cat([theta[i], phi[j]])) * g[j] for j in range(17)) / 17
        expected[0, i] += block.norm(block.out(mean[None]))[0]
    torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize("joint_embedding", [False, True])
def test_semgcn_can_be_told_which_joint_is_which(joint_embedding: bool) -> None:
    torch.manual_seed(0)
    network = SemGCN(H36M17, channels=16, num_blocks=2, joint_embedding=joint_embedding).eval()
    xy = torch.randn(3, 17, 2)
    mirrored = network(xy[:, H36M17.flip_order])[:, H36M17.flip_order]
    # Untrained edges are the same left and right.
    assert torch.allclose(mirrored, network(xy), atol=1e-5) is not joint_embedding


def test_person_normalise_ignores_place_and_size() -> None:
    torch.manual_seed(0)
    normalise = PersonNormalise(H36M17)
    xy = torch.randn(4, 3, 17, 2)
    expected = normalise(xy)
    torch.testing.assert_close(normalise(0.3 * xy + torch.tensor([5.0, -2.0])), expected, rtol=1e-4, atol=1e-5)
    per_frame_shift = torch.randn(4, 3, 1, 2)
    torch.testing.assert_close(normalise(xy + per_frame_shift), expected, rtol=1e-4, atol=1e-5)
    assert expected[:, :, H36M17.index("pelvis")].abs().max() == 0
    torch.testing.assert_close(expected.norm(dim=-1).mean(dim=(1, 2)), torch.ones(4))


def test_person_normalise_has_one_scale_for_a_window() -> None:
    torch.manual_seed(0)
    xy = torch.randn(1, 2, 17, 2)
    xy[:, 1] = 2 * xy[:, 0]
    normal = PersonNormalise(H36M17)(xy)
    torch.testing.assert_close(normal[:, 1], 2 * normal[:, 0])


def test_a_person_of_no_size_stays_finite() -> None:
    assert torch.isfinite(PersonNormalise(H36M17)(torch.ones(1, 1, 17, 2))).all()


def test_lifters_centre_the_pelvis_and_follow_their_seed() -> None:
    config = TrainConfig(lifter="semgcn", network={"channels": 16, "num_blocks": 1})
    before = torch.random.get_rng_state()
    lifter = build_lifter(config).eval()
    assert torch.equal(torch.random.get_rng_state(), before)
    xyz = lifter(torch.randn(2, 1, 17, 2))
    assert xyz.shape == (2, 17, 3)
    assert xyz[:, H36M17.index("pelvis")].abs().max() == 0
    again = build_lifter(config)
    for first, second in zip(lifter.parameters(), again.parameters(), strict=True):
        assert torch.equal(first, second)


def test_unknown_lifters_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown lifter 'nogcn'"):
        build_lifter(TrainConfig(lifter="nogcn"))


FOLDED = {
    "semgcn": TrainConfig("semgcn", {"channels": 16, "num_blocks": 2, "joint_embedding": True}),
    "channel-wise": TrainConfig("semgcn", {"channels": 16, "num_blocks": 2, "channel_wise": True}),
    "global-gcn": TrainConfig("global-gcn", {"channels": 16, "num_blocks": 2}),
    "no-node": TrainConfig("global-gcn", {"channels": 16, "num_blocks": 2, "global_node": False, "non_local": True}),
    "shared": TrainConfig("global-gcn", {"channels": 16, "num_blocks": 2, "shared": True}),
}


@pytest.mark.parametrize("variant", FOLDED)
def test_folded_lifters_give_the_same_poses_with_fewer_layers(variant: str) -> None:
    torch.manual_seed(0)
    lifter = build_lifter(FOLDED[variant])
    for part in lifter.modules():
        if isinstance(part, nn.BatchNorm1d):
            for values in (part.weight, part.bias, part.running_mean):
                nn.init.normal_(values, 0.5, 0.3)
            nn.init.uniform_(part.running_var, 0.5, 2)
    lifter.eval()
    xy = torch.randn(5, 1, 17, 2)
    folded = fold(lifter)
    # Sums in another order, in float32, of poses of about a metre.
    torch.testing.assert_close(folded(xy), lifter(xy), atol=1e-4, rtol=1e-4)
    norms = [part for part in folded.modules() if isinstance(part, nn.BatchNorm1d)]
    # With shared weights the global node has norms of its own behind the same matrix.
    assert bool(norms) is (variant == "shared")
