"""Begin to train on long windows with what was learned on short ones, whose steps take a third of the time or less.

The temporal lifters have a stage for every factor of three of their window. The first stage of the short window sees
the same frames as that of the long one, and its last stages gather what the stages before them left; so the stages
between are the new ones. They start as little more than their shortcuts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from .lifter import Lifter

_FAINT = 0.1
"""Scale of a new stage's normalised features beside its shortcut. With 0, ReLU would pass no gradient back to it."""


@dataclass(frozen=True)
class _Stages:
    """Where a network keeps its stages.

    Attributes:
        name: of the list of layers.
        layers: in that list, for one stage.
        last_norms: normalisations of each layer at whose end its features join the shortcut.
    """

    name: str
    layers: int
    last_norms: tuple[str, ...]


_STAGES: Mapping[str, _Stages] = {
    "dg-net": _Stages("blocks", layers=2, last_norms=("spatial.norm", "temporal.norm")),
    "gla-gcn": _Stages("stages", layers=1, last_norms=("second.norm",)),
}


def grow(lifter: Lifter, name: str, short: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights for a lifter from those of the same lifter with a shorter window.

    Args:
        lifter: with the long window, as it was made: its weights are those of the new stages.
        name: of the lifter.
        short: weights of the lifter with the short window.

    Returns:
        A state for ``lifter``. Shapes are not compared.
    """
    stages = _STAGES[name]
    prefix = f"network.{stages.name}."
    layers = getattr(lifter.network, stages.name)
    there = [int(key.removeprefix(prefix).split(".")[0]) for key in short if key.startswith(prefix)]
    num_new = len(layers) - (1 + max(there, default=-1))
    _quieten(layers[stages.layers : stages.layers + num_new], stages.last_norms)
    grown = dict(lifter.state_dict())
    for key, weights in short.items():
        grown[_moved(key, prefix, first=stages.layers, by=num_new)] = weights
    return grown


def _quieten(layers: nn.ModuleList | nn.Sequential, norms: tuple[str, ...]) -> None:
    for layer in layers:
        for norm in norms:
            nn.init.constant_(layer.get_parameter(f"{norm}.weight"), _FAINT)


def _moved(key: str, prefix: str, *, first: int, by: int) -> str:
    """The name of a weight, its layer further back by as many as are new, unless it belongs to the first stage."""
    if not key.startswith(prefix):
        return key
    layer, _, rest = key.removeprefix(prefix).partition(".")
    return f"{prefix}{int(layer) + by if int(layer) >= first else int(layer)}.{rest}"
