"""NPZ files that are whole as files and wrong in what they hold, and archives that are made to do harm."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.generic]]

_TYPES = ("f2", "f4", "f8", ">f4", "i1", "i8", "u8", "b1", "c8", "M8[s]", "U3", "S3", "O")
_ODD = (np.nan, np.inf, -np.inf, 1e30, -1e30, 1e300, -1.0, 0.0, 2.0**62, 1e-300)
_TERABYTES = 2**42
_NO_LETTERS = str({"descr": "<U0", "fortran_order": False, "shape": (10**12,)})


def mutated_arrays(arrays: Arrays, count: int, *, seed: int = 0) -> Iterator[bytes]:
    """An NPZ file in as many variants, with one or two arrays dropped, retyped, reshaped or holding odd numbers."""
    for number in range(count):
        random = np.random.default_rng((seed, number))
        changed = dict(arrays)
        for _ in range(int(random.integers(1, 3))):
            name = list(arrays)[int(random.integers(len(arrays)))]
            if random.random() < 0.1:
                changed.pop(name, None)
            else:
                changed[name] = _CHANGES[int(random.integers(len(_CHANGES)))](arrays[name], random)
        yield packed(changed)


def packed(arrays: Arrays) -> bytes:
    """As ``numpy.savez_compressed`` writes them; object arrays as pickles."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _retyped(array: npt.NDArray[np.generic], random: np.random.Generator) -> npt.NDArray[np.generic]:
    try:
        with np.errstate(all="ignore"):
            return array.astype(_TYPES[int(random.integers(len(_TYPES)))])
    except (ValueError, TypeError):
        return np.array({"not": "an array"}, dtype=object)


def _reshaped(array: npt.NDArray[np.generic], random: np.random.Generator) -> npt.NDArray[np.generic]:
    shapes = (array.T, array[None], array[:0] if array.ndim else array[None][:0], array.ravel(), array[..., None])
    return shapes[int(random.integers(len(shapes)))]


def _resized(array: npt.NDArray[np.generic], random: np.random.Generator) -> npt.NDArray[np.generic]:
    if not array.ndim:
        return np.array([array, array])
    axis = int(random.integers(array.ndim))
    rows = random.integers(max(1, array.shape[axis]), size=int(random.integers(40)))
    return np.take(array, rows, axis) if array.size else array


def _odd(array: npt.NDArray[np.generic], random: np.random.Generator) -> npt.NDArray[np.generic]:
    """Anything from one number to all of them."""
    if array.dtype.kind not in "iufb":
        return np.array("no such thing")
    values = array.astype(np.float64)
    share = random.random() ** 3
    chosen = random.random(values.shape) < share if values.ndim else True
    odd = _ODD[int(random.integers(len(_ODD)))]
    with np.errstate(all="ignore"):
        return np.where(chosen, odd, values).astype(array.dtype if array.dtype.kind == "f" else np.float64)


_CHANGES = (_retyped, _reshaped, _resized, _odd, _odd, _odd)


def hostile_archives(arrays: Arrays, name: str) -> dict[str, bytes]:
    """Archives that are made to do harm, by what they try.

    Args:
        arrays: what the file holds that they pretend to be.
        name: of one of them that it cannot do without.
    """
    members = {f"{key}.npy": _member(array) for key, array in arrays.items()}
    whole, target = members[f"{name}.npy"], f"{name}.npy"
    zeros = np.zeros((2**21, 17, 2), np.float32)
    return {
        "a header that claims terabytes": _archive(members | {target: _claiming((_TERABYTES, 17, 2))}),
        "a header with more bytes than a number holds": _archive(members | {target: _claiming((2**40, 2**40, 2))}),
        "a negative length": _archive(members | {target: _claiming((-1, 17, 2))}),
        "a type that claims gigabytes": _archive(members | {target: _claiming((1,), "<U2000000000")}),
        "text of no letters, a trillion times": _archive(members | {target: _with_header(_NO_LETTERS)}),
        "a header nested 9,000 deep": _archive(members | {target: _with_header("(" * 9_000)}),
        "a header that calls a function": _archive(members | {target: _with_header("__import__('os').getcwd()")}),
        "an array that unpacks to 285 MB": _archive(members | {target: _member(zeros)}, zipfile.ZIP_DEFLATED),
        "a pickle": _archive(members | {target: _pickle()}),
        "the same array twice": _archive([*members.items(), (target, whole)]),
        "entries that leave the folder": _archive({f"../../{key}": content for key, content in members.items()}),
        "LZMA": _archive(members, zipfile.ZIP_LZMA),
        "bzip2": _archive(members, zipfile.ZIP_BZIP2),
        "an encrypted entry": _flagged(_archive(members), 1),
        "a size that is not true": _with_size(_archive(members), target, 2**31),
        "an archive in an archive": _archive({target: _archive(members)}),
        "nothing": _archive({}),
    }


def _member(array: npt.NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def _claiming(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    return _with_header(str({"descr": descr, "fortran_order": False, "shape": shape})) + bytes(1000)


def _with_header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def _pickle() -> bytes:
    header = str({"descr": "|O", "fortran_order": False, "shape": ()})
    # What would be run: os.mkdir("pwned").
    return _with_header(header) + b"cos\nmkdir\n(S'pwned'\ntR."


def _archive(members: Mapping[str, bytes] | list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            if name in archive.namelist():
                # zipfile warns of a second one, which is what is wanted here.
                archive.NameToInfo.pop(name)
            archive.writestr(name, content)
    return file.getvalue()


def _flagged(archive: bytes, flag: int) -> bytes:
    """Set a flag of every entry, in both places where a zip has it."""
    changed = bytearray(archive)
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.find(marker)
        while place >= 0:
            changed[place + offset] |= flag
            place = changed.find(marker, place + 4)
    return bytes(changed)


def _with_size(archive: bytes, name: str, size: int) -> bytes:
    """State another unpacked size of an entry in the directory."""
    changed = bytearray(archive)
    place = changed.rfind(name.encode()) - 46
    assert changed[place : place + 4] == b"PK\x01\x02"
    changed[place + 24 : place + 28] = size.to_bytes(4, "little")
    return bytes(changed)


def checksum(content: bytes) -> str:
    """Names a case in a message."""
    return f"{zlib.crc32(content):08x}"
