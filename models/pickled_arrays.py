"""Read the pickled objects of a ``.npz`` file as plain data, and nothing else.

A pickle is a program: it names functions and calls them. This reader knows four names, those that rebuild arrays,
and hands out stand-ins of its own for them, which only keep what they are given. Any other name ends the reading, so a
pickle can neither call a function of ours, of numpy's or of the system's, nor make an object of another class.
"""

from __future__ import annotations

import pickle
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ..array_files import read_array_header
from ..errors import SourceError

_NUMBER_TYPES = frozenset(("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"))


class _PickledType:
    """Stands for ``numpy.dtype``: a code such as "f4", and the byte order."""

    def __init__(self, code: str, *_: object) -> None:
        self._code, self._order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._order = state[1]

    def to_numpy(self) -> np.dtype[Any]:
        if self._code.startswith("O"):
            return np.dtype(object)
        if self._code not in _NUMBER_TYPES or self._order not in ("=", "<", ">", "|"):
            raise pickle.UnpicklingError(f"arrays of type '{self._code}' are not read")
        return np.dtype(self._order + self._code)


class _PickledArray:
    """Stands for ``numpy.ndarray``. Python calls ``__setstate__`` with what numpy would be given."""

    array: npt.NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, content = state
        dtype = kind.to_numpy()
        if dtype.hasobject:
            flat = np.empty(len(content), object)
            for place, value in enumerate(content):
                flat[place] = value
        else:
            flat = np.frombuffer(_to_bytes(content), dtype)
        self.array = flat.reshape(shape, order="F" if is_fortran else "C")


def _to_bytes(content: bytes | str) -> bytes:
    """Python 2 wrote bytes as text."""
    return content.encode("latin1") if isinstance(content, str) else content


def _new_array(*_: object) -> _PickledArray:
    """Stands for numpy's ``_reconstruct``, which makes an empty array to be filled by ``__setstate__``."""
    return _PickledArray()


def _number(kind: _PickledType, content: bytes | str) -> Any:
    """Stands for numpy's ``scalar``."""
    (number,) = np.frombuffer(_to_bytes(content), kind.to_numpy()).tolist()
    return number


def _encode(text: str, encoding: str) -> bytes:
    """Stands for ``_codecs.encode``, by which the oldest protocols write bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text encoded as {encoding} is not read")
    return text.encode("latin1")


_KNOWN: Mapping[tuple[str, str], object] = {
    ("numpy", "dtype"): _PickledType,
    ("numpy", "ndarray"): _PickledArray,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _new_array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _number for core in ("core", "_core")},
    ("_codecs", "encode"): _encode,
}


class _PlainUnpickler(pickle.Unpickler):
    """Lets dicts, lists, tuples, text, numbers and arrays through."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if (module_name, global_name) not in _KNOWN:
            raise pickle.UnpicklingError(
                f"it asks for '{module_name}.{global_name}', which is neither data nor an array"
            )
        return _KNOWN[module_name, global_name]


def read_pickled(path: Path, key: str) -> Any:
    """Read one object of a ``.npz`` file, which ``numpy.savez`` has wrapped in an array without dimensions.

    Args:
        path: the file.
        key: name of the object in it.

    Returns:
        Dicts, lists, tuples, text, numbers, None and numpy arrays.

    Raises:
        SourceError: the file cannot be read, has no such key, or holds anything else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if f"{key}.npy" not in archive.namelist():
                keys = ", ".join(name.removesuffix(".npy") for name in archive.namelist()[:10])
                raise SourceError(f"{path.name} has no '{key}'", hint=f"it holds: {keys or 'nothing'}")
            with archive.open(f"{key}.npy") as member:
                return _read_object(member)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
    # A damaged pickle can raise nearly everything, as the documentation of Python's pickle module says.
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        zlib.error,
        ArithmeticError,
        AssertionError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
    ) as error:
        raise SourceError(f"{path.name} is not a file of arrays: {error}", hint="get the file again") from error


def _read_object(member: IO[bytes]) -> Any:
    header = read_array_header(member)
    if header["shape"] != () or header["descr"] != "|O":
        raise ValueError(f"expected one pickled object, found {header['shape']} of type {header['descr']}")
    # Python 2 wrote text without an encoding: latin1 takes every byte as it is.
    wrapped = _to_plain(_PlainUnpickler(member, encoding="latin1").load(), {})
    return wrapped.item() if isinstance(wrapped, np.ndarray) else wrapped


def _to_plain(value: Any, done: dict[int, Any]) -> Any:
    """The value with arrays in the place of their stand-ins.

    Args:
        value: what was unpickled.
        done: what has been made of others, by identity: a list that holds another one twice must not be made twice, or
            a few bytes would take as long as anybody likes.
    """
    if id(value) not in done:
        done[id(value)] = _plain(value, done)
    return done[id(value)]


def _plain(value: Any, done: dict[int, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _to_plain(content, done) for key, content in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_to_plain(content, done) for content in value)
    if isinstance(value, _PickledArray):
        if value.array.dtype.hasobject:
            for place, content in enumerate(value.array.flat):
                value.array.flat[place] = _to_plain(content, done)
        return value.array
    if value is None or isinstance(value, str | bytes | bool | int | float):
        return value
    raise pickle.UnpicklingError(f"it holds a {type(value).__name__}, which is neither data nor an array")
