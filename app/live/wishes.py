"""What whoever sits at the keys wants of a run that is under way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wishes:
    """Written by the window, read by the pipeline between two frames, which follows as soon as it can.

    Counters stand for events, so that none is lost and none is followed twice: the reader compares with the count that
    it followed last.

    Attributes:
        lifter: name or file, of the lifter to use.
        detector: the same of the detector.
        smooth: preset of ``smoothing.PRESETS``.
        ghost: name of a second lifter to compare with, or None.
        num_handovers: how often the next person was asked for.
        is_paused: no frame is taken.
        num_steps: how many single frames were asked for while paused.
        speed: of a file that is played, 1 as recorded.
        seek_s: sum of all the jumps asked for in a file that is played, forwards positive.
    """

    lifter: str
    detector: str
    smooth: str
    ghost: str | None = None
    num_handovers: int = 0
    is_paused: bool = False
    num_steps: int = 0
    speed: float = 1.0
    seek_s: float = 0.0
