"""``posedemo pack``: a folder from which the program can be installed and started without a network."""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import logging
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from .. import __version__, model_files
from ..arguments import file_path
from ..command import Command
from ..errors import OutputError
from ..manifest import manifest
from ..outputs import writing
from ..own_wheel import write_own_wheel

logger = logging.getLogger(__name__)

_WHEELS, _MODELS = "wheels", "models"

_START_SH = """\
#!/bin/sh
# Starts posedemo from this folder; the first time it installs it here, without a network.
set -e
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
python=${{PYTHON:-python{python}}}
if [ ! -f "$here/{place}/complete" ]; then
  if ! command -v "$python" >/dev/null; then
    echo "posedemo needs Python {python} (or set PYTHON to where it is)" >&2
    exit 1
  fi
  rm -rf "$here/{place}"
{install}
  : > "$here/{place}/complete"
fi
if [ -d "$here/models" ]; then
  POSEDEMO_CACHE="$here/models"
  export POSEDEMO_CACHE
fi
[ $# -gt 0 ] || set -- --camera 0
# Not a command named posedemo, which would no longer work once the folder has been moved.
{start} -m posedemo "$@"
"""

_WITH_LIBRARIES_SH = {
    "place": ".venv",
    "install": """\
  "$python" -m venv "$here/.venv"
  echo "installing posedemo into $here/.venv, which takes a few minutes" >&2
  "$here/.venv/bin/python" -m pip install -q --no-index --find-links "$here/wheels" posedemo""",
    "start": 'exec "$here/.venv/bin/python"',
}
_ALONE_SH = {
    "place": "site",
    "install": """\
  "$python" -m pip install -q --no-index --no-deps --target "$here/site" "$here"/wheels/*.whl""",
    "start": 'PYTHONPATH="$here/site${PYTHONPATH:+:$PYTHONPATH}" exec "$python"',
}
"""A virtual environment would see the libraries of the system's Python, but not those of another environment."""

_START_BAT = """\
@echo off
rem Starts posedemo from this folder; the first time it installs it here, without a network.
setlocal
set "here=%~dp0"
if not defined PYTHON set "PYTHON=py -{python}"
{before}if not exist "%here%{place}\\complete" (
{install}
  type nul > "%here%{place}\\complete"
)
if exist "%here%models" set "POSEDEMO_CACHE=%here%models"
rem Not a command named posedemo, which would no longer work once the folder has been moved.
if "%~1"=="" ({start} -m posedemo --camera 0) else (
  {start} -m posedemo %*
)
"""

_WITH_LIBRARIES_BAT = {
    "place": ".venv",
    "install": """\
  echo installing posedemo into %here%.venv, which takes a few minutes
  %PYTHON% -m venv "%here%.venv" || (echo posedemo needs Python {python}& exit /b 1)
  "%here%.venv\\Scripts\\python" -m pip install -q --no-index --find-links "%here%wheels" posedemo || exit /b 1""",
    "start": '"%here%.venv\\Scripts\\python"',
    "before": "",
}
_ALONE_BAT = {
    "place": "site",
    "install": """\
  %PYTHON% -m pip install -q --no-index --no-deps -f "%here%wheels" -t "%here%site" posedemo || exit /b 1""",
    "start": "%PYTHON%",
    "before": 'set "PYTHONPATH=%here%site;%PYTHONPATH%"\n',
}

