"""Draw windows of motion from a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..skeleton import H36M17
from .chance import Chance
from .corpus import Clip, Corpus
from .views import require_skeleton

_EARLIER_FRAMES = (3, 30)
_REPETITION_POWER = 0.35
"""How much a person's and action's share shrinks as it repeats itself: 0 draws every frame alike, 1 every action."""


@dataclass(frozen=True)
class Motion:
    """Clips as tensors.

    Attributes:
        xyz_m: (F, 17, 3) metres, world axes, y up.
        starts: (C,) first frame of each clip.
        lengths: (C,) frames of each clip.
        weights: (C,) how often to draw from each clip.
    """

    xyz_m: Tensor
    starts: Tensor
    lengths: Tensor
    weights: Tensor


def load_motion(corpus: Corpus, clips: Sequence[Clip]) -> Motion:
    """Take some clips of a corpus, with weights that keep much repeated actions from filling the training.

    Raises:
        ConfigError: the corpus holds other joints than bodies and detections are made of here.
    """
    require_skeleton(corpus, H36M17.name, "training with virtual cameras")
    frames_of = Counter[tuple[str, str]]()
    for clip in clips:
        frames_of[clip.subject, clip.action] += clip.length
    weights = [clip.length / frames_of[clip.subject, clip.action] ** _REPETITION_POWER for clip in clips]
    return Motion(
        xyz_m=torch.from_numpy(corpus.xyz_m),
        starts=torch.tensor([clip.start for clip in clips]),
        lengths=torch.tensor([clip.length for clip in clips]),
        weights=torch.tensor(weights, dtype=torch.float64),
    )


def draw_windows(
    motion: Motion,
    chance: Chance,
    count: int,
    *,
    num_frames: int,
    look_ahead: int = 0,
    double_step_probability: float = 0.0,
) -> Tensor:
    """Draw windows whose target frame is anywhere in a clip.

    Where a window reaches beyond the start or the end of its clip, the first or the last frame is repeated, as at run
    time. One earlier frame of the same clip comes first: what the run time may still hold on to.

    Args:
        motion: the clips.
        chance: draws clips and frames.
        count: number of windows.
        num_frames: their length.
        look_ahead: frames of them after the target.
        double_step_probability: how many windows take every second frame only, as if the motion were twice as fast.

    Returns:
        (count, 1 + num_frames, 17, 3) metres, world axes.
    """
    clip = chance.choice(motion.weights, count)
    start, length = motion.starts[clip], motion.lengths[clip]
    end = start + length - 1
    target = torch.minimum(start + (chance.uniform(count, low=0, high=1) * length).long(), end)
    step = 1 + chance.happens(count, probability=double_step_probability).long()
    back = torch.arange(num_frames - 1 - look_ahead, -1 - look_ahead, -1) * step[:, None]
    earlier = back[:, :1] + chance.integers(count, 1, low=_EARLIER_FRAMES[0], high=_EARLIER_FRAMES[1])
    frames = target[:, None] - torch.cat([earlier, back], dim=1)
    frames = torch.minimum(torch.maximum(frames, start[:, None]), end[:, None])
    # The same as motion.xyz_m[frames], in a third of the time.
    return motion.xyz_m.flatten(1).index_select(0, frames.flatten()).reshape(*frames.shape, H36M17.num_joints, 3)
