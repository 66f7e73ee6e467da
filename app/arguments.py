"""The command line: what does not fit is refused with a sentence that says what would do."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from .settings import in_range

LARGEST = 2**31 - 1
"""Of whole numbers: libraries in C take no larger ones, and nobody means one."""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, and what to do in another, without all of its options before it."""

    def error(self, message: str) -> NoReturn:
        """End the program."""
        self._refuse(message, f"{self.prog} --help lists what there is")

    def parse_args(  # type: ignore[override]  # the library's overloads, of which none is asked for anything else
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """As the library's, but a file that was given without its option is told from a word that means nothing."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            named = " ".join(unknown)
            forgotten = "--video" in self._option_string_actions and Path(unknown[0]).is_file()
            self._refuse(
                f"unrecognized arguments: {named}",
                f"give it as --video {unknown[0]}" if forgotten else f"{self.prog} --help lists what there is",
            )
        return parsed

    def _refuse(self, message: str, hint: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\nhint: {hint}\n")


class Once(argparse.Action):
    """Keeps the value of an option that may be given only once: the first would be lost, and nobody would notice."""

    _given_to: argparse.Namespace | None = None

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        """Take the value.

        Raises:
            ArgumentError: there is one already.
        """
        if self._given_to is namespace:
            raise argparse.ArgumentError(self, "is given twice")
        self._given_to = namespace
        setattr(namespace, self.dest, values)


def file_path(text: str) -> Path:
    """Where a file or folder is, or shall be."""
    if not text:
        raise argparse.ArgumentTypeError("an empty word names no file")
    return Path(text)


def whole_number(text: str, *, lowest: int = 1, highest: int = LARGEST) -> int:
    """A whole number within limits, which belong to the range."""
    number = int(text) if text.isdecimal() and len(text) <= len(str(highest)) else -1
    if not lowest <= number <= highest:
        upper = "" if highest == LARGEST else f" to {highest}"
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest}{upper or ' on'}")
    return number


def above_zero(text: str, what: str = "a number above 0") -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return number


def number_within(text: str, limits: tuple[float, float], what: str, unit: str) -> float:
    """A number within limits, which belong to the range."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    low, high = limits
    if not in_range(number, limits):
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} from {low:g} to {high:g} {unit}")
    return number
