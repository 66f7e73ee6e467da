"""DG-Net: a lifter from a window of 2D joints to the 3D joints of one of its frames, on graphs made anew for each clip.

J. Zhang, Y. Wang, Z. Zhou, T. Luan, Z. Wang, Y. Qiao, "Learning Dynamical Human-Joint Affinity for 3D Pose Estimation
in Videos", IEEE TIP 2021 (arXiv 2109.07353). Only the abstract was at hand. From the paper: the affinity of joints is
found per video instead of fixed by the skeleton; dynamical spatial graphs (DSG) take it from distances in space,
dynamical temporal graphs (DTG) from how alike joints move.

Everything else is this project's own and no reproduction: the equations below, the number of neighbours, widths, depth
and strides, what is compared in the ablations, and the joints' embedding. Without that or the skeleton's graph, weights
that all joints share and graphs that follow from their places cannot tell an elbow from a knee.

Shapes: N samples, C channels, T frames, J joints. Features are (N, C, T, J), with the channels side by side in memory,
which halves the time of a training step; in graphs, rows are the receiving joints and sum to 1 over the sending ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ConfigError
from ..skeleton import H36M17, Skeleton
from .constants import register_constant
from .graph import adjacency, row_normalised
from .partitions import partition
from .temporal_target import STRIDE, SequenceOutput, every_third, stage_offsets

_NOT_CHOSEN = -1e4
"""Stands for minus infinity before the softmax; also finite in float16."""

_SMALLEST_SQUARE = 1e-6
"""Keeps the direction of a movement finite where a joint does not move."""
_SMALLEST_MOVEMENT = 1e-5
"""Beside the farthest place: a hundred times what float32 rounds by."""


class Affinity(NamedTuple):
    """Who heard whom in one block, for pictures and tests.

    Attributes:
        alpha: (N, T, J receiving, J sending) of the spatial graph; None without dynamical graphs.
        beta: (N or 1, J receiving, J sending) of the temporal graph; 1 where it is the fixed skeleton.
    """

    alpha: Tensor | None
    beta: Tensor


class _Graph(nn.Module):
    """What both kinds of graphs learn: the space in which evidence is compared, and how sharply.

    Args:
        channels: of the evidence; None compares it as it is, without a projection.
        num_neighbours: K.
    """

    def __init__(self, channels: int | None, *, num_neighbours: int) -> None:
        super().__init__()
        self.projection = nn.Identity() if channels is None else nn.Conv2d(channels, channels // 4, 1)
        self.sharpness = nn.Parameter(torch.zeros(()))
        self.num_neighbours = num_neighbours


class NearestGraph(_Graph):
    """Spatial affinity, anew for every frame: each joint hears the K others that are nearest in a learned space.

    ``d_ij = |P x_i - P x_j|^2`` and ``alpha_ij = softmax_j(-d_ij e^s)`` over those K, with a learned s.
    """

    def forward(self, evidence: Tensor) -> Tensor:
        """Graphs (N, T, J, J) from evidence (N, C, T, J)."""
        places = self.projection(evidence)
        squared = _squared_distances_in_training if self.training else _squared_distances
        return sparse_softmax(-squared(places), self.sharpness, self.num_neighbours)


def _squared_distances(places: Tensor) -> Tensor:
    """Squared distances (N, T, J, J) of all joints from each other, of places (N, C, T, J).

    ``|p|^2 + |q|^2 - 2 p q``: a matrix product instead of J^2 differences, a third of DG-Net's time in ONNX Runtime.
    Places are taken from their mean first, or the difference of large squares would lose digits, and with them the
    choice of neighbours.
    """
    by_frame = places.permute(0, 2, 3, 1)  # (N, T, J, C)
    by_frame = by_frame - by_frame.mean(dim=2, keepdim=True)
    squares = (by_frame * by_frame).sum(dim=-1, keepdim=True)
    return squares + squares.transpose(2, 3) - 2 * (by_frame @ by_frame.transpose(2, 3))


def _squared_distances_in_training(places: Tensor) -> Tensor:
    # In float32 at least, whatever the features are in: which joints are nearest hangs on small differences.
    precise = places.to(torch.promote_types(places.dtype, torch.float32))
    with torch.autocast(places.device.type, enabled=False):
        distances: Tensor = _SquaredDistances.apply(precise)  # type: ignore[no-untyped-call]
    return distances


class _SquaredDistances(torch.autograd.Function):
    """``_squared_distances`` for training: its gradient needs the places only, not all the differences.

    Keeping them, J times as large as the features, made training a third slower.
    """

    @staticmethod
    def forward(places: Tensor) -> Tensor:
        by_frame = places.permute(0, 2, 3, 1).contiguous()  # (N, T, J, C)
        return torch.cdist(by_frame, by_frame, compute_mode="donot_use_mm_for_euclid_dist").square()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        places: Tensor = ctx.saved_tensors[0]
        # d_ij and d_ji are both |p_i - p_j|^2, so p_i receives 2 sum_j (g_ij + g_ji) (p_i - p_j).
        both = gradient + gradient.transpose(-1, -2)
        by_frame = places.transpose(1, 2)  # (N, T, C, J)
        return 2 * (by_frame * both.sum(dim=-1).unsqueeze(2) - by_frame @ both).transpose(1, 2)


class MovementGraph(_Graph):
    """Temporal affinity, one for the whole clip: each joint hears the K others that move most like it.

    The movement of a joint is what changes from frame to frame in a learned space, over all frames, scaled to length 1;
    affinity is the softmax over the K largest cosines. One frame has no movement, see ``TemporalGraphConv``.
    """

    def forward(self, evidence: Tensor) -> Tensor:
        """Graphs (N, J, J) from evidence (N, C, T, J)."""
        places = self.projection(evidence)
        movement = (places[:, :, 1:] - places[:, :, :-1]).flatten(1, 2)  # (N, C / 4 * (T - 1), J)
        # Of somebody who stands still, rounding would choose neighbours: others on every processor.
        floor = _SMALLEST_MOVEMENT * places.abs().amax(dim=(1, 2, 3))[:, None, None]
        movement = torch.sign(movement) * torch.relu(movement.abs() - floor)
        squares = movement.square().sum(dim=1, keepdim=True)
        direction = movement * torch.rsqrt(squares + _SMALLEST_SQUARE)
        return sparse_softmax(direction.transpose(1, 2) @ direction, self.sharpness, self.num_neighbours)


def sparse_softmax(scores: Tensor, sharpness: Tensor, num_neighbours: int) -> Tensor:
    """Softmax over the highest scores of each row, without the diagonal; everything else becomes exactly 0.

    The k-th highest score is the threshold: a choice instead of a scatter. Equal scores at the threshold are all
    taken.

    Args:
        scores: (..., J receiving, J sending).
        sharpness: logarithm of what the scores are multiplied by.
        num_neighbours: how many of each row to take.
    """
    others = scores + _NOT_CHOSEN * torch.eye(scores.shape[-1], device=scores.device)
    threshold = torch.topk(others, num_neighbours, dim=-1).values[..., -1:]
    return torch.softmax(torch.where(others >= threshold, others * torch.exp(sharpness), _NOT_CHOSEN), dim=-1)


def hear(x: Tensor, graphs: Tensor) -> Tensor:
    """What every joint receives, (N, C, T, J), along graphs (N or 1, T or 1, J receiving, J sending) or (J, J)."""
    return (graphs @ x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (N, T, J, C), as it lies in memory, and back


class StaticBranch(nn.Module):
    """``w sum_k A_k x W_k`` over the skeleton parted into itself, outward and inward; w is learned, from 1 on."""

    def __init__(self, skeleton: Skeleton, channels: int) -> None:
        super().__init__()
        self.shares: Tensor
        graphs = partition(skeleton, "kinematic")
        register_constant(self, "shares", graphs)
        self.weights = nn.ModuleList(nn.Conv2d(channels, channels, 1, bias=False) for _ in graphs)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, T, J) to the same shape."""
        received = [weight(hear(x, shares)) for weight, shares in zip(self.weights, self.shares, strict=True)]
        return self.scale * torch.stack(received).sum(dim=0)


