"""Keeps a run's status up to date, frame by frame."""

from __future__ import annotations

from collections.abc import Callable

from ..datatypes import Result
from .shared import Shared
from .status import Status


class StatusSink:
    """A sink that counts. Put it before the viewer, so that what is shown is not older than the picture.

    Args:
        status: where it counts.
        num_frames_in: says how many frames the source gave.
        num_dropped: says how many of them nobody took in time.
    """

    def __init__(
        self, status: Shared[Status], *, num_frames_in: Callable[[], int], num_dropped: Callable[[], int]
    ) -> None:
        self._status = status
        self._num_frames_in = num_frames_in
        self._num_dropped = num_dropped

    def write(self, result: Result) -> None:
        """Count one result."""
        self._status.change(
            num_frames_in=self._num_frames_in(),
            num_dropped=self._num_dropped(),
            position_s=result.frame.stamp.time_s,
        )

    def close(self) -> None:
        """Nothing to finish."""
