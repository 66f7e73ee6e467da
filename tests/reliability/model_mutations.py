"""Model files that are whole as files and wrong in what they say: fields of ONNX models, networks in bundles."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from mutations import damaged

_NUMBERS = (-(2**63), -(2**31), -1, 0, 1, 2, 3, 7, 16, 1000, 2**31 - 1, 2**31, 2**40, 2**63 - 1)


def mutated_models(model: onnx.ModelProto, count: int, *, seed: int = 0) -> Iterator[bytes]:
    """A model in as many variants, with one to three of its fields dropped, repeated, exchanged or set to extremes."""
    for number in range(count):
        random = np.random.default_rng((seed, number))
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        for _ in range(int(random.integers(1, 4))):
            fields = list(_fields(changed))
            _mutate(*fields[int(random.integers(len(fields)))], random)
        yield changed.SerializeToString()


def _fields(message: Message) -> Iterator[tuple[Message, FieldDescriptor]]:
    """All fields that are set, of the message and of those in it."""
    for field, value in message.ListFields():
        yield message, field
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                yield from _fields(inner)


def _mutate(message: Message, field: FieldDescriptor, random: np.random.Generator) -> None:
    value: Any = getattr(message, field.name)
    kind = int(random.integers(3))
    if kind == 0:
        message.ClearField(field.name)
    elif field.is_repeated:
        _mutate_list(value, field, random)
    elif field.type != FieldDescriptor.TYPE_MESSAGE:
        setattr(message, field.name, _other_value(value, field, random))


def _mutate_list(values: Any, field: FieldDescriptor, random: np.random.Generator) -> None:
    if not values:
        return
    place, other = (int(random.integers(len(values))) for _ in range(2))
    if random.random() < 0.3:
        del values[place]
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        if random.random() < 0.5:
            values.add().CopyFrom(values[place])
        else:
            values[place].CopyFrom(values[other])
    elif random.random() < 0.4:
        values.append(values[place])
    else:
        values[place] = _other_value(values[other], field, random)


def _other_value(value: Any, field: FieldDescriptor, random: np.random.Generator) -> Any:
    if isinstance(value, str | bytes):
        text = value.encode() if isinstance(value, str) else value
        changed = next(damaged(text, 1, seed=int(random.integers(2**31))))
        return changed.decode("latin1") if isinstance(value, str) else changed
    if isinstance(value, float):
        return float(random.choice([np.nan, np.inf, -1e38, 0.0]))
    if field.type == FieldDescriptor.TYPE_INT64:
        return _NUMBERS[int(random.integers(len(_NUMBERS)))]
    if field.type == FieldDescriptor.TYPE_ENUM:
        return int(random.choice([known.number for known in field.enum_type.values]))
    return int(random.integers(25))


def mutated_bundles(bundle: bytes, count: int, *, seed: int = 0) -> Iterator[bytes]:
    """A MediaPipe bundle in as many variants: a sound archive, in which one network is damaged."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        networks = {name: archive.read(name) for name in archive.namelist()}
    for number in range(count):
        random = np.random.default_rng((seed, number))
        name = list(networks)[int(random.integers(len(networks)))]
        changed = next(damaged(networks[name], 1, seed=int(random.integers(2**31))))
        yield stored(networks | {name: changed})


def stored(members: dict[str, bytes]) -> bytes:
    """An archive as MediaPipe reads them: not compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()
