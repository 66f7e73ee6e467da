"""Runs that are cut short: by signals at any moment, by a full disk. What is left is whole, and goes on the same."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from posedemo.errors import ModelError, OutputError
from posedemo.models.checkpoints import load_checkpoint, save_checkpoint
from posedemo.models.config import TrainConfig
from posedemo.models.corpus import read_corpus
from posedemo.models.lifter import build_lifter
from posedemo.models.train import CHECKPOINT_NAME, Pace, train

STEPS = 200
CONFIG = TrainConfig(
    lifter="global-gcn",
    # Dropout and an average: what a run has to remember or draw anew beside its weights.
    network={"channels": 8, "num_blocks": 1, "action_head": False, "dropout": 0.1},
    ema=0.9,
    batch_size=8,
    steps=STEPS,
)

PROGRAM = """
import sys, torch
from pathlib import Path
from posedemo.models.config import TrainConfig
from posedemo.models.corpus import read_corpus
from posedemo.models.train import Pace, train

torch.set_num_threads(1)
pace = Pace(checkpoint_minutes=float(sys.argv[3]), evaluation_minutes=60)
corpus, output = read_corpus(Path(sys.argv[1])), Path(sys.argv[2])
train({config!r}, corpus, output, corpus_name="c.npz", holdout=["lab/bob"], pace=pace)
"""


@pytest.fixture(autouse=True)
def one_thread():
    """The order of sums, and so the last digit, depends on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def uninterrupted(corpus_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """Weights after all steps."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole")
    path = train(CONFIG, read_corpus(corpus_path), folder, corpus_name="c.npz", holdout=["lab/bob"])
    torch.set_num_threads(threads)
    return load_checkpoint(path).weights


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "minutes", "after_s"),
    # Killed while it writes as often as it can; asked to stop where it would not have saved for an hour.
    [(signal.SIGKILL, 0, 0.0), (signal.SIGKILL, 0, 0.37), (signal.SIGINT, 60, 0.2), (signal.SIGTERM, 60, 0.53)],
)
def test_interrupted_at_any_moment_it_goes_on_the_same(
    number: signal.Signals, minutes: float, after_s: float, corpus_path: Path, tmp_path: Path, uninterrupted
) -> None:
    command = [sys.executable, "-c", PROGRAM.format(config=CONFIG), str(corpus_path), str(tmp_path), str(minutes)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    began_s = time.monotonic()
    if number == signal.SIGKILL:
        while not (tmp_path / CHECKPOINT_NAME).exists() and time.monotonic() < began_s + 100:
            time.sleep(0.01)
    else:
        first = process.stderr.read(1)  # the progress bar: the loop has begun
        assert first
    time.sleep(after_s)
    process.send_signal(number)
    error = process.communicate(timeout=100)[1]
    assert process.returncode != 0, "it was over before the signal came"
    if number != signal.SIGKILL:
        assert f"KeyboardInterrupt: {128 + number}" in error, "what the command's exit code becomes"
    step = load_checkpoint(tmp_path / CHECKPOINT_NAME).step
    assert 0 <= step < STEPS
    corpus = read_corpus(corpus_path)
    path = train(CONFIG, corpus, tmp_path, corpus_name="c.npz", resume=True, pace=Pace())
    resumed = load_checkpoint(path)
    assert resumed.step == STEPS
    for name, weights in uninterrupted.items():
        assert torch.equal(resumed.weights[name], weights), f"{name}, interrupted at step {step}"


def test_an_error_within_a_step_does_not_save_half_of_it(corpus_path: Path, tmp_path: Path, monkeypatch) -> None:
    calls = iter(range(100))
    step = torch.optim.AdamW.step

    def failing(optimiser: torch.optim.AdamW, *arguments: object) -> None:
        step(optimiser)
        if next(calls) == 4:
            raise MemoryError

    monkeypatch.setattr(torch.optim.AdamW, "step", failing)
    corpus = read_corpus(corpus_path)
    with pytest.raises(MemoryError):
        train(
            CONFIG,
            corpus,
            tmp_path,
            corpus_name="c.npz",
            holdout=["lab/bob"],
            pace=Pace(checkpoint_minutes=0, evaluation_minutes=60),
        )
    assert load_checkpoint(tmp_path / CHECKPOINT_NAME).step == 4


@pytest.fixture
def disk_of(request: pytest.FixtureRequest):
    """Let no file of this process grow beyond some bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_last_checkpoint(corpus_path: Path, tmp_path: Path, disk_of) -> None:
    path = train(replace(CONFIG, steps=2), read_corpus(corpus_path), tmp_path, corpus_name="c.npz", holdout=["lab/bob"])
    before, checkpoint = path.read_bytes(), load_checkpoint(path)
    disk_of(len(before) // 2)
    with pytest.raises(OutputError, match=r"cannot write the checkpoint .*: File too large") as caught:
        save_checkpoint(replace(checkpoint, step=3), path)
    assert "--resume" in caught.value.hint
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint.pt", "log.csv"]


@pytest.mark.slow
def test_a_full_disk_ends_the_command_in_one_sentence(corpus_path: Path, tmp_path: Path) -> None:
    arguments = ["train", "--lifter", "semgcn", "--preset", "tiny", "--steps", "4", "--data", str(corpus_path)]
    arguments += ["--output", str(tmp_path), "--holdout", "lab/bob"]
    limited = "import resource, sys; from posedemo.cli import main; "
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == OutputError.exit_code
    assert "posedemo: error: cannot write the checkpoint" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("checkpoint*"))


def test_checkpoints_of_before_new_settings_are_read(tmp_path: Path) -> None:
    """As they were written when a configuration had fewer fields, and a run no average."""
    config = TrainConfig(lifter="semgcn", network={"channels": 8, "num_blocks": 1})
    old_fields = "lifter network num_frames rate_hz loss batch_size steps learning_rate weight_decay warm_up_steps"
    old = {name: getattr(config, name) for name in (*old_fields.split(), "clip_norm", "seed")}
    content = {
        "config": old,
        "step": 7,
        "elapsed_s": 1.5,
        "weights": build_lifter(config).state_dict(),
        "optimizer": {},
        "holdout": ("lab/bob",),
        "corpus": "c.npz",
        "git_revision": "unknown",
        "skeleton": "h36m17",
        "format": 1,
    }
    torch.save(content, tmp_path / "c.pt")
    checkpoint = load_checkpoint(tmp_path / "c.pt")
    assert (checkpoint.config, checkpoint.step, checkpoint.average) == (config, 7, None)
    assert checkpoint.lifter()(torch.randn(2, 1, 17, 2)).shape == (2, 17, 3)


def test_reading_a_checkpoint_runs_none_of_it(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "run",)

    torch.save({"format": 1, "config": Malicious()}, tmp_path / "c.pt")
    with pytest.raises(ModelError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "c.pt")
    assert not (tmp_path / "run").exists()
    torch.load(tmp_path / "c.pt", weights_only=False)
    assert (tmp_path / "run").exists(), "it would have"
