"""A window in a process of its own, for tests that look at it and type on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Self

import numpy as np
from gui.screen import Screen, wait_until
from posedemo.viewer.notices import NOTICE_S

_FOLDER = Path(__file__).resolve().parent
_END_TIMEOUT_S = 150.0
_STILL_S = NOTICE_S + 2.0
"""A picture that has not changed for so long is at rest: a notice would have gone, and a busy machine have drawn."""

NUMBERS_TOP = 690
"""The bar of numbers begins below, in the first place and size of a window: it changes by itself."""


class ShownWindow:
    """``show_window.py`` in a process of its own."""

    def __init__(self, screen: Screen, *arguments: str, folder: Path | None = None) -> None:
        self.screen = screen
        environment = {**screen.environment, "PYTHONPATH": str(_FOLDER.parent)}
        command = [sys.executable, str(_FOLDER / "show_window.py"), *arguments]
        self.process = subprocess.Popen(
            command, env=environment, cwd=folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.number = ""

    def feed(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def press(self, *keys: str) -> None:
        """Press keys, as xdotool calls them."""
        for key in keys:
            self.screen.press(self.number, key)

    def wishes(self) -> str:
        """What the keys have asked for so far."""
        self.feed("w")
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def picture(self) -> np.ndarray:
        """The screen above the bar of numbers."""
        return self.screen.picture()[:NUMBERS_TOP]

    def shows(self, word: str) -> np.ndarray:
        """Feed a word and return the picture that it changed."""
        before = self.picture()
        self.feed(word)
        assert wait_until(lambda: bool((self.picture() != before).any())), "the picture does not change"
        assert wait_until(self.is_still), "the picture does not come to rest"
        return self.picture()

    def stands(self) -> np.ndarray:
        """Let somebody stand there, whoever was there before, and return the picture."""
        self.feed("n")
        # Only the newest result is drawn: somebody who comes at once would hide that nobody was there.
        assert wait_until(self.is_still), "the picture does not come to rest"
        return self.shows("s")

    def ended(self) -> tuple[str, str]:
        """What was said on standard output and on standard error."""
        said, complained = self.process.communicate(timeout=_END_TIMEOUT_S)
        assert self.process.returncode == 0, complained
        return said.strip(), complained.strip()

    def is_still(self) -> bool:
        """Whether nothing moves for a while."""
        before = self.picture()
        return not wait_until(lambda: bool((self.picture() != before).any()), timeout_s=_STILL_S)

    def __enter__(self) -> Self:
        try:
            self.number = self.screen.find_window("^posedemo")
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
