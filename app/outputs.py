"""Output files: checked before anything starts, written under a temporary name, renamed when complete."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from .errors import ConfigError, OutputError
from .locks import lock

logger = logging.getLogger(__name__)

VIDEO_SUFFIXES = (".mp4",)
POSE_SUFFIXES = (".npz", ".json", ".csv", ".bvh")
_LONGEST_NAME = 255
"""Bytes, of the usual file systems."""


def check_outputs(paths: Sequence[Path], *, inputs: Sequence[Path], overwrite: bool) -> None:
    """Find out now, not after ten minutes, whether the outputs can be written.

    Raises:
        OutputError: one exists already, is an input, or its folder cannot be written.
        ConfigError: two of them are the same.
    """
    places, sources = [_resolved(path) for path in paths], {_resolved(path) for path in inputs}
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1:
            raise ConfigError(f"{path} is given as an output twice", "give each output its own name")
        if place in sources:
            raise OutputError(f"{path} is the input itself", "write to another name")
        # A name that is too long shows as soon as the system is asked for it.
        with writing(path, "write to another name"):
            if path.is_dir():
                raise OutputError(f"{path} is a folder", "give a file name")
            if path.is_symlink() and not path.exists():
                raise OutputError(f"{path} is a link to what does not exist", "remove it, or write to another name")
            if path.exists() and not overwrite:
                raise OutputError(f"{path} exists already", "add --overwrite to replace it, or write to another name")
            _check_folder(path)


def _resolved(path: Path) -> Path:
    # Of a name without a folder, where the folder that we are in was removed, nobody knows the place.
    with writing(path, "write to another folder"):
        try:
            return path.resolve()
        except RuntimeError as error:  # until Python 3.13, of links that lead in a circle
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error


def check_suffix(path: Path, suffixes: Sequence[str], option: str) -> None:
    """Refuse a file name whose suffix names no format that can be written.

    Raises:
        ConfigError: the suffix is not one of ``suffixes``.
    """
    if path.suffix.lower() not in suffixes:
        raise ConfigError(f"{option} cannot write {path.name!r}", f"use a name that ends with {' or '.join(suffixes)}")


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist", "create it first")
    try:
        # Asking the file system is the only sure way: permission bits tell little about network and read-only disks.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write to the folder {path.parent}: {error.strerror}", "use another folder"
        ) from error


class PartialFile:
    """A file under a temporary name beside its final one: ``talk.partial.mp4`` until it is ``talk.mp4``.

    What a run that was killed has left under that name is kept: it may be all there is of an hour's work. The name is
    locked, so that another run that is to write the same file is refused before it has done anything.

    Args:
        path: the final name.

    Raises:
        OutputError: the folder cannot be written, or another run is writing this file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Who asked for a new file did not agree to replace one that somebody else makes meanwhile.
        self._replaces = path.exists()
        with writing(path):
            self.partial, self._descriptor = _claim(path)

    def check(self) -> None:
        """Find out now, not in an hour, that the file is gone.

        Raises:
            OutputError: it was removed, or its folder was.
        """
        if not self.partial.exists():
            raise OutputError(f"{self.partial} was removed while it was being written", "run again, and let it be")

    def commit(self) -> None:
        """Give the complete file its final name.

        Raises:
            OutputError: it cannot have it; where another program has taken it meanwhile, both files are there.
        """
        try:
            with writing(self.path):
                if self._replaces:
                    self.partial.replace(self.path)
                else:
                    _rename_without_replacing(self.partial, self.path)
        except OutputError as error:
            if isinstance(error.__cause__, FileExistsError):
                raise OutputError(
                    f"another program has written {self.path} meanwhile", f"what this run wrote is {self.partial}"
                ) from error
            raise
        finally:
            self._unlock()

    def discard(self) -> None:
        """Remove the file."""
        # One that cannot be removed is mostly gone already, with its folder or its disk.
        with suppress(OSError):
            self.partial.unlink()
        self._unlock()

    def keep(self) -> None:
        """Leave the file as it is, under its temporary name."""
        self._unlock()

    def _unlock(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _claim(path: Path) -> tuple[Path, int | None]:
    """Make and lock an empty file beside ``path``; returns its name and its open descriptor."""
    for number in count(1):
        partial = partial_name(path, number)
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not lock(descriptor):
                raise OutputError(f"another run is writing {path}", "wait until it has ended, or write to another name")
            is_ours = partial.exists() and os.path.samestat(os.fstat(descriptor), partial.stat())
            if is_ours and not os.fstat(descriptor).st_size:
                return partial, _held(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if is_ours:
            logger.warning("%s is what a run that was cut off has left; it is kept", partial)
    raise AssertionError("there is always another number")


def _held(descriptor: int) -> int | None:
    """Windows neither renames nor removes what is open, so there nothing is held."""
    if sys.platform != "win32":
        return descriptor
    os.close(descriptor)
    return None


def partial_name(path: Path, number: int = 1) -> Path:
    """What a file is called until it is complete; a short name where the final one is as long as names may be."""
    mark = ".partial" if number == 1 else f".partial-{number}"
    name = f"{path.stem}{mark}{path.suffix}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"posedemo-{zlib.crc32(os.fsencode(path.name)):08x}{mark}{path.suffix}"
    return path.with_name(name)


def _rename_without_replacing(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        # No links on this file system: then the last look must do.
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        source.replace(target)
    else:
        source.unlink()


@contextmanager
def writing(path: Path, hint: str = "free some space or write to another folder") -> Iterator[None]:
    """Turn the system's errors while writing ``path`` into an OutputError that names it."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}", hint) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file that is complete, or not there: what is written within to the path that is given gets its name at the end.

    Raises:
        OutputError: it cannot be written, and nothing is left behind; or it cannot have its name.
    """
    file = PartialFile(path)
    try:
        with writing(path):
            yield file.partial
    except BaseException:
        file.discard()
        raise
    file.commit()


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is complete, or not there; text as UTF-8.

    Raises:
        OutputError: it cannot be written.
    """
    with whole_file(path) as partial:
        partial.write_bytes(content if isinstance(content, bytes) else content.encode())
