"""Random tensors from one seeded generator."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Chance:
    """Draws everything random in the making of samples, so that one seed and one state repeat a run exactly."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(shape, generator=self.generator)

    def uniform(self, *shape: int, low: float, high: float) -> Tensor:
        """Uniform numbers in [low, high)."""
        return low + (high - low) * torch.rand(shape, generator=self.generator)

    def log_uniform(self, *shape: int, low: float, high: float) -> Tensor:
        """Numbers in [low, high) whose logarithms are uniform."""
        return self.uniform(*shape, low=math.log(low), high=math.log(high)).exp()

    def happens(self, *shape: int, probability: float) -> Tensor:
        """Booleans that are true with a probability."""
        return torch.rand(shape, generator=self.generator) < probability

    def integers(self, *shape: int, low: int, high: int) -> Tensor:
        """Whole numbers in [low, high)."""
        return torch.randint(low, high, shape, generator=self.generator)

    def permutation(self, count: int) -> Tensor:
        """The numbers 0 to count - 1 in random order."""
        return torch.randperm(count, generator=self.generator)

    def choice(self, weights: Tensor, count: int) -> Tensor:
        """``count`` indices into ``weights``, drawn in proportion to them."""
        return torch.multinomial(weights, count, replacement=True, generator=self.generator)
