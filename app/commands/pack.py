"""``posedemo pack``: a folder from which the program can be installed and started without a network."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..command import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="new or empty folder to write to")


def run(arguments: argparse.Namespace) -> int:
    """Make the folder."""
    raise NotImplementedError


COMMANDS = {"pack": Command(add_arguments=add_arguments, run=run)}
