"""The whole program beside the bare loop, on the same video, in turns."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import answers
from ..probing import ask
from .whole_run import RunError, whole_run

OUTPUTS = {"poses": "--export", "annotated video": "--output"}
"""What is written, and the option that makes it."""

_START_LIMIT_S = 120.0
_FRAME_LIMIT_S = 5.0
"""Generous, for slow machines: a loop that hangs is given up after it."""


@dataclass(frozen=True)
class Comparison:
    """One detector and one kind of output; medians of the rounds.

    Attributes:
        detector: that both use.
        output: one of ``OUTPUTS``.
        bare_fps: frames a second of the bare loop.
        frames_per_second: of the program.
        ratio: of the program's rate to the bare loop's in the same round.
        ratios: of all rounds.
        detect_percent: of the program's time, with the detector at work. Most of the rest is done meanwhile.
        rest_percent: without it: what everything else, from pictures to files, adds to the detector's time.
        peak_memory_mb: of the program, without the process that draws the room; None where nobody says.
        bare_peak_memory_mb: of the bare loop.
    """

    detector: str
    output: str
    bare_fps: float
    frames_per_second: float
    ratio: float
    ratios: list[float]
    detect_percent: float
    rest_percent: float
    peak_memory_mb: float | None
    bare_peak_memory_mb: float | None


class Comparisons:
    """Compares round by round.

    Args:
        video: to be processed.
        max_frames: of it.
    """

    def __init__(self, video: Path, max_frames: int) -> None:
        self._video, self._max_frames = video, max_frames
        self._rounds: dict[tuple[str, str], list[tuple[dict[str, Any], dict[str, Any]]]] = defaultdict(list)
        self._failures: dict[tuple[str, str], str] = {}

    def run_round(self, detector: str) -> None:
        """Run the bare loop and the program, once for each kind of output.

        Raises:
            ProbeError: the bare loop does not run.
        """
        limit_s = _START_LIMIT_S + _FRAME_LIMIT_S * self._max_frames
        bare = ask(answers.bare_loop, self._video, detector, self._max_frames, limit_s=limit_s)
        for output, option in OUTPUTS.items():
            try:
                ours = whole_run(self._video, detector, output=option, max_frames=self._max_frames, limit_s=limit_s)
            except RunError as error:
                self._failures[detector, output] = error.message
            else:
                self._rounds[detector, output].append((bare, ours))

    def results(self) -> list[dict[str, Any]]:
        """A ``Comparison`` for each detector and kind of output that worked."""
        return [asdict(_summary(detector, output, rounds)) for (detector, output), rounds in self._rounds.items()]

    def failures(self) -> list[dict[str, str]]:
        """What did not work, with the reason."""
        return [
            {"name": f"{detector}, {output}", "reason": reason} for (detector, output), reason in self._failures.items()
        ]


def _summary(detector: str, output: str, rounds: list[tuple[dict[str, Any], dict[str, Any]]]) -> Comparison:
    rates = [(bare["frames_per_second"], ours["frames_per_second"]) for bare, ours in rounds]
    ratios = [ours / bare for bare, ours in rates]
    detects = [ours["stages_percent"]["detect"] for _, ours in rounds]
    return Comparison(
        detector=detector,
        output=output,
        bare_fps=round(statistics.median(bare for bare, _ in rates), 2),
        frames_per_second=round(statistics.median(ours for _, ours in rates), 2),
        ratio=round(statistics.median(ratios), 3),
        ratios=[round(ratio, 3) for ratio in ratios],
        detect_percent=round(statistics.median(detects), 2),
        rest_percent=round(100 - statistics.median(detects), 2),
        peak_memory_mb=max((ours["peak_memory_mb"] for _, ours in rounds), key=_memory),
        bare_peak_memory_mb=max((bare["peak_memory_mb"] for bare, _ in rounds), key=_memory),
    )


def _memory(megabytes: float | None) -> float:
    return 0.0 if megabytes is None else megabytes
