"""Asks the machine what may hang or crash whoever asks: in a process of its own, and for no longer than a time limit.

Drivers of cameras, windows and GPUs do both. ``python -m posedemo.probing QUESTION ...`` answers with a line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from .datatypes import Frame
from .errors import ModelError, PosedemoError
from .manifest import Kind, manifest

_KILLED_WITHIN_S = 1.0
_MEASURED_FOR_S = 1.5

_OPENING_LIMIT_S = 120.0
"""A model file takes a second or two to open; on a slow machine that is busy, twenty times as long."""
_OPENING_LIMIT_BYTES = 4 * 2**30
"""The largest of MediaPipe's needs a tenth of it."""


class ProbeError(PosedemoError):
    """What was asked did not work; the message says what is wrong."""


def ask(question: str, *arguments: object, limit_s: float) -> dict[str, Any]:
    """Put a question in a process of its own.

    Args:
        question: one of ``QUESTIONS``.
        arguments: of the question.
        limit_s: how long the answer may take.

    Raises:
        ProbeError: it does not work, crashes, or takes too long.
    """
    command = [sys.executable, "-m", "posedemo.probing", question, *map(str, arguments)]
    process = subprocess.Popen(
        command,
        # Address space, which is limited for some questions, is not to be spent on a heap for every thread.
        env=os.environ | {"MALLOC_ARENA_MAX": "2"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        answer, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise ProbeError(f"gave no answer for {limit_s:g} s") from error
    finally:
        _end(process)
    return _read(answer, process.returncode)


def try_out(kind: Kind | Literal["predictor"], path: str) -> None:
    """Let a process of its own open a model file that did not come with the program.

    What a run cannot show can still be measured: a "predictor" is a lifter of any joints and normalisation.

    A file can be sound by every rule and still ask for all memory, for hours of work, or for what makes a native
    library crash. That ends the other process.

    Raises:
        ModelError: it was refused there, or not opened in time and with little memory.
    """
    try:
        answer = ask("opening", kind, path, limit_s=_OPENING_LIMIT_S)
        if refusal := answer.get("refusal"):
            raise ModelError(*refusal)
    except ProbeError as error:
        raise ModelError(
            f"{path} cannot be used: a process that only opened it {error.message}",
            "check where the file is from, and that it is whole",
        ) from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it if it still runs. One that is stuck in a driver cannot be killed, and is not waited for."""
    if process.poll() is None:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_KILLED_WITHIN_S)
    if process.stdout is not None:
        process.stdout.close()


def _read(answer: bytes, code: int) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(answer.splitlines()[-1])
    except (ValueError, IndexError) as error:
        # Signals that end a process come as negative numbers.
        raise ProbeError("crashed" if code < 0 else f"ended with code {code} without an answer") from error
    if "error" in content:
        raise ProbeError(content["error"], content["hint"])
    return content


def measured_fps(frames: Iterable[Frame]) -> float:
    """Frames a second that really come: counted for a while, after as long, for cameras begin late and then hurry."""
    times_s: list[float] = []
    for frame in frames:
        times_s.append(frame.stamp.time_s)
        if times_s[-1] - times_s[0] >= 2 * _MEASURED_FOR_S:
            break
    steady = [time_s for time_s in times_s if time_s - times_s[0] >= _MEASURED_FOR_S]
    return (len(steady) - 1) / (steady[-1] - steady[0]) if len(steady) > 1 else 0.0


def _camera(number: str) -> dict[str, Any]:
    """Open a camera and measure its rate."""
    from .capture.camera import CameraDevice

    camera = CameraDevice(int(number))
    try:
        return {"size_wh": camera.info.size_wh, "fps": measured_fps(camera.frames()), "words": camera.words}
    finally:
        camera.close()


def _window() -> dict[str, Any]:
    """Open a hidden window, and ask who draws in it."""
    from .viewer.driver import describe_driver

    return describe_driver()


def _lifter(name: str, provider: str) -> dict[str, Any]:
    """Make a session on a provider, which lifts once."""
    from . import registry

    with registry.create_lifter(name, provider=provider) as lifter:
        return {"provider": lifter.provider}


def _opening(kind: str, path: str) -> dict[str, Any]:
    """Open a model file as a run would, or as an evaluation, with limited memory. A refusal is an answer, too."""
    open_file = {"detector": _open_detector, "lifter": _open_lifter, "predictor": _open_predictor}[kind]
    try:
        open_file(path)
    except PosedemoError as error:
        return {"refusal": (error.message, error.hint)}
    return {}


def _open_detector(path: str) -> None:
    from . import model_files, registry

    _limit_memory()
    registry.open_detector(model_files.load("detector", path), max_people=1).close()


def _open_lifter(path: str) -> None:
    from . import model_files, registry

    _limit_memory()
    registry.open_lifter(model_files.load("lifter", path), provider="cpu").close()


def _open_predictor(path: str) -> None:
    import numpy as np

    from .models.predictors import onnx_predictor

    _limit_memory()
    predictor = onnx_predictor(Path(path))
    predictor.lift(np.zeros((1, predictor.num_frames, predictor.skeleton.num_joints, 2), np.float32))


def _limit_memory() -> None:
    """Where the system says how much address space a process has, and limits it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + _OPENING_LIMIT_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _gpu() -> dict[str, Any]:
    """What a lifter could run on besides the processor."""
    from .lifters.nvidia import gpu_name, tensorrt_version

    return {"gpu": gpu_name(), "tensorrt": tensorrt_version()}


def _lifters() -> dict[str, Any]:
    """Let every lifter that is here lift once, on the provider that it would take by itself."""
    return {"runs": [_run_of(entry.name) for entry in manifest() if entry.kind == "lifter" and not entry.is_untrained]}


def _run_of(name: str) -> dict[str, Any]:
    try:
        return {"name": name, **_lifter(name, "auto")}
    except PosedemoError as error:
        return {"name": name, "error": error.message, "hint": error.hint}


def _providers() -> dict[str, Any]:
    """What ONNX Runtime was built with, which says nothing of what works."""
    from .lifters.session import built_in_providers

    return {"names": built_in_providers()}


def _bare_loop(video: str, detector: str, max_frames: str) -> dict[str, Any]:
    """Decode and detect, and nothing else."""
    from .bench.bare_loop import bare_loop_fps
    from .memory import peak_memory_mb

    rate = bare_loop_fps(Path(video), detector, int(max_frames))
    return {"frames_per_second": rate, "peak_memory_mb": peak_memory_mb()}


def _grid(video: str, detectors: str, lifters: str, rounds: str) -> dict[str, Any]:
    """Run every detector with every lifter on every provider."""
    from .bench.grid import measure_grid

    return measure_grid(Path(video), detectors.split(","), lifters.split(","), _providers()["names"], int(rounds))


QUESTIONS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "camera": _camera,
    "window": _window,
    "lifter": _lifter,
    "opening": _opening,
    "lifters": _lifters,
    "providers": _providers,
    "gpu": _gpu,
    "bare_loop": _bare_loop,
    "grid": _grid,
}


def main() -> None:
    """Answer the question on the command line."""
    question, *arguments = sys.argv[1:]
    try:
        content = QUESTIONS[question](*arguments)
    except PosedemoError as error:
        content = {"error": error.message, "hint": error.hint}
    except ImportError as error:
        content = {"error": f"a library cannot be loaded: {error}", "hint": "install posedemo again"}
    sys.stdout.write("\n" + json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