class SpatialGraphConv(nn.Module):
    """DSG: ``x + ReLU(BN(W_self x + W_neighbour sum_j alpha_ij x_j + static branch))``, terms where switched on."""

    def __init__(
        self,
        skeleton: Skeleton,
        channels: int,
        *,
        evidence_channels: int | None,
        num_neighbours: int,
        dynamic: bool,
        static: bool,
    ) -> None:
        super().__init__()
        self.own = nn.Conv2d(channels, channels, 1, bias=False)
        self.graph = NearestGraph(evidence_channels, num_neighbours=num_neighbours) if dynamic else None
        self.neighbours = nn.Conv2d(channels, channels, 1, bias=False) if dynamic else None
        self.static = StaticBranch(skeleton, channels) if static else None
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, evidence: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features of the same shape, and the graphs alpha."""
        mixed, alpha = self.own(x), None
        if self.graph is not None and self.neighbours is not None:
            alpha = self.graph(evidence)
            mixed = mixed + self.neighbours(hear(x, alpha))
        if self.static is not None:
            mixed = mixed + self.static(x)
        return x + functional.relu(self.norm(mixed)), alpha


class TemporalGraphConv(nn.Module):
    """DTG: ``shortcut(x) + ReLU(BN(TConv_self(x) + TConv_neighbour(sum_j beta_ij x_j)))``.

    The convolutions see three frames: those around each frame, or, where strided, exactly the three that become one;
    the shortcut keeps the one of them that leads to the target. Without dynamical graphs, and for windows of one frame,
    beta is the mean of the joint's neighbours on the skeleton. In a ``still`` stage nothing moves and nobody is heard.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        channels: int,
        *,
        evidence_channels: int | None,
        num_neighbours: int,
        dynamic: bool,
        offset: int | None,
        still: bool,
    ) -> None:
        super().__init__()
        self.offset = offset
        self.still = still
        self.graph = MovementGraph(evidence_channels, num_neighbours=num_neighbours) if dynamic else None
        self.skeleton_graph: Tensor
        register_constant(self, "skeleton_graph", row_normalised(adjacency(skeleton, self_loops=False))[None])
        stride, padding = (1, 1) if offset is None else (STRIDE, 0)
        self.own, self.neighbours = (
            nn.Conv2d(channels, channels, (3, 1), stride=(stride, 1), padding=(padding, 0), bias=False)
            for _ in range(2)
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, evidence: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, C, T or T / 3, J), and the graphs beta."""
        beta = self.skeleton_graph if self.graph is None else self.graph(evidence)
        own = self.own(x)
        heard = own if self.still else own + self.neighbours(hear(x, beta.unsqueeze(1)))
        mixed = functional.relu(self.norm(heard))
        return mixed + (x if self.offset is None else every_third(x, self.offset)), beta


class DGBlock(nn.Module):
    """Spatial, then temporal graph convolution, then dropout.

    Args:
        skeleton: names the joints and their edges.
        channels: width.
        raw: both graphs come from the 2D joints themselves instead of projected features.
        num_neighbours: K.
        dynamic: with the dynamical graphs.
        static: with the skeleton's fixed graph in the spatial convolution.
        moving: whether there is more than one frame, and so a movement.
        still: in a stage that keeps its one frame.
        offset: the target's place in each group of three, for a strided block.
        dropout: probability.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        channels: int,
        *,
        raw: bool,
        num_neighbours: int,
        dynamic: bool,
        static: bool,
        moving: bool,
        still: bool,
        offset: int | None,
        dropout: float,
    ) -> None:
        super().__init__()
        self.raw = raw
        evidence = None if raw else channels
        self.spatial = SpatialGraphConv(
            skeleton,
            channels,
            evidence_channels=evidence,
            num_neighbours=num_neighbours,
            dynamic=dynamic,
            static=static,
        )
        self.temporal = TemporalGraphConv(
            skeleton,
            channels,
            evidence_channels=evidence,
            num_neighbours=num_neighbours,
            dynamic=dynamic and moving,
            offset=offset,
            still=still,
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, xy: Tensor) -> tuple[Tensor, Affinity]:
        """Features (N, C, T or T / 3, J), and who heard whom; ``xy`` (N, 2, T, J) is the evidence in raw mode."""
        x, alpha = self.spatial(x, xy if self.raw else x)
        x, beta = self.temporal(x, xy if self.raw else x)
        return self.dropout(x), Affinity(alpha, beta)


