"""Global-node GCN: both directions of the global edges, its own state, the heads, and the ablations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from network_checks import assert_exports_alike, count, moving_people, overfit
from posedemo.models.global_node import (
    GlobalGraphConv,
    GlobalNodeGCN,
    GlobalNodeOutput,
    GlobalResidualBlock,
    SharedGraphConv,
)
from posedemo.models.partitions import bones_between, symmetric_normalised, with_global_node
from posedemo.skeleton import H36M16, H36M17, Skeleton
from torch import Tensor


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 671_066),
        ({"embedding_head": False}, 667_415),
        ({"action_head": False}, 669_131),
        ({"action_head": False, "embedding_head": False}, 665_480),
        ({"global_node": False}, 266_883),
        ({"shared": True}, 143_063),
        ({"shared": True, "global_node": False}, 135_171),
    ],
)
def test_parameter_counts(options: dict[str, bool], expected: int) -> None:
    assert count(GlobalNodeGCN(H36M17, **options)) == expected


@pytest.mark.parametrize("skeleton", [H36M16, H36M17], ids=lambda skeleton: skeleton.name)
@pytest.mark.parametrize("options", [{}, {"shared": True}, {"global_node": False}, {"non_local": True}])
def test_poses_come_out_for_both_skeletons(skeleton: Skeleton, options: dict[str, bool]) -> None:
    network = GlobalNodeGCN(skeleton, channels=8, num_blocks=1, **options)
    xy = torch.randn(3, skeleton.num_joints, 2)
    trained = network(xy)
    assert isinstance(trained, Tensor if "global_node" in options else GlobalNodeOutput)
    assert network.eval()(xy).shape == (3, skeleton.num_joints, 3)


def test_the_graph_with_a_global_node() -> None:
    graph = with_global_node(H36M17)
    assert graph.shape == (18, 18)
    np.testing.assert_array_equal(graph, graph.T)
    assert (graph[-1] == 1).all()
    assert graph.sum() == 17 + 2 * 16 + 2 * 17 + 1
    shares = symmetric_normalised(graph)
    thorax = H36M17.index("thorax")
    assert shares[thorax, 17] == pytest.approx(1 / np.sqrt(18 * 6))


def test_the_convolution_follows_its_equations() -> None:
    torch.manual_seed(0)
    layer = GlobalGraphConv(H36M17, 3, 4, global_node=True)
    joints, node = torch.randn(2, 17, 3), torch.randn(2, 3)
    new_joints, new_node = layer(joints, node)
    elbow, link = H36M17.index("left_elbow"), layer.link
    neighbours = [H36M17.index("left_shoulder"), H36M17.index("left_wrist")]
    expected = (
        joints[:, elbow] @ layer.joint_self.weight.T
        + joints[:, neighbours].mean(dim=1) @ layer.joint_neighbours.weight.T
        + node @ link.down.weight.T
        + layer.joint_self.bias
    )
    torch.testing.assert_close(new_joints[:, elbow], expected)
    expected = node @ link.node_self.weight.T + joints.mean(dim=1) @ link.up.weight.T + link.node_self.bias
    torch.testing.assert_close(new_node, expected)


def test_the_shared_convolution_has_one_matrix_for_all_nodes() -> None:
    torch.manual_seed(0)
    layer = SharedGraphConv(H36M17, 3, 4, global_node=True)
    joints, node = torch.randn(2, 17, 3), torch.randn(2, 3)
    new_joints, new_node = layer(joints, node)
    shares = torch.from_numpy(symmetric_normalised(with_global_node(H36M17))).float()
    expected = layer.weight(shares @ torch.cat([joints, node[:, None]], dim=1))
    torch.testing.assert_close(torch.cat([new_joints, new_node[:, None]], dim=1), expected)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("global_node", [False, True])
def test_only_the_global_node_carries_a_distant_joint_everywhere_in_one_block(shared: bool, global_node: bool) -> None:
    torch.manual_seed(0)
    options = {"global_node": global_node, "shared": shared, "dropout": 0.0, "non_local": False}
    block = GlobalResidualBlock(H36M17, 32, **options).eval()
    wrist = H36M17.index("left_wrist")
    joints = torch.randn(4, 17, 32, requires_grad=True)
    node = torch.randn(4, 32) if global_node else None
    # For every output joint: how much the wrist moves it.
    moved = [
        torch.autograd.grad(block(joints, node)[0][:, joint].sum(), joints)[0][:, wrist].abs().sum() > 0
        for joint in range(17)
    ]
    near = bones_between(H36M17)[wrist] <= 2
    np.testing.assert_array_equal(np.array(moved), np.ones(17, dtype=bool) if global_node else near)


def test_the_global_node_keeps_its_own_path() -> None:
    torch.manual_seed(0)
    options = {"global_node": True, "shared": False, "dropout": 0.0, "non_local": False}
    block = GlobalResidualBlock(H36M17, 8, **options).eval()
    torch.nn.init.zeros_(block.second.node_norm.weight)
    joints, node = torch.randn(2, 17, 8), torch.randn(2, 8)
    new_joints, new_node = block(joints, node)
    torch.testing.assert_close(new_node, node)
    assert (new_joints - joints).abs().max() > 0.1


def test_heads_hear_only_the_global_node_and_leave_in_evaluation() -> None:
    torch.manual_seed(0)
    network = GlobalNodeGCN(H36M17, channels=8, num_blocks=1, num_actions=4, embedding_size=5)
    output = network(torch.randn(6, 17, 2))
    assert isinstance(output, GlobalNodeOutput)
    shapes = [tuple(part.shape) for part in output]
    assert shapes == [(6, 17, 3), (6, 4), (6, 5), (6, 17, 3)]
    (output.logits.square().sum() + output.reconstruction.square().sum()).backward()
    block = network.blocks[0]
    assert block.second.node_norm.weight.grad is not None
    assert block.second.joint_norm.weight.grad is None
    assert network.output.joint_self.weight.grad is None
    assert isinstance(network.eval()(torch.randn(6, 17, 2)), Tensor)


def test_the_global_node_starts_at_zero_and_learns() -> None:
    torch.manual_seed(0)
    network = GlobalNodeGCN(H36M17, channels=8, num_blocks=1)
    assert network.node.abs().max() == 0
    network(torch.randn(6, 17, 2)).xyz.square().sum().backward()
    assert torch.isfinite(network.node.grad).all()
    # Alike for all samples, so the normalisation takes it out again while training on a batch.
    assert network.node.shape == (2,)


def test_learns_64_poses_by_heart() -> None:
    torch.manual_seed(0)
    xyz = moving_people(64, 1)[:, 0]
    assert overfit(GlobalNodeGCN(H36M17, channels=32, num_blocks=2), xyz[..., :2], xyz, steps=400) < 10


def test_exported_networks_give_the_same_poses(tmp_path: Path) -> None:
    network = GlobalNodeGCN(H36M17, channels=32, num_blocks=1, dropout=0.2)
    assert_exports_alike(network, tmp_path / "lifter.onnx", num_frames=1)


@pytest.mark.parametrize("joint_embedding", [False, True])
def test_only_their_embedding_tells_left_from_right(joint_embedding: bool) -> None:
    torch.manual_seed(0)
    network = GlobalNodeGCN(H36M17, channels=16, num_blocks=2, joint_embedding=joint_embedding).eval()
    xy, swap = torch.randn(4, 17, 2), list(H36M17.flip_order)
    swapped, expected = network(xy[:, swap]), network(xy)[:, swap]
    # Without it, who turns their back is lifted as if they faced the camera with their sides exchanged.
    assert torch.allclose(swapped, expected, atol=1e-5) is not joint_embedding
