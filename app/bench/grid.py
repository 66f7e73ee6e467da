"""Every detector with every lifter on every provider: the pipeline alone, without decoding, windows and files."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import pipeline, registry
from ..assembly import make_stages
from ..datatypes import Frame, Stamp
from ..errors import ConfigError
from ..manifest import manifest
from ..settings import Settings
from ..stages import Stages
from ..timing import StageTimers
from .clip import read_frames

NUM_FRAMES = 30
"""In memory, in full HD 190 MB."""

_PAUSE_S = 10.0
"""Between two passes over the clip, on its own clock: everybody is forgotten and found again."""


@dataclass(frozen=True)
class Pair:
    """One cell of the grid; times are medians of the rounds' medians of a frame, in milliseconds."""

    detector: str
    lifter: str
    provider: str
    frames_per_second: float
    detect_ms: float
    lift_ms: float


@dataclass
class _Cell:
    detector: str
    lifter: str
    provider: str
    stages: Stages
    rates: list[float]
    detect_ms: list[float]
    lift_ms: list[float]

    def pair(self) -> Pair:
        return Pair(
            self.detector,
            self.lifter,
            self.provider,
            frames_per_second=round(statistics.median(self.rates), 2),
            detect_ms=round(statistics.median(self.detect_ms), 3),
            lift_ms=round(statistics.median(self.lift_ms), 3),
        )


def measure_grid(
    video: Path, detectors: Sequence[str], lifters: Sequence[str], providers: Sequence[str], rounds: int
) -> dict[str, Any]:
    """Run all pairs in turns over the same pictures.

    Returns:
        ``pairs``, and ``unavailable``: what could not be measured, with the reason.

    Raises:
        PosedemoError: the video, a detector or a lifter cannot be opened.
    """
    frames = read_frames(video, NUM_FRAMES)
    unavailable: list[dict[str, str]] = []
    cells: list[_Cell] = []
    with ExitStack() as stack:
        opened = {name: stack.enter_context(registry.create_detector(name, max_people=1)) for name in detectors}
        for provider in providers:
            for name in _served(lifters, provider):
                try:
                    lifter = registry.create_lifter(name, provider=provider)
                except ConfigError as error:
                    unavailable.append({"name": f"provider {provider}", "reason": error.message})
                    break
                stack.callback(lifter.close)
                settings = Settings(video=video, lifter=name, mode="live")
                for detector_name, detector in opened.items():
                    stages = make_stages(settings, detector, lifter)
                    cells.append(_Cell(detector_name, name, provider, stages, [], [], []))
        start_s = 0.0
        for _ in range(rounds):
            for cell in cells:
                start_s = _run_once(cell, frames, start_s)
    return {"pairs": [asdict(cell.pair()) for cell in cells], "unavailable": unavailable}


def _served(lifters: Sequence[str], provider: str) -> list[str]:
    """Those that a provider can run: what has no network runs on the processor."""
    without_network = {entry.name for entry in manifest() if entry.file is None}
    return [name for name in lifters if provider == "cpu" or name not in without_network]


def _run_once(cell: _Cell, frames: Sequence[Frame], start_s: float) -> float:
    """Run one pair over the frames as if they came after all before; returns the time after the last."""
    later = [
        Frame(frame.image_bgr, Stamp(index=index, time_s=start_s + frame.stamp.time_s))
        for index, frame in enumerate(frames)
    ]
    timers = StageTimers()
    began_s = time.perf_counter()
    pipeline.run(later, cell.stages, [], timers)
    cell.rates.append(len(later) / (time.perf_counter() - began_s))
    medians_ms = timers.percentiles(50)
    cell.detect_ms.append(medians_ms["detect"]["p50"])
    cell.lift_ms.append(medians_ms["lift"]["p50"])
    return later[-1].stamp.time_s + _PAUSE_S
