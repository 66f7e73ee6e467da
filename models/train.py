"""``posedemo train``: one loop. Samples are made on the fly; a run can be stopped, limited in time and resumed."""

from __future__ import annotations

import csv
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from ..errors import ConfigError, OutputError
from .chance import Chance
from .checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from .config import TrainConfig
from .corpus import Corpus
from .evaluate import HeldOut, Scores, evaluate
from .lifter import build_lifter
from .losses import LOSSES
from .objectives import objective
from .predictors import torch_predictor
from .provenance import git_revision
from .samples import SampleMaker, Samples
from .split import split_clips
from .windows import load_motion

log = logging.getLogger(__name__)

CHECKPOINT_NAME = "checkpoint.pt"
LOG_NAME = "log.csv"

_LOG_COLUMNS = (
    "step",
    "minutes",
    "learning_rate",
    "loss_since_last",
    "clean_mpjpe_mm",
    "clean_p_mpjpe_mm",
    "noisy_mpjpe_mm",
    "noisy_p_mpjpe_mm",
)
_SEQUENCES_WHILE_TRAINING = 64
_BATCHES_DRAWN_TOGETHER = 8
"""Making samples consists of many small operations, which cost half as much on large batches."""
_LAST_LEARNING_RATE = 0.002
"""As a share of the highest."""


class Run:
    """The state of a training run: weights, optimizer, step and time used.

    The samples of a step depend on seed and step alone, so there is no state of random numbers to keep.
    """

    def __init__(self, config: TrainConfig, maker: SampleMaker) -> None:
        self.config = config
        self.maker = maker
        self.lifter = build_lifter(config)
        matrices = [weights for weights in self.lifter.parameters() if weights.ndim > 1]
        others = [weights for weights in self.lifter.parameters() if weights.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=config.learning_rate,
        )
        self.loss = LOSSES[config.loss]
        self.git_revision = git_revision()
        self.step = 0
        self.elapsed_s = 0.0
        self._pool_number = -1
        self._pool: Samples

    def advance(self, progress: float) -> float:
        """Take one step at the learning rate for a progress in [0, 1] and return its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(progress)
        xy, xyz_m = self.samples_of_step()
        self.lifter.train()
        loss = objective(self.lifter.output(xy), xyz_m, self.loss)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.lifter.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def samples_of_step(self) -> Samples:
        """The batch of the coming step, the same whether the run was interrupted before it or not."""
        size = self.config.batch_size
        pool_number, place = divmod(self.step, _BATCHES_DRAWN_TOGETHER)
        if pool_number != self._pool_number:
            chance = Chance(self.config.seed * 1_000_003 + pool_number)
            self._pool = self.maker.draw(chance, size * _BATCHES_DRAWN_TOGETHER)
            self._pool_number = pool_number
        batch = slice(place * size, (place + 1) * size)
        return Samples(self._pool.xy[batch], self._pool.xyz_m[batch])

    def learning_rate(self, progress: float) -> float:
        """Rise over the first steps, then fall as half a cosine."""
        warm_up = min(1.0, (self.step + 1) / self.config.warm_up_steps)
        cosine = (1 + math.cos(math.pi * min(progress, 1.0))) / 2
        return self.config.learning_rate * warm_up * (_LAST_LEARNING_RATE + (1 - _LAST_LEARNING_RATE) * cosine)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to the state of a checkpoint."""
        self.lifter.load_state_dict(checkpoint.weights)
        self.optimizer.load_state_dict(checkpoint.optimizer)
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
        )


@dataclass(frozen=True)
class Pace:
    """How often things are done beside training, and when to stop.

    Attributes:
        max_minutes: training time after which the run ends; infinite for no limit.
        checkpoint_minutes: between checkpoints.
        evaluation_minutes: between evaluations on held-out clips.
    """

    max_minutes: float = math.inf
    checkpoint_minutes: float = 3.0
    evaluation_minutes: float = 5.0

    def progress(self, run: Run) -> float:
        """How far a run is, 0 to 1: by steps or by time, whichever ends it first.

        The learning rate follows it, so a run that its time limit ends early has still come down to the lowest rate.
        """
        return max(run.step / run.config.steps, run.elapsed_s / (60 * self.max_minutes))


