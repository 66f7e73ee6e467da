"""Global-node GCN: a lifter from one frame of 2D joints to 3D joints, with a node that is connected to all of them.

K. Liu, Z. Zou, W. Tang, "Learning Global Pose Features in Graph Convolutional Networks for 3D Human Pose Estimation",
ACCV 2020. Only the abstract was at hand. From the paper: a global node joined to every joint; its features gather
those of all joints; every joint hears its neighbours and the global node; beside the 3D joints, which the joints
regress, the global node classifies the action or learns a low-dimensional embedding of the pose.

Everything else is this project's own and no reproduction: the equations below, widths and depth, the residual path of
the global node, the heads' form, and that the embedding learns by reconstructing the pose. Depth and width are those of
SemGCN, on which the same group's other public networks are built.

Shapes: N samples, J joints, C channels. Joints are (N, J, C), the global node is (N, C).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..skeleton import H36M17, Skeleton
from .constants import register_constant
from .graph import adjacency, row_normalised
from .partitions import symmetric_normalised, with_global_node
from .semgcn import NonLocalBlock, over_channels

State = tuple[Tensor, Tensor | None]
"""Joints (N, J, C) and the global node (N, C); None in networks without one."""


class GlobalNodeOutput(NamedTuple):
    """What the network returns while it is trained with heads on the global node.

    Attributes:
        xyz: (N, J, 3).
        logits: (N, A) of the actions; None without that head.
        embedding: (N, E) of the pose; None without that head.
        reconstruction: (N, J, 3), the pose from its embedding alone; None without that head.
    """

    xyz: Tensor
    logits: Tensor | None
    embedding: Tensor | None
    reconstruction: Tensor | None


class GlobalGraphConv(nn.Module):
    """Graph convolution with a matrix for each kind of edge.

    ``h_i' = W_self h_i + W_neighbour mean_j h_j + W_down g + b`` over the neighbours j of joint i, and
    ``g' = W_global g + W_up mean_i h_i + b_g`` over all joints. Without a global node, its three matrices are left out.
    """

    def __init__(self, skeleton: Skeleton, in_channels: int, out_channels: int, *, global_node: bool) -> None:
        super().__init__()
        self.shares: Tensor
        register_constant(self, "shares", row_normalised(adjacency(skeleton, self_loops=False)))
        self.joint_self = nn.Linear(in_channels, out_channels)
        self.joint_neighbours = nn.Linear(in_channels, out_channels, bias=False)
        self.link = _GlobalLink(in_channels, out_channels) if global_node else None

    def forward(self, joints: Tensor, node: Tensor | None) -> State:
        """Map C_in to C_out channels."""
        new_joints: Tensor = self.joint_self(joints) + self.joint_neighbours(self.shares @ joints)
        if self.link is None or node is None:
            return new_joints, None
        to_joints, new_node = self.link(joints, node)
        return new_joints + to_joints, new_node


class _GlobalLink(nn.Module):
    """What the joints and the global node send to each other."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.node_self = nn.Linear(in_channels, out_channels)
        self.down = nn.Linear(in_channels, out_channels, bias=False)
        self.up = nn.Linear(in_channels, out_channels, bias=False)

    def forward(self, joints: Tensor, node: Tensor) -> tuple[Tensor, Tensor]:
        """What every joint receives, (N, 1, C_out), and the new global node (N, C_out)."""
        return self.down(node).unsqueeze(1), self.node_self(node) + self.up(joints.mean(dim=1))


class SharedGraphConv(nn.Module):
    """Graph convolution with one matrix for all edges: ``X' = A X W + b``, the ablation of ``GlobalGraphConv``.

    A has self-loops, is symmetrically normalised, and counts the global node as one more joint.
    """

    def __init__(self, skeleton: Skeleton, in_channels: int, out_channels: int, *, global_node: bool) -> None:
        super().__init__()
        edges = with_global_node(skeleton) if global_node else adjacency(skeleton, self_loops=True)
        self.shares: Tensor
        register_constant(self, "shares", symmetric_normalised(edges))
        self.weight = nn.Linear(in_channels, out_channels)

    def forward(self, joints: Tensor, node: Tensor | None) -> State:
        """Map C_in to C_out channels."""
        nodes = joints if node is None else torch.cat([joints, node.unsqueeze(1)], dim=1)  # (N, J + 1, C_in)
        mixed: Tensor = self.weight(self.shares @ nodes)
        return (mixed, None) if node is None else (mixed[:, :-1], mixed[:, -1])


class GlobalGraphLayer(nn.Module):
    """Graph convolution, batch normalisation by kind of node, ReLU, dropout."""

    def __init__(
        self,
        skeleton: Skeleton,
        in_channels: int,
        out_channels: int,
        *,
        global_node: bool,
        shared: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        convolution = SharedGraphConv if shared else GlobalGraphConv
        self.convolution = convolution(skeleton, in_channels, out_channels, global_node=global_node)
        self.joint_norm = nn.BatchNorm1d(out_channels)
        self.node_norm = nn.BatchNorm1d(out_channels) if global_node else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, joints: Tensor, node: Tensor | None) -> State:
        """Map C_in to C_out channels."""
        joints, node = self.convolution(joints, node)
        joints = self.dropout(functional.relu(over_channels(self.joint_norm, joints)))
        if self.node_norm is None or node is None:
            return joints, None
        return joints, self.dropout(functional.relu(self.node_norm(node)))


