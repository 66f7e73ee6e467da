"""The head to head prints what it writes, with and without data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from posedemo.errors import ModelError

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "weights" / "semgcn.onnx"
QUICK = ("--rounds", "1", "--runs", "2")


def compare(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "benchmarks" / "lifters.py", *arguments]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.slow
def test_table_and_json_say_the_same(corpus_path: Path, tmp_path: Path) -> None:
    data = ("--data", corpus_path, "--holdout", "lab/bob", "--sequences", "4")
    done = compare("--lifter", SHIPPED, SHIPPED, *QUICK, *data, "--json", tmp_path / "b.json")
    assert done.returncode == 0, done.stderr
    heading, _, *lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
    rows = json.loads((tmp_path / "b.json").read_text())
    assert len(lines) == len(rows) == 2
    for line, row in zip(lines, rows, strict=True):
        cells = dict(zip(heading, line, strict=True))
        assert cells["lifter"] == row["name"] == "semgcn"
        assert cells["MMAC"] == f"{row['mmac']:.1f}" == "8.0"
        assert cells["ms, 4 people"] == f"{row['median_ms']['4']:.2f}"
        assert cells["P2 noisy"] == f"{row['scores']['noisy']['p_mpjpe_mm']:.1f}"
    assert rows[0]["ratio"]["1"] == 1
    assert rows[0]["scores"] == rows[1]["scores"], "both were measured on the same people"


@pytest.mark.slow
def test_without_data_there_are_no_errors_and_no_lifter_is_an_error(tmp_path: Path) -> None:
    done = compare("--lifter", SHIPPED, *QUICK)
    assert done.returncode == 0, done.stderr
    assert "P1" not in done.stdout
    (tmp_path / "x.onnx").write_text("no lifter")
    done = compare("--lifter", tmp_path / "x.onnx", *QUICK)
    assert done.returncode == ModelError.exit_code
    assert done.stderr.endswith("is not an exported lifter\nhint: make one with: posedemo export\n")
