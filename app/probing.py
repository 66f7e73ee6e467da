"""Asks the machine what may hang or crash whoever asks: in a process of its own, and for no longer than a time limit.

Drivers of cameras, windows and GPUs do both. ``python -m posedemo.probing MODULE:FUNCTION ...`` answers with a line of
JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from .errors import PosedemoError

_KILLED_WITHIN_S = 1.0


class ProbeError(PosedemoError):
    """What was asked did not work; the message says what is wrong."""


def ask(question: Callable[..., dict[str, Any]], *arguments: object, limit_s: float) -> dict[str, Any]:
    """Put a question in a process of its own.

    Args:
        question: a function of a module, which takes words and returns what JSON can say.
        arguments: of the question.
        limit_s: how long the answer may take.

    Raises:
        ProbeError: it does not work, crashes, or takes too long.
    """
    command = [sys.executable, "-m", "posedemo.probing", name_of(question), *map(str, arguments)]
    process = subprocess.Popen(
        command,
        # Address space, which is limited for some questions, is not to be spent on a heap for every thread.
        env=os.environ | {"MALLOC_ARENA_MAX": "2"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        answer, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise ProbeError(f"gave no answer for {limit_s:g} s") from error
    finally:
        _end(process)
    return _read(answer, process.returncode)


def name_of(function: Callable[..., object]) -> str:
    """What ``named`` finds it by."""
    return f"{function.__module__}:{function.__qualname__}"


def named(name: str) -> Callable[..., Any]:
    """The function of a module, by name."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it if it still runs. One that is stuck in a driver cannot be killed, and is not waited for."""
    if process.poll() is None:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_KILLED_WITHIN_S)
    if process.stdout is not None:
        process.stdout.close()


def _read(answer: bytes, code: int) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(answer.splitlines()[-1])
    except (ValueError, IndexError) as error:
        # Signals that end a process come as negative numbers.
        raise ProbeError("crashed" if code < 0 else f"ended with code {code} without an answer") from error
    if "error" in content:
        raise ProbeError(content["error"], content["hint"])
    return content


def main() -> None:
    """Answer the question on the command line."""
    name, *arguments = sys.argv[1:]
    try:
        content = named(name)(*arguments)
    except PosedemoError as error:
        content = {"error": error.message, "hint": error.hint}
    except ImportError as error:
        content = {"error": f"a library cannot be loaded: {error}", "hint": "install posedemo again"}
    sys.stdout.write("\n" + json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
