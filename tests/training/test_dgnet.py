"""DG-Net: graphs that follow from each clip, what they compare, the ablations, and people who stand still."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from network_checks import assert_exports_alike, count
from posedemo.errors import ConfigError
from posedemo.models.dgnet import DGNet, MovementGraph, NearestGraph, StaticBranch, sparse_softmax
from posedemo.models.graph import adjacency, row_normalised
from posedemo.models.partitions import partition
from posedemo.models.temporal_target import SequenceOutput
from posedemo.skeleton import H36M16, H36M17, Skeleton
from torch import Tensor, nn

SMALL = {"num_frames": 9, "channels": 16}
VARIANTS = [{}, {"static": True}, {"static": True, "dynamic": False}, {"raw_first": True}]


@pytest.mark.parametrize(
    ("num_frames", "options", "expected"),
    [
        (1, {}, 136_612),
        (9, {}, 560_267),
        (27, {}, 839_951),
        (81, {}, 1_119_635),
        (27, {"raw_first": True}, 831_695),
        (27, {"static": True}, 1_134_869),
        (27, {"static": True, "dynamic": False}, 987_017),
        (27, {"sequence_head": True}, 840_338),
    ],
)
def test_parameter_counts(num_frames: int, options: dict[str, bool], expected: int) -> None:
    assert count(DGNet(H36M17, num_frames=num_frames, joint_embedding=False, **options)) == expected
    assert count(DGNet(H36M17, num_frames=num_frames, **options)) == expected + 17 * 128


@pytest.mark.parametrize("skeleton", [H36M16, H36M17], ids=lambda skeleton: skeleton.name)
@pytest.mark.parametrize(
    ("num_frames", "options"), [*((frames, {}) for frames in (1, 27, 81)), *((9, options) for options in VARIANTS)]
)
def test_every_window_becomes_one_pose(skeleton: Skeleton, num_frames: int, options: dict[str, bool]) -> None:
    network = DGNet(skeleton, num_frames=num_frames, channels=4, sequence_head=True, **options)
    xy = torch.randn(2, num_frames, skeleton.num_joints, 2)
    output = network(xy)
    assert isinstance(output, SequenceOutput)
    assert output.xyz.shape == (2, skeleton.num_joints, 3)
    assert output.sequence.shape == (2, num_frames, skeleton.num_joints, 3)
    assert network.eval()(xy).shape == (2, skeleton.num_joints, 3)
    assert isinstance(DGNet(skeleton, num_frames=num_frames, channels=4, **options)(xy), Tensor)


def test_networks_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="dynamical or static"):
        DGNet(H36M17, dynamic=False)
    with pytest.raises(ConfigError, match="cannot have 17 others"):
        DGNet(H36M17, num_neighbours=17)
    with pytest.raises(ConfigError, match="a window of 10 frames"):
        DGNet(H36M17, num_frames=10)


@pytest.mark.parametrize("num_neighbours", [2, 4, 6, 8, 16])
def test_the_highest_scores_share_everything_and_self_gets_nothing(num_neighbours: int) -> None:
    torch.manual_seed(0)
    scores, sharpness = torch.randn(3, 17, 17), torch.tensor(0.7)
    shares = sparse_softmax(scores, sharpness, num_neighbours)
    torch.testing.assert_close(shares.sum(dim=-1), torch.ones(3, 17))
    assert ((shares > 0).sum(dim=-1) == num_neighbours).all()
    assert shares.diagonal(dim1=1, dim2=2).max() == 0
    for row in range(17):
        others = [joint for joint in range(17) if joint != row]
        best = sorted(others, key=lambda joint: -float(scores[0, row, joint]))[:num_neighbours]
        expected = torch.softmax(scores[0, row, best] * torch.exp(sharpness), dim=0)
        torch.testing.assert_close(shares[0, row, best], expected)


def test_equal_scores_are_all_taken() -> None:
    shares = sparse_softmax(torch.zeros(1, 5, 5), torch.tensor(0.0), 2)
    torch.testing.assert_close(shares[0], (1 - torch.eye(5)) / 4)


def test_spatial_graphs_prefer_the_nearest_of_each_frame() -> None:
    torch.manual_seed(0)
    xy = torch.randn(2, 2, 5, 17)
    alpha = NearestGraph(None, num_neighbours=4)(xy)
    distances = torch.cdist(xy.permute(0, 2, 3, 1), xy.permute(0, 2, 3, 1))
    distances = distances + 100 * torch.eye(17)
    nearest = distances.topk(4, largest=False).indices.sort().values
    assert torch.equal((alpha > 0).nonzero()[:, -1].reshape(nearest.shape), nearest)
    assert torch.equal(alpha.argmax(dim=-1), distances.argmin(dim=-1))


def test_graphs_and_gradients_are_the_same_in_training_and_evaluation() -> None:
    torch.manual_seed(0)
    graph = NearestGraph(8, num_neighbours=4).double()
    evidence = torch.randn(2, 8, 3, 17, dtype=torch.float64)
    weights = torch.randn(2, 3, 17, 17, dtype=torch.float64)
    gradients = []
    for is_training in (True, False):
        graph.train(is_training)
        seen = evidence.clone().requires_grad_()
        (graph(seen) * weights).sum().backward()
        gradients.append(seen.grad)
    # Double precision: what differs is only the order of sums.
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-9, atol=1e-12)
    assert gradients[0] is not None
    assert gradients[0].abs().max() > 0


def test_temporal_graphs_see_movement_not_place() -> None:
    torch.manual_seed(0)
    graph, xy = MovementGraph(None, num_neighbours=4), torch.randn(2, 2, 9, 17)
    beta = graph(xy)
    torch.testing.assert_close(graph(xy + torch.randn(2, 2, 1, 17)), beta, rtol=1e-4, atol=1e-5)
    wrist, ankle = H36M17.index("left_wrist"), H36M17.index("right_ankle")
    xy[..., wrist] = 3 * xy[..., ankle] + 5
    beta = graph(xy)
    assert (beta[:, wrist].argmax(dim=-1) == ankle).all()


def test_raw_first_blocks_compare_the_2d_joints() -> None:
    torch.manual_seed(0)
    network = DGNet(H36M17, **SMALL, raw_first=True).eval()
    xy = torch.randn(2, 9, 17, 2)
    first, second = network.affinities(xy)[:2]
    raw = xy.permute(0, 3, 1, 2)
    torch.testing.assert_close(first.alpha, NearestGraph(None, num_neighbours=4)(raw))
    torch.testing.assert_close(first.beta, MovementGraph(None, num_neighbours=4)(raw))
    shifted = network.affinities(xy + torch.randn(1, 1, 17, 2))
    torch.testing.assert_close(shifted[0].beta, first.beta, rtol=1e-4, atol=1e-5)
    assert (shifted[0].alpha - first.alpha).abs().max() > 0.1
    assert (shifted[1].beta - second.beta).abs().max() > 1e-3


@pytest.mark.parametrize("joint_embedding", [False, True])
def test_only_their_embedding_tells_joints_apart(joint_embedding: bool) -> None:
    torch.manual_seed(0)
    network = DGNet(H36M17, **SMALL, joint_embedding=joint_embedding).eval()
    xy, order = torch.randn(2, 9, 17, 2), torch.randperm(17)
    reordered, expected = network(xy[:, :, order]), network(xy)[:, order]
    # Without it the joints are a mere set: exchanging what goes in exchanges what comes out.
    assert torch.allclose(reordered, expected, atol=1e-5) is not joint_embedding


def test_neighbours_follow_from_the_input() -> None:
    torch.manual_seed(0)
    network = DGNet(H36M17, num_frames=27, channels=16, num_neighbours=3).eval()
    affinities = network.affinities(torch.randn(2, 27, 17, 2))
    assert [len(affinity.alpha[0]) for affinity in affinities] == [27, 27, 9, 9, 3, 3]
    for alpha, beta in affinities:
        assert beta.shape == (2, 17, 17)
        for graph in (alpha, beta):
            chosen = graph > 0
            assert (chosen.sum(dim=-1) == 3).all()
            assert not chosen.diagonal(dim1=-2, dim2=-1).any()
            assert (chosen[0] != chosen[1]).any()
        assert (alpha[:, 0] > 0).ne(alpha[:, 1] > 0).any()


@pytest.mark.parametrize("options", VARIANTS)
def test_people_who_stand_still_stay_finite(options: dict[str, bool]) -> None:
    torch.manual_seed(0)
    network = DGNet(H36M17, **SMALL, **options)
    for xy in (torch.randn(2, 1, 17, 2).expand(2, 9, 17, 2).clone(), torch.zeros(2, 9, 17, 2)):
        xy.requires_grad_()
        network.zero_grad()
        xyz = network(xy)
        xyz.square().sum().backward()
        gradients = [xy.grad, *(parameters.grad for parameters in network.parameters())]
        assert torch.isfinite(xyz).all()
        assert all(torch.isfinite(gradient).all() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("options", [{"num_frames": 1}, {"num_frames": 9, "static": True, "dynamic": False}])
def test_without_movement_the_skeleton_is_the_temporal_graph(options: dict[str, int]) -> None:
    network = DGNet(H36M17, channels=4, **options).eval()
    affinity = network.affinities(torch.randn(2, options["num_frames"], 17, 2))[0]
    expected = row_normalised(adjacency(H36M17, self_loops=False))
    np.testing.assert_allclose(affinity.beta[0], expected, atol=1e-6)
    assert (affinity.alpha is None) == ("dynamic" in options)


def test_the_static_branch_follows_its_equation() -> None:
    torch.manual_seed(0)
    branch, x = StaticBranch(H36M17, 4), torch.randn(2, 4, 3, 17)
    assert branch.scale == 1
    graphs = torch.from_numpy(partition(H36M17, "kinematic")).float()
    weights = torch.stack([weight.weight[:, :, 0, 0] for weight in branch.weights])
    torch.testing.assert_close(branch(x), torch.einsum("krs,kdc,ncts->ndtr", graphs, weights, x))


def test_temporal_convolutions_mix_the_frames_of_neighbours() -> None:
    torch.manual_seed(0)
    temporal = DGNet(H36M17, **SMALL).eval().blocks[0].temporal
    x = torch.randn(1, 16, 9, 17, requires_grad=True)
    output, beta = temporal(x, x.detach())
    wrist = H36M17.index("left_wrist")
    output[0, :, 4, wrist].sum().backward()
    heard = x.grad.abs().sum(dim=1)[0] > 0  # (T, J)
    assert heard.any(dim=1).nonzero().flatten().tolist() == [3, 4, 5]
    senders = (beta[0, wrist] > 0).nonzero().flatten().tolist()
    assert heard[3].nonzero().flatten().tolist() == sorted([*senders, wrist])


@pytest.mark.parametrize("look_ahead", [0, 4, 2])
def test_strided_blocks_pass_the_target_by(look_ahead: int) -> None:
    network = DGNet(H36M17, **SMALL, look_ahead=look_ahead).eval()
    for block in network.blocks:
        nn.init.zeros_(block.spatial.norm.weight)
        nn.init.zeros_(block.temporal.norm.weight)
    xy = torch.randn(2, 9, 17, 2)
    moved = xy.clone()
    moved[:, 8 - look_ahead] = torch.randn(2, 17, 2)
    others = torch.randn(2, 9, 17, 2)
    others[:, 8 - look_ahead] = xy[:, 8 - look_ahead]
    torch.testing.assert_close(network(others), network(xy))
    assert (network(moved) - network(xy)).abs().max() > 0.01


def test_exported_networks_give_the_same_poses(tmp_path: Path) -> None:
    network = DGNet(H36M17, num_frames=9, channels=16, static=True)
    assert_exports_alike(network, tmp_path / "lifter.onnx", num_frames=9)
