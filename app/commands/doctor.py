"""``posedemo doctor``: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import __version__, model_files
from ..command import Command
from ..errors import PosedemoError
from ..manifest import manifest
from ..skeleton import H36M17

_LIBRARIES = ("numpy", "mediapipe", "opencv-contrib-python", "open3d", "av")
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
_OTHER_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python-headless")
_NUM_CAMERAS_TRIED = 4
_MIN_FREE_BYTES = 2**30


@dataclass(frozen=True)
class Check:
    """The outcome of one check. ``fix`` is what to do when it is not ``ok``; ``needed`` ones decide the exit code."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="write JSON for programs")


def run(arguments: argparse.Namespace) -> int:
    """Run all checks; 0 when everything that is needed works, 1 otherwise."""
    checks = [check for make in _CHECKS for check in make()]
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(check) for check in checks], indent=2) + "\n")
    else:
        for check in checks:
            mark = "ok  " if check.ok else ("FAIL" if check.needed else "note")
            sys.stdout.write(f"{mark} {check.name}: {check.detail}\n")
            if not check.ok:
                sys.stdout.write(f"     {check.fix}\n")
    return 0 if all(check.ok or not check.needed for check in checks) else 1


def _program() -> Iterator[Check]:
    yield Check(
        "posedemo", ok=True, detail=f"{__version__} on Python {platform.python_version()}, {platform.platform()}"
    )


def _libraries() -> Iterator[Check]:
    for name in _LIBRARIES:
        version = _version(name)
        yield Check(name, version is not None, version or "not installed", fix=f"pip install {name}")
    others = [name for name in _OTHER_OPENCV if _version(name)]
    yield Check(
        "one OpenCV",
        not others,
        f"also installed: {', '.join(others)}" if others else "opencv-contrib-python only",
        fix=f"pip uninstall {' '.join(others)}; pip install --force-reinstall opencv-contrib-python",
    )
    runtimes = [name for name in _RUNTIMES if _version(name)]
    yield Check(
        "one ONNX Runtime",
        len(runtimes) == 1,
        ", ".join(f"{name} {_version(name)}" for name in runtimes) or "not installed",
        fix="keep one of onnxruntime and onnxruntime-gpu: pip uninstall both, then install posedemo again",
    )


def _weights() -> Iterator[Check]:
    for entry in manifest():
        if entry.is_packaged:
            try:
                model_files.verify_packaged(entry)
            except PosedemoError as error:
                yield Check(entry.name, ok=False, detail=error.message, fix=error.hint)
            else:
                yield Check(entry.name, ok=True, detail=f"{entry.file} verified, {entry.licence}")
        elif entry.is_untrained:
            yield Check(entry.name, ok=False, detail="not trained yet", fix=f"train it: {entry.train}", needed=False)
        elif entry.url is not None:
            yield Check(
                entry.name,
                model_files.state(entry) == "fetched",
                f"{model_files.state(entry)}, in {model_files.cache_folder()}",
                fix=f"only needed for --detector {entry.name}, which fetches it",
                needed=False,
            )


def _lifting() -> Iterator[Check]:
    from .. import registry

    for entry in (entry for entry in manifest() if entry.kind == "lifter" and not entry.is_untrained):
        try:
            lifter = registry.create_lifter(entry.name, provider="auto")
        except PosedemoError as error:
            yield Check(f"{entry.name} runs", ok=False, detail=error.message, fix=error.hint)
        else:
            detail = f"{H36M17.num_joints} joints on the provider {lifter.provider}"
            yield Check(f"{entry.name} runs", ok=True, detail=detail)


def _display() -> Iterator[Check]:
    from ..viewer.window import check_display

    try:
        check_display()
    except PosedemoError as error:
        yield Check("display", ok=False, detail=error.message, fix=error.hint, needed=False)
    else:
        yield Check("display", ok=True, detail="a window can be opened")


def _cameras() -> Iterator[Check]:
    from ..capture.camera import CameraDevice

    found = []
    for number in range(_NUM_CAMERAS_TRIED):
        try:
            camera = CameraDevice(number)
        except PosedemoError:
            continue
        width, height = camera.info.size_wh
        found.append(f"{number} ({width}x{height})")
        camera.close()
    yield Check(
        "cameras",
        bool(found),
        ", ".join(found) or "none found",
        fix="plug one in, close other programs that use it, and allow this program to use cameras",
        needed=False,
    )


def _disk() -> Iterator[Check]:
    free = shutil.disk_usage(Path.cwd()).free
    yield Check(
        "disk",
        free > _MIN_FREE_BYTES,
        f"{free / 2**30:.1f} GiB free in this folder",
        fix="free some space",
        needed=False,
    )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


_CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    _program,
    _libraries,
    _weights,
    _lifting,
    _display,
    _cameras,
    _disk,
)

COMMANDS = {"doctor": Command(add_arguments=add_arguments, run=run)}
