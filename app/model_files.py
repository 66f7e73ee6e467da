"""Finds model files by name: packaged ones, downloaded ones in the user's cache, and the user's own by path.

``weights/manifest.json`` is the list of names with size, SHA-256, licence and origin. Packaged files are verified at
each load. A file whose hash cannot be pinned (fetched on demand from its publisher) is recorded at first use and must
not change after that.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import platformdirs
from tqdm import tqdm

from .errors import ConfigError, ModelError

Kind = Literal["detector", "lifter"]

SUFFIXES: dict[Kind, str] = {"detector": ".task", "lifter": ".onnx"}
_MAX_OWN_FILE_BYTES = 512 * 2**20
_CHUNK_BYTES = 2**18
_TIMEOUT_S = 20.0
_RECORD = "first_use.json"


@dataclass(frozen=True)
class ModelEntry:
    """One line of the manifest.

    Attributes:
        name: what the command line calls it.
        kind: ``detector`` or ``lifter``.
        file: file name in the package or in the cache.
        title: one line for people.
        licence: SPDX identifier of the file.
        origin: where it comes from.
        num_bytes: exact size of a packaged file, upper limit of a downloaded one.
        sha256: pinned hash, or None for a file that is recorded at first use.
        url: https address of a file that is fetched on demand, or None for a packaged one.
        scores: measured numbers, by name.
    """

    name: str
    kind: Kind
    file: str
    title: str
    licence: str
    origin: str
    num_bytes: int
    sha256: str | None = None
    url: str | None = None
    scores: dict[str, float] | None = None

    @property
    def is_packaged(self) -> bool:
        """True where the file comes with the program."""
        return self.url is None


@dataclass(frozen=True)
class ModelFile:
    """A model file that was read and verified. ``label`` names it in messages and exports."""

    label: str
    content: bytes


@cache
def manifest() -> tuple[ModelEntry, ...]:
    """All models that have a name."""
    text = (_package() / "manifest.json").read_text(encoding="utf-8")
    return tuple(ModelEntry(**entry) for entry in json.loads(text)["models"])


def known_names(kind: Kind) -> tuple[str, ...]:
    """Names of one kind, in the manifest's order."""
    return tuple(entry.name for entry in manifest() if entry.kind == kind)


def load(kind: Kind, name_or_path: str) -> ModelFile:
    """Read a model by name or by path, and verify it.

    Raises:
        ConfigError: neither a known name nor a file of that kind.
        ModelError: the file is missing, damaged, or cannot be fetched.
    """
    for entry in manifest():
        if entry.kind == kind and entry.name == name_or_path:
            return ModelFile(entry.name, _read_packaged(entry) if entry.is_packaged else _read_cached(entry))
    path = Path(name_or_path).expanduser()
    if path.suffix.lower() == SUFFIXES[kind]:
        return ModelFile(path.name, _read_own(path))
    raise ConfigError(
        f"unknown {kind} {name_or_path!r}", f"choose one of {', '.join(known_names(kind))}, or a {SUFFIXES[kind]} file"
    )


def cache_folder() -> Path:
    """Where files fetched on demand are kept; ``POSEDEMO_CACHE`` overrides the system's place."""
    return Path(os.environ.get("POSEDEMO_CACHE") or platformdirs.user_cache_dir("posedemo", appauthor=False))


def is_present(entry: ModelEntry) -> bool:
    """True where the model can be loaded without a network."""
    return entry.is_packaged or (cache_folder() / entry.file).is_file()


def verify_packaged(entry: ModelEntry) -> None:
    """Check a packaged file.

    Raises:
        ModelError: it is missing or damaged.
    """
    _read_packaged(entry)


def _package() -> importlib.resources.abc.Traversable:
    return importlib.resources.files("posedemo.weights")


def _read_packaged(entry: ModelEntry) -> bytes:
    try:
        content = (_package() / entry.file).read_bytes()
    except OSError as error:
        raise ModelError(f"the packaged file {entry.file} is missing", "install posedemo again") from error
    if len(content) != entry.num_bytes or _sha256(content) != entry.sha256:
        raise ModelError(
            f"the packaged file {entry.file} is damaged: its SHA-256 differs from the manifest",
            "install posedemo again (a checkout: `git checkout weights`)",
        )
    return content


def _read_own(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_OWN_FILE_BYTES:
            raise ModelError(f"{path} is larger than {_MAX_OWN_FILE_BYTES >> 20} MB", "check that it is a model file")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}", "check the path") from error


def _read_cached(entry: ModelEntry) -> bytes:
    path = cache_folder() / entry.file
    if not path.is_file():
        _download(entry, path)
    content = _read_own(path)
    if len(content) > entry.num_bytes:
        raise ModelError(f"{path} is larger than {entry.num_bytes >> 20} MB", "delete it and fetch it again")
    _check_first_use(path, _sha256(content))
    return content


def _download(entry: ModelEntry, path: Path) -> None:
    """Fetch a model into the cache: https only, size-limited, complete or not at all."""
    by_hand = f"fetch {entry.url} on another machine and place it at {path}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".partial")
    except OSError as error:
        raise ModelError(f"cannot write to the cache folder {path.parent}: {error.strerror}", by_hand) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            _fetch(entry, file)
        Path(partial).replace(path)
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise ModelError(f"cannot fetch {entry.name} (is the machine offline?): {reason}", by_hand) from error
    finally:
        Path(partial).unlink(missing_ok=True)


class _SameHostRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects within https and one host only."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        """Refuse what leads elsewhere."""
        if urllib.parse.urlsplit(newurl)[:2] != urllib.parse.urlsplit(req.full_url)[:2]:
            raise urllib.error.URLError(f"refused a redirect to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(entry: ModelEntry, file) -> None:  # type: ignore[no-untyped-def]
    if entry.url is None or urllib.parse.urlsplit(entry.url).scheme != "https":
        raise ValueError("not an https address")
    opener = urllib.request.build_opener(_SameHostRedirects)
    num_bytes = 0
    with (
        opener.open(entry.url, timeout=_TIMEOUT_S) as response,
        tqdm(desc=f"fetching {entry.name}", unit="B", unit_scale=True, disable=None, leave=False) as progress,
    ):
        progress.total = int(response.headers.get("Content-Length") or 0) or None
        while chunk := response.read(_CHUNK_BYTES):
            num_bytes += len(chunk)
            if num_bytes > entry.num_bytes:
                raise ValueError(f"it is larger than {entry.num_bytes >> 20} MB")
            file.write(chunk)
            progress.update(len(chunk))
    if progress.total is not None and num_bytes < progress.total:
        raise ValueError("the connection ended early")


def _check_first_use(path: Path, sha256: str) -> None:
    """Record the hash of a file at its first use; refuse it when it changes later."""
    record = path.parent / _RECORD
    try:
        known: dict[str, str] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    except (OSError, ValueError):
        known = {}
    if known.setdefault(path.name, sha256) != sha256:
        raise ModelError(
            f"{path} has changed since its first use",
            f"delete it to fetch it again, and its line in {record} to trust it",
        )
    try:
        record.write_text(json.dumps(known, indent=1), encoding="utf-8")
    except OSError:
        # A cache that cannot be written still serves the file; it is then recorded by nobody, as before its first use.
        return


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
