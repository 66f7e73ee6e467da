"""Training samples from real views: every window of every sequence once an epoch. All on tensors, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..errors import ConfigError
from ..skeleton import Skeleton
from .chance import Chance
from .samples import Samples
from .views import ViewSequence, action_of


@dataclass(frozen=True)
class ViewMaker:
    """All sequences, one after the other; every frame of them is the target of one window.

    Windows that reach beyond the ends of their sequence repeat its first or last frame.

    Attributes:
        xy: (R, J, 2) screen units.
        xyz_m: (R, J, 3) metres, relative to the pelvis, camera axes.
        first: (R,) row at which the sequence of a row begins.
        last: (R,) row at which it ends.
        actions: (R,) number of the action.
        action_names: what the numbers mean.
        mirrored: (J,) order of the joints in a mirror.
        num_frames: T, length of a window.
        look_ahead: frames of the window after the target.
        flip: every window comes in a mirror, too, which makes an epoch twice as long.
    """

    xy: Tensor
    xyz_m: Tensor
    first: Tensor
    last: Tensor
    actions: Tensor
    action_names: tuple[str, ...]
    mirrored: Tensor
    num_frames: int
    look_ahead: int = 0
    flip: bool = False

    batches_together: ClassVar[int] = 1
    """A batch is one gather, so nothing is won by a larger one."""

    def __len__(self) -> int:
        """Number of windows, without their mirror images."""
        return len(self.xy)

    @property
    def epoch_length(self) -> int:
        """Number of samples in an epoch."""
        return len(self) * (2 if self.flip else 1)

    def take(self, seed: int, number: int, count: int) -> Samples:
        """Samples of a run: all windows in an order that is drawn anew for every epoch, one epoch after the other.

        A batch can hold the end of one epoch and the beginning of the next.
        """
        places, length = torch.arange(number * count, (number + 1) * count), self.epoch_length
        epochs = range(int(places[0]) // length, int(places[-1]) // length + 1)
        parts = [places[places // length == epoch] % length for epoch in epochs]
        chosen = torch.cat([_order(seed, epoch, length)[part] for epoch, part in zip(epochs, parts, strict=True)])
        samples = self.windows(chosen % len(self))
        return self._mirror(samples, (chosen >= len(self)).to(self.xy.device)) if self.flip else samples

    def windows(self, rows: Tensor) -> Samples:
        """The windows whose targets are some rows (N,)."""
        rows = rows.to(self.xy.device)
        offsets = torch.arange(self.num_frames, device=rows.device) - (self.num_frames - 1 - self.look_ahead)
        frames = torch.clamp(rows[:, None] + offsets, self.first[rows, None], self.last[rows, None])  # (N, T)
        return Samples(self.xy[frames], self.xyz_m[frames], self.actions[rows])

    def to(self, device: torch.device) -> ViewMaker:
        """The same with its tensors on a device, where windows are then gathered."""
        moved: dict[str, Any] = {
            name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)
        }
        return replace(self, **moved)

    def _mirror(self, samples: Samples, is_mirrored: Tensor) -> Samples:
        chosen = is_mirrored[:, None, None, None]
        across = torch.tensor([-1.0, 1.0, 1.0], device=chosen.device)
        xy, xyz_m = (
            torch.where(chosen, points[:, :, self.mirrored] * across[: points.shape[-1]], points)
            for points in samples[:2]
        )
        return Samples(xy, xyz_m, samples.actions)


def make_views(
    sequences: Sequence[ViewSequence],
    skeleton: Skeleton,
    *,
    num_frames: int,
    look_ahead: int = 0,
    flip: bool = False,
    action_names: tuple[str, ...] = (),
) -> ViewMaker:
    """Join sequences.

    Args:
        sequences: what the cameras saw.
        skeleton: the joints of all of them.
        num_frames: length of a window.
        look_ahead: frames of the window after the target.
        flip: let every window come in a mirror, too.
        action_names: by which to number the actions; those of the sequences, sorted, if there are none.

    Raises:
        ConfigError: an action is not among ``action_names``.
    """
    names = action_names or actions_in(sequences)
    lengths = torch.tensor([len(sequence.xy) for sequence in sequences])
    ends = torch.cumsum(lengths, dim=0)
    return ViewMaker(
        xy=torch.cat([torch.from_numpy(sequence.xy) for sequence in sequences]).float(),
        xyz_m=torch.cat([torch.from_numpy(sequence.xyz_m) for sequence in sequences]).float(),
        first=torch.repeat_interleave(ends - lengths, lengths),
        last=torch.repeat_interleave(ends - 1, lengths),
        actions=torch.repeat_interleave(torch.tensor([_number(names, one) for one in sequences]), lengths),
        action_names=names,
        mirrored=torch.tensor(skeleton.flip_order),
        num_frames=num_frames,
        look_ahead=look_ahead,
        flip=flip,
    )


def actions_in(sequences: Sequence[ViewSequence]) -> tuple[str, ...]:
    """The actions of sequences, sorted."""
    return tuple(sorted({action_of(sequence.clip) for sequence in sequences}))


def _number(names: tuple[str, ...], sequence: ViewSequence) -> int:
    action = action_of(sequence.clip)
    if action not in names:
        raise ConfigError(f"clip {sequence.clip.name} shows '{action}', which is none of {', '.join(names)}")
    return names.index(action)


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> Tensor:
    """The order of an epoch. Two are kept, for the batch that lies across their border."""
    return Chance(2 * (seed * 1_000_003 + epoch)).permutation(count)
