"""Finds model files by name: packaged ones, downloaded ones in the user's cache, and the user's own by path.

The manifest is the list of names with size, SHA-256, licence and origin. Packaged files are verified at each load. A
file whose hash cannot be pinned (fetched on demand from its publisher) is recorded at first use and must not change
after that.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from tqdm import tqdm

from .errors import ConfigError, ModelError, OutputError
from .manifest import Kind, ModelEntry, known_names, manifest, package
from .outputs import write_whole

SUFFIXES: dict[Kind, str] = {"detector": ".task", "lifter": ".onnx"}
_MAX_OWN_FILE_BYTES = 512 * 2**20
_CHUNK_BYTES = 2**18
_TIMEOUT_S = 20.0
_RECORD = "first_use.json"


@dataclass(frozen=True)
class ModelFile:
    """A model file that was read and verified. ``label`` names it in messages and exports."""

    label: str
    content: bytes


def load(kind: Kind, name_or_path: str) -> ModelFile:
    """Read a model by name or by path, and verify it.

    Raises:
        ConfigError: neither a known name nor a file of that kind.
        ModelError: the file is missing, damaged, not trained yet, or cannot be fetched.
    """
    for entry in manifest():
        if entry.kind == kind and entry.name == name_or_path:
            return ModelFile(entry.name, _read_cached(entry) if entry.url else _read_packaged(entry))
    path = own_path(name_or_path)
    if path.suffix.lower() == SUFFIXES[kind]:
        return ModelFile(path.name, _read_own(path))
    raise ConfigError(
        f"unknown {kind} {name_or_path!r}", f"choose one of {', '.join(known_names(kind))}, or a {SUFFIXES[kind]} file"
    )


def own_path(path: str) -> Path:
    """A path that somebody gave, with ``~`` and ``~user`` as a shell has them; as it is where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_own(kind: Kind, name_or_path: str) -> bool:
    """True for a file of the user's, of which nothing is known beforehand; whether it is there, ``load`` tells."""
    return name_or_path not in known_names(kind)


def sha256(kind: Kind, name_or_path: str) -> str:
    """Hash of a model's file.

    Raises:
        ConfigError: as of ``load``.
        ModelError: as of ``load``, or the model has no file.
    """
    return _sha256(load(kind, name_or_path).content)


def cache_folder() -> Path:
    """Where files fetched on demand are kept; ``POSEDEMO_CACHE`` overrides the system's place."""
    return Path(os.environ.get("POSEDEMO_CACHE") or platformdirs.user_cache_dir("posedemo", appauthor=False))


def state(entry: ModelEntry) -> str:
    """How a model stands here: ``built in``, ``verified``, ``damaged``, ``missing``, ``fetched`` or ``on demand``.

    A packaged file is read and compared with its hash to say so.
    """
    if entry.file is None:
        return "built in"
    if entry.url is not None:
        return "fetched" if (cache_folder() / entry.file).is_file() else "on demand"
    if entry.is_untrained or not (package() / entry.file).is_file():
        return "missing"
    try:
        verify_packaged(entry)
    except ModelError:
        return "damaged"
    return "verified"


def verify_packaged(entry: ModelEntry) -> None:
    """Check a packaged file.

    Raises:
        ModelError: it is missing, damaged, or not trained yet.
    """
    _read_packaged(entry)


def _read_packaged(entry: ModelEntry) -> bytes:
    if entry.file is None:
        raise ModelError(f"{entry.name} comes with the detector and has no file of its own", "choose another lifter")
    if entry.is_untrained:
        raise ModelError(
            f"{entry.name} has no weights yet", f"train and export it, then give the .onnx file: {entry.train}"
        )
    try:
        content = (package() / entry.file).read_bytes()
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
    assert entry.file is not None, "what is fetched is a file"
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
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        # Readable by all whom the system's settings let, unlike the files that tempfile makes: a cache may be shared.
        file = partial.open("wb")
    except OSError as error:
        raise ModelError(f"cannot write to the cache folder {path.parent}: {error.strerror}", by_hand) from error
    try:
        with file:
            _fetch(entry, file)
        partial.replace(path)
    except Exception as error:  # an answer that is no HTTP has a class of its own, of a module that is not needed
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise ModelError(f"cannot fetch {entry.name} (is the machine offline?): {reason}", by_hand) from error
    finally:
        partial.unlink(missing_ok=True)


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
    known = _first_uses(record)
    if path.name not in known:
        # A cache that cannot be written still serves the file; it is then recorded by nobody, as before its first use.
        with suppress(OutputError):
            write_whole(record, json.dumps(known | {path.name: sha256}, indent=1))
    elif known[path.name] != sha256:
        raise ModelError(
            f"{path} has changed since its first use",
            f"delete it to fetch it again, and its line in {record} to trust it",
        )


def _first_uses(record: Path) -> dict[str, str]:
    """Hashes of files at their first use; where they cannot be read, nothing is taken for new."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        known = None
    if not isinstance(known, dict):
        raise ModelError(f"{record} cannot be read", "delete it, and the files beside it to fetch them again")
    return known


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
