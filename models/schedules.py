"""Learning rates over a run, by name, and the momentum of batch normalisation.

All of them follow how far the run is, from 0 to 1, which a time limit moves faster than steps do: a run that is cut
short has still come down to the lowest rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import ConfigError
from .config import TrainConfig

_LAST_SHARE = 0.002
"""Of the highest learning rate, at the end of the schedule with a warm-up."""
_LAST_COSINE_RATE = 1e-5
"""GLA-GCN's code."""
_STEP_FACTOR, _STEP_INTERVAL = 0.96, 100_000
"""SemGCN's code."""
_EPOCH_FACTOR = 0.95
_USUAL_EPOCHS = 80
"""Of the recipe with this schedule."""
_MEMORIES = 20
"""How many times the last statistics' memory fits into a run, at least. The papers' runs are longer than that."""
_FIRST_NORM_MOMENTUM = 0.1
"""PyTorch's own."""


def _warm_up_cosine(config: TrainConfig, step: int, progress: float) -> float:
    """Rise over the first steps, then fall as half a cosine."""
    warm_up = min(1.0, (step + 1) / config.warm_up_steps) if config.warm_up_steps else 1.0
    return config.learning_rate * warm_up * (_LAST_SHARE + (1 - _LAST_SHARE) * _half_cosine(progress))


def _cosine(config: TrainConfig, _: int, progress: float) -> float:
    """Fall as half a cosine to 1e-5."""
    lowest = min(_LAST_COSINE_RATE, config.learning_rate)
    return lowest + (config.learning_rate - lowest) * _half_cosine(progress)


def _steps(config: TrainConfig, _: int, progress: float) -> float:
    """Times 0.96 after every 100,000 steps of the whole schedule."""
    return config.learning_rate * _STEP_FACTOR ** (round(progress * config.steps) // _STEP_INTERVAL)


def _epochs(config: TrainConfig, _: int, progress: float) -> float:
    """Times 0.95 after every epoch. Steps are the unit that is counted, so that no rounding moves an epoch's end. A run
    whose length is given in steps falls as one of 80 epochs does."""
    done = round(progress * config.steps) * (config.epochs or _USUAL_EPOCHS)
    return config.learning_rate * _EPOCH_FACTOR ** (done // config.steps)


SCHEDULES: Mapping[str, Callable[[TrainConfig, int, float], float]] = {
    "warm-up-cosine": _warm_up_cosine,
    "cosine": _cosine,
    "steps": _steps,
    "epochs": _epochs,
}


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """The learning rate of a step.

    Args:
        config: names the schedule.
        step: number of steps done.
        progress: how far the run is, 0 to 1.

    Raises:
        ConfigError: there is no schedule of that name.
    """
    if config.schedule not in SCHEDULES:
        raise ConfigError(f"unknown schedule '{config.schedule}'", hint=f"there are: {', '.join(SCHEDULES)}")
    return SCHEDULES[config.schedule](config, step, min(progress, 1.0))


def norm_momentum(config: TrainConfig, step: int, progress: float) -> float:
    """Momentum of batch normalisation: from 0.1 down exponentially; the statistics get steadier as the weights do.

    In a run of few steps not as far as the recipe says: statistics that remember most of it are of weights of long ago.

    Args:
        config: names the last one.
        step: number of steps done.
        progress: how far the run is, 0 to 1.
    """
    num_steps = step / progress if step and progress else config.steps
    last = min(_FIRST_NORM_MOMENTUM, max(config.last_norm_momentum, _MEMORIES / num_steps))
    return float(_FIRST_NORM_MOMENTUM * (last / _FIRST_NORM_MOMENTUM) ** min(progress, 1.0))


def set_norm_momentum(module: nn.Module, momentum: float) -> None:
    """Give every batch normalisation of a module a momentum."""
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            layer.momentum = momentum


def _half_cosine(progress: float) -> float:
    return (1 + math.cos(math.pi * progress)) / 2
