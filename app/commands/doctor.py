"""``posedemo doctor``: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import logging
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from .. import __version__, answers, model_files
from ..command import Command
from ..errors import PosedemoError
from ..manifest import default_name, manifest
from ..probing import ProbeError, ask
from ..skeleton import H36M17
from ..viewer.display import check_display

logger = logging.getLogger(__name__)

_LIBRARIES = ("numpy", "mediapipe", "opencv-contrib-python", "open3d", "av", "platformdirs", "tqdm")
_RUNTIMES = (
    "onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm",
    "onnxruntime-silicon",
)  # fmt: skip
_OTHER_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python-headless")
_PYTHONS = ((3, 11), (3, 14))
"""From the first to before the second; ``requires-python`` of the package says the same."""

_NUM_CAMERAS_TRIED = 4
_MIN_FREE_BYTES = 2**30
_SMOOTH_FPS = 24.0
"""A camera below that looks jerky: mostly one that exposes longer because it is dark, or that sends no MJPG."""

_CAMERA_LIMIT_S = 30.0
_WINDOW_LIMIT_S = 60.0
_LIFTING_LIMIT_S = 120.0
"""Generous, for slow machines: what works takes a tenth of it, and what hangs is given up after it."""

_GREEN, _RED, _YELLOW, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"


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
    return run_checks(_CHECKS, as_json=arguments.json)


def run_checks(makers: Sequence[Callable[[], Iterator[Check]]], *, as_json: bool) -> int:
    """Make checks and write what they found to standard output.

    Returns:
        0 when everything that is needed works, 1 otherwise.
    """
    checks: list[Check] = []
    for make in tqdm(makers, desc="checking", leave=False, disable=None):
        try:
            # One by one: those before a failure stay.
            for check in make():
                checks.append(check)
        except Exception as error:  # what a check did not foresee must not hide the others
            name = make.__name__.strip("_")
            checks.append(Check(name, ok=False, detail=str(error), fix="run it with --debug and report what it says"))
            logger.debug("%s", name, exc_info=error)
    if as_json:
        sys.stdout.write(json.dumps([asdict(check) for check in checks], indent=2) + "\n")
    else:
        is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        sys.stdout.writelines(f"{line}\n" for check in checks for line in _lines(check, is_coloured=is_coloured))
    return 0 if all(check.ok or not check.needed for check in checks) else 1


def _lines(check: Check, *, is_coloured: bool) -> Iterator[str]:
    """A check as a line, and its fix as another where it needs one."""
    mark, colour = ("ok  ", _GREEN) if check.ok else ("FAIL", _RED) if check.needed else ("note", _YELLOW)
    yield (
        f"{colour}{mark}{_PLAIN} {check.name}: {check.detail}"
        if is_coloured
        else f"{mark} {check.name}: {check.detail}"
    )
    if not check.ok:
        yield f"     {check.fix}"


def _program() -> Iterator[Check]:
    yield Check("posedemo", ok=True, detail=f"{__version__} on {platform.platform()}")
    first, last = _PYTHONS
    yield Check(
        "python",
        first <= sys.version_info[:2] < last and sys.maxsize > 2**32,
        f"{platform.python_version()}, {platform.machine()}",
        fix=f"use a 64-bit Python from {first[0]}.{first[1]} to {last[0]}.{last[1] - 1}",
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
                f"{model_files.state(entry)}, in {model_files.cache_folder()}, {entry.licence}",
                fix=f"only needed for --detector {entry.name}, which fetches it",
                needed=False,
            )


def _lifting() -> Iterator[Check]:
    """Every lifter, and every provider that ONNX Runtime claims to have: it claims CUDA on machines without a GPU."""
    try:
        runs = ask(answers.lifters, limit_s=_LIFTING_LIMIT_S)["runs"]
        providers = ask(answers.providers, limit_s=_LIFTING_LIMIT_S)["names"]
    except ProbeError as error:
        yield Check("lifters run", ok=False, detail=error.message, fix=error.hint or "install posedemo again")
        return
    for one in runs:
        yield Check(
            f"{one['name']} runs",
            "error" not in one,
            one.get("error") or f"{H36M17.num_joints} joints on the provider {one['provider']}",
            fix=one.get("hint", ""),
        )
    for name in providers:
        yield _provider(name)


def _provider(name: str) -> Check:
    try:
        ask(answers.lifter, default_name("lifter"), name, limit_s=_LIFTING_LIMIT_S)
    except ProbeError as error:
        fix = f"only needed for --provider {name}: install the NVIDIA driver and the libraries that ONNX Runtime needs"
        needed = name == "cpu"
        return Check(f"provider {name}", False, error.message, "install posedemo again" if needed else fix, needed)
    return Check(f"provider {name}", ok=True, detail=f"a session with {default_name('lifter')} runs on it")


def _display() -> Iterator[Check]:
    """Whether a window opens, and who draws in it."""
    try:
        check_display()
        driver = ask(answers.window, limit_s=_WINDOW_LIMIT_S)
    except PosedemoError as error:
        fix = error.hint or "install the driver of your graphics card, or set LIBGL_ALWAYS_SOFTWARE=1"
        yield Check("display", ok=False, detail=error.message, fix=fix, needed=False)
        return
    yield Check("display", ok=True, detail=f"a window opens, with OpenGL {driver['version'] or '3.3 or newer'}")
    yield Check(
        "graphics driver",
        not driver["is_software"],
        (driver["renderer"] or "nobody says") + (", drawn by the processor" if driver["is_software"] else ""),
        fix="the window is slow and takes time from the detector: install the driver of your graphics card",
        needed=False,
    )


def _cameras() -> Iterator[Check]:
    """Each camera that gives pictures, with what it really does."""
    numbers = _camera_numbers()
    found, silent = 0, ""
    for number in numbers:
        try:
            camera = ask(answers.camera, number, limit_s=_CAMERA_LIMIT_S)
        except ProbeError as error:
            # The second device of a camera gives no pictures, which is no fault; a camera that hangs is one.
            silent = silent or error.message
            continue
        found += 1
        width, height = camera["size_wh"]
        yield Check(
            f"camera {number}",
            camera["fps"] >= _SMOOTH_FPS,
            f"{camera['fps']:.1f} frames a second measured, {width}x{height} (it says {camera['words']})",
            fix="more light, another USB port, or a smaller --camera-size",
            needed=False,
        )
    if not found:
        yield Check(
            "cameras",
            ok=False,
            detail=silent or "none found",
            fix="plug one in, close other programs that use it, and allow this program to use cameras",
            needed=False,
        )


def _camera_numbers() -> list[int]:
    """Cameras to try: those that the system names, where it does."""
    if sys.platform != "linux":
        return list(range(_NUM_CAMERAS_TRIED))
    names = (path.name.removeprefix("video") for path in Path("/dev").glob("video[0-9]*"))
    return sorted(int(name) for name in names if name.isdecimal())


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
