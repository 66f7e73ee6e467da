"""A picture of the window, written as PNG beside the show."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ..arrays import ImageArray
from ..errors import OutputError
from ..outputs import write_whole, writing

_MOST_IN_A_SECOND = 1000


def claim(folder: Path, suffix: str) -> Path:
    """Make an empty file with a name of its own, ``posedemo-20260130-184501.png``; nothing is ever overwritten.

    Args:
        folder: where.
        suffix: with its dot.

    Raises:
        OutputError: the folder cannot be written.
    """
    stem = time.strftime("posedemo-%Y%m%d-%H%M%S")
    for number in range(1, _MOST_IN_A_SECOND):
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            with writing(path):
                path.touch(exist_ok=False)
        except OutputError as error:
            if isinstance(error.__cause__, FileExistsError):
                continue
            raise
        return path
    raise OutputError(f"there are {_MOST_IN_A_SECOND} files like {stem}{suffix}", "wait a second")


def save_snapshot(image_bgr: ImageArray, folder: Path, tell: Callable[[str], None]) -> threading.Thread:
    """Write a picture on a thread of its own, which the end of the program waits for.

    Args:
        image_bgr: (H, W, 3 or 4) as the window's reader gives it.
        folder: where.
        tell: told the file's name, or what went wrong, in a few words; from the thread.
    """

    def work() -> None:
        try:
            path = claim(folder, ".png")
            try:
                _write(image_bgr, path)
            except OutputError:
                path.unlink(missing_ok=True)
                raise
            tell(f"snapshot {path.name}")
        except OutputError as error:
            tell(error.message)

    thread = threading.Thread(target=work, name="snapshot")
    thread.start()
    return thread


def _write(image_bgr: ImageArray, path: Path) -> None:
    encoded = cv2.imencode(".png", np.ascontiguousarray(image_bgr[..., :3]))[1]
    write_whole(path, encoded.tobytes())
