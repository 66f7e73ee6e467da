"""The records of a session file: marked, measured and checked one by one, so that damage costs what it hit and no more.

docs/sessions.md has the layout. Everything is little-endian; floats are stored as they are: what is lifted again
is lifted from the very same numbers.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PureWindowsPath
from typing import BinaryIO

import numpy as np

from ..arrays import Float32Array
from ..datatypes import MAX_PIXELS, Detections, InUse, Keypoints2D
from ..skeleton import H36M17
from ..smoothing import PRESETS

MAGIC = b"posedemo session"
HEADER_KIND, FRAME_KIND, CHANGE_KIND = b"H", b"F", b"C"
MAX_RECORD_BYTES = 2**16

_MARKER = b"\xf5pos"
_HEAD = struct.Struct("<4sII")
_FRAME = struct.Struct("<cqdIIBBB")
_PERSON = struct.Struct("<B")
_HAS_WORLD = 1
_HAND_OVER, _TAKEN_BACK = 1, 2
_MAX_SEEN = 32
_LONGEST_NAME = 255
_FARTHEST_PX = 1e6
_FARTHEST_M = 1e3
_MAX_DAMAGED_PLACES = 256
"""So often the reader looks for the next whole record; a file with more damage than that is not worth the time."""
_CHUNK_BYTES = 2**16

_JOINTS = H36M17.num_joints
_FLOAT = np.dtype("<f4")
_XY_BYTES, _CONFIDENCE_BYTES, _WORLD_BYTES = (_JOINTS * width * _FLOAT.itemsize for width in (2, 1, 3))


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One frame of a session.

    Attributes:
        index: position at the source.
        time_s: on the source's clock.
        size_wh: of the picture, pixels.
        detections: whom the detector saw.
    """

    index: int
    time_s: float
    size_wh: tuple[int, int]
    detections: Detections


@dataclass(slots=True)
class Damage:
    """What a reader had to leave out.

    Attributes:
        num_places: where it did not find a whole record in the middle of the file.
        num_cut_bytes: at the end, behind the last whole record.
    """

    num_places: int = 0
    num_cut_bytes: int = 0


def pack_record(payload: bytes) -> bytes:
    """A record: marker, length and checksum, then the payload."""
    return _HEAD.pack(_MARKER, len(payload), zlib.crc32(payload)) + payload


def pack_frame(record: FrameRecord) -> bytes:
    """The payload of a frame's record; more people than a record holds are left out."""
    found = record.detections.found[:_MAX_SEEN]
    again = record.detections.again[:_MAX_SEEN]
    flags = record.detections.hand_over * _HAND_OVER | record.detections.is_taken_back * _TAKEN_BACK
    head = _FRAME.pack(FRAME_KIND, record.index, record.time_s, *record.size_wh, len(found), len(again), flags)
    return head + b"".join(map(_pack_person, (*found, *again)))


def unpack_frame(payload: bytes) -> FrameRecord:
    """What ``pack_frame`` made.

    Raises:
        ValueError: it holds something that no detector gives.
    """
    try:
        _, index, time_s, width, height, num_found, num_again, flags = _FRAME.unpack_from(payload)
    except struct.error as error:
        raise ValueError("a frame is too short") from error
    if not math.isfinite(time_s) or width < 1 or height < 1:
        raise ValueError("a frame has no sensible time or size")
    if width * height > MAX_PIXELS or index < 0:
        raise ValueError("a frame has no sensible number or size")
    people, position = [], _FRAME.size
    for _ in range(num_found + num_again):
        person, position = _unpack_person(payload, position)
        people.append(person)
    if position != len(payload):
        raise ValueError("a frame is longer than its people")
    found, again = tuple(people[:num_found]), tuple(people[num_found:])
    detections = Detections(
        found, again, is_taken_back=bool(flags & _TAKEN_BACK and again), hand_over=bool(flags & _HAND_OVER)
    )
    return FrameRecord(index, time_s, (width, height), detections)


def pack_change(in_use: Mapping[str, str]) -> bytes:
    """The payload of a change's record: what is used from the next frame on, by fields of ``InUse``; files without
    their folders."""
    return CHANGE_KIND + json.dumps({name: without_folder(value) for name, value in in_use.items()}).encode()


