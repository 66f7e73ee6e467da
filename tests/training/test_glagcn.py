"""GLA-GCN to the layer: parameter counts, adaptive graphs, strided stages, the head of each joint, and the target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from network_checks import assert_exports_alike, count, moving_people, overfit
from posedemo.errors import ConfigError
from posedemo.models.glagcn import GLAGCN, AdaptiveBlock, AdaptiveGraphConv, JointHead, StridedStage
from posedemo.models.graph import adjacency
from posedemo.models.partitions import partition
from posedemo.models.temporal_target import SequenceOutput, every_third, stage_offsets
from posedemo.skeleton import H36M16, H36M17, Skeleton
from torch import Tensor, nn

AS_PUBLISHED = {"global_blocks": 0, "sequence_head": False, "individual": False}
SMALL = {"num_frames": 9, "channels": 16, "global_blocks": 0, "kernel": 3}


@pytest.mark.parametrize(("num_frames", "expected"), [(27, 844_076), (81, 1_096_466), (243, 1_348_856)])
def test_parameter_counts(num_frames: int, expected: int) -> None:
    def parameters(**changes: int | bool) -> int:
        return count(GLAGCN(H36M17, num_frames=num_frames, **(AS_PUBLISHED | changes)))

    assert parameters() == expected
    assert parameters(individual=True) == expected + 4_947
    assert parameters(individual=True, learn_share=True) == expected + 4_948
    assert parameters(sequence_head=True) == expected + 4_176
    assert parameters(global_blocks=1) == expected + 126_195
    assert count(GLAGCN(H36M17, num_frames=num_frames)) == expected + 4_947 + 4_176 + 126_195


@pytest.mark.parametrize("skeleton", [H36M16, H36M17], ids=lambda skeleton: skeleton.name)
@pytest.mark.parametrize("num_frames", [1, 9, 27, 81, 243])
def test_every_window_becomes_one_pose(skeleton: Skeleton, num_frames: int) -> None:
    network = GLAGCN(skeleton, num_frames=num_frames, channels=4)
    xy = torch.randn(2, num_frames, skeleton.num_joints, 2)
    output = network(xy)
    assert isinstance(output, SequenceOutput)
    assert output.xyz.shape == (2, skeleton.num_joints, 3)
    assert output.sequence.shape == (2, num_frames, skeleton.num_joints, 3)
    assert output.sequence.min() < 0 < output.sequence.max()
    assert network.eval()(xy).shape == (2, skeleton.num_joints, 3)
    assert isinstance(GLAGCN(skeleton, num_frames=num_frames, channels=4, sequence_head=False)(xy), Tensor)


def test_windows_and_targets_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ConfigError, match="a window of 12 frames"):
        GLAGCN(H36M17, num_frames=12)
    with pytest.raises(ConfigError, match="no frame with 9 after it"):
        GLAGCN(H36M17, num_frames=9, look_ahead=9)
    with pytest.raises(ConfigError, match="unknown partition 'none'"):
        GLAGCN(H36M17, partition="none")


@pytest.mark.parametrize(
    ("num_frames", "look_ahead", "expected"),
    [(27, 0, (2, 2, 2)), (27, 13, (1, 1, 1)), (27, 4, (1, 1, 2)), (27, 26, (0, 0, 0)), (1, 0, ()), (9, 4, (1, 1))],
)
def test_shortcuts_lead_from_the_target_to_the_output(num_frames: int, look_ahead: int, expected: tuple[int]) -> None:
    offsets = stage_offsets(num_frames, look_ahead)
    assert offsets == expected
    frames = torch.arange(num_frames)[None, None, :, None]
    for offset in offsets:
        frames = every_third(frames, offset)
    assert frames.flatten().tolist() == [num_frames - 1 - look_ahead]


@pytest.mark.parametrize("look_ahead", [0, 4, 2])
def test_strided_stages_pass_the_target_by(look_ahead: int) -> None:
    network = GLAGCN(H36M17, **SMALL, look_ahead=look_ahead).eval()
    for stage in network.stages:
        assert isinstance(stage, StridedStage)
        assert [stage.first.residual is None, stage.second.residual is None] == [False, True]
        nn.init.zeros_(stage.second.norm.weight)
    features = torch.randn(1, 16, 9, 17)
    torch.testing.assert_close(network.stages(features)[:, :, 0], features[:, :, 8 - look_ahead])


@pytest.mark.parametrize(("kernel", "first", "last"), [(3, 3, 5), (9, 0, 8)])
def test_strided_convolutions_lie_around_the_group_that_becomes_one_frame(kernel: int, first: int, last: int) -> None:
    block = AdaptiveBlock(H36M17, 4, 4, kernel=kernel, kind="kinematic", dropout=0.0, stride=3)
    x = torch.randn(1, 4, 9, 17, requires_grad=True)
    block.temporal(x)[:, :, 1].sum().backward()  # of the group of frames 3 to 5
    assert x.grad is not None
    reached = x.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    assert (reached.min(), reached.max()) == (first, last)


@pytest.mark.parametrize("skeleton", [H36M16, H36M17], ids=lambda skeleton: skeleton.name)
@pytest.mark.parametrize("kind", ["kinematic", "gravity"])
def test_partitions_share_out_all_edges(skeleton: Skeleton, kind: str) -> None:
    itself, outside, inside = partition(skeleton, kind)
    np.testing.assert_array_equal(itself > 0, np.eye(skeleton.num_joints))
    assert not ((outside > 0) & (inside > 0)).any()
    np.testing.assert_array_equal((outside + inside) > 0, adjacency(skeleton, self_loops=False) > 0)
    np.testing.assert_array_equal(inside > 0, outside.T > 0)
    assert max(outside.max(), inside.max()) <= 1
    pelvis, spine = skeleton.index("pelvis"), skeleton.index("spine")
    assert (inside[spine, pelvis] > 0) == (kind == "kinematic")
    if kind == "kinematic":
        thorax = skeleton.index("thorax")
        assert outside[pelvis, spine] == pytest.approx(1 / 3)
        assert inside[thorax, spine] == 1
        np.testing.assert_allclose(inside.sum(axis=1), np.arange(skeleton.num_joints) != pelvis)


def test_input_is_normalised_joint_by_joint_x_before_y() -> None:
    network = GLAGCN(H36M17, **SMALL).eval()
    network.input_norm.running_mean.copy_(torch.arange(34))
    xy = torch.randn(2, 9, 17, 2)
    expected = (xy - torch.arange(34).reshape(17, 2)).permute(0, 3, 1, 2) / np.sqrt(1 + network.input_norm.eps)
    torch.testing.assert_close(network.normalise(xy), expected)


@pytest.mark.parametrize("framewise", [False, True])
@pytest.mark.parametrize("kind", ["kinematic", "gravity"])
def test_the_graph_convolution_follows_its_equations(kind: str, framewise: bool) -> None:
    torch.manual_seed(0)
    layer = AdaptiveGraphConv(H36M17, 8, 8, kind=kind, dropout=0.1, framewise=framewise).eval()
    nn.init.normal_(layer.learned_graphs)
    nn.init.ones_(layer.norm.weight)
    x = torch.randn(2, 8, 5, 17)
    theta, phi = (part(x).reshape(2, 3, 2, 5, 17) for part in (layer.theta, layer.phi))
    logits = torch.einsum("nkcts,nkctr->ntksr", theta, phi) / 2
    content = torch.softmax(logits if framewise else logits.mean(dim=1, keepdim=True), dim=3)
    torch.testing.assert_close(layer.content_graphs(x), content)
    skeleton_graphs = torch.from_numpy(partition(H36M17, kind)).float().transpose(1, 2)
    graphs = skeleton_graphs + layer.learned_graphs + content
    by_frame = graphs.expand(-1, 5, -1, -1, -1)
    mixed = sum(layer.weights[k](torch.einsum("ncts,ntsr->nctr", x, by_frame[:, :, k])) for k in range(3))
    torch.testing.assert_close(layer(x), torch.relu(layer.norm(mixed) + x))
    layer.train()
    torch.testing.assert_close(layer._weighted_first(x, graphs), mixed)


def test_content_graphs_share_out_senders_and_depend_on_the_sample() -> None:
    torch.manual_seed(0)
    layer = AdaptiveGraphConv(H36M17, 8, 16, kind="kinematic", dropout=0.0)
    graphs = layer.content_graphs(torch.randn(2, 8, 5, 17))
    assert graphs.shape == (2, 1, 3, 17, 17)
    torch.testing.assert_close(graphs.sum(dim=3), torch.ones(2, 1, 3, 17))
    assert (graphs[0] - graphs[1]).abs().max() > 1e-3
    assert (graphs[:, :, 0] - graphs[:, :, 1]).abs().max() > 1e-3
    graphs.square().sum().backward()
    assert min(part.weight.grad.abs().max() for part in (layer.theta, layer.phi)) > 0


def test_graph_convolutions_start_as_their_shortcut() -> None:
    torch.manual_seed(0)
    layer = AdaptiveGraphConv(H36M17, 8, 8, kind="kinematic", dropout=0.1)
    x = torch.randn(4, 8, 5, 17).abs()
    torch.testing.assert_close(layer(x), x, rtol=0, atol=1e-4)
    assert layer.learned_graphs.unique().tolist() == pytest.approx([1e-6])


def test_kernels_and_dropout_are_options() -> None:
    network = GLAGCN(H36M17, num_frames=9, channels=8, kernel=9, dropout=0.3)
    blocks = [module for module in network.modules() if isinstance(module, AdaptiveBlock)]
    assert {block.temporal.kernel_size for block in blocks} == {(9, 1)}
    assert {block.graph.dropout.p for block in blocks} | {stage.dropout.p for stage in network.stages} == {0.3}


def joint_head(**changes: float) -> JointHead:
    torch.manual_seed(0)
    return JointHead(H36M17, 6, **({"individual": True, "unshared_share": 0.5, "learn_share": False} | changes))


def test_without_their_share_the_unshared_layers_say_nothing() -> None:
    head, x = joint_head(unshared_share=0.0), torch.randn(2, 17, 6)
    torch.testing.assert_close(head(x), head.shared(x))
    torch.testing.assert_close(joint_head(individual=False)(x), joint_head().shared(x))


def test_with_all_of_it_joints_are_independent() -> None:
    head, x = joint_head(unshared_share=1.0), torch.randn(2, 17, 6)
    wrist = H36M17.index("left_wrist")
    head(x)[:, wrist].square().sum().backward()
    assert [joint for joint in range(17) if head.weight.grad[joint].abs().max() > 0] == [wrist]
    assert head.shared.weight.grad.abs().max() == 0


def test_between_them_lies_the_convex_combination() -> None:
    x = torch.randn(2, 17, 6)
    mean = (joint_head(unshared_share=0.0)(x) + joint_head(unshared_share=1.0)(x)) / 2
    torch.testing.assert_close(joint_head()(x), mean)
    learning = joint_head(learn_share=True)
    torch.testing.assert_close(learning(x), mean)
    learning(x).square().sum().backward()
    assert learning.share_logit.grad.abs() > 0


def test_no_joint_of_the_head_hears_another() -> None:
    x = torch.randn(1, 17, 6, requires_grad=True)
    joint_head()(x)[0, 3].sum().backward()
    assert [joint for joint in range(17) if x.grad[0, joint].abs().max() > 0] == [3]


def test_learns_64_windows_by_heart() -> None:
    torch.manual_seed(0)
    xyz = moving_people(64, 9)
    network = GLAGCN(H36M17, **SMALL, sequence_head=False, dropout=0.0)
    assert overfit(network, xyz[..., :2], xyz[:, -1], steps=200) < 10


@pytest.mark.parametrize("framewise", [False, True])
def test_exported_networks_give_the_same_poses(tmp_path: Path, framewise: bool) -> None:
    network = GLAGCN(H36M17, num_frames=9, channels=16, learn_share=True, framewise=framewise)
    assert_exports_alike(network, tmp_path / "lifter.onnx", num_frames=9)


def test_joint_embedding_starts_as_nothing_and_is_learned() -> None:
    def build(*, joint_embedding: bool) -> GLAGCN:
        torch.manual_seed(0)
        return GLAGCN(H36M17, **SMALL, joint_embedding=joint_embedding, dropout=0.0)

    plain, told = build(joint_embedding=False), build(joint_embedding=True)
    assert count(told) == count(plain) + 16 * 17
    xy = torch.randn(4, 9, 17, 2)
    torch.testing.assert_close(told(xy).xyz, plain(xy).xyz)
    assert told.joint_embedding is not None
    (told(xy).xyz * torch.randn(4, 17, 3)).sum().backward()
    assert told.joint_embedding.grad is not None
    assert (told.joint_embedding.grad.abs().sum(dim=(0, 1)) > 0).all()
