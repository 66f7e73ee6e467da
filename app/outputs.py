"""Output files: checked before anything starts, written under a temporary name, renamed when complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import ConfigError, OutputError

VIDEO_SUFFIXES = (".mp4",)
POSE_SUFFIXES = (".npz", ".json", ".csv")


def check_outputs(paths: Sequence[Path], *, inputs: Sequence[Path], overwrite: bool) -> None:
    """Find out now, not after ten minutes, whether the outputs can be written.

    Raises:
        OutputError: one exists already, is an input, or its folder cannot be written.
        ConfigError: two of them are the same.
    """
    places = [path.resolve() for path in paths]
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1:
            raise ConfigError(f"{path} is given as an output twice", "give each output its own name")
        if place in {source.resolve() for source in inputs}:
            raise OutputError(f"{path} is the input itself", "write to another name")
        # A name that is too long shows as soon as the system is asked for it.
        with writing(path, "write to another name"):
            if path.is_dir():
                raise OutputError(f"{path} is a folder", "give a file name")
            if path.exists() and not overwrite:
                raise OutputError(f"{path} exists already", "add --overwrite to replace it, or write to another name")
            _check_folder(path)


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
    """A file under a temporary name beside its final one.

    Args:
        path: the final name.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with writing(path):
            # A short name of its own, since the final one may already be as long as the file system allows.
            with tempfile.NamedTemporaryFile(
                dir=path.parent, prefix=".posedemo-", suffix=f".partial{path.suffix}", delete=False
            ) as file:
                self.partial = Path(file.name)
            self.partial.chmod(0o666 & ~_umask())

    def commit(self) -> None:
        """Give the complete file its final name."""
        with writing(self.path):
            self.partial.replace(self.path)

    def discard(self) -> None:
        """Remove the file."""
        self.partial.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, hint: str = "free some space or write to another folder") -> Iterator[None]:
    """Turn the system's errors while writing ``path`` into an OutputError that names it."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}", hint) from error


def _umask() -> int:
    """The process's umask; temporary files are private, but an output is an ordinary file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
