"""The optimisers of the four papers and of the shipped weights by name, with those that PyTorch does not have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer, RAdam

from ..errors import ConfigError
from .config import TrainConfig
from .lifter import SEQUENCE_HEAD

_SMALLEST_MATRIX = 8
"""Rows and columns from which on Muon takes weights for a matrix: an orthogonal step says little about fewer."""
_RATE_OF_VECTORS = 0.075
"""Learning rate of AdamW for the other weights, as a share of Muon's: 0.0015 beside 0.02."""
_GLOBAL_PARTS = ("network.input_norm.", "network.representation.", "network.joint_embedding", SEQUENCE_HEAD)
"""Of GLA-GCN: what the sequence is reconstructed with."""


class Ranger(RAdam):
    """RAdam inside Lookahead.

    RAdam: L. Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020. Lookahead: M. R. Zhang
    et al., "Lookahead Optimizer: k steps forward, 1 step back", NeurIPS 2019: after every k steps the weights go back
    to a share alpha of the way from the slow weights, which become what they are then. Published as Ranger by
    L. Wright, 2019; without the gradient centralisation of its later versions.

    The slow weights are part of the state of each weight, and the count of steps of each group, so that a run that is
    resumed from ``state_dict`` goes on as if it had not been interrupted.

    Args:
        params: weights or groups of them.
        lr: learning rate.
        betas: of RAdam.
        eps: of RAdam.
        k: fast steps for each slow one.
        alpha: share of the way that the slow weights go.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.95, 0.999),
        eps: float = 1e-5,
        k: int = 6,
        alpha: float = 0.5,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=0.0)
        for group in self.param_groups:
            group.update(k=k, alpha=alpha, fast_steps=0)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a fast step, and a slow one when it is due. A closure is not supported."""
        # RAdam takes a weight without state for new, so the slow weights enter the state after its first step.
        starts = {
            weights: weights.clone()
            for group in self.param_groups
            for weights in group["params"]
            if weights.grad is not None and weights not in self.state
        }
        super().step()
        for weights, start in starts.items():
            self.state[weights]["slow"] = start
        for group in self.param_groups:
            group["fast_steps"] += 1
            if group["fast_steps"] % group["k"] == 0:
                for weights in group["params"]:
                    self._slow_step(weights, group["alpha"])

    def _slow_step(self, weights: Tensor, alpha: float) -> None:
        if weights in self.state:
            slow = self.state[weights]["slow"]
            slow.lerp_(weights, alpha)
            weights.copy_(slow)


class Muon(AdamW):
    """Muon for matrices, AdamW for everything else.

    K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024: the momentum of a matrix is
    replaced by an orthogonal matrix near it before it is taken as a step. PyTorch's own computes in bfloat16, which is
    slow on many CPUs.

    Groups that have ``is_matrix`` set are matrices; filters count as one row for each output.

    Args:
        params: groups of weights.
        lr: learning rate of the matrices; other groups have one of their own.
        momentum: of the matrices' gradients.
    """

    def __init__(self, params: Iterable[Any], lr: float = 0.02, *, momentum: float = 0.95) -> None:
        super().__init__(params, lr=lr, weight_decay=0.0, fused=True)
        for group in self.param_groups:
            group.setdefault("is_matrix", False)
            group.setdefault("momentum", momentum)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step. A closure is not supported."""
        groups = self.param_groups
        for group in groups:
            if group["is_matrix"]:
                self._matrix_step(group)
        self.param_groups = [group for group in groups if not group["is_matrix"]]
        try:
            super().step()
        finally:
            self.param_groups = groups

    def _matrix_step(self, group: dict[str, Any]) -> None:
        weights_of: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
        for weights in group["params"]:
            if weights.grad is not None:
                mean = self.state[weights].setdefault("mean_gradient", torch.zeros_like(weights))
                mean.lerp_(weights.grad, 1 - group["momentum"])
                ahead = weights.grad.lerp(mean, group["momentum"]).flatten(1)
                weights_of.setdefault(ahead.shape, []).append((weights, ahead))
        for (rows, columns), pairs in weights_of.items():
            # Matrices of one shape together: most are small, and one large product is faster than many.
            steps = orthogonal(torch.stack([ahead for _, ahead in pairs])) * math.sqrt(max(1.0, rows / columns))
            for (weights, _), step in zip(pairs, steps, strict=True):
                weights.mul_(1 - group["lr"] * group["weight_decay"])
                weights.add_(step.reshape(weights.shape), alpha=-group["lr"])


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices (N, R, C) with the same singular vectors and singular values near 1, between 0.6 and 1.3.

    Five steps of the Newton-Schulz iteration of Jordan et al. 2024, whose coefficients trade exactness for speed.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    is_tall = matrices.shape[1] > matrices.shape[2]
    x: Tensor = matrices.transpose(1, 2) if is_tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.transpose(1, 2) if is_tall else x


OPTIMISERS: Mapping[str, Callable[[list[dict[str, Any]], float], Optimizer]] = {
    "adamw": lambda groups, rate: AdamW(groups, lr=rate),
    "adam": lambda groups, rate: Adam(groups, lr=rate),
    "amsgrad": lambda groups, rate: Adam(groups, lr=rate, amsgrad=True),
    "ranger": lambda groups, rate: Ranger(groups, lr=rate),
    "muon": lambda groups, rate: Muon(groups, lr=rate),
}


def build_optimiser(config: TrainConfig, lifter: nn.Module) -> Optimizer:
    """An optimiser over all weights of a lifter.

    Raises:
        ConfigError: there is no optimiser of that name, or the lifter cannot be trained in stages.
    """
    if config.optimiser not in OPTIMISERS:
        there = ", ".join(OPTIMISERS)
        raise ConfigError(f"unknown optimiser '{config.optimiser}'", hint=f"there are: {there}")
    named = list(lifter.named_parameters())
    is_global = {name: name.startswith(_GLOBAL_PARTS) for name, _ in named}
    if config.stages not in ("joint", "two_stage"):
        raise ConfigError(f"unknown stages '{config.stages}'", hint="there are: joint, two_stage")
    if config.stages == "joint":
        groups = _by_shape([weights for _, weights in named], config)
    elif config.lifter != "gla-gcn" or not any("sequence_head" in name for name in is_global):
        raise ConfigError("only gla-gcn with its sequence head can be trained in two stages")
    else:
        groups = [
            {**group, "is_global": part}
            for part in (True, False)
            for group in _by_shape([weights for name, weights in named if is_global[name] == part], config)
        ]
    return OPTIMISERS[config.optimiser](groups, config.learning_rate)


def _by_shape(weights: list[nn.Parameter], config: TrainConfig) -> list[dict[str, Any]]:
    """Matrices, which decay, and vectors, which do not."""
    if config.optimiser == "muon":
        is_matrix = [one.ndim > 1 and min(one.flatten(1).shape) >= _SMALLEST_MATRIX for one in weights]
        matrices, others = (
            [one for one, is_in in zip(weights, is_matrix, strict=True) if is_in == side] for side in (True, False)
        )
        return [
            {"params": matrices, "weight_decay": config.weight_decay, "is_matrix": True},
            {"params": others, "weight_decay": 0.0, "rate_factor": _RATE_OF_VECTORS},
        ]
    decay = config.weight_decay if config.optimiser == "adamw" else 0.0
    return [
        {"params": [one for one in weights if one.ndim > 1], "weight_decay": decay},
        {"params": [one for one in weights if one.ndim <= 1], "weight_decay": 0.0},
    ]
