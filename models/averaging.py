"""A moving average of the weights: where a run with a high learning rate jitters, its average already stands."""

from __future__ import annotations

import copy

import torch

from ..errors import ConfigError
from .lifter import Lifter

_WARM_UP = 10
"""The decay begins at 1 / 10 and rises with the steps, so that the average soon forgets the untrained weights."""


class MovingAverage:
    """An exponential moving average of the weights of a lifter, and of its normalisations' statistics.

    Args:
        lifter: what to average; the average starts as its copy.
        decay: share of the average that stays at every step, in the long run.

    Raises:
        ConfigError: the decay is not between 0 and 1.
    """

    def __init__(self, lifter: Lifter, decay: float) -> None:
        if not 0 < decay < 1:
            raise ConfigError(f"--ema {decay:g}: the decay must be below 1", hint="0.999 is usual")
        self.decay = decay
        self.lifter = copy.deepcopy(lifter).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, lifter: Lifter, step: int) -> None:
        """Move towards the weights after a step, of which this is the number."""
        decay = min(self.decay, (1 + step) / (_WARM_UP + step))
        weights = lifter.state_dict()
        for name, average in self.lifter.state_dict().items():
            if average.is_floating_point():
                average.lerp_(weights[name], 1 - decay)
            else:
                average.copy_(weights[name])
