"""Matrices that belong to a network and are not learned."""

from __future__ import annotations

import torch
from torch import nn

from ..arrays import FloatArray


def register_constant(module: nn.Module, name: str, matrix: FloatArray) -> None:
    """Keep a constant matrix with a module; it is no part of checkpoints."""
    module.register_buffer(name, torch.from_numpy(matrix).float(), persistent=False)
