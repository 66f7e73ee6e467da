"""The optimisers of the four papers by name, and the one of them that PyTorch does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer, RAdam

from ..errors import ConfigError
from .config import TrainConfig

_GLOBAL_PARTS = ("network.input_norm.", "network.representation.", "network.sequence_head.")
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


OPTIMISERS: Mapping[str, Callable[[list[dict[str, Any]], float], Optimizer]] = {
    "adamw": lambda groups, rate: AdamW(groups, lr=rate),
    "adam": lambda groups, rate: Adam(groups, lr=rate),
    "amsgrad": lambda groups, rate: Adam(groups, lr=rate, amsgrad=True),
    "ranger": lambda groups, rate: Ranger(groups, lr=rate),
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
    decay = config.weight_decay if config.optimiser == "adamw" else 0.0
    return [
        {"params": [one for one in weights if one.ndim > 1], "weight_decay": decay},
        {"params": [one for one in weights if one.ndim <= 1], "weight_decay": 0.0},
    ]
