"""Begin to train on long windows with what was learned on short ones, whose steps take a third of the time or less.

The temporal lifters have a stage for every factor of three of their window. There are two ways to a longer one.

A short window that has as many stages, the last of them still, learns from single frames all that they can tell. When
such a stage becomes strided, it goes on with the target's frame as before and hears nothing of the others yet: the long
window begins with exactly what the short one knew. (So are convolutions of pictures inflated to those of videos.)

A short window that has fewer stages lends them: its first stage sees the same frames as that of the long one, and its
last stages gather what the stages before them left. The stages between are new and start as little more than their
shortcuts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from .config import TrainConfig
from .lifter import Lifter
from .temporal_target import STRIDE, stage_offsets

_FAINT = 0.1
"""Scale of a new stage's normalised features beside its shortcut. With 0, ReLU would pass no gradient back to it."""


@dataclass(frozen=True)
class _Stages:
    """Where a network keeps its stages.

    Attributes:
        name: of the list of layers.
        layers: in that list, for one stage.
        last_norms: normalisations of each layer at whose end its features join the shortcut.
        unheard: convolutions that a still stage leaves out.
    """

    name: str
    layers: int
    last_norms: tuple[str, ...]
    unheard: tuple[str, ...] = ()

    def split(self, name: str) -> tuple[int | None, str]:
        """The layer in that list that a part of the lifter belongs to, and the rest of its name."""
        prefix = f"network.{self.name}."
        if not name.startswith(prefix):
            return None, name
        layer, _, rest = name.removeprefix(prefix).partition(".")
        return int(layer), rest

    def join(self, layer: int, rest: str) -> str:
        """The name of a part of the lifter."""
        return f"network.{self.name}.{layer}.{rest}"


_STAGES: Mapping[str, _Stages] = {
    "dg-net": _Stages(
        "blocks", layers=2, last_norms=("spatial.norm", "temporal.norm"), unheard=("temporal.neighbours",)
    ),
    "gla-gcn": _Stages("stages", layers=1, last_norms=("second.norm",)),
}


def grow(lifter: Lifter, config: TrainConfig, short: Mapping[str, Tensor], *, num_frames: int) -> dict[str, Tensor]:
    """Weights for a lifter from those of the same lifter with a shorter window.

    Args:
        lifter: with the long window, as it was made: its weights are those of the new stages.
        config: of the lifter.
        short: weights of the lifter with the short window.
        num_frames: length of the short window.

    Returns:
        A state for ``lifter``. Shapes are not compared.
    """
    stages = _STAGES[config.lifter]
    layers = getattr(lifter.network, stages.name)
    there = [layer for layer, _ in map(stages.split, short) if layer is not None]
    num_new = len(layers) - (1 + max(there, default=-1))
    if num_new <= 0:
        return {**lifter.state_dict(), **short, **_inflated(lifter, config, short, num_frames)}
    _quieten(layers[stages.layers : stages.layers + num_new], stages.last_norms)
    grown = dict(lifter.state_dict())
    for key, weights in short.items():
        layer, rest = stages.split(key)
        if layer is not None and layer >= stages.layers:
            key = stages.join(layer + num_new, rest)
        grown[key] = weights
    return grown


def _quieten(layers: nn.ModuleList | nn.Sequential, norms: tuple[str, ...]) -> None:
    for layer in layers:
        for norm in norms:
            nn.init.constant_(layer.get_parameter(f"{norm}.weight"), _FAINT)


def _inflated(lifter: Lifter, config: TrainConfig, short: Mapping[str, Tensor], num_frames: int) -> dict[str, Tensor]:
    """Weights of the convolutions over time that have seen no more than one frame: they hear the target's alone."""
    stages = _STAGES[config.lifter]
    offsets = stage_offsets(config.num_frames, config.look_ahead)
    inflated: dict[str, Tensor] = {}
    for name, module in lifter.named_modules():
        if not isinstance(module, nn.Conv2d) or module.kernel_size[0] == 1:
            continue
        layer, rest = stages.split(name)
        stage = (layer or 0) // stages.layers
        theirs = short.get(f"{name}.weight")
        if num_frames > STRIDE**stage or theirs is None:
            continue
        weight = theirs.new_zeros((*theirs.shape[:2], *module.weight.shape[2:]))
        if rest not in stages.unheard:
            target = offsets[stage] if module.stride[0] == STRIDE else 0
            weight[:, :, int(module.padding[0]) + (target or 0)] = theirs[:, :, theirs.shape[2] // 2]
        inflated[f"{name}.weight"] = weight
    return inflated
