"""Runs the command line many times in one process, which imports the libraries once.

    python command_runs.py < runs.json

Standard input has a JSON list of argument lists. For each there is a JSON line with the exit code and what was printed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from command_line import without_display
from posedemo.cli import main as posedemo

TESTS = Path(__file__).resolve().parents[1]
PATIENCE_S = 120
"""The kernel ends the process after so long, however deep it hangs. A run takes seconds."""


def run_commands(folder: Path, runs: Sequence[Sequence[object]]) -> list[subprocess.CompletedProcess[str]]:
    """What ``posedemo`` does with each list of arguments, in a folder and without a display.

    Raises:
        AssertionError: it hung, or ended the process.
    """
    # tests/ is on the path of pytest, but not of a process of its own.
    environment = without_display() | {"PYTHONPATH": str(TESTS)}
    arguments = [[str(argument) for argument in run] for run in runs]
    done = subprocess.run(
        [sys.executable, Path(__file__)], input=json.dumps(arguments), cwd=folder, env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(runs), f"{arguments[len(answers)]} ended the process: {done.returncode} {done.stderr}"
    return [subprocess.CompletedProcess(run, **answer) for run, answer in zip(arguments, answers, strict=True)]


def main() -> None:
    """Do the runs that come on standard input."""
    runs = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w")
    for arguments in runs:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            signal.alarm(PATIENCE_S)
            try:
                code = posedemo(arguments)
            except SystemExit as leaving:
                code = leaving.code
            signal.alarm(0)
            sys.stdout.flush()
            sys.stderr.flush()
            answer = {"returncode": code, "stdout": _written(output), "stderr": _written(errors)}
            print(json.dumps(answer), file=answers, flush=True)


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="surrogateescape")


if __name__ == "__main__":
    main()
