"""Fold what does not depend on the input into constants, before an export: fewer and larger operations.

The per-frame lifters take less than a millisecond, most of which is the start of one small operation after the other.
Batch normalisations become part of the weights before them, and a graph convolution, ``D X W0 + S X W1`` with the
constant matrices D and S, becomes two matrix products: one along the joints with the rows of D and S in turns, and one
along the channels with W0 above W1.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from .global_node import GlobalGraphConv, GlobalGraphLayer, State
from .semgcn import GraphLayer, NonLocalBlock, SemGConv


class _Affine:
    """Scale and shift of each channel: what a batch normalisation does in evaluation mode, or nothing."""

    def __init__(self, norm: nn.Module | None) -> None:
        self.scale: Any = 1.0
        self.shift: Any = 0.0
        if isinstance(norm, nn.BatchNorm1d):
            assert norm.running_var is not None
            assert norm.running_mean is not None
            self.scale = (norm.weight * torch.rsqrt(norm.running_var + norm.eps)).detach()
            self.shift = (norm.bias - norm.running_mean * self.scale).detach()

    def into(self, linear: nn.Linear, *, shifted: bool = True) -> nn.Linear:
        """The linear layer with the affine map behind it; ``shifted`` only in one of several that are added up."""
        folded = nn.Linear(linear.in_features, linear.out_features, bias=shifted or linear.bias is not None)
        bias = 0.0 if linear.bias is None else linear.bias.detach() * self.scale
        folded.weight.data = linear.weight.detach() * (self.scale[:, None] if torch.is_tensor(self.scale) else 1.0)
        if folded.bias is not None:
            folded.bias.data = torch.zeros(linear.out_features) + bias + (self.shift if shifted else 0.0)
        return folded


class _TwoGraphs(nn.Module):
    """``D X W0 + S X W1 + b`` with constant D and S (J, J); the bias may be left out."""

    def __init__(self, graphs: tuple[Tensor, Tensor], weights: tuple[Tensor, Tensor], bias: Tensor | None) -> None:
        super().__init__()
        self.graphs: Tensor
        self.weight: Tensor
        self.bias: Tensor | None
        self.num_joints = len(graphs[0])
        # Rows in turns: joint 0 in D, joint 0 in S, joint 1 in D ... so that a joint's two rows lie side by side.
        self.register_buffer("graphs", torch.stack(graphs, dim=1).flatten(0, 1).contiguous())
        self.register_buffer("weight", torch.cat(weights).contiguous())
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, J, C_in) to (N, J, C_out)."""
        heard = (self.graphs @ x).reshape(-1, self.num_joints, len(self.weight))
        mixed = heard @ self.weight
        return mixed if self.bias is None else mixed + self.bias


class _ChannelWiseSemGConv(nn.Module):
    """``SemGConv`` with a mask for each channel, whose softmax became constants."""

    def __init__(self, layer: SemGConv, affine: _Affine) -> None:
        super().__init__()
        weights = layer.edge_softmax().detach()
        self.own_share: Tensor
        self.neighbour_shares: Tensor
        self.self_weight: Tensor
        self.neighbour_weight: Tensor
        self.bias: Tensor
        self.register_buffer("own_share", (weights * layer.identity).sum(dim=-1).transpose(0, 1).contiguous())
        self.register_buffer("neighbour_shares", weights * (1 - layer.identity))
        self.register_buffer("self_weight", layer.self_weight.detach() * affine.scale)
        self.register_buffer("neighbour_weight", layer.neighbour_weight.detach() * affine.scale)
        self.register_buffer("bias", layer.bias.detach() * affine.scale + affine.shift)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, J, C_in) to (N, J, C_out)."""
        own = (x @ self.self_weight) * self.own_share
        received = torch.einsum("crs,nsc->nrc", self.neighbour_shares, x @ self.neighbour_weight)
        return own + received + self.bias


class _FoldedGlobalGraphConv(nn.Module):
    """``GlobalGraphConv`` with the normalisations of joints and global node behind it."""

    def __init__(self, layer: GlobalGraphConv, joint_norm: nn.Module | None, node_norm: nn.Module | None) -> None:
        super().__init__()
        joints, node, link = _Affine(joint_norm), _Affine(node_norm), layer.link
        own, neighbours = joints.into(layer.joint_self), joints.into(layer.joint_neighbours, shifted=False)
        self.joints = _TwoGraphs(
            (torch.eye(len(layer.shares)), layer.shares),
            (own.weight.detach().T, neighbours.weight.detach().T),
            own.bias.detach() if link is None else None,
        )
        self.down = self.node_self = self.up = None
        if link is not None:
            # What every joint receives carries the joints' bias: one addition less.
            self.down = joints.into(link.down, shifted=False)
            self.down.bias = nn.Parameter(own.bias.detach())
            self.node_self, self.up = node.into(link.node_self), node.into(link.up, shifted=False)

    def forward(self, joints: Tensor, node: Tensor | None) -> State:
        """Map C_in to C_out channels."""
        new_joints = self.joints(joints)
        if self.down is None or self.node_self is None or self.up is None or node is None:
            return new_joints, None
        return new_joints + self.down(node).unsqueeze(1), self.node_self(node) + self.up(joints.mean(dim=1))


def fold(module: nn.Module) -> nn.Module:
    """A copy of a module, for evaluation, with folded graph convolutions: the same numbers but for rounding."""
    folded = copy.deepcopy(module).eval()
    for part in list(folded.modules()):
        if isinstance(part, GraphLayer):
            part.convolution, part.norm = _folded_semgconv(part.convolution, part.norm), nn.Identity()  # type: ignore[assignment]
        elif isinstance(part, NonLocalBlock):
            part.out, part.norm = _Affine(part.norm).into(part.out), nn.Identity()  # type: ignore[assignment]
        elif isinstance(part, GlobalGraphLayer) and isinstance(part.convolution, GlobalGraphConv):
            part.convolution = _FoldedGlobalGraphConv(part.convolution, part.joint_norm, part.node_norm)  # type: ignore[assignment]
            part.joint_norm = nn.Identity()  # type: ignore[assignment]
            part.node_norm = None if part.node_norm is None else nn.Identity()  # type: ignore[assignment]
    for parent in list(folded.modules()):
        for name, child in parent.named_children():
            if isinstance(child, SemGConv):
                setattr(parent, name, _folded_semgconv(child, None))
            elif isinstance(child, GlobalGraphConv):
                setattr(parent, name, _FoldedGlobalGraphConv(child, None, None))
    return folded.eval()


def _folded_semgconv(layer: SemGConv, norm: nn.Module | None) -> nn.Module:
    affine = _Affine(norm)
    shares = layer.edge_softmax().detach()
    if len(shares) > 1:
        return _ChannelWiseSemGConv(layer, affine)
    return _TwoGraphs(
        (shares[0] * layer.identity, shares[0] * (1 - layer.identity)),
        (layer.self_weight.detach() * affine.scale, layer.neighbour_weight.detach() * affine.scale),
        layer.bias.detach() * affine.scale + affine.shift,
    )
