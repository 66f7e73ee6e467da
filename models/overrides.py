"""Settings from the command line: a preset, and what was asked for to be different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import ConfigError
from .config import Options, TrainConfig, with_window
from .lifter import TEMPORAL, check_options, network_options

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def override(
    config: TrainConfig,
    *,
    frames: int | None = None,
    look_ahead: int | None = None,
    network: Sequence[str] = (),
    steps: int | None = None,
    epochs: int | None = None,
    **settings: Any,
) -> TrainConfig:
    """Change a configuration.

    Args:
        config: where to start from.
        frames: length of the window.
        look_ahead: frames of it after the target.
        network: ``name=value`` for options of the network.
        steps: length of the schedule, instead of epochs.
        epochs: length of the schedule, instead of steps.
        settings: further fields; those that are None stay as they are.

    Raises:
        ConfigError: an option does not exist or does not fit.
    """
    if config.lifter not in TEMPORAL and (frames not in (None, 1) or look_ahead):
        raise ConfigError(f"{config.lifter} lifts single frames", hint="leave out --frames and --look-ahead")
    if steps is not None and epochs is not None:
        raise ConfigError("--steps and --epochs say the same thing twice", hint="leave one of them out")
    config = replace(config, **{name: value for name, value in settings.items() if value is not None})
    if steps is not None:
        config = replace(config, steps=steps, epochs=0)
    if epochs is not None:
        config = replace(config, epochs=epochs)
    config = with_window(config, num_frames=frames, look_ahead=look_ahead if config.lifter in TEMPORAL else None)
    return replace(config, network={**config.network, **parse_options(config.lifter, network)})


def parse_options(lifter: str, texts: Sequence[str]) -> Options:
    """Options of a network from ``name=value``, each of the type of its default.

    Raises:
        ConfigError: the network has no such option, or the value is of another type.
    """
    there = network_options(lifter)
    options: dict[str, int | float | bool | str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--network {text}: no value", hint="write it as name=value")
        check_options(lifter, {name: value})
        try:
            options[name] = _like(there[name], value)
        except ValueError as error:
            kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(there[name])]
            raise ConfigError(f"--network {name}={value}: expected {kind}") from error
    return options


def _like(default: int | float | bool | str, text: str) -> int | float | bool | str:
    """The value of a text, of the type of a default."""
    if isinstance(default, bool):
        if text.lower() not in (*_TRUE, *_FALSE):
            raise ValueError(text)
        return text.lower() in _TRUE
    return type(default)(text)