class DGNet(nn.Module):
    """The whole network: embedding, a plain and a strided block for every factor of three, output for each joint.

    A window of one frame has one plain block.

    Args:
        skeleton: names the joints and their edges.
        num_frames: length of the window, a power of three.
        look_ahead: frames after the target: 0 lifts the last frame, ``num_frames // 2`` the centre.
        still_stages: after the strided ones, two blocks each, for a longer window to begin with (``growing.py``).
        channels: width.
        num_neighbours: K.
        dynamic: with the dynamical graphs.
        static: with the skeleton's fixed graph; at least one of both.
        raw_first: the first block compares 2D joints instead of features.
        joint_embedding: tell every joint which one it is, by a learned vector that is added to its embedding.
        sequence_head: lift all frames in training, from the first block's features.
        dropout: probability, after every block.
    """

    def __init__(
        self,
        skeleton: Skeleton = H36M17,
        *,
        num_frames: int = 27,
        look_ahead: int = 0,
        still_stages: int = 0,
        channels: int = 128,
        num_neighbours: int = 4,
        dynamic: bool = True,
        static: bool = False,
        raw_first: bool = False,
        joint_embedding: bool = True,
        sequence_head: bool = False,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if not (dynamic or static):
            raise ConfigError("DG-Net needs dynamical or static graphs")
        if not 0 < num_neighbours < skeleton.num_joints:
            raise ConfigError(f"a joint of {skeleton.name} cannot have {num_neighbours} others as neighbours")
        strides = [step for offset in stage_offsets(num_frames, look_ahead) for step in (None, offset)]
        strides += [None] * (2 * still_stages)
        self.embedding = nn.Conv2d(2, channels, 1, bias=False)
        self.joint_embedding = nn.Parameter(torch.randn(channels, 1, skeleton.num_joints)) if joint_embedding else None
        self.norm = nn.BatchNorm2d(channels)
        self.blocks = nn.ModuleList(
            DGBlock(
                skeleton,
                channels,
                raw=raw_first and index == 0,
                num_neighbours=num_neighbours,
                dynamic=dynamic,
                static=static,
                moving=num_frames > STRIDE ** (index // 2),
                still=index >= len(strides) - 2 * still_stages,
                offset=offset,
                dropout=dropout,
            )
            for index, offset in enumerate(strides or [None])
        )
        self.output = nn.Conv2d(channels, 3, 1)
        self.sequence_head = nn.Conv2d(channels, 3, 1) if sequence_head else None

    def forward(self, xy: Tensor) -> Tensor | SequenceOutput:
        """Lift windows (N, T, J, 2) to (N, J, 3); in training mode with the sequence, where there is that head."""
        features = [x for x, _ in self._through_blocks(xy)]
        xyz: Tensor = self.output(features[-1]).squeeze(2).transpose(1, 2)  # (N, 3, 1, J) to (N, J, 3)
        if not self.training or self.sequence_head is None:
            return xyz
        return SequenceOutput(xyz, self.sequence_head(features[0]).permute(0, 2, 3, 1))

    def affinities(self, xy: Tensor) -> list[Affinity]:
        """Who hears whom in every block, for windows (N, T, J, 2)."""
        return [affinity for _, affinity in self._through_blocks(xy)]

    def _through_blocks(self, xy: Tensor) -> list[tuple[Tensor, Affinity]]:
        """What every block returns."""
        flat = xy.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)  # (N, 2, T, J)
        embedded = self.embedding(flat)
        if self.joint_embedding is not None:
            embedded = embedded + self.joint_embedding
        x, steps = functional.relu(self.norm(embedded)), []
        for block in self.blocks:
            x, affinity = block(x, flat)
            steps.append((x, affinity))
        return steps
