"""What a sub-command is, and the option that several commands share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

from .geometry import DEFAULT_FOV_DEG

_FOV_RANGE_DEG = (10.0, 150.0)


@dataclass(frozen=True)
class Command:
    """A sub-command of ``posedemo``.

    Attributes:
        add_arguments: declares its arguments.
        run: does it and returns the exit code; raises PosedemoError for what the user can act on.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_fov(parser: argparse._ActionsContainer) -> None:
    """Declare the field of view, which every command that lifts shares."""
    parser.add_argument(
        "--fov",
        dest="fov_deg",
        metavar="DEG",
        type=_field_of_view,
        default=DEFAULT_FOV_DEG,
        help="the camera's field of view along the longer side of the picture (default: %(default)g)",
    )


def _field_of_view(text: str) -> float:
    try:
        degrees = float(text)
    except ValueError:
        degrees = math.nan
    low, high = _FOV_RANGE_DEG
    if not low <= degrees <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a field of view from {low:g} to {high:g} degrees")
    return degrees
