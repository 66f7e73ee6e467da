"""The state of a training run, and its one step."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import ConfigError, ModelError
from ..skeleton import SKELETONS
from .averaging import MovingAverage
from .batches import Batches
from .checkpoints import Checkpoint
from .config import TrainConfig
from .lifter import Lifter, build_lifter
from .losses import loss_of
from .objectives import Objective, Truth
from .optimisers import build_optimiser
from .provenance import git_revision
from .samples import Maker
from .schedules import learning_rate, norm_momentum, set_norm_momentum

_FIRST_STAGE = 1 / 3
"""Share of a run in two stages that goes to the sequence alone: inferred."""
_ROUNDS_AHEAD = 4
"""Of samples that are made while a GPU trains on those before."""
_GLOBAL_RATE = 0.1
"""Factor on the learning rate of the global part in the second stage: inferred."""


class Run:
    """Weights, optimiser, average, step and time used.

    The samples of a step depend on seed and step alone, so there is no state of random numbers to keep. Dropout is the
    exception: its numbers are seeded by the step.

    Args:
        config: settings.
        maker: makes samples.
        device: to train on; the CPU by default.
        compiled: let PyTorch compile the steps.

    Attributes:
        is_whole: False within a step, when weights and step do not belong together.
    """

    def __init__(
        self, config: TrainConfig, maker: Maker, *, device: torch.device | None = None, compiled: bool = False
    ) -> None:
        self.config = config
        self.device = device or torch.device("cpu")
        self.lifter = build_lifter(config).to(self.device)
        # Only what training steps call: evaluation, in other batch sizes, would be compiled over again.
        self._output = torch.compile(self.lifter.output) if compiled else self.lifter.output
        self.optimizer = build_optimiser(config, self.lifter)
        self.average = MovingAverage(self.lifter, config.ema) if config.ema else None
        # On a CPU the network and the samples want the same cores.
        ahead = _ROUNDS_AHEAD if self.device.type == "cuda" else 0
        self.batches = Batches(maker, seed=config.seed, batch_size=config.batch_size, device=self.device, ahead=ahead)
        self.loss = loss_of(config.loss, SKELETONS[config.skeleton])
        self.git_revision = git_revision()
        self.step = 0
        self.elapsed_s = 0.0
        self.is_whole = True
        self._last_loss = torch.zeros(())

    def advance(self, progress: float) -> Tensor:
        """Take one step at the learning rate for a progress in [0, 1] and return its loss, not waited for on a GPU."""
        self.is_whole = False
        self._prepare(progress)
        xy, xyz_m, actions = self.batches.of_step(self.step)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.amp):
            output = self._output(xy)
        loss = self._objective(progress)(output, Truth(xyz_m, actions))
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.lifter.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.step += 1
        if self.average is not None:
            self.average.update(self.lifter, self.step)
        self._last_loss = loss.detach()
        self.is_whole = True
        return self._last_loss

    def learning_rate(self, progress: float) -> float:
        """Of the coming step."""
        return learning_rate(self.config, self.step, progress)

    @property
    def result(self) -> Lifter:
        """The lifter that the run is for: the average, where there is one."""
        return self.lifter if self.average is None else self.average.lifter

    def require_finite(self) -> None:
        """Refuse to go on with weights that are lost.

        Raises:
            ModelError: the last loss is not a number.
        """
        if not math.isfinite(float(self._last_loss)):
            raise ModelError(
                f"the loss is no longer a number at step {self.step}",
                hint="start again with a smaller --learning-rate; the last checkpoint is from before",
            )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to the state of a checkpoint."""
        self.lifter.load_state_dict(checkpoint.weights)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        if self.average is not None and checkpoint.average is not None:
            self.average.lifter.load_state_dict(checkpoint.average)
        self.step = checkpoint.step
        self.elapsed_s = checkpoint.elapsed_s

    def checkpoint(self, *, holdout: Sequence[str], corpus_name: str) -> Checkpoint:
        """The state as it is now."""
        return Checkpoint(
            config=self.config,
            step=self.step,
            elapsed_s=self.elapsed_s,
            weights=self.lifter.state_dict(),
            optimizer=self.optimizer.state_dict(),
            holdout=tuple(holdout),
            corpus=corpus_name,
            git_revision=self.git_revision,
            average=None if self.average is None else self.average.lifter.state_dict(),
        )

    def _prepare(self, progress: float) -> None:
        """Set what changes over a run, and seed dropout."""
        self.lifter.train()
        rate = self.learning_rate(progress)
        for group in self.optimizer.param_groups:
            is_slow = group.get("is_global", False) and progress >= _FIRST_STAGE
            group["lr"] = rate * group.get("rate_factor", 1.0) * (_GLOBAL_RATE if is_slow else 1.0)
        set_norm_momentum(self.lifter, norm_momentum(self.config, self.step, progress))
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)

    def _objective(self, progress: float) -> Objective:
        first, second = 1.0, self.config.sequence_weight
        if self.config.stages == "two_stage":
            first, second = (0.0, second) if progress < _FIRST_STAGE else (first, 0.0)
        return Objective(
            self.loss,
            target=self.config.target,
            pelvis=self.lifter.pelvis,
            pose_weight=first,
            sequence_weight=second,
            reconstruction_weight=self.config.reconstruction_weight,
            action_weight=self.config.action_weight,
        )


def require_compiler(device: torch.device) -> None:
    """Refuse to compile steps where there is nothing to compile them with.

    Raises:
        ConfigError: steps on the CPU become C++, and there is no compiler for it.
    """
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "cl"]
    if device.type == "cpu" and not any(map(shutil.which, names)):
        raise ConfigError(f"--compile needs a C++ compiler: {' or '.join(names)}", hint="install one, or leave it out")


def choose_device(name: str) -> torch.device:
    """The device to train on.

    Args:
        name: ``"auto"`` takes a GPU where there is one, ``"cpu"`` or ``"cuda"``.

    Raises:
        ConfigError: a GPU was asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "--device cuda: PyTorch sees no such device", hint="use --device cpu, or install its CUDA build"
        )
    device = torch.device("cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu"))
    if device.type == "cuda":
        # Matrix products with the digits of TensorFloat-32: several times as fast, still finer than bfloat16.
        torch.set_float32_matmul_precision("high")
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 by itself; elsewhere ``TrainConfig.amp`` saves no time. False where PyTorch
    does not say what a processor can do, as older ones."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
