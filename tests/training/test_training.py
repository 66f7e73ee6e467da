"""Training runs: they learn, resume exactly, and stop in time; evaluation measures what it says."""

from __future__ import annotations

import csv
import logging
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from posedemo.errors import ConfigError, ModelError
from posedemo.models.bodies import face_forward, to_adult_size
from posedemo.models.cameras import project, to_camera_axes
from posedemo.models.chance import Chance
from posedemo.models.checkpoints import load_checkpoint, save_checkpoint
from posedemo.models.config import TrainConfig, preset
from posedemo.models.corpus import Corpus, read_corpus
from posedemo.models.evaluate import HeldOut, _turned_like, baselines, evaluate
from posedemo.models.lifter import build_lifter
from posedemo.models.losses import mpjpe
from posedemo.models.predictors import Predictor, load_predictor
from posedemo.models.rotations import from_vector
from posedemo.models.run import Run, has_bfloat16
from posedemo.models.samples import SampleMaker
from posedemo.models.train import CHECKPOINT_NAME, LOG_NAME, Pace, train
from posedemo.models.windows import draw_windows, load_motion
from posedemo.skeleton import H36M17

TINY = preset("semgcn", "tiny")


@pytest.fixture(scope="module")
def corpus(corpus_path: Path) -> Corpus:
    return read_corpus(corpus_path)


@pytest.fixture(scope="module")
def maker(corpus: Corpus) -> SampleMaker:
    return SampleMaker(load_motion(corpus, corpus.clips), num_frames=1)


