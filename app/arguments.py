"""Numbers on the command line, refused with a sentence that says what would do."""

from __future__ import annotations

import argparse
import math

LARGEST = 2**31 - 1
"""Of whole numbers: libraries in C take no larger ones, and nobody means one."""


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


def in_range(number: object, limits: tuple[float, float]) -> bool:
    """Whether something is a number within limits, which belong to the range."""
    return isinstance(number, int | float) and limits[0] <= number <= limits[1]


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
