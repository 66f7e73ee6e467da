"""Checkpoints: everything that a run needs to go on, and that evaluation and export need to know about it."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import ModelError, OutputError
from ..skeleton import H36M17
from .config import TrainConfig
from .lifter import Lifter, build_lifter

_FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after a step.

    Attributes:
        config: settings of the run.
        step: steps done.
        elapsed_s: training time used.
        weights: state of the lifter.
        optimizer: state of the optimizer.
        holdout: patterns of the held-out subjects; empty for the default split.
        corpus: file name of the training data.
        git_revision: of the program.
    """

    config: TrainConfig
    step: int
    elapsed_s: float
    weights: dict[str, Any]
    optimizer: dict[str, Any]
    holdout: tuple[str, ...]
    corpus: str
    git_revision: str

    def lifter(self) -> Lifter:
        """The lifter with these weights, in evaluation mode."""
        lifter = build_lifter(self.config)
        lifter.load_state_dict(self.weights)
        return lifter.eval()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint under a temporary name and rename it: whenever the power fails, the file is a whole one.

    Raises:
        OutputError: the file cannot be written.
    """
    part = path.with_suffix(".part")
    # Only tensors and plain values, so that the file can be read without unpickling classes.
    fields = {name: getattr(checkpoint, name) for name in checkpoint.__dataclass_fields__}
    fields |= {"config": asdict(checkpoint.config), "skeleton": H36M17.name, "format": _FORMAT}
    try:
        torch.save(fields, part)
        part.replace(path)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"cannot write the checkpoint {path}: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ModelError: the file is missing, damaged, or not a checkpoint of this program.
    """
    hint = "give a checkpoint written by: posedemo train"
    try:
        fields = torch.load(path, map_location="cpu", weights_only=True)
        if fields.pop("format") != _FORMAT or fields.pop("skeleton") != H36M17.name:
            raise ValueError("of another version or skeleton")
        fields["config"] = TrainConfig(**fields["config"])
        checkpoint = Checkpoint(**fields)
        checkpoint.lifter()
    except OSError as error:
        raise ModelError(f"cannot read the checkpoint {path}: {error.strerror or error}", hint) from error
    except Exception as error:  # a damaged pickle can raise nearly any class
        reason = str(error).strip().split("\n")[0]
        raise ModelError(f"{path} is not a checkpoint of this program ({reason[:100]})", hint) from error
    return checkpoint