class GlobalResidualBlock(nn.Module):
    """``X + Layer(Layer(X))``, for the joints and for the global node; then the non-local block where there is one."""

    def __init__(
        self, skeleton: Skeleton, channels: int, *, global_node: bool, shared: bool, dropout: float, non_local: bool
    ) -> None:
        super().__init__()
        self.first, self.second = (
            GlobalGraphLayer(skeleton, channels, channels, global_node=global_node, shared=shared, dropout=dropout)
            for _ in range(2)
        )
        self.non_local = NonLocalBlock(skeleton, channels) if non_local else nn.Identity()

    def forward(self, joints: Tensor, node: Tensor | None) -> State:
        """Keep the shapes."""
        new_joints, new_node = self.second(*self.first(joints, node))
        joints = self.non_local(joints + new_joints)
        return joints, None if node is None else node + new_node


class GlobalNodeHeads(nn.Module):
    """What the global node has to learn; only for training. The embedding reconstructs the pose by a linear map."""

    def __init__(
        self, skeleton: Skeleton, channels: int, *, num_actions: int, embedding_size: int, action: bool, embedding: bool
    ) -> None:
        super().__init__()
        self.action = nn.Linear(channels, num_actions) if action else None
        self.embedding = nn.Linear(channels, embedding_size) if embedding else None
        self.reconstruction = nn.Linear(embedding_size, 3 * skeleton.num_joints) if embedding else None

    def forward(self, xyz: Tensor, node: Tensor) -> GlobalNodeOutput:
        """Join the poses (N, J, 3) with what the heads say of the global node (N, C)."""
        logits = None if self.action is None else self.action(node)
        if self.embedding is None or self.reconstruction is None:
            return GlobalNodeOutput(xyz, logits, None, None)
        embedding = self.embedding(node)
        return GlobalNodeOutput(xyz, logits, embedding, self.reconstruction(embedding).reshape(xyz.shape))


class GlobalNodeGCN(nn.Module):
    """The whole network: input layer, ``num_blocks`` residual blocks, output convolution; heads on the global node.

    The global node starts as a learned vector that is zero at first, so that the first layer only gathers.

    Args:
        skeleton: names the joints and their edges.
        channels: width.
        num_blocks: depth.
        global_node: without it, the same network on the skeleton alone, and without heads.
        shared: one matrix for every kind of edge.
        action_head: classify the action; needs labels.
        embedding_head: embed the pose.
        num_actions: number of actions.
        embedding_size: number of channels of the embedding.
        non_local: SemGCN's non-local block after every residual block.
        joint_embedding: tell every joint which one it is, by a learned vector that is added to its first features.
            Without it, left and right are the same to weights that all joints share on a symmetric skeleton, and so
            are people who face the camera and people who turn their backs.
        dropout: probability.
    """

    def __init__(
        self,
        skeleton: Skeleton = H36M17,
        *,
        channels: int = 128,
        num_blocks: int = 4,
        global_node: bool = True,
        shared: bool = False,
        action_head: bool = True,
        embedding_head: bool = True,
        num_actions: int = 15,
        embedding_size: int = 20,
        non_local: bool = False,
        joint_embedding: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.joint_embedding = nn.Parameter(torch.randn(skeleton.num_joints, channels)) if joint_embedding else None
        self.node = nn.Parameter(torch.zeros(2)) if global_node else None
        self.input = GlobalGraphLayer(skeleton, 2, channels, global_node=global_node, shared=shared, dropout=dropout)
        self.blocks = nn.ModuleList(
            GlobalResidualBlock(
                skeleton, channels, global_node=global_node, shared=shared, dropout=dropout, non_local=non_local
            )
            for _ in range(num_blocks)
        )
        convolution = SharedGraphConv if shared else GlobalGraphConv
        self.output = convolution(skeleton, channels, 3, global_node=global_node)
        has_heads = global_node and (action_head or embedding_head)
        self.heads = (
            GlobalNodeHeads(
                skeleton,
                channels,
                num_actions=num_actions,
                embedding_size=embedding_size,
                action=action_head,
                embedding=embedding_head,
            )
            if has_heads
            else None
        )

    def forward(self, xy: Tensor) -> Tensor | GlobalNodeOutput:
        """Lift poses (N, J, 2) to (N, J, 3); in training mode with what the heads say, where there are any."""
        joints, node = self.input(xy, None if self.node is None else self.node.expand(xy.shape[0], -1))
        if self.joint_embedding is not None:
            joints = joints + self.joint_embedding
        for block in self.blocks:
            joints, node = block(joints, node)
        xyz: Tensor = self.output(joints, node)[0]
        if not self.training or self.heads is None:
            return xyz
        output: GlobalNodeOutput = self.heads(xyz, node)
        return output
