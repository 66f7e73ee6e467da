"""Makes a wheel of this program from what is running: built of a checkout, put together of an installation."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .errors import ConfigError, OutputError

_NAME = "posedemo"
_PACKAGES = ("posedemo", "posedemo.models", "posedemo.weights")
_SOURCES, _SOURCE_FILES = ("app", "models", "weights"), ("pyproject.toml", "README.md", "LICENSE")
_SUFFIXES = {".py", ".typed", ".onnx", ".task", ".json", ".mp4", ".md"}
_WHEEL = "Wheel-Version: 1.0\nGenerator: posedemo pack\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_OF_THIS_INSTALLATION = {"RECORD", "WHEEL", "INSTALLER", "REQUESTED", "direct_url.json"}


def write_own_wheel(folder: Path) -> Path:
    """Write the wheel and return its path.

    Args:
        folder: to put it into.

    Raises:
        ConfigError: the program runs without having been installed, so that nobody knows what it needs.
        OutputError: it cannot be built.
        OSError: the folder cannot be written.
    """
    try:
        distribution = importlib.metadata.distribution(_NAME)
    except importlib.metadata.PackageNotFoundError as error:
        raise ConfigError("posedemo is not installed here", "install it with pip first, then pack it") from error
    checkout = _checkout(distribution)
    return _put_together(folder, distribution) if checkout is None else _build(folder, checkout)


def _checkout(distribution: importlib.metadata.Distribution) -> Path | None:
    """The sources that are installed in place, if any: what such an installation says of itself may be out of date."""
    text = distribution.read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(urllib.request.url2pathname(urllib.parse.urlsplit(origin["url"]).path))


def _build(folder: Path, checkout: Path) -> Path:
    """Let pip build it from a copy, so that no build folder is left in the checkout."""
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / _NAME
        for name in _SOURCES:
            shutil.copytree(checkout / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _SOURCE_FILES:
            shutil.copy(checkout / name, source)
        # Where there is setuptools no network is needed.
        here = ["--no-build-isolation"] if importlib.util.find_spec("setuptools") else []
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", *here, "-w", str(folder), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"pip ended with code {done.returncode}"]
        raise OutputError(f"no wheel can be built of {checkout}: {lines[-1]}", "pip install setuptools pip, then again")
    return next(folder.glob(f"{_NAME}-*.whl"))


def _put_together(folder: Path, distribution: importlib.metadata.Distribution) -> Path:
    """Zip what is installed, with what it says of itself."""
    version = distribution.version
    info = f"{_NAME}-{version}.dist-info"
    path = folder / f"{_NAME}-{version}-py3-none-any.whl"
    record: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:

        def add(name: str, content: bytes) -> None:
            file.writestr(name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(content)}")

        for name, source in sorted(_modules().items()):
            add(name, source.read_bytes())
        for name, content in _metadata(distribution):
            add(f"{info}/{name}", content)
        add(f"{info}/WHEEL", _WHEEL.encode())
        file.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return path


def _modules() -> dict[str, Path]:
    """All files of the packages: the name that each has in a wheel, and where it is here."""
    found: dict[str, Path] = {}
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            root = Path(place)
            for path in root.rglob("*"):
                if path.suffix in _SUFFIXES and "__pycache__" not in path.parts and path.is_file():
                    name = PurePosixPath(*package.split("."), *path.relative_to(root).parts)
                    found[str(name)] = path
    return found


def _metadata(distribution: importlib.metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    """What says how it is called, what it needs and what commands it has, and its licences."""
    for path in distribution.files or ():
        parts = path.parts
        if parts[0].endswith(".dist-info") and path.name not in _OF_THIS_INSTALLATION:
            yield "/".join(parts[1:]), path.locate().read_bytes()  # type: ignore[attr-defined]
