"""The batches of a training run, on the device where it trains."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from .samples import Maker, Samples


class Batches:
    """Gives the batch of each step, the same whether the run was interrupted before it or not.

    Samples are made a few batches at a time, when they are needed or, ``ahead`` of that, by threads; which samples
    belong to a step depends on the seed and the step alone, so it does not matter which thread is first.

    Args:
        maker: makes the samples.
        seed: of the run.
        batch_size: samples a step.
        device: where they are needed.
        ahead: rounds of samples to make while the run trains on those before.
    """

    def __init__(self, maker: Maker, *, seed: int, batch_size: int, device: torch.device, ahead: int) -> None:
        self._maker = maker
        self._seed = seed
        self._size = batch_size
        self._device = device
        self._ahead = ahead
        self._threads = ThreadPoolExecutor(self._ahead) if self._ahead else None
        self._coming: dict[int, Future[Samples]] = {}
        self._number = -1
        self._round: Samples

    def of_step(self, step: int) -> Samples:
        """The batch of a step; steps are counted from 0."""
        number, place = divmod(step, self._maker.batches_together)
        if number != self._number:
            xy, xyz_m, actions = self._made(number)
            self._round = Samples(
                self._moved(xy), self._moved(xyz_m), None if actions is None else self._moved(actions)
            )
            self._number = number
        batch = slice(place * self._size, (place + 1) * self._size)
        xy, xyz_m, actions = self._round
        return Samples(xy[batch], xyz_m[batch], None if actions is None else actions[batch])

    def close(self) -> None:
        """Make no more of them: else Python would wait, when it ends, for rounds that nobody wants."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _made(self, number: int) -> Samples:
        if self._threads is None:
            return self._make(number)
        wanted = range(number, number + self._ahead + 1)
        self._coming = {one: self._coming.get(one) or self._threads.submit(self._make, one) for one in wanted}
        return self._coming.pop(number).result()

    def _make(self, number: int) -> Samples:
        return self._maker.take(self._seed, number, self._size * self._maker.batches_together)

    def _moved(self, tensor: Tensor) -> Tensor:
        if tensor.device == self._device:
            return tensor
        # From pinned memory the copy runs beside the computation; there is no use for it on a CPU.
        source = tensor.pin_memory() if self._device.type == "cuda" else tensor
        return source.to(self._device, non_blocking=True)
