"""What a sub-command is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A sub-command of ``posedemo``.

    Attributes:
        add_arguments: declares its arguments.
        run: does it and returns the exit code; raises PosedemoError for what the user can act on.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
