"""GLA-GCN: a lifter from a window of 2D joints to the 3D joints of one of its frames.

B. X. B. Yu, Z. Zhang, Y. Liu, S. Zhong, Y. Liu, C. W. Chen, "GLA-GCN: Global-local Adaptive Graph Convolutional Network
for 3D Human Pose Estimation from Monocular Video", ICCV 2023. Written anew.

From the paper: adaptive graph convolutions with A + B + C over three subsets; a global representation that
reconstructs the 3D sequence; strided stages that shorten the window to one frame; individually connected layers,
unshared and shared, in a convex combination. Facts of the public code ("code fact" below): how weights start, how the
content graphs are scaled, kernels of nine frames, the partition along the kinematic tree, and where dropout acts. This
project's own ("ours"): one global block, the weight 0.5 of the unshared layers, targets other than the centre, and two
options: the embedding of the joints, and content graphs of single frames.

Shapes: N samples, C channels, T frames, J joints. Features are (N, C, T, J), with the channels side by side in memory,
which halves the time of a training step. Graphs here are (send, receive): columns are the receiving joints.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..skeleton import H36M17, Skeleton
from .partitions import partition
from .temporal_target import STRIDE, SequenceOutput, every_third, stage_offsets

_SUBSETS = 3
_NEARLY_ZERO = 1e-6
"""Where B and the scale of the graph convolution's normalisation start: code fact."""


class AdaptiveGraphConv(nn.Module):
    """``f' = sum_k W_k f (A_k + B_k + C_k)`` over three subsets, normalised, with a shortcut: paper, Eq. 2 and 3.

    A is the skeleton's, B is learned, and C follows from the content of each sample: the softmax over the sending
    joints of how alike two joints' embeddings are, over all frames. Code facts: the logits are divided by their number
    of terms, the normalisation starts at nearly zero and the block so as its shortcut, and an output too narrow to be
    divided by four is embedded in three channels. Ours: ``framewise``, every frame has a C of its own.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        in_channels: int,
        out_channels: int,
        *,
        kind: str,
        dropout: float,
        framewise: bool = False,
    ) -> None:
        super().__init__()
        self.framewise = framewise
        self.skeleton_graphs: Tensor
        graphs = torch.from_numpy(partition(skeleton, kind)).float().transpose(1, 2).contiguous()
        self.register_buffer("skeleton_graphs", graphs, persistent=False)
        self.learned_graphs = nn.Parameter(torch.full_like(graphs, _NEARLY_ZERO))
        self.embedding_size = out_channels // 4 or 3
        self.theta, self.phi = (_conv(in_channels, _SUBSETS * self.embedding_size) for _ in range(2))
        self.weights = nn.ModuleList(_conv(in_channels, out_channels) for _ in range(_SUBSETS))
        for weight in self.weights:
            assert isinstance(weight, nn.Conv2d)
            nn.init.normal_(weight.weight, std=math.sqrt(2 / (weight.weight.numel() * _SUBSETS)))  # code fact
        self.norm = nn.BatchNorm2d(out_channels)
        nn.init.constant_(self.norm.weight, _NEARLY_ZERO)
        self.dropout = nn.Dropout(dropout)
        self.shortcut = _shortcut(in_channels, out_channels)

    def content_graphs(self, x: Tensor) -> Tensor:
        """The graphs C of each sample: (N, 1 or T, 3, J sending, J receiving), columns sum to 1."""
        theta, phi = (self._embedded(part(x)) for part in (self.theta, self.phi))
        logits = theta.transpose(3, 4) @ phi / theta.shape[3]
        return torch.softmax(logits, dim=3)

    def _embedded(self, embedded: Tensor) -> Tensor:
        """The terms of the logits (N, 1, 3, C_e * T, J), or (N, T, 3, C_e, J) of every frame by itself."""
        num_frames, num_joints = embedded.shape[2:]
        if self.framewise:
            return embedded.transpose(1, 2).reshape(-1, num_frames, _SUBSETS, self.embedding_size, num_joints)
        return embedded.reshape(-1, 1, _SUBSETS, self.embedding_size * num_frames, num_joints)

    def forward(self, x: Tensor) -> Tensor:
        """Map C_in to C_out channels."""
        graphs = self.skeleton_graphs + self.learned_graphs + self.content_graphs(x)
        received = self._weighted_first(x, graphs) if self.training else self._heard_first(x, graphs)
        return functional.relu(self.dropout(self.norm(received)) + self.shortcut(x))

    def _heard_first(self, x: Tensor, graphs: Tensor) -> Tensor:
        """``sum_k W_k (f G_k)``: fewer transpositions, which is faster for one window."""
        receive_send = graphs.transpose(3, 4)
        joints = _by_joint(x)
        heard: list[Tensor] = [
            weight((receive_send[:, :, subset] @ joints).permute(0, 3, 1, 2))  # (N, C, T, J) again
            for subset, weight in enumerate(self.weights)
        ]
        return heard[0] + heard[1] + heard[2]

    def _weighted_first(self, x: Tensor, graphs: Tensor) -> Tensor:
        """``sum_k (W_k f) G_k``, the same: all weights as one, and the three subsets of a joint as three that send.

        Two large products instead of six small ones, two thirds of the time of a training step.
        """
        num, num_graphs, _, joints, _ = graphs.shape
        receive_send = graphs.permute(0, 1, 4, 3, 2).reshape(num, num_graphs, joints, joints * _SUBSETS)
        weighted = _pointwise(_by_joint(x), self.weights)  # (N, T, J, 3 C)
        sent = weighted.reshape(num, -1, joints * _SUBSETS, weighted.shape[-1] // _SUBSETS)
        received: Tensor = receive_send @ sent + sum(_bias(weight) for weight in self.weights)
        return received.permute(0, 3, 1, 2)  # from (N, T, J, C)


class AdaptiveBlock(nn.Module):
    """The paper's AGCN: adaptive graph convolution, temporal convolution, normalisation, residual, ReLU.

    Code fact: the second block of a stage, which is strided, has no ``residual`` of its own. Ours: a block whose output
    are coordinates, the ``last``, has no ReLU at its end, since coordinates have either sign.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int,
        kind: str,
        dropout: float,
        stride: int = 1,
        framewise: bool = False,
        residual: bool = True,
        last: bool = False,
    ) -> None:
        super().__init__()
        self.last = last
        self.graph = AdaptiveGraphConv(
            skeleton, in_channels, out_channels, kind=kind, dropout=dropout, framewise=framewise
        )
        self.temporal = _conv(out_channels, out_channels, kernel=kernel, stride=stride)
        self.norm = nn.BatchNorm2d(out_channels)
        self.residual = _shortcut(in_channels, out_channels) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        """Map C_in to C_out channels and T to T / stride frames."""
        mixed: Tensor = self.norm(self.temporal(self.graph(x)))
        if self.residual is not None:
            mixed = mixed + self.residual(x)
        return mixed if self.last else functional.relu(mixed)


