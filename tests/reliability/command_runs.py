"""Runs the command line many times in one process, which imports the libraries once.

    python command_runs.py < runs.json

Standard input has a JSON list of argument lists. For each there is a JSON line with the exit code and what was printed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PATIENCE_S = 120
"""The kernel ends the process after so long, however deep it hangs. A run takes seconds."""


def run_commands(folder: Path, runs: Sequence[Sequence[object]], timeout_s: float = 600) -> list[subprocess.CompletedProcess[str]]:
    """What ``posedemo`` does with each list of arguments, in a folder and without a display.

    Raises:
        AssertionError: it hung, or ended the process.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    arguments = [[str(argument) for argument in run] for run in runs]
    done = subprocess.run(
        [sys.executable, Path(__file__)], input=json.dumps(arguments), cwd=folder, env=environment,
        capture_output=True, text=True, timeout=timeout_s,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(runs), f"{arguments[len(answers)]} ended the process: {done.returncode} {done.stderr}"
    return [subprocess.CompletedProcess(run, **answer) for run, answer in zip(arguments, answers, strict=True)]


def main() -> None:
    """Do the runs that come on standard input."""
    from posedemo.cli import main as posedemo

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
            print(json.dumps({"returncode": code, "stdout": _written(output), "stderr": _written(errors)}), file=answers, flush=True)


def _written(file) -> str:
    file.seek(0)
    return file.read().decode(errors="surrogateescape")


if __name__ == "__main__":
    main()
