"""Checkpoints: everything that a run needs to go on, and that evaluation and export need to know about it."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigError, ModelError, OutputError, first_line
from .config import TrainConfig
from .growing import grow
from .lifter import SEQUENCE_HEAD, Lifter, build_lifter
from .widening import WIDENED, widen

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
        average: state of the lifter with averaged weights; None without an average.
    """

    config: TrainConfig
    step: int
    elapsed_s: float
    weights: dict[str, Any]
    optimizer: dict[str, Any]
    holdout: tuple[str, ...]
    corpus: str
    git_revision: str
    average: dict[str, Any] | None = None

    def lifter(self) -> Lifter:
        """The lifter that the run is for, in evaluation mode: with averaged weights, where there are any."""
        lifter = build_lifter(self.config)
        lifter.load_state_dict(self.weights if self.average is None else self.average)
        return lifter.eval()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint under a temporary name and rename it: whenever the power fails, the file is a whole one.

    Raises:
        OutputError: the file cannot be written; what was there before is still there.
    """
    part = path.with_suffix(".part")
    # Only tensors and plain values, so that the file can be read without unpickling classes.
    fields = {name: getattr(checkpoint, name) for name in checkpoint.__dataclass_fields__}
    fields |= {"config": asdict(checkpoint.config), "skeleton": checkpoint.config.skeleton, "format": _FORMAT}
    content = io.BytesIO()
    torch.save(fields, content)
    try:
        with part.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(
            f"cannot write the checkpoint {path}: {error.strerror or error}",
            hint="make room and go on from the last one with --resume",
        ) from error
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
        if fields.pop("format") != _FORMAT:
            raise ValueError("of another version")
        skeleton, fields["config"] = fields.pop("skeleton"), TrainConfig(**fields["config"])
        checkpoint = Checkpoint(**fields)
        if skeleton != checkpoint.config.skeleton:
            raise ValueError(f"it states two skeletons, {skeleton} and {checkpoint.config.skeleton}")
        checkpoint.lifter()
    except OSError as error:
        raise ModelError(f"cannot read the checkpoint {path}: {error.strerror or error}", hint) from error
    except Exception as error:  # a damaged pickle can raise nearly any class
        # PyTorch goes on with advice that is for others.
        reason = first_line(error).split(". ")[0].rstrip(".")
        raise ModelError(f"{path} is not a checkpoint of this program ({reason})", hint) from error
    return checkpoint


def require_run_of(checkpoint: Checkpoint, path: Path, config: TrainConfig) -> None:
    """Refuse a checkpoint of another lifter or skeleton by name.

    Raises:
        ConfigError: it is one.
    """
    for kind, found, needed in (
        ("the lifter", checkpoint.config.lifter, config.lifter),
        ("the skeleton", checkpoint.config.skeleton, config.skeleton),
    ):
        if found != needed:
            raise ConfigError(
                f"{path} has {kind} {found}, not {needed}", hint="choose a run of the same lifter and data"
            )


def start_weights(lifter: Lifter, config: TrainConfig, path: Path) -> None:
    """Give a lifter the weights that another run of the same lifter ended with; its window may have been shorter, its
    network narrower where ``widening`` knows how. A sequence head may be left behind: only training looks at it.

    Raises:
        ConfigError: it is a run of another lifter or skeleton, or its network has other layers.
        ModelError: the file is not a checkpoint.
    """
    checkpoint = load_checkpoint(path)
    require_run_of(checkpoint, path, config)
    weights = checkpoint.lifter().state_dict()
    try:
        counts = [one.network.get("num_actions") for one in (checkpoint.config, config)]
        if counts[0] != counts[1]:
            # A wider head could take theirs in, but its rows are of other actions.
            raise RuntimeError(f"{counts[0]} actions, and not {counts[1]}")
        if checkpoint.config.num_frames < config.num_frames:
            weights = grow(lifter, config, weights, num_frames=checkpoint.config.num_frames)
        if config.lifter in WIDENED:
            weights = widen(lifter, weights)
        there = lifter.state_dict().keys()
        kept = {name: value for name, value in weights.items() if name in there or not name.startswith(SEQUENCE_HEAD)}
        lifter.load_state_dict(kept)
    except RuntimeError as error:
        theirs, ours = (dict(one.network) | {"frames": one.num_frames} for one in (checkpoint.config, config))
        raise ConfigError(
            f"{path} has other layers: its network is {theirs}, this one {ours}",
            hint="start from a run with the same --network and no more --frames; global-gcn and gla-gcn may be wider",
        ) from error
