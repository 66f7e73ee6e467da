"""``posedemo warmup``: build beforehand what would otherwise be built, for minutes, when a run begins."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tqdm import tqdm

from .. import answers, model_files
from ..command import Command
from ..errors import ConfigError
from ..manifest import manifest
from ..probing import ProbeError, ask
from ..settings import PROVIDER_CHOICES

_ASKING_LIMIT_S = 120.0
_BUILDING_LIMIT_S = 1800.0
"""For one lifter: TensorRT tries every way to compute every layer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--lifter",
        metavar="NAME",
        dest="lifters",
        action="append",
        help="a lifter by name, or an .onnx file; may be given several times (default: all that have a network)",
    )
    parser.add_argument(
        "--provider",
        choices=PROVIDER_CHOICES,
        default="auto",
        help="where lifters shall run (default: TensorRT where it is installed)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Build what can be built, and say in a sentence what was done.

    Raises:
        ConfigError: a lifter is unknown, or the provider asked for does not run here.
        ModelError: a lifter's file is missing or damaged.
    """
    lifters = arguments.lifters or [entry.name for entry in manifest() if entry.kind == "lifter" and entry.is_packaged]
    for name in lifters:
        model_files.load("lifter", name)
    provider = arguments.provider
    if provider == "auto" and _has_tensorrt():
        try:
            sys.stdout.write(_warm_up(lifters, "tensorrt"))
        except ConfigError as error:
            sys.stdout.write(f"TensorRT is not used: {error.message}\n")
        else:
            return 0
    sys.stdout.write(_warm_up(lifters, provider))
    return 0


def _has_tensorrt() -> bool:
    """Whether there is anything to build, for anything to run on."""
    try:
        found = ask(answers.gpu, limit_s=_ASKING_LIMIT_S)
    except ProbeError:
        return False
    return bool(found["gpu"] and found["tensorrt"])


def _warm_up(lifters: Sequence[str], provider: str) -> str:
    """Let every lifter run once, each in a process of its own, which a driver may crash; returns what to say of it.

    Raises:
        ConfigError: one does not run.
    """
    ran_on = set()
    for name in (progress := tqdm(lifters, desc="warming up", leave=False, disable=None)):
        progress.set_postfix_str(name)
        try:
            ran_on.add(ask(answers.lifter, name, provider, limit_s=_BUILDING_LIMIT_S)["provider"])
        except ProbeError as error:
            raise ConfigError(error.message, error.hint or "run `posedemo doctor`") from error
    names = ", ".join(lifters)
    if ran_on == {"tensorrt"}:
        return f"TensorRT's engines are built: {names}; runs take them from {model_files.cache_folder()}\n"
    return f"nothing needs to be built: on {' and '.join(sorted(ran_on))}, lifters are ready as they are ({names})\n"


COMMANDS = {"warmup": Command(add_arguments=add_arguments, run=run)}
