"""SemGCN: a lifter from one frame of 2D joints to 3D joints.

L. Zhao, X. Peng, Y. Tian, M. Kapadia, D. N. Metaxas, "Semantic Graph Convolutional Networks for 3D Human Pose
Regression", CVPR 2019. Written anew from the paper. Where the text leaves something open, comments say what was taken
from facts about the authors' public code ("code fact") and what is our own choice ("ours").

The ladder: ``SemGConv`` (Eq. 2 and 3) -> ``GraphLayer`` -> ``ResidualBlock``, ``NonLocalBlock`` (Eq. 4) -> ``SemGCN``.

Shapes: N samples, J joints, C channels. Features are (N, J, C).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..skeleton import H36M16, H36M17, Skeleton
from .graph import adjacency

_NOT_AN_EDGE = -1e9
"""Stands for minus infinity before the softmax: exp of it is exactly 0 and stays finite in float32."""


class SemGConv(nn.Module):
    r"""Semantic graph convolution.

    Eq. 2: ``X' = softmax_row(M * A) X W``. M holds one learnable number per edge of the skeleton and per self-loop;
    what is no edge counts as minus infinity. The softmax is over the joints that send, so each receiving joint takes a
    weighted mean of its neighbourhood, and the weights are learned per edge and independent of the input.

    Eq. 3, ``channel_wise``: one M for each output channel.

    Code fact, not in the equations: a joint's own features and its neighbours' have separate weights under the same
    softmax. With ``S = softmax_row(M * A)``: ``X' = diag(S) X W0 + (S - diag(S)) X W1 + b``.
    """

    def __init__(self, skeleton: Skeleton, in_channels: int, out_channels: int, *, channel_wise: bool = False) -> None:
        super().__init__()
        edges = torch.from_numpy(adjacency(skeleton, self_loops=True)) > 0
        num_edges = int(edges.sum())
        # Every entry of the matrix names its edge, and entries without one get a large negative number added: a gather
        # and an addition, where writing through a mask would export to scatter operations.
        edge_of_entry = torch.zeros(edges.shape, dtype=torch.long)
        edge_of_entry[edges] = torch.arange(num_edges)
        self.edge_of_entry: Tensor
        self.not_an_edge: Tensor
        self.identity: Tensor
        self.register_buffer("edge_of_entry", edge_of_entry, persistent=False)
        self.register_buffer("not_an_edge", torch.where(edges, 0.0, _NOT_AN_EDGE), persistent=False)
        self.register_buffer("identity", torch.eye(skeleton.num_joints), persistent=False)

        self.edge_weights = nn.Parameter(torch.ones(out_channels if channel_wise else 1, num_edges))
        self.self_weight = nn.Parameter(torch.empty(in_channels, out_channels))
        self.neighbour_weight = nn.Parameter(torch.empty(in_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self._initialise()

    def _initialise(self) -> None:
        # Code fact: gain sqrt(2). Ours: each matrix by itself; the public code initialises both as one 3-D tensor.
        for weight in (self.self_weight, self.neighbour_weight):
            nn.init.xavier_uniform_(weight, gain=math.sqrt(2))
        bound = 1 / math.sqrt(len(self.bias))
        nn.init.uniform_(self.bias, -bound, bound)

    def edge_softmax(self) -> Tensor:
        """The matrix S: (1 or C_out, J receiving, J sending), rows sum to 1."""
        return torch.softmax(self.edge_weights[:, self.edge_of_entry] + self.not_an_edge, dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, J, C_in) to (N, J, C_out)."""
        weights = self.edge_softmax()
        own_share = (weights * self.identity).sum(dim=-1)  # (1 or C_out, J): the diagonal
        neighbour_shares = weights * (1 - self.identity)
        own = (x @ self.self_weight) * own_share.transpose(0, 1)
        if len(weights) == 1:
            # As a batched product: a matrix that is broadcast over the samples would be copied for each of them.
            received = torch.bmm(neighbour_shares.expand(len(x), -1, -1), x) @ self.neighbour_weight
        else:
            received = torch.einsum("crs,nsc->nrc", neighbour_shares, x @ self.neighbour_weight)
        return own + received + self.bias


class GraphLayer(nn.Module):
    """SemGConv, batch normalisation over the channels (statistics over samples and joints), ReLU."""

    def __init__(self, skeleton: Skeleton, in_channels: int, out_channels: int, *, channel_wise: bool) -> None:
        super().__init__()
        self.convolution = SemGConv(skeleton, in_channels, out_channels, channel_wise=channel_wise)
        self.norm = nn.BatchNorm1d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, J, C_in) to (N, J, C_out)."""
        return functional.relu(over_channels(self.norm, self.convolution(x)))


class ResidualBlock(nn.Module):
    """``X + Layer(Layer(X))``: paper, Figure 2."""

    def __init__(self, skeleton: Skeleton, channels: int, *, channel_wise: bool) -> None:
        super().__init__()
        self.first = GraphLayer(skeleton, channels, channels, channel_wise=channel_wise)
        self.second = GraphLayer(skeleton, channels, channels, channel_wise=channel_wise)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, J, C) to (N, J, C)."""
        residual: Tensor = self.second(self.first(x))
        return x + residual


