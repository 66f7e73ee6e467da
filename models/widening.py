"""Begin to train a wide network with what a narrow one learned.

The new channels take in what random weights make of the old ones, and no old channel hears them yet: the wide network
begins with exactly what the narrow one knew, and gradients reach all of it. The idea is that of T. Chen, I. Goodfellow,
J. Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016, who make new channels as copies.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .lifter import Lifter

WIDENED = ("global-gcn",)
"""Lifters of which that is so: theirs are matrices that map channels to channels, and what is per channel."""


def widen(lifter: Lifter, narrow: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for a lifter from those of the same lifter with fewer channels, or as many.

    With non-local blocks, whose affinities sum over channels, the wide network begins near what the narrow one knew.

    Args:
        lifter: with more channels, as it was made: its weights are those of the new channels.
        narrow: weights of the other.

    Returns:
        A state for ``lifter``, of the parts that the other has. Others are not looked for.

    Raises:
        RuntimeError: the other has more channels.
    """
    state = lifter.state_dict()
    matrices = {f"{name}.weight" for name, module in lifter.named_modules() if isinstance(module, nn.Linear)}
    return {key: _put_into(state.get(key, old), old, key in matrices) for key, old in narrow.items()}


def _put_into(wide: Tensor, narrow: Tensor, is_matrix: bool) -> Tensor:
    """The narrow one's numbers in the first places of the wide one's; old rows of a matrix hear no new channel."""
    result = wide.clone()
    with torch.no_grad():
        if is_matrix:
            result[: len(narrow)] = 0
        result[tuple(map(slice, narrow.shape))] = narrow
    return result
