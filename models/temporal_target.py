"""Which frame of its window a temporal lifter lifts, and where that frame lies in every strided stage.

The window has ``3^n`` frames, and each of n stages makes one frame out of three. A shortcut past such a stage keeps one
frame of every three; if it always keeps the group's frame that leads to the target, the shortcuts carry the target
itself from the first stage to the last.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..errors import ConfigError

STRIDE = 3
"""Frames that a stage makes one of."""


class SequenceOutput(NamedTuple):
    """What a lifter returns while it is trained with a sequence head.

    Attributes:
        xyz: (N, J, 3) of the target frame.
        sequence: (N, T, J, 3) of all frames, from the features before any stride.
    """

    xyz: Tensor
    sequence: Tensor


def stage_offsets(num_frames: int, look_ahead: int, still_stages: int = 0) -> tuple[int | None, ...]:
    """Place of the target within its group of three, for every stage from the first to the last.

    These are the digits of the target's index to the base of three, the lowest first: all 2 for the last frame, all 1
    for the centre.

    Args:
        num_frames: length of the window.
        look_ahead: frames of the window after the target: 0 for the last frame, ``num_frames // 2`` for the centre.
        still_stages: stages at the end that keep their one frame: None each.

    Raises:
        ConfigError: the window is no power of three, or the target lies outside.
    """
    if not 0 <= look_ahead < num_frames:
        raise ConfigError(f"a window of {num_frames} frames has no frame with {look_ahead} after it")
    offsets: list[int | None] = []
    target, remaining = num_frames - 1 - look_ahead, num_frames
    while remaining > 1:
        if remaining % STRIDE:
            raise ConfigError(f"a window of {num_frames} frames", hint="a power of three: 1, 9, 27, 81 or 243")
        offsets.append(target % STRIDE)
        target, remaining = target // STRIDE, remaining // STRIDE
    return (*offsets, *[None] * still_stages)


def every_third(x: Tensor, offset: int) -> Tensor:
    """One frame of every group of three: (N, C, T, J) to (N, C, T / 3, J)."""
    return x[:, :, offset::STRIDE]
