"""The numbers of a run: what came in, what was dropped, how long each stage took, how old results were."""

from __future__ import annotations

import json
import time
from collections import deque
from pathlib import Path
from typing import Any

from . import __version__
from .datatypes import Result
from .memory import peak_memory_mb
from .motion_quality import body_sizes_px
from .outputs import write_whole
from .timing import WINDOW_FRAMES, StageTimers, percentiles


class RunStatistics:
    """Counts results as they are finished. A sink; put it last, so that ages include the other sinks' share."""

    def __init__(self) -> None:
        self.num_frames = 0
        self.num_frames_with_people = 0
        self._started_s = time.perf_counter()
        self._ages_ms: deque[float] = deque(maxlen=WINDOW_FRAMES)
        self._first_s = self._last_s = 0.0
        self._num_placed = 0
        self._reprojection_px = self._reprojection_share = 0.0

    def write(self, result: Result) -> None:
        """Count one result."""
        self._last_s = time.monotonic()
        self._first_s = self._first_s or result.frame.stamp.grabbed_s
        self.num_frames += 1
        self._ages_ms.append((self._last_s - result.frame.stamp.grabbed_s) * 1e3)
        # Those of a fallback were never before the camera.
        people = () if result.frame.is_recorded else result.people
        self.num_frames_with_people += bool(people)
        for person in people:
            if person.reprojection_px is not None:
                self._num_placed += 1
                self._reprojection_px += person.reprojection_px
                self._reprojection_share += person.reprojection_px / float(
                    body_sizes_px(person.keypoints.xy_px[None])[0]
                )

    def close(self) -> None:
        """Nothing to finish."""

    @property
    def wall_time_s(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._started_s

    @property
    def span_s(self) -> float:
        """Seconds from the first picture to the last result; start-up does not count, waiting for the future does."""
        return self._last_s - self._first_s

    @property
    def frames_per_second(self) -> float:
        """Rate over that span."""
        return self.num_frames / self.span_s if self.span_s > 0 else 0.0

    def summary(self, timers: StageTimers, *, num_frames_in: int, num_dropped: int, **facts: Any) -> dict[str, Any]:
        """Everything as plain values for JSON.

        Args:
            timers: of the run.
            num_frames_in: frames that the source gave.
            num_dropped: frames that a live source gave and nobody took in time.
            facts: what else describes the run, such as the provider.
        """
        return {
            "posedemo_version": __version__,
            **facts,
            "frames_in": num_frames_in,
            "frames_dropped": num_dropped,
            "frames_processed": self.num_frames,
            "frames_with_people": self.num_frames_with_people,
            "peak_memory_mb": peak_memory_mb(),
            "wall_time_s": round(self.wall_time_s, 3),
            "frames_per_second": round(self.frames_per_second, 2),
            "stages_ms": timers.percentiles(50, 95, 99),
            "stages_percent": timers.shares_percent(self.span_s),
            "reprojection": self._reprojection(),
            "age_ms": percentiles(self._ages_ms, 50, 95) if self._ages_ms else {},
        }

    def _reprojection(self) -> dict[str, float]:
        """How far poses lie beside the detector's joints: means over all people and frames; empty without any."""
        if not self._num_placed:
            return {}
        return {
            "mean_px": round(self._reprojection_px / self._num_placed, 2),
            "mean_percent_of_body": round(100 * self._reprojection_share / self._num_placed, 2),
        }


def write_statistics(path: Path, summary: dict[str, Any]) -> None:
    """Write a summary as JSON.

    Raises:
        OutputError: the file cannot be written.
    """
    write_whole(path, json.dumps(summary, indent=2) + "\n")
