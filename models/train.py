"""``posedemo train``: one loop for all lifters. A run can be stopped, limited in time and resumed."""

from __future__ import annotations

import csv
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from ..errors import ConfigError, ModelError, OutputError
from ..signals import stop_on_signals
from .checkpoints import Checkpoint, load_checkpoint, require_run_of, save_checkpoint, start_weights
from .config import TrainConfig
from .corpus import Corpus
from .run import Run, choose_device, has_bfloat16, require_compiler
from .training_data import Errors, load_training_data

log = logging.getLogger(__name__)

CHECKPOINT_NAME = "checkpoint.pt"
LOG_NAME = "log.csv"

_STEPS_BETWEEN_CHECKS = 100
"""Of the loss: looking at it makes the program wait for a GPU."""
_STEPS_BEFORE_FORECAST = 10
_FEW_STEPS = 0.1
"""Of a schedule that a time limit leaves: less is told."""
_NO_MEMORY = "can't allocate memory"
"""What PyTorch says on a CPU, with the class of any error."""
_FROM_DATA = ("rate_hz", "steps", "protocol")
"""Settings that views complete when a run starts, the steps where epochs are asked for."""


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


def _warn_of_compiling_anew(config: TrainConfig) -> None:
    if config.last_norm_momentum != TrainConfig.last_norm_momentum:
        log.warning(
            "--compile saves nothing here: the normalisations' momentum changes at every step of this recipe, and "
            "PyTorch compiles the step anew for each, until it gives up"
        )


def train(
    config: TrainConfig,
    corpus: Corpus,
    output: Path,
    *,
    corpus_name: str,
    holdout: Sequence[str] = (),
    pace: Pace | None = None,
    resume: bool = False,
    start_from: Path | None = None,
    device: str = "cpu",
    compiled: bool = False,
) -> Path:
    """Train a lifter.

    Args:
        config: settings; with ``resume`` those of the checkpoint count.
        corpus: motion, and for ``config.data`` "views" what cameras saw of it.
        output: folder for the checkpoint and a CSV log.
        corpus_name: what the checkpoint calls the corpus.
        holdout: patterns of the subjects to hold out; with ``resume`` those of the checkpoint count.
        pace: time limit and intervals.
        resume: go on from the checkpoint in ``output``.
        start_from: checkpoint of another run of the same lifter, whose weights are the first ones.
        device: "auto", "cpu" or "cuda".
        compiled: let PyTorch compile the steps: the first one takes a minute, the others are faster.

    Returns:
        The checkpoint's path. It is also written when Ctrl-C, SIGTERM or an error between two steps ends the run.

    Raises:
        ConfigError: the data do not fit, the folder holds a run and ``resume`` was not given, or a run of another
            lifter and it was.
        ModelError: the loss is no longer a number, ``start_from`` is not a checkpoint, or a step needs too much memory.
        OutputError: the folder cannot be written.
        KeyboardInterrupt: a signal ended the run.
    """
    pace = pace or Pace()
    path = output / CHECKPOINT_NAME
    start = _starting_point(path, config, corpus_name, resume=resume)
    if start is not None:
        config, holdout = start.config, start.holdout
    on = choose_device(device)
    if compiled:
        require_compiler(on)
        _warn_of_compiling_anew(config)
    data = load_training_data(corpus, config, holdout, device=on)
    run = Run(data.config, data.maker, device=on, compiled=compiled)
    if start is not None:
        run.restore(start)
    elif start_from is not None:
        start_weights(run.lifter, data.config, start_from)
    _make_folder(output)
    progress_log = _ProgressLog(output / LOG_NAME, is_new=start is None)
    log.info("training %s on %s, %d steps: %s", config.lifter, on, data.config.steps, data.summary)
    if has_bfloat16(on) and not config.amp:
        log.info("it computes in bfloat16 too: with --amp, steps may take half the time")

    def save() -> None:
        run.require_finite()
        save_checkpoint(run.checkpoint(holdout=holdout, corpus_name=corpus_name), path)

    def log_progress() -> None:
        progress_log.write(run, data.measure(run.result))

    first_step = run.step
    try:
        stopped = _advance(run, pace, progress_log, save=save, log_progress=log_progress)
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and _NO_MEMORY not in str(error):
            raise
        raise ModelError(
            f"a step with {run.config.batch_size} windows of {run.config.num_frames} frames needs more memory than "
            "there is", "take a smaller --batch-size, or half the memory with --amp",
        ) from error  # fmt: skip
    if stopped:
        log.info("stopped at step %d; go on with --resume", run.step)
        raise KeyboardInterrupt(stopped)
    if run.step == first_step:
        log.info("the run is over: it has taken all of its %d steps, or all of its time", run.config.steps)
    elif run.step != progress_log.last_step:
        log_progress()
    return path


