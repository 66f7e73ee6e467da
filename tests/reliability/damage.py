"""Damages files, in the same way whenever it is asked for the same damage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

Kind = Literal["cut", "bits", "header", "splice", "hole"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_HEADER_BYTES = 1500


def damaged(content: bytes, kind: Kind, seed: int, *, other: bytes) -> bytes:
    """A damaged copy.

    Args:
        content: of a good file.
        kind: ``cut`` short anywhere; up to 256 ``bits`` turned anywhere; up to 32 bytes of the ``header``, the first or
            the last 1500 bytes, replaced; a stretch replaced by a ``splice`` of another file; or a stretch missing, a
            ``hole``.
        seed: which of them.
        other: where splices come from.
    """
    return _DAMAGES[kind](bytearray(content), np.random.default_rng(seed), other)


def _cut(content: bytearray, rng: np.random.Generator, other: bytes) -> bytes:
    return bytes(content[: rng.integers(1, len(content))])


def _bits(content: bytearray, rng: np.random.Generator, other: bytes) -> bytes:
    for place in rng.integers(0, len(content), 2 ** rng.integers(0, 9)):
        content[place] ^= 1 << rng.integers(8)
    return bytes(content)


def _header(content: bytearray, rng: np.random.Generator, other: bytes) -> bytes:
    is_at_the_end = rng.random() < 0.5
    for place in rng.integers(0, min(len(content), _HEADER_BYTES), 2 ** rng.integers(0, 6)):
        content[-1 - place if is_at_the_end else place] = rng.integers(256)
    return bytes(content)


def _splice(content: bytearray, rng: np.random.Generator, other: bytes) -> bytes:
    begin, end = np.sort(rng.integers(0, len(content), 2))
    start = rng.integers(0, len(other))
    return bytes(content[:begin]) + other[start : start + end - begin] + bytes(content[end:])


def _hole(content: bytearray, rng: np.random.Generator, other: bytes) -> bytes:
    begin, end = np.sort(rng.integers(0, len(content), 2))
    return bytes(content[:begin] + content[end:])


_DAMAGES: dict[Kind, Callable[[bytearray, np.random.Generator, bytes], bytes]] = {
    "cut": _cut,
    "bits": _bits,
    "header": _header,
    "splice": _splice,
    "hole": _hole,
}
