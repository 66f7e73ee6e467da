"""``posedemo models list``: what detectors and lifters there are, and under which licence."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict

from .. import model_files
from ..command import Command
from ..manifest import ModelEntry, default_name, manifest
from ..modes import lifter_in_any_mode

_INDENT = " " * 17


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", nargs="?", choices=["list"], default="list", help="list the models that have a name")
    parser.add_argument("--json", action="store_true", help="write JSON for programs")


def run(arguments: argparse.Namespace) -> int:
    """Write the list to standard output."""
    if arguments.json:
        sys.stdout.write(json.dumps([_row(entry) for entry in manifest()], indent=2) + "\n")
        return 0
    for kind in model_files.SUFFIXES:
        sys.stdout.write(f"{kind}s\n")
        for entry in (entry for entry in manifest() if entry.kind == kind):
            sys.stdout.writelines(f"  {line}\n" for line in _lines(entry))
    return 0


def _row(entry: ModelEntry) -> dict[str, object]:
    """Everything about a model; ``state`` is that of ``model_files.state``."""
    state = model_files.state(entry)
    is_present = state in ("built in", "verified", "fetched")
    return asdict(entry) | {"state": state, "present": is_present, "default": entry.name == default_name(entry.kind)}


def _lines(entry: ModelEntry) -> Iterator[str]:
    """For people: what it is, where it comes from, and what to do about a model that is not there."""
    state = model_files.state(entry)
    facts = [
        _role(entry),
        f"{entry.num_parameters / 1e6:.2f} M parameters" if entry.num_parameters else "",
        f"{entry.num_frames} {'frame' if entry.num_frames == 1 else 'frames'}" if entry.num_frames else "",
    ]
    title = "; ".join([entry.title, *(fact for fact in facts if fact)])
    yield f"{entry.name:<16} {entry.licence:<14} {state:<10} {title}"
    yield from textwrap.wrap(entry.origin, 120, initial_indent=_INDENT, subsequent_indent=_INDENT)
    if state == "missing":
        yield f"{'':<16} train it: {entry.train}"


def _role(entry: ModelEntry) -> str:
    """When the program takes it by itself."""
    if entry.name == default_name(entry.kind):
        return "default"
    stands_for = lifter_in_any_mode(entry.name)
    return "" if stands_for == entry.name else f"stands in for {stands_for} in files"


COMMANDS = {"models": Command(add_arguments=add_arguments, run=run)}