def start(corpus: Corpus, output: Path, config: TrainConfig = TINY, **options: object) -> Path:
    return train(config, corpus, output, corpus_name="c.npz", holdout=["lab/bob"], **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_sixty_four_poses_are_learned_to_ten_millimetres(corpus: Corpus) -> None:
    # All seen from the front: learning 64 views from anywhere by heart takes several minutes.
    motion = load_motion(corpus, corpus.clips)
    world_m = to_adult_size(face_forward(draw_windows(motion, Chance(0), 64, num_frames=1)))[:, 1:]
    true_m = to_camera_axes(world_m, torch.eye(3).expand(64, 3, 3))
    xy = project(true_m + torch.tensor([0.0, 0.0, 4.0]))
    lifter = build_lifter(TrainConfig(lifter="semgcn")).train()
    optimizer = torch.optim.Adam(lifter.parameters())
    num_steps, error_m = 600, math.inf
    for step in range(num_steps):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * (1 + math.cos(math.pi * step / num_steps)) / 2
        loss = mpjpe(lifter(xy), true_m[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        error_m = float(loss.detach())
        if error_m < 0.010:
            break
    assert error_m < 0.010, f"{1000 * error_m:.1f} mm after {num_steps} steps"


def test_a_resumed_run_is_bit_for_bit_the_uninterrupted_one(maker: SampleMaker, tmp_path: Path) -> None:
    whole, first = Run(TINY, maker), Run(TINY, maker)
    for step in range(20):
        whole.advance(step / TINY.steps)
    for step in range(10):
        first.advance(step / TINY.steps)
    save_checkpoint(first.checkpoint(holdout=["lab/bob"], corpus_name="c.npz"), tmp_path / "c.pt")
    second = Run(TINY, maker)
    second.restore(load_checkpoint(tmp_path / "c.pt"))
    for step in range(10, 20):
        second.advance(step / TINY.steps)
    assert second.step == whole.step == 20
    for name, weights in whole.lifter.state_dict().items():
        assert torch.equal(second.lifter.state_dict()[name], weights), name


def test_a_short_run_learns_logs_and_resumes(corpus: Corpus, tmp_path: Path) -> None:
    config = replace(TINY, steps=60)
    path = start(corpus, tmp_path, config)
    checkpoint = load_checkpoint(path)
    assert (checkpoint.step, checkpoint.holdout, checkpoint.corpus) == (60, ("lab/bob",), "c.npz")
    assert checkpoint.config == config
    with (tmp_path / LOG_NAME).open() as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "60"
    held_out = HeldOut(load_motion(corpus, corpus.clips[1:2]), num_sequences=4)
    untrained = evaluate(Predictor(lambda xy: np.zeros((len(xy), 17, 3), np.float32), 1), held_out)
    assert float(rows[-1]["clean_mpjpe_mm"]) < untrained["clean"].mpjpe_mm
    assert start(corpus, tmp_path, config, resume=True) == path
    with pytest.raises(ConfigError, match="already holds a run"):
        start(corpus, tmp_path, config)


def test_a_time_limit_ends_the_run_at_a_low_learning_rate(corpus: Corpus, tmp_path: Path) -> None:
    began_s = time.monotonic()
    path = start(corpus, tmp_path, replace(TINY, steps=1_000_000), pace=Pace(max_minutes=4 / 60))
    assert time.monotonic() - began_s < 60
    checkpoint = load_checkpoint(path)
    assert 0 < checkpoint.step < 1_000_000
    assert checkpoint.elapsed_s >= 4
    assert checkpoint.optimizer["param_groups"][0]["lr"] < 0.3 * TINY.learning_rate


@pytest.mark.parametrize("amp", [False, True])
def test_who_could_train_faster_is_told(
    corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture, amp: bool
) -> None:
    caplog.set_level(logging.INFO)
    start(corpus, tmp_path, replace(TINY, steps=2, amp=amp))
    assert ("--amp" in caplog.text) == (not amp and has_bfloat16(torch.device("cpu")))


def test_an_interrupted_run_is_saved(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter(range(5))
    advance = Run.advance

    def interrupted(run: Run, progress: float) -> float:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return advance(run, progress)

    monkeypatch.setattr(Run, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start(corpus, tmp_path)
    assert load_checkpoint(tmp_path / CHECKPOINT_NAME).step == 5


def test_the_learning_rate_rises_and_falls(maker: SampleMaker) -> None:
    run = Run(TINY, maker)
    assert run.learning_rate(0.0) == pytest.approx(TINY.learning_rate / TINY.warm_up_steps, rel=0.01)
    run.step = TINY.warm_up_steps
    rates = [run.learning_rate(progress) for progress in (0.1, 0.5, 0.9, 1.0)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.01 * TINY.learning_rate


def test_a_corpus_of_another_rate_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    slow = replace(corpus, clips=tuple(replace(clip, rate_hz=25.0) for clip in corpus.clips))
    with pytest.raises(ConfigError, match="25 frames a second"):
        start(slow, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"text"])
def test_damaged_checkpoints_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.pt").write_bytes(content)
    with pytest.raises(ModelError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "c.pt")
    with pytest.raises(ModelError, match="cannot read"):
        load_checkpoint(tmp_path / "absent.pt")


def test_checkpoints_run_no_code_when_read(tmp_path: Path) -> None:
    torch.save({"format": 1, "config": Path("/")}, tmp_path / "c.pt")
    with pytest.raises(ModelError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "c.pt")


def test_unknown_presets_are_refused() -> None:
    with pytest.raises(ConfigError, match="no preset 'huge'"):
        preset("semgcn", "huge")


def test_the_baseline_that_is_told_the_heading_is_turned_and_never_mirrored() -> None:
    rotations = from_vector(2 * Chance(1).normal(200, 3)).numpy()
    pose_m = Chance(2).normal(17, 3).numpy()
    # A flat trunk fits its mirror image as well; the knees, which are not fitted, tell.
    for joint in ("left_hip", "right_hip", "left_shoulder", "right_shoulder", "thorax"):
        pose_m[H36M17.index(joint), 2] = 0
    turned_m = _turned_like(pose_m, (pose_m @ rotations)[None])
    np.testing.assert_allclose(turned_m[0], pose_m @ rotations, atol=1e-4)


def test_evaluation_is_repeatable_and_baselines_are_ordered(corpus: Corpus) -> None:
    held_out = HeldOut(load_motion(corpus, corpus.clips[1:2]), num_sequences=16)
    training = load_motion(corpus, (corpus.clips[0], *corpus.clips[2:]))
    lifter = build_lifter(TINY)
    predictor = Predictor(lambda xy: lifter.eval()(torch.from_numpy(xy)).detach().numpy(), 1)
    first, second = evaluate(predictor, held_out), evaluate(predictor, held_out)
    assert first == second
    simple = baselines(training, held_out)
    assert simple["mean pose, true heading"].mpjpe_mm < simple["mean pose"].mpjpe_mm


def test_predictors_from_checkpoints_know_their_split(maker: SampleMaker, tmp_path: Path) -> None:
    run = Run(TINY, maker)
    save_checkpoint(run.checkpoint(holdout=["lab/bob"], corpus_name="c.npz"), tmp_path / "c.pt")
    predictor = load_predictor(tmp_path / "c.pt")
    assert predictor.holdout == ("lab/bob",)
    assert predictor.lift(np.ones((3, 1, 17, 2), np.float32)).shape == (3, 17, 3)
