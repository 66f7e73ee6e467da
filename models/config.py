"""Settings of a training run: one frozen dataclass and its presets. A checkpoint carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ConfigError

Options = Mapping[str, int | float | bool | str]


@dataclass(frozen=True)
class TrainConfig:
    """Everything that shapes a run but the data.

    Attributes:
        lifter: name in ``lifter.NETWORKS``.
        network: keyword arguments of the network.
        num_frames: length of the window that the lifter sees.
        rate_hz: frame rate of the corpus, and so of the lifter.
        loss: name in ``losses.LOSSES``.
        batch_size: windows a step.
        steps: length of the schedule; a time limit can end it earlier.
        learning_rate: at the top of the schedule.
        weight_decay: of AdamW, for matrices only.
        warm_up_steps: over which the learning rate rises.
        clip_norm: largest L2 norm of the gradient.
        seed: of the weights, and of everything random in the data.
    """

    lifter: str
    network: Options = field(default_factory=dict)
    num_frames: int = 1
    rate_hz: float = 30.0
    loss: str = "mpjpe"
    batch_size: int = 256
    steps: int = 16_000
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    warm_up_steps: int = 300
    clip_norm: float = 1.0
    seed: int = 1


PRESETS: Mapping[tuple[str, str], TrainConfig] = {
    # What is shipped. Two cores take about an hour and a quarter.
    ("semgcn", "live"): TrainConfig(lifter="semgcn"),
    # Not trained for long yet, and narrower than published where two cores would be too slow.
    ("global-gcn", "live"): TrainConfig(lifter="global-gcn", network={"action_head": False}),
    ("dg-net", "live"): TrainConfig(
        lifter="dg-net", network={"channels": 64, "sequence_head": True}, num_frames=27, learning_rate=1e-3
    ),
    ("gla-gcn", "live"): TrainConfig(
        lifter="gla-gcn", network={"channels": 64, "kernel": 3}, num_frames=27, learning_rate=1e-3
    ),
    # Seconds: for tests, and for a first look whether data and machine work.
    ("global-gcn", "tiny"): TrainConfig(
        lifter="global-gcn",
        network={"channels": 32, "num_blocks": 2, "action_head": False},
        batch_size=64,
        steps=200,
        warm_up_steps=10,
    ),
    ("dg-net", "tiny"): TrainConfig(
        lifter="dg-net", network={"channels": 16}, num_frames=9, batch_size=32, steps=200, warm_up_steps=10
    ),
    ("gla-gcn", "tiny"): TrainConfig(
        lifter="gla-gcn",
        network={"channels": 16, "kernel": 3, "global_blocks": 0},
        num_frames=9,
        batch_size=32,
        steps=200,
        warm_up_steps=10,
    ),
    ("semgcn", "tiny"): TrainConfig(
        lifter="semgcn",
        network={"channels": 32, "num_blocks": 2},
        batch_size=64,
        steps=200,
        warm_up_steps=10,
    ),
}


def preset(lifter: str, name: str) -> TrainConfig:
    """Look up a preset.

    Raises:
        ConfigError: there is none of that name for the lifter; names those there are.
    """
    if (lifter, name) not in PRESETS:
        known = ", ".join(" ".join(key) for key in PRESETS)
        raise ConfigError(f"no preset '{name}' for the lifter '{lifter}'", hint=f"there are: {known}")
    return PRESETS[lifter, name]