class NonLocalBlock(nn.Module):
    """Lets every joint look at every other, by content.

    Eq. 4 with the "concatenation" form of Wang et al., "Non-local Neural Networks", CVPR 2018:
    ``z_i = x_i + BN(W_z mean_j f_ij g_j)`` with ``f_ij = ReLU(w [theta_i ; phi_j])``. There is no softmax: the sum is
    divided by the number of sending positions. The paper halves the channels inside.

    Code fact: the batch normalisation starts at zero, so that each block starts as the identity; and in the public
    16-joint network phi and g are max-pooled over pairs of joints. Ours: a skeleton that cannot be split into pairs, as
    that of 17 joints, is not pooled. Parameters are the same.
    """

    def __init__(self, skeleton: Skeleton, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta = nn.Linear(channels, inner)
        self.phi = nn.Linear(channels, inner)
        self.g = nn.Linear(channels, inner)
        self.theta_affinity = nn.Linear(inner, 1, bias=False)
        self.phi_affinity = nn.Linear(inner, 1, bias=False)
        self.out = nn.Linear(inner, channels)
        self.norm = nn.BatchNorm1d(channels)
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)
        pairs = _pooled_pairs(skeleton)
        self.num_senders = len(pairs) or skeleton.num_joints
        self.pair_order: Tensor
        self.register_buffer("pair_order", torch.tensor(pairs, dtype=torch.long).reshape(-1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, J, C) to (N, J, C)."""
        phi, g = self._pool(self.phi(x)), self._pool(self.g(x))
        # w [theta ; phi] = w_theta theta + w_phi phi: the same 2 x C/2 weights, without building all the pairs.
        affinity = functional.relu(self.theta_affinity(self.theta(x)) + self.phi_affinity(phi).transpose(1, 2))
        gathered = affinity @ g / self.num_senders  # (N, J, C/2)
        return x + over_channels(self.norm, self.out(gathered))

    def _pool(self, x: Tensor) -> Tensor:
        """Maximum over each pair of joints: (N, J, C) to (N, J/2, C); unchanged without pairs."""
        if not len(self.pair_order):
            return x
        pairs = x[:, self.pair_order].reshape(-1, self.num_senders, 2, x.shape[-1])
        return pairs.amax(dim=2)


class SemGCN(nn.Module):
    """The whole network: input layer, then ``num_blocks`` times residual and non-local block, then the output layer.

    Code fact: a further non-local block follows the input layer, which the paper's figure does not show. The output
    layer has neither batch normalisation nor ReLU.

    Args:
        skeleton: names the joints and their edges.
        channel_wise: one mask for each channel (Eq. 3) instead of one for all (Eq. 2).
        non_local: with the non-local blocks; without them this is the paper's 0.27 million parameter variant.
        channels: width.
        num_blocks: depth.
        joint_embedding: tell every joint which one it is, by a learned vector that is added to its first features
            (ours). Without it, only the learned edges can tell left from right.
    """

    def __init__(
        self,
        skeleton: Skeleton = H36M17,
        *,
        channel_wise: bool = False,
        non_local: bool = True,
        channels: int = 128,
        num_blocks: int = 4,
        joint_embedding: bool = False,
    ) -> None:
        super().__init__()
        self.input = GraphLayer(skeleton, 2, channels, channel_wise=channel_wise)
        self.joint_embedding = nn.Parameter(torch.randn(skeleton.num_joints, channels)) if joint_embedding else None
        layers: list[nn.Module] = [NonLocalBlock(skeleton, channels)] if non_local else []
        for _ in range(num_blocks):
            layers += [ResidualBlock(skeleton, channels, channel_wise=channel_wise)]
            layers += [NonLocalBlock(skeleton, channels)] if non_local else []
        self.features = nn.Sequential(*layers)
        self.output = SemGConv(skeleton, channels, 3, channel_wise=channel_wise)

    def forward(self, xy: Tensor) -> Tensor:
        """Lift poses (N, J, 2) to (N, J, 3)."""
        joints = self.input(xy)
        if self.joint_embedding is not None:
            joints = joints + self.joint_embedding
        xyz: Tensor = self.output(self.features(joints))
        return xyz


def over_channels(norm: nn.Module, x: Tensor) -> Tensor:
    """Normalise (N, J, C) with statistics over samples and joints; a norm that was folded away does nothing."""
    if isinstance(norm, nn.Identity):
        return x
    normed: Tensor = norm(x.flatten(0, 1))  # (N * J, C)
    return normed.reshape(x.shape)


def _pooled_pairs(skeleton: Skeleton) -> list[tuple[int, int]]:
    """Which joints are pooled together: code fact for 16 joints, none for other skeletons (ours)."""
    if skeleton != H36M16:
        return []
    names = (
        ("right_knee", "right_ankle"),
        ("left_knee", "left_ankle"),
        ("right_hip", "left_hip"),
        ("pelvis", "spine"),
        ("thorax", "head"),
        ("right_elbow", "right_wrist"),
        ("left_elbow", "left_wrist"),
        ("left_shoulder", "right_shoulder"),
    )
    # [2,3][5,6][1,4][0,7][8,9][14,15][11,12][10,13] in the numbers of the public code.
    return [(skeleton.index(first), skeleton.index(second)) for first, second in names]