_README = """\
posedemo {version}, to be used without a network
{underline}

Made on {system} with Python {python}.
It runs on the same kind of system with the same Python; {needs}.

  {start}                     installs it into this folder the first time, then shows camera 0
  {start} --video talk.mp4    any options of posedemo; --help lists them
  {start} doctor              checks cameras, window, weights and libraries

wheels/       the program with its weights{libraries}
models/       models that were fetched on demand; only there if there were any
licenses/     of the program and of the weights; each library has its own in its wheel
SHA256SUMS    to see whether a copy is complete: sha256sum -c SHA256SUMS

By hand: {python_name} -m pip install --no-index{no_deps} --find-links wheels posedemo
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", metavar="DIR", type=file_path, help="where to write; new or empty")
    parser.add_argument(
        "--without-libraries",
        action="store_true",
        help="the program and its weights alone, for machines that have what it needs (20 MB instead of 1 GB)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the folder: complete or not at all."""
    folder: Path = arguments.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is there already and not empty", "give a new folder")
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".posedemo-"))
        try:
            _fill(partial, with_libraries=not arguments.without_libraries)
            partial.chmod(0o755)
            if folder.is_dir():
                folder.rmdir()
            partial.replace(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    num_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    logger.info("wrote %s: %.0f MB; start it with %s", folder, num_bytes / 1e6, folder / _start_name())
    return 0


def _fill(folder: Path, *, with_libraries: bool) -> None:
    wheels = folder / _WHEELS
    wheels.mkdir()
    wheel = write_own_wheel(wheels)
    if with_libraries:
        _fetch_libraries(wheel)
    _copy_fetched_models(folder / _MODELS)
    _copy_licences(wheel, folder / "licenses")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    start = folder / _start_name()
    start.write_text(_start_script(python, with_libraries=with_libraries), encoding="utf-8")
    start.chmod(0o755)
    (folder / "README.txt").write_text(_readme(python, with_libraries=with_libraries), encoding="utf-8")
    sums = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in sorted(_files(folder))]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def _fetch_libraries(wheel: Path) -> None:
    """Let pip fetch what a wheel needs, in the versions that are installed here, and put it beside the wheel.

    pip is steered as ever: ``PIP_INDEX_URL``, ``PIP_FIND_LINKS`` and the like are followed.

    Raises:
        OutputError: pip cannot reach all of it, or is not there.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False, encoding="utf-8") as constraints:
        constraints.writelines(f"{line}\n" for line in _installed_versions())
    command = [
        sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--only-binary=:all:",
        "--dest", wheel.parent, "--constraint", constraints.name, wheel,
    ]  # fmt: skip
    try:
        done = subprocess.run([*map(str, command)], stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        Path(constraints.name).unlink()
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = lines[0].removeprefix("ERROR: ") if lines else f"it ended with code {done.returncode}"
        raise OutputError(
            f"pip cannot fetch the libraries: {reason}",
            "connect to a network, or set PIP_FIND_LINKS to a folder of wheels; --without-libraries leaves them out",
        )


def _installed_versions() -> Iterator[str]:
    """``name==version`` of everything that is installed, except for this program."""
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name and name.lower() != "posedemo":
            yield f"{name}=={distribution.version}"


def _copy_fetched_models(folder: Path) -> None:
    """Copy what was fetched on demand, so that it needs no network there either."""
    files = [entry.file for entry in manifest() if entry.file and model_files.state(entry) == "fetched"]
    for file in files:
        folder.mkdir(exist_ok=True)
        shutil.copyfile(model_files.cache_folder() / file, folder / file)


def _copy_licences(wheel: Path, folder: Path) -> None:
    """Those that are in the wheel, where nobody would look for them."""
    folder.mkdir()
    with zipfile.ZipFile(wheel) as file:
        for name in file.namelist():
            if ".dist-info/licenses/" in name:
                (folder / name.rpartition("/")[2]).write_bytes(file.read(name))


def _start_name() -> str:
    return "start.bat" if sys.platform == "win32" else "start.sh"


def _start_script(python: str, *, with_libraries: bool) -> str:
    if sys.platform == "win32":
        template, parts = _START_BAT, _WITH_LIBRARIES_BAT if with_libraries else _ALONE_BAT
    else:
        template, parts = _START_SH, _WITH_LIBRARIES_SH if with_libraries else _ALONE_SH
    return template.format(python=python, **{name: part.replace("{python}", python) for name, part in parts.items()})


def _readme(python: str, *, with_libraries: bool) -> str:
    title = f"posedemo {__version__}, to be used without a network"
    return _README.format(
        version=__version__,
        underline="=" * len(title),
        system=platform.platform(),
        python=python,
        python_name=f"py -{python}" if sys.platform == "win32" else f"python{python}",
        start=_start_name() if sys.platform == "win32" else f"./{_start_name()}",
        libraries=" and all libraries" if with_libraries else "",
        needs="nothing else is needed"
        if with_libraries
        else "the libraries must be there, PYTHON=/path/to/python\nnames an environment that has them",
        no_deps="" if with_libraries else " --no-deps",
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


COMMANDS = {"pack": Command(add_arguments=add_arguments, run=run)}
