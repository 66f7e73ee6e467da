"""Begin to train a wide network with what a narrow one learned.

The new channels take in what random weights make of the old ones, and no old channel hears them yet: the wide network
begins with exactly what the narrow one knew, and gradients reach all of it. The idea is that of T. Chen, I. Goodfellow,
J. Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016, who make new channels as copies.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import torch
from torch import Tensor, nn

from .glagcn import AdaptiveGraphConv, JointHead
from .lifter import Lifter

WIDENED = ("global-gcn", "gla-gcn")
"""Lifters of which that is so: theirs are matrices that map channels to channels, and what is per channel."""

_MATRICES = (nn.Linear, nn.Conv2d, JointHead)
"""Layers whose ``weight`` maps channels to something."""


def widen(lifter: Lifter, narrow: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for a lifter from those of the same lifter with fewer channels, or as many.

    With non-local blocks, whose affinities sum over channels, the wide network begins near what the narrow one knew.

    Args:
        lifter: with more channels, as it was made: its weights are those of the new channels.
        narrow: weights of the other.

    Returns:
        A state for ``lifter``, of the parts that the other has. Others are not looked for.

    Raises:
        RuntimeError: the other has more channels, or convolutions over another number of frames.
    """
    state = lifter.state_dict()
    modules = dict(lifter.named_modules())
    for name, module in modules.items():
        theirs = narrow.get(f"{name}.weight")
        if isinstance(module, nn.Conv2d) and theirs is not None and theirs.shape[2:] != module.weight.shape[2:]:
            raise RuntimeError(f"{name} has kernels of {tuple(theirs.shape[2:])}")
    matrices = {f"{name}.weight" for name, module in modules.items() if isinstance(module, _MATRICES)}
    wide = {key: _put_into(state.get(key, old), old, is_matrix=key in matrices) for key, old in narrow.items()}
    graphs = {name: module for name, module in modules.items() if isinstance(module, AdaptiveGraphConv)}
    for (name, graph), part, kind in product(graphs.items(), ("theta", "phi"), ("weight", "bias")):
        key = f"{name}.{part}.{kind}"
        if key in narrow:
            wide[key] = _put_into_embedding(graph, state[key], narrow[key], is_theta=part == "theta")
    return wide


def _put_into_embedding(graph: AdaptiveGraphConv, wide: Tensor, narrow: Tensor, *, is_theta: bool) -> Tensor:
    """The same for what embeds joints for content graphs, where every subset has rows of its own.

    Theta's new rows are zero, and so are their products with phi's. Logits are divided by the number of rows.
    """
    num_subsets = len(wide) // graph.embedding_size
    new, old = (rows.reshape(num_subsets, -1, *rows.shape[1:]) for rows in (wide, narrow))
    result = torch.stack([_put_into(*subset, is_matrix=wide.ndim > 1) for subset in zip(new, old, strict=True)])
    if is_theta:
        kept = old.shape[1]
        result[:, kept:] = 0
        result[:, :kept] *= graph.embedding_size / kept
    return result.flatten(0, 1)


def _put_into(wide: Tensor, narrow: Tensor, *, is_matrix: bool) -> Tensor:
    """The narrow one's numbers in the first places of the wide one's; old rows of a matrix hear no new channel."""
    result = wide.clone()
    with torch.no_grad():
        if is_matrix:
            result[: len(narrow)] = 0
        result[tuple(map(slice, narrow.shape))] = narrow
    return result
