"""Damage to files: seeded, so that whatever fails can be made again."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

_LONGEST_PIECE = 256


def damaged(content: bytes, count: int, *, seed: int = 0) -> Iterator[bytes]:
    """The content of a file, damaged in as many ways: one to four of the changes below, at random places each."""
    for number in range(count):
        random = np.random.default_rng((seed, number))
        changed = content
        for _ in range(int(random.integers(1, 5))):
            changed = _CHANGES[int(random.integers(len(_CHANGES)))](changed, random)
        yield changed


def _place(content: bytes, random: np.random.Generator) -> int:
    """A place anywhere, or near one of the ends, where headers and directories are."""
    span = len(content) if random.random() < 0.4 else min(len(content), 400)
    place = int(random.integers(span + 1))
    return place if random.random() < 0.5 else len(content) - place


def _piece(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    return content[place : place + int(random.integers(1, _LONGEST_PIECE))]


def _truncate(content: bytes, random: np.random.Generator) -> bytes:
    return content[: _place(content, random)]


def _flip_bits(content: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(random.integers(1, 9)) if content else 0):
        changed[min(_place(content, random), len(content) - 1)] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _overwrite(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    number = (0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)[int(random.integers(8))]
    written = number.to_bytes(8, "little")[: int(random.integers(1, 9))]
    return content[:place] + written + content[place + len(written) :]


def _splice(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    return content[:place] + _piece(content, random) + content[place:]


def _leave_out(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    return content[:place] + content[place + int(random.integers(1, _LONGEST_PIECE)) :]


def _insert_noise(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    return content[:place] + random.bytes(int(random.integers(1, _LONGEST_PIECE))) + content[place:]


_CHANGES = (_truncate, _flip_bits, _flip_bits, _overwrite, _splice, _leave_out, _insert_noise)


_ODD = (None, True, -1, 0, 1, 10**400, 2**63, -0.5, 1e308, float("nan"), float("inf"), "", "x", "9" * 50, [], {}, [[]])


def mutated_json(content: object, count: int, *, seed: int = 0) -> Iterator[str]:
    """JSON text in as many variants, with one to three of its values dropped, repeated or replaced by odd ones."""
    for number in range(count):
        random = np.random.default_rng((seed, number))
        changed = copy.deepcopy(content)
        for _ in range(int(random.integers(1, 4))):
            places = list(_json_places(changed))
            if places:
                _change_json(*places[int(random.integers(len(places)))], random)
        yield json.dumps(changed)


def _json_places(content: object) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys or positions."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield content, key
        yield from _json_places(value)


def _change_json(container: Any, key: Any, random: np.random.Generator) -> None:
    kind = int(random.integers(4))
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, list):
        container.append(container[key])
    else:
        container[key] = copy.deepcopy(_ODD[int(random.integers(len(_ODD)))])
