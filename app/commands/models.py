"""``posedemo models list``: what detectors and lifters there are, and under which licence."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from .. import model_files
from ..command import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["list"], help="list the models that have a name")
    parser.add_argument("--json", action="store_true", help="write JSON for programs")


def run(arguments: argparse.Namespace) -> int:
    """Write the list to standard output."""
    entries = model_files.manifest()
    if arguments.json:
        rows = [asdict(entry) | {"present": model_files.is_present(entry)} for entry in entries]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    for kind in model_files.SUFFIXES:
        sys.stdout.write(f"{kind}s\n")
        for entry in (entry for entry in entries if entry.kind == kind):
            sys.stdout.write(f"  {entry.name:<16} {entry.licence:<14} {_where(entry):<12} {entry.title}\n")
    return 0


def _where(entry: model_files.ModelEntry) -> str:
    if entry.is_packaged:
        return "packaged"
    return "fetched" if model_files.is_present(entry) else "on demand"


COMMANDS = {"models": Command(add_arguments=add_arguments, run=run)}