def unpack_change(payload: bytes) -> dict[str, str]:
    """What ``pack_change`` made.

    Raises:
        ValueError: it holds something that no run uses.
    """
    try:
        content = json.loads(payload[1:])
    except (ValueError, RecursionError) as error:
        raise ValueError("a change is damaged") from error
    if not isinstance(content, dict):
        raise ValueError("a change is damaged")
    changes = {field.name: plain_name(content[field.name]) for field in fields(InUse) if field.name in content}
    if changes.get("smooth", "off") not in PRESETS:
        raise ValueError("a change has a smoothing that there is not")
    return changes


def without_folder(name: str) -> str:
    """The name of a model as it is, and of a file without its folder, on this system and on Windows."""
    return PureWindowsPath(Path(name).name).name


def plain_name(value: object) -> str:
    """The name of a model, or of a file without its folder: what a session says must not lead to any other place.

    Raises:
        ValueError: it is none.
    """
    # A session may come from another system, where another slash is what divides folders.
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME or PureWindowsPath(value).name != value:
        raise ValueError("it has a name that cannot be")
    return value


def records(file: BinaryIO, damage: Damage) -> Iterator[tuple[int, bytes]]:
    """Every whole record of a file that begins with ``MAGIC``: where it begins, and its payload.

    Needs no more memory than one record, whatever the file states or holds.

    Args:
        file: seekable.
        damage: is told what is left out.
    """
    position = len(MAGIC)
    while True:
        payload = read_record(file, position)
        if payload is not None:
            yield position, payload
            position += _HEAD.size + len(payload)
            continue
        following = _find_marker(file, position + 1) if damage.num_places < _MAX_DAMAGED_PLACES else None
        if following is None:
            end = file.seek(0, 2)
            damage.num_cut_bytes = max(0, end - position)
            return
        damage.num_places += 1
        position = following


def read_record(file: BinaryIO, position: int) -> bytes | None:
    """The payload of the record that begins there; None where there is no whole one."""
    file.seek(position)
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    marker, length, checksum = _HEAD.unpack(head)
    if marker != _MARKER or not 0 < length <= MAX_RECORD_BYTES:
        return None
    payload = file.read(length)
    return payload if len(payload) == length and zlib.crc32(payload) == checksum else None


def _find_marker(file: BinaryIO, position: int) -> int | None:
    """Where the next marker is, from there on."""
    file.seek(position)
    kept = b""
    while chunk := file.read(_CHUNK_BYTES):
        text = kept + chunk
        found = text.find(_MARKER)
        if found >= 0:
            return position - len(kept) + found
        position += len(chunk)
        kept = text[-(len(_MARKER) - 1) :]
    return None


def _pack_person(keypoints: Keypoints2D) -> bytes:
    world = keypoints.world_xyz_m
    parts: Sequence[Float32Array] = [keypoints.xy_px, keypoints.confidence, *([] if world is None else [world])]
    flags = 0 if world is None else _HAS_WORLD
    return _PERSON.pack(flags) + b"".join(np.ascontiguousarray(part, _FLOAT).tobytes() for part in parts)


def _unpack_person(payload: bytes, position: int) -> tuple[Keypoints2D, int]:
    """One person, and where the next one begins."""
    if position >= len(payload):
        raise ValueError("a frame is shorter than its people")
    has_world = bool(payload[position] & _HAS_WORLD)
    start = position + _PERSON.size
    end = start + _XY_BYTES + _CONFIDENCE_BYTES + has_world * _WORLD_BYTES
    if end > len(payload):
        raise ValueError("a frame is shorter than its people")
    numbers = np.frombuffer(payload[start:end], _FLOAT).astype(np.float32, copy=False)
    xy_px, confidence, world = np.split(numbers, (2 * _JOINTS, 3 * _JOINTS))
    # NaN is a joint that is not known; infinite and absurd numbers come from damage alone.
    if not ((confidence >= 0) & (confidence <= 1)).all() or (np.abs(xy_px) > _FARTHEST_PX).any():
        raise ValueError("a frame has joints that cannot be")
    if (np.abs(world) > _FARTHEST_M).any():
        raise ValueError("a frame has joints that cannot be")
    person = Keypoints2D(
        xy_px=xy_px.reshape(_JOINTS, 2),
        confidence=confidence,
        world_xyz_m=world.reshape(_JOINTS, 3) if has_world else None,
    )
    return person, end