def _advance(
    run: Run,
    pace: Pace,
    progress_log: _ProgressLog,
    *,
    save: Callable[[], None],
    log_progress: Callable[[], None],
) -> int:
    """Take steps until the run is over, and save; where a signal came before, 128 plus its number, and 0 otherwise."""
    checkpoint_timer, evaluation_timer = _Timer(pace.checkpoint_minutes), _Timer(pace.evaluation_minutes)
    stop: list[bool] = []
    bar = tqdm(initial=run.step, total=run.config.steps, desc="training", unit="step", miniters=10)
    with stop_on_signals(lambda: stop.append(True)) as interruption, bar:
        try:
            while (progress := pace.progress(run)) < 1 and not stop:
                started_s = time.monotonic()
                progress_log.add_loss(run.advance(progress))
                bar.update()
                if run.step % _STEPS_BETWEEN_CHECKS == 0:
                    run.require_finite()
                if evaluation_timer.is_due():
                    log_progress()
                if checkpoint_timer.is_due():
                    save()
                run.elapsed_s += time.monotonic() - started_s
                if run.step == _STEPS_BEFORE_FORECAST:
                    _tell_forecast(run, pace)
            if run.step < _STEPS_BEFORE_FORECAST and not stop:
                _tell_forecast(run, pace)
        finally:
            run.batches.close()
            # A step that an error cut short has left weights that belong to no step: the last checkpoint stands.
            if run.is_whole:
                save()
    return interruption.exit_code


def _tell_forecast(run: Run, pace: Pace) -> None:
    """Say so where a time limit leaves little of the schedule: more steps of fewer windows may be worth more."""
    num_steps = min(run.config.steps, run.step * 60 * pace.max_minutes / max(run.elapsed_s, 1e-9))
    if num_steps < _FEW_STEPS * run.config.steps:
        log.warning(
            "about %d of %d steps fit into %g minutes; a smaller --batch-size makes more of them",
            num_steps, run.config.steps, pace.max_minutes,
        )  # fmt: skip


def _starting_point(path: Path, config: TrainConfig, corpus_name: str, *, resume: bool) -> Checkpoint | None:
    if not resume:
        if path.exists():
            raise ConfigError(f"{path} already holds a run", hint="go on with --resume, or choose another --output")
        return None
    checkpoint = load_checkpoint(path)
    theirs = checkpoint.config
    # Whoever goes on need not name the preset again, and another one may be for another skeleton.
    require_run_of(checkpoint, path, replace(config, skeleton=theirs.skeleton))
    asked = replace(config, network={**theirs.network, **config.network})
    is_completed = config.data == "views"
    names = [one.name for one in fields(config) if not (is_completed and one.name in _FROM_DATA)]
    if checkpoint.corpus != corpus_name:
        log.warning("the run began with %s and goes on with %s", checkpoint.corpus, corpus_name)
    if changed := [name for name in names if getattr(asked, name) != getattr(theirs, name)]:
        log.warning("the run goes on with its own settings, which differ in: %s", ", ".join(changed))
    return checkpoint


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error


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
        self._is_new = is_new or not path.exists()
        self._losses: list[Tensor] = []
        self.last_step = -1

    def add_loss(self, loss: Tensor) -> None:
        self._losses.append(loss)

    def write(self, run: Run, errors: Errors) -> None:
        """Append a row; the loss is the mean since the last one."""
        loss = float(torch.stack(self._losses).mean()) if self._losses else 0.0
        self.last_step = run.step
        self._losses.clear()
        row = {
            "step": str(run.step),
            "minutes": f"{run.elapsed_s / 60:.2f}",
            "learning_rate": f"{run.optimizer.param_groups[0]['lr']:.2e}",
            "loss_since_last": f"{loss:.5f}",
            **{column: f"{error:.2f}" for column, error in errors.items()},
        }
        if self._is_new:
            self._append(tuple(row), mode="w")
            self._is_new = False
        self._append(tuple(row.values()), mode="a")
        log.info("step %d, loss %.5f: %s", run.step, loss, ", ".join(f"{k} {v:.1f}" for k, v in errors.items()))

    def _append(self, row: Sequence[str], *, mode: str) -> None:
        try:
            with self._path.open(mode, newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(row)
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error
