"""The sub-commands from arguments to files, and what they may import."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest
from posedemo.errors import ConfigError, ModelError, OutputError
from posedemo.models.commands import COMMANDS


def run(name: str, *arguments: object) -> int:
    parser = argparse.ArgumentParser()
    COMMANDS[name].add_arguments(parser)
    return COMMANDS[name].run(parser.parse_args([str(argument) for argument in arguments]))


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    code = (
        "import argparse, sys, posedemo.models.commands as c\n"
        "for command in c.COMMANDS.values(): command.add_arguments(argparse.ArgumentParser())\n"
        "sys.exit(', '.join({'torch', 'onnx', 'onnxruntime', 'tqdm'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_from_motion_files_to_a_lifter(
    motion_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, output, lifter = tmp_path / "c.npz", tmp_path / "run", tmp_path / "lifter.onnx"
    assert run("prepare", motion_folder, motion_folder / "more.zip", "--output", corpus) == 0
    assert "4 clips, 240 frames, 0.1 min" in capsys.readouterr().out
    training = ("--lifter", "semgcn", "--preset", "tiny", "--data", corpus, "--output", output)
    assert run("train", *training, "--max-minutes", 0.03, "--holdout", "lab/bob", "--seed", 4) == 0
    checkpoint = Path(capsys.readouterr().out.strip())
    assert run("export", checkpoint, "--output", lifter, "--data", corpus, "--title", "a test") == 0
    assert "differs from PyTorch" in capsys.readouterr().out
    assert run("evaluate", "--lifter", lifter, "--data", corpus, "--json", tmp_path / "e.json") == 0
    assert "mean pose, true heading" in capsys.readouterr().out
    scores = json.loads((tmp_path / "e.json").read_text())["scores"]
    special = {"clean, level camera", "clean, upper body", "clean, upper body, legs hidden"}
    assert set(scores) == {"clean", "noisy", "mean pose", "mean pose, true heading"} | special
    with pytest.raises(ConfigError, match=r"must end in \.onnx"):
        run("export", checkpoint, "--output", tmp_path / "lifter")


def test_a_corpus_is_not_replaced_unless_asked_for(motion_folder: Path, tmp_path: Path) -> None:
    archive, corpus = motion_folder / "more.zip", tmp_path / "new" / "c.npz"
    assert run("prepare", archive, "--output", corpus) == 0
    before = corpus.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        run("prepare", archive, "--output", corpus)
    with pytest.raises(OutputError, match="is the input itself"):
        run("prepare", archive, corpus, "--output", corpus, "--overwrite")
    assert corpus.read_bytes() == before
    assert run("prepare", archive, "--output", corpus, "--overwrite", "--rate", 15) == 0
    assert corpus.read_bytes() != before
    assert [path.name for path in corpus.parent.iterdir()] == ["c.npz"]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match="training needs torch, which is not installed") as caught:
        run("train", "--lifter", "semgcn", "--data", "c.npz", "--output", "run")
    assert caught.value.hint == "pip install '.[train]' in a checkout"


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "x"])
def test_senseless_numbers_are_refused(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("train", "--lifter", "semgcn", "--data", "c.npz", "--output", "run", "--max-minutes", minutes)
    assert caught.value.code == 2
    assert "--max-minutes" in capsys.readouterr().err


def test_the_table_is_complete() -> None:
    assert set(COMMANDS) == {"prepare", "train", "evaluate", "export"}
