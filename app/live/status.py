"""What a run says of itself while it goes on, for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .shared import Shared

KEPT_DETECTOR = "a recording keeps the detector that it was made with"


@dataclass(frozen=True, slots=True)
class Status:
    """Written by capture and pipeline, read by the window.

    Attributes:
        detector: the one in use, as the user calls it.
        lifter: the one in use, as the user calls it.
        is_live: what is shown happens now, and not in a file.
        provider: of ONNX Runtime, that really runs the lifter.
        smooth: preset in use.
        ghost: the second lifter in use, or None.
        look_ahead_ms: how much later than its picture a pose is known, by lifter and filter.
        num_frames_in: frames that the source gave.
        num_dropped: frames of a live source that nobody took in time.
        source_trouble: what is wrong with the source at this moment, in a few words; empty while pictures come.
        is_recorded: a recording is shown while the camera is away.
        is_recording: what the detector sees is written to a session file.
        notice: the last thing that happened and is worth telling; empty before there is any.
        num_notices: counts them: the same words twice are two notices.
        position_s: time of the newest result, on the source's clock.
        duration_s: of a file that is played; None where nobody knows.
        can_seek: what is played can be moved through.
        can_change_speed: what is played has a pace that can be changed.
        has_detector: people are looked for in pictures; in a recorded session they were found before.
        refused: what was asked for and cannot be had, as (role, name): models and smoothing.
    """

    detector: str
    lifter: str
    is_live: bool = True
    provider: str = ""
    smooth: str = ""
    ghost: str | None = None
    look_ahead_ms: float = 0.0
    num_frames_in: int = 0
    num_dropped: int = 0
    source_trouble: str = ""
    is_recorded: bool = False
    is_recording: bool = False
    notice: str = ""
    num_notices: int = 0
    position_s: float = 0.0
    duration_s: float | None = None
    can_seek: bool = False
    can_change_speed: bool = False
    has_detector: bool = True
    refused: frozenset[tuple[str, str]] = frozenset()


def tell(status: Shared[Status], notice: str) -> None:
    """Make something the newest notice, from any thread."""
    status.apply(lambda value: replace(value, notice=notice, num_notices=value.num_notices + 1))
