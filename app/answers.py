"""What only a process of its own finds out, and may hang or crash at: the questions that ``probing`` puts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .datatypes import Frame
from .errors import PosedemoError
from .manifest import manifest

_MEASURED_FOR_S = 1.5


def camera(number: str) -> dict[str, Any]:
    """Open a camera and measure its rate."""
    from .capture.camera import CameraDevice

    device = CameraDevice(int(number))
    try:
        return {"size_wh": device.info.size_wh, "fps": measured_fps(device.frames()), "words": device.words}
    finally:
        device.close()


def window() -> dict[str, Any]:
    """Open a hidden window, and ask who draws in it."""
    from .viewer.driver import describe_driver

    return describe_driver()


def lifter(name: str, provider: str) -> dict[str, Any]:
    """Make a session on a provider, which lifts once."""
    from . import registry

    with registry.create_lifter(name, provider=provider) as opened:
        return {"provider": opened.provider}


def gpu() -> dict[str, Any]:
    """What a lifter could run on besides the processor."""
    from .lifters.nvidia import gpu_name, tensorrt_version

    return {"gpu": gpu_name(), "tensorrt": tensorrt_version()}


def lifters() -> dict[str, Any]:
    """Let every lifter that is here lift once, on the provider that it would take by itself."""
    return {"runs": [_run_of(entry.name) for entry in manifest() if entry.kind == "lifter" and not entry.is_untrained]}


def _run_of(name: str) -> dict[str, Any]:
    try:
        return {"name": name, **lifter(name, "auto")}
    except PosedemoError as error:
        return {"name": name, "error": error.message, "hint": error.hint}


def providers() -> dict[str, Any]:
    """What ONNX Runtime was built with, which says nothing of what works."""
    from .lifters.session import built_in_providers

    return {"names": built_in_providers()}


def bare_loop(video: str, detector: str, max_frames: str) -> dict[str, Any]:
    """Decode and detect, and nothing else."""
    from .bench.bare_loop import bare_loop_fps
    from .memory import peak_memory_mb

    rate = bare_loop_fps(Path(video), detector, int(max_frames))
    return {"frames_per_second": rate, "peak_memory_mb": peak_memory_mb()}


def grid(video: str, detectors: str, lifters: str, rounds: str) -> dict[str, Any]:
    """Run every detector with every lifter on every provider."""
    from .bench.grid import measure_grid

    return measure_grid(Path(video), detectors.split(","), lifters.split(","), providers()["names"], int(rounds))


def measured_fps(frames: Iterable[Frame]) -> float:
    """Frames a second that really come: counted for a while, after as long, for cameras begin late and then hurry."""
    times_s: list[float] = []
    for frame in frames:
        times_s.append(frame.stamp.time_s)
        if times_s[-1] - times_s[0] >= 2 * _MEASURED_FOR_S:
            break
    steady = [time_s for time_s in times_s if time_s - times_s[0] >= _MEASURED_FOR_S]
    return (len(steady) - 1) / (steady[-1] - steady[0]) if len(steady) > 1 else 0.0
