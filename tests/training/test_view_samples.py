"""Windows of real views: each frame once an epoch, ends repeated, mirrored with sides swapped; batches made ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from posedemo.errors import ConfigError
from posedemo.models.batches import Batches
from posedemo.models.chance import Chance
from posedemo.models.corpus import Clip
from posedemo.models.samples import Samples
from posedemo.models.view_samples import ViewMaker, make_views
from posedemo.models.views import ViewSequence, view_sequences
from posedemo.skeleton import H36M17, HUMANEVA15
from view_corpora import h36m_corpus, humaneva_corpus

LENGTHS = (5, 3, 4)


def counted(num_frames: int, look_ahead: int = 0, *, flip: bool = False) -> ViewMaker:
    """Three sequences whose every coordinate is the number of the row."""
    sequences, row = [], 0
    for number, length in enumerate(LENGTHS):
        clip = Clip(f"clip {number}", 0, length, 50, "h36m/S1", ("Sitting", "SittingDown", "Sitting 1")[number], "h36m")
        rows = np.arange(row, row + length, dtype=np.float32)[:, None, None]
        sequences.append(ViewSequence(clip, "C1", rows + np.zeros((1, 17, 2)), rows + np.zeros((1, 17, 3)), 1.0))
        row += length
    return make_views(sequences, H36M17, num_frames=num_frames, look_ahead=look_ahead, flip=flip)


@pytest.mark.parametrize(
    ("num_frames", "look_ahead", "expected"),
    [
        (1, 0, [[0], [4], [5], [7], [11]]),
        (3, 0, [[0, 0, 0], [2, 3, 4], [5, 5, 5], [5, 6, 7], [9, 10, 11]]),
        (3, 1, [[0, 0, 1], [3, 4, 4], [5, 5, 6], [6, 7, 7], [10, 11, 11]]),
        (3, 2, [[0, 1, 2], [4, 4, 4], [5, 6, 7], [7, 7, 7], [11, 11, 11]]),
    ],
)
def test_windows_repeat_the_ends_of_their_sequence(num_frames: int, look_ahead: int, expected: list[list[int]]) -> None:
    samples = counted(num_frames, look_ahead).windows(torch.tensor([0, 4, 5, 7, 11]))
    assert samples.xy[:, :, 0, 0].tolist() == expected
    assert samples.xyz_m[:, :, 16, 2].tolist() == expected
    target = num_frames - 1 - look_ahead
    assert samples.xyz_m[:, target, 0, 0].tolist() == [0, 4, 5, 7, 11]


def test_every_window_comes_once_an_epoch_in_an_order_of_its_own() -> None:
    maker = counted(1)
    served = torch.cat([maker.take(7, number, 5).xy[:, 0, 0, 0] for number in range(12)])  # 60 windows: five epochs
    epochs = served.reshape(5, 12)
    assert (epochs.sort(dim=1).values == torch.arange(12.0)).all()
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 5
    again = torch.cat([maker.take(7, number, 10).xy[:, 0, 0, 0] for number in reversed(range(6))])
    assert torch.equal(again.reshape(6, 10).flip(0).reshape(-1), served), "the batch size does not change the order"
    assert not torch.equal(maker.take(8, 0, 12).xy, maker.take(7, 0, 12).xy)


def test_actions_are_whole_words() -> None:
    maker = counted(1)
    assert maker.action_names == ("Sitting", "SittingDown")
    assert maker.actions.tolist() == [0] * 5 + [1] * 3 + [0] * 4
    corpus = humaneva_corpus()
    with pytest.raises(ConfigError, match="'Jog', which is none of Walking"):
        make_views(view_sequences(corpus, corpus.clips, "gt"), HUMANEVA15, num_frames=1, action_names=("Walking",))


@pytest.mark.parametrize("corpus", [h36m_corpus(), humaneva_corpus()], ids=["h36m", "humaneva"])
def test_every_window_comes_once_an_epoch_as_it_is_and_once_in_a_mirror(corpus) -> None:
    skeleton = corpus.skeleton
    maker = make_views(view_sequences(corpus, corpus.clips, "gt"), skeleton, num_frames=3)
    plain = maker.windows(torch.arange(len(maker)))
    epoch = replace(maker, flip=True).take(1, 0, 2 * len(maker))
    left, right = skeleton.index("left_wrist"), skeleton.index("right_wrist")

    def in_order(samples: Samples) -> list[tuple[float, ...]]:
        wrists = [points[:, :, joint].flatten(1) for points in samples[:2] for joint in (left, right)]
        assert samples.actions is not None
        return sorted(map(tuple, torch.cat([*wrists, samples.actions[:, None]], dim=1).tolist()))

    def mirrored(points: torch.Tensor) -> torch.Tensor:
        exchanged = points.clone()
        exchanged[:, :, [left, right]] = points[:, :, [right, left]]
        exchanged[..., 0] *= -1
        return exchanged

    in_mirror = plain._replace(xy=mirrored(plain.xy), xyz_m=mirrored(plain.xyz_m))
    assert in_order(epoch) == sorted(in_order(plain) + in_order(in_mirror))


class Counting:
    """Samples that say of which round they are."""

    batches_together = 3

    def take(self, seed: int, number: int, count: int) -> Samples:
        values = torch.arange(count) + number * count + Chance(seed).uniform(1, low=0, high=1)
        return Samples(values.reshape(-1, 1, 1, 1), values.reshape(-1, 1, 1, 1))


@pytest.mark.parametrize("ahead", [0, 2])
def test_batches_of_steps_do_not_depend_on_what_came_before(ahead: int) -> None:
    def batches() -> Batches:
        return Batches(Counting(), seed=4, batch_size=2, device=torch.device("cpu"), ahead=ahead)

    whole, resumed = batches(), batches()
    first = [whole.of_step(step).xy.flatten() for step in range(20)]
    assert torch.equal(torch.cat(first).floor(), torch.arange(40.0))
    for step in range(11, 20):
        assert torch.equal(resumed.of_step(step).xy.flatten(), first[step])