def train(
    config: TrainConfig,
    corpus: Corpus,
    output: Path,
    *,
    corpus_name: str,
    holdout: Sequence[str] = (),
    pace: Pace | None = None,
    resume: bool = False,
) -> Path:
    """Train a lifter.

    Args:
        config: settings; with ``resume`` those of the checkpoint count.
        corpus: motion.
        output: folder for the checkpoint and a CSV log.
        corpus_name: what the checkpoint calls the corpus.
        holdout: patterns of the subjects to hold out; with ``resume`` those of the checkpoint count.
        pace: time limit and intervals.
        resume: go on from the checkpoint in ``output``.

    Returns:
        The checkpoint's path. It is also written when Ctrl-C or an error ends the run.

    Raises:
        ConfigError: the data do not fit, or the folder holds a run and ``resume`` was not given.
        OutputError: the folder cannot be written.
    """
    pace = pace or Pace()
    path = output / CHECKPOINT_NAME
    start = _starting_point(path, resume=resume)
    if start is not None:
        config, holdout = start.config, start.holdout
    _check_rate(corpus, config)
    kept, held = split_clips(corpus, holdout)
    run = Run(config, SampleMaker(load_motion(corpus, kept), config.num_frames))
    if start is not None:
        run.restore(start)
    held_out = HeldOut(load_motion(corpus, held), num_sequences=_SEQUENCES_WHILE_TRAINING)
    progress_log = _ProgressLog(output / LOG_NAME, is_new=start is None)
    log.info("training on %d clips, %d are held out", len(kept), len(held))

    checkpoint_timer, evaluation_timer = _Timer(pace.checkpoint_minutes), _Timer(pace.evaluation_minutes)
    try:
        with tqdm(initial=run.step, total=config.steps, desc="training", unit="step", miniters=10) as bar:
            while (progress := pace.progress(run)) < 1:
                started_s = time.monotonic()
                progress_log.add_loss(run.advance(progress))
                bar.update()
                if evaluation_timer.is_due():
                    progress_log.write(run, evaluate(torch_predictor(run.lifter, config.num_frames), held_out))
                if checkpoint_timer.is_due():
                    save_checkpoint(run.checkpoint(holdout=holdout, corpus_name=corpus_name), path)
                run.elapsed_s += time.monotonic() - started_s
    finally:
        save_checkpoint(run.checkpoint(holdout=holdout, corpus_name=corpus_name), path)
    progress_log.write(run, evaluate(torch_predictor(run.lifter, config.num_frames), held_out))
    return path


def _starting_point(path: Path, *, resume: bool) -> Checkpoint | None:
    if resume:
        return load_checkpoint(path)
    if path.exists():
        raise ConfigError(f"{path} already holds a run", hint="go on with --resume, or choose another --output")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path.parent}: {error.strerror}") from error
    return None


def _check_rate(corpus: Corpus, config: TrainConfig) -> None:
    for clip in corpus.clips:
        if abs(clip.rate_hz - config.rate_hz) > 0.1:
            raise ConfigError(
                f"clip {clip.name} has {clip.rate_hz:g} frames a second, the preset needs {config.rate_hz:g}",
                hint=f"prepare the corpus with --rate {config.rate_hz:g}",
            )


class _Timer:
    """Says once an interval that it is over."""

    def __init__(self, minutes: float) -> None:
        self._interval_s = 60 * minutes
        self._next_s = time.monotonic() + self._interval_s

    def is_due(self) -> bool:
        now_s = time.monotonic()
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._interval_s
        return True


class _ProgressLog:
    """A CSV file with one row for each evaluation."""

    def __init__(self, path: Path, *, is_new: bool) -> None:
        self._path = path
        self._losses: list[float] = []
        if is_new:
            self._append(_LOG_COLUMNS, mode="w")

    def add_loss(self, loss: float) -> None:
        self._losses.append(loss)

    def write(self, run: Run, scores: dict[str, Scores]) -> None:
        loss = sum(self._losses) / max(len(self._losses), 1)
        self._losses.clear()
        errors_mm = [error for score in scores.values() for error in (score.mpjpe_mm, score.p_mpjpe_mm)]
        learning_rate = run.optimizer.param_groups[0]["lr"]
        row = [run.step, f"{run.elapsed_s / 60:.2f}", f"{learning_rate:.2e}", f"{loss:.5f}"]
        self._append([*row, *(f"{error:.2f}" for error in errors_mm)], mode="a")
        log.info("step %d, loss %.4f: %s", run.step, loss, "; ".join(f"{k} {v}" for k, v in scores.items()))

    def _append(self, row: Sequence[object], *, mode: str) -> None:
        try:
            with self._path.open(mode, newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(row)
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error
