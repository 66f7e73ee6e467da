"""Reads NPZ files that may be damaged, or a stranger's: plain arrays only, and no more memory than the file is worth.

``numpy.load`` allocates whatever an array's header claims before it has seen any of it. Here a header must agree with
the archive, and the archive must not unpack to a multiple of the file that no measurement compresses to.
"""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Container
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OverflowError, RuntimeError)
"""What ``zipfile`` raises for damage. RuntimeError is an encrypted member and, as a class derived from it, one that is
packed in a way that ``zipfile`` does not know."""

_LONGEST_HEADER = 10_000
"""Bytes; numpy's are about a hundred."""

_PLAIN_TYPES = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|U[1-9]\d{0,8})")
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_IS_ENCRYPTED = 1

_ALWAYS_ALLOWED_BYTES = 2**24
_MOST_UNPACKED = 100
"""An array of zeros packs to a thousandth; joints of people who breathe to no less than a fiftieth."""


def read_arrays(path: Path, only: Container[str] | None = None) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an NPZ file, compressed or not.

    Args:
        path: the file.
        only: names of the arrays to read; the others are not looked at.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not an archive of plain arrays of numbers and text; says why.
    """
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = _chosen(archive, only, limit_bytes=_limit_bytes(path))
                return {name: _read_array(archive, member) for name, member in members.items()}
        except ZIP_DAMAGE as error:
            raise ValueError(str(error)) from error


def _limit_bytes(path: Path) -> int:
    return max(_ALWAYS_ALLOWED_BYTES, _MOST_UNPACKED * path.stat().st_size)


def _chosen(archive: zipfile.ZipFile, only: Container[str] | None, *, limit_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The members to read, by the names of their arrays."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if only is not None and name not in only:
            continue
        if name in members:
            raise ValueError(f"it holds {name!r} twice")
        if member.compress_type not in _COMPRESSIONS or member.flag_bits & _IS_ENCRYPTED:
            raise ValueError(f"{name!r} is packed in a way that numpy does not")
        members[name] = member
    unpacked = sum(member.file_size for member in members.values())
    if unpacked > limit_bytes:
        raise ValueError(f"it would unpack to {unpacked >> 20} MB")
    return members


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(member) as file:
        header = read_array_header(file)
        dtype, shape, order = _plain_layout(header, member.filename)
        num_bytes = math.prod(shape) * dtype.itemsize
        if num_bytes != member.file_size - file.tell():
            raise ValueError(f"{member.filename} is not as long as its header says")
        content = file.read(num_bytes)
        if len(content) != num_bytes:
            raise ValueError(f"{member.filename} breaks off")
        if not num_bytes:
            return np.empty(shape, dtype)
        # A copy, since bytes cannot be written to, which PyTorch minds.
        return np.frombuffer(content, dtype).reshape(shape, order=order).copy()


def read_array_header(file: IO[bytes]) -> dict[str, Any]:
    """The dict at the start of a ``.npy`` file: its magic, its version, the length of the dict's text, the text.

    Raises:
        ValueError: it is something else.
    """
    start = file.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY":
        raise ValueError("it is not in numpy's format")
    length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    if length > _LONGEST_HEADER:
        raise ValueError("it is not in numpy's format")
    try:
        header = ast.literal_eval(file.read(length).decode("latin1").strip())
    # MemoryError is how Python's parser refuses text that is nested too deeply.
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("an array's header is damaged") from error
    if not isinstance(header, dict) or not {"descr", "shape", "fortran_order"} <= set(header):
        raise ValueError("an array's header is damaged")
    return header


def _plain_layout(header: dict[str, Any], name: str) -> tuple[np.dtype[Any], tuple[int, ...], Any]:
    """Type, shape and order of an array of numbers or text."""
    descr, shape = header["descr"], header["shape"]
    if not isinstance(descr, str) or not _PLAIN_TYPES.fullmatch(descr):
        raise ValueError(f"{name} holds neither numbers nor text")
    if not isinstance(shape, tuple) or len(shape) > 32 or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"the shape of {name} is damaged")
    if 0 in shape and max(shape) > _LONGEST_HEADER:
        raise ValueError(f"the shape of {name} is damaged")
    try:
        dtype = np.dtype(descr)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"the type of {name} is damaged") from error
    return dtype, shape, "F" if header["fortran_order"] is True else "C"
