"""What a sub-command is, and the options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from .arguments import number_within
from .pinhole import DEFAULT_FOV_DEG
from .settings import BONES_CHOICES, FOV_RANGE_DEG, HEIGHT_RANGE_CM, MODE_CHOICES, SMOOTH_CHOICES, Settings


@dataclass(frozen=True)
class Command:
    """A sub-command of ``posedemo``.

    Attributes:
        add_arguments: declares its arguments.
        run: does it and returns the exit code; raises PosedemoError for what the user can act on.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_fov(parser: argparse._ActionsContainer, *, default: float | None = DEFAULT_FOV_DEG, words: str = "") -> None:
    """Declare the field of view, which every command that lifts shares; ``words`` are what the help says of the default
    where it is not a number."""
    parser.add_argument(
        "--fov",
        dest="fov_deg",
        metavar="DEG",
        type=_field_of_view,
        default=default,
        help=f"the camera's field of view along the longer side of the picture (default: {words or '%(default)s'})",
    )


def add_posing(parser: argparse._ActionsContainer, *, is_recorded: bool = False) -> None:
    """Declare how lifted poses become those that are shown and written, which every command that lifts shares; of a
    recording nothing is decided anew that nobody asks for."""
    parser.add_argument(
        "--mode",
        choices=MODE_CHOICES,
        default=Settings.mode,
        help="live: poses wait for nothing; file: filters look both ways, without lag (default: "
        + ("as recorded" if is_recorded else "file, except for cameras and for videos that are only watched")
        + ")",
    )
    parser.add_argument(
        "--smooth",
        choices=SMOOTH_CHOICES,
        default=Settings.smooth,
        help="smoothing of 3D joints (default: %(default)s)",
    )
    parser.add_argument(
        "--bones",
        choices=BONES_CHOICES,
        default=Settings.bones,
        help="fixed: each person has bones of their own, alike left and right, learned in 3 s; free: as the lifter "
        "gives them in each frame (default: %(default)s)",
    )
    parser.add_argument(
        "--height",
        dest="height_cm",
        metavar="CM",
        type=_height,
        help="standing height of the person in centimetres, for true metres (default: "
        + ("as recorded" if is_recorded else "the size of an average adult")
        + ")",
    )


def _field_of_view(text: str) -> float:
    return number_within(text, FOV_RANGE_DEG, "a field of view", "degrees")


def _height(text: str) -> float:
    return number_within(text, HEIGHT_RANGE_CM, "a height", "centimetres")