class StridedStage(nn.Module):
    """Two blocks, the second strided, past which a shortcut carries the target's frame of every three.

    Ours: without an ``offset`` the stage is still: all frames stay.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        channels: int,
        *,
        offset: int | None,
        kernel: int,
        kind: str,
        dropout: float,
        framewise: bool,
    ) -> None:
        super().__init__()
        self.offset = offset

        def block(*, stride: int, residual: bool) -> AdaptiveBlock:
            return AdaptiveBlock(
                skeleton,
                channels,
                channels,
                kernel=kernel,
                kind=kind,
                dropout=dropout,
                framewise=framewise,
                stride=stride,
                residual=residual,
            )

        self.first = block(stride=1, residual=True)
        self.second = block(stride=1 if offset is None else STRIDE, residual=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, T, J) to (N, C, T / 3, J), or to the same shape where still."""
        mixed: Tensor = self.dropout(self.second(self.dropout(self.first(x))))
        return mixed + (x if self.offset is None else every_third(x, self.offset))


class JointHead(nn.Module):
    """Individually connected layers: every joint's coordinates follow from its own features only. Paper, Eq. 5 to 7.

    The unshared layers have one matrix for each joint, the shared layer one for all; lambda is the unshared share.

    Args:
        skeleton: counts the joints.
        channels: of the features.
        individual: with the unshared layers; the public code has the shared one only.
        unshared_share: lambda. Ours: 0.5.
        learn_share: lambda is a logistic function of a parameter, from 0.5 on (ours).
    """

    def __init__(
        self, skeleton: Skeleton, channels: int, *, individual: bool, unshared_share: float, learn_share: bool
    ) -> None:
        super().__init__()
        self.shared = nn.Linear(channels, 3)
        self.unshared_share = unshared_share
        self.share_logit = nn.Parameter(torch.zeros(())) if individual and learn_share else None
        self.weight = self.bias = None
        if individual:
            bound = 1 / math.sqrt(channels)  # as nn.Linear starts
            self.weight = nn.Parameter(torch.empty(skeleton.num_joints, channels, 3).uniform_(-bound, bound))
            self.bias = nn.Parameter(torch.empty(skeleton.num_joints, 3).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, J, C) to (N, J, 3)."""
        shared: Tensor = self.shared(x)
        if self.weight is None or self.bias is None:
            return shared
        unshared = (x.transpose(0, 1) @ self.weight).transpose(0, 1) + self.bias  # (J, N, C) @ (J, C, 3)
        share = self.unshared_share if self.share_logit is None else torch.sigmoid(self.share_logit)
        return share * unshared + (1 - share) * shared


class GLAGCN(nn.Module):
    """The whole network: input normalisation, global representation, strided stages, a head for each joint.

    The public code's variant is ``global_blocks=0, sequence_head=False, individual=False``.

    Args:
        skeleton: names the joints and their edges.
        num_frames: length of the window, a power of three.
        look_ahead: frames after the target: 0 lifts the last frame, ``num_frames // 2`` the centre (paper).
        still_stages: after the strided ones, for a longer window to begin with (``growing.py``).
        channels: width.
        global_blocks: blocks of the global representation after its first one.
        kernel: frames of the temporal convolutions; the paper says 9 and 3, the public code 9.
        partition: ``"kinematic"`` (code fact) or ``"gravity"`` (paper).
        sequence_head: reconstruct the sequence in training.
        individual: unshared layers beside the shared one.
        unshared_share: their weight lambda.
        learn_share: learn that weight.
        joint_embedding: tell every joint which one it is, by a learned vector, zero at first, that is added to its
            features after the first block. Without it, only graphs, input normalisation and unshared layers can.
        framewise: every frame has content graphs of its own, and a window that grows begins with just those that single
            frames have learned; the paper's are one mean over the window.
        dropout: probability, within and after blocks.
    """

    def __init__(
        self,
        skeleton: Skeleton = H36M17,
        *,
        num_frames: int = 27,
        look_ahead: int = 0,
        still_stages: int = 0,
        channels: int = 96,
        global_blocks: int = 1,
        kernel: int = 9,
        partition: str = "kinematic",
        sequence_head: bool = True,
        individual: bool = True,
        unshared_share: float = 0.5,
        learn_share: bool = False,
        joint_embedding: bool = False,
        framewise: bool = False,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()

        def block(in_channels: int, out_channels: int, *, last: bool = False) -> AdaptiveBlock:
            return AdaptiveBlock(
                skeleton,
                in_channels,
                out_channels,
                kernel=kernel,
                kind=partition,
                dropout=dropout,
                framewise=framewise,
                last=last,
            )

        self.input_norm = nn.BatchNorm1d(2 * skeleton.num_joints)
        embedding = torch.zeros(channels, 1, skeleton.num_joints)
        self.joint_embedding = nn.Parameter(embedding) if joint_embedding else None
        self.representation = nn.Sequential(
            block(2, channels), *(block(channels, channels) for _ in range(global_blocks))
        )
        self.sequence_head = block(channels, 3, last=True) if sequence_head else None
        self.stages = nn.Sequential(
            *(
                StridedStage(
                    skeleton,
                    channels,
                    offset=offset,
                    kernel=kernel,
                    kind=partition,
                    dropout=dropout,
                    framewise=framewise,
                )
                for offset in stage_offsets(num_frames, look_ahead, still_stages)
            )
        )
        self.head = JointHead(
            skeleton, channels, individual=individual, unshared_share=unshared_share, learn_share=learn_share
        )

    def normalise(self, xy: Tensor) -> Tensor:
        """Normalise every coordinate of every joint by itself: (N, T, J, 2) to (N, 2, T, J)."""
        flat = xy.flatten(2).transpose(1, 2)  # (N, J * 2, T): x and y of the first joint, of the second ...
        normed: Tensor = self.input_norm(flat)
        return normed.reshape(-1, xy.shape[2], 2, xy.shape[1]).permute(0, 2, 3, 1)  # from (N, J, 2, T)

    def forward(self, xy: Tensor) -> Tensor | SequenceOutput:
        """Lift windows (N, T, J, 2) to (N, J, 3); in training mode with the sequence, where there is that head."""
        features = self.representation[0](self.normalise(xy).contiguous(memory_format=torch.channels_last))
        if self.joint_embedding is not None:
            features = features + self.joint_embedding
        features = self.representation[1:](features)
        target = self.stages(features).squeeze(2)  # (N, C, 1, J) to (N, C, J)
        xyz: Tensor = self.head(target.transpose(1, 2))
        if not self.training or self.sequence_head is None:
            return xyz
        return SequenceOutput(xyz, self.sequence_head(features).permute(0, 2, 3, 1))


def _conv(in_channels: int, out_channels: int, *, kernel: int = 1, stride: int = 1) -> nn.Conv2d:
    """Convolution over time that starts as in the public code: Kaiming by outputs, no bias yet.

    Ours: where strided, its frames lie around the middle of the three that become one, as the shortcut's do; in the
    public code they lie a frame earlier, so that the last stage would not see the last frame with a kernel of three.
    """
    padding = ((kernel - stride) // 2, 0)
    convolution = nn.Conv2d(in_channels, out_channels, (kernel, 1), stride=(stride, 1), padding=padding)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out")
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
    return convolution


def _by_joint(x: Tensor) -> Tensor:
    """Features (N, C, T, J) as (N, T, J, C), which is how they lie in memory."""
    return x.permute(0, 2, 3, 1)


def _bias(convolution: nn.Module) -> Tensor:
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.bias is not None
    return convolution.bias


def _pointwise(joints: Tensor, convolutions: Iterable[nn.Module]) -> Tensor:
    """Several convolutions of single frames and joints as one product, without what they add: (N, T, J, C_in) to
    (N, T, J, sum of C_out)."""
    return functional.linear(joints, torch.cat([cast(Tensor, one.weight) for one in convolutions]).flatten(1))


def _shortcut(in_channels: int, out_channels: int) -> nn.Module:
    """Identity where the width stays, else a convolution of single frames and joints with normalisation."""
    if in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(_conv(in_channels, out_channels), nn.BatchNorm2d(out_channels))
