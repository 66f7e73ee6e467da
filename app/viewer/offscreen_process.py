"""What runs in the process that draws the room off-screen. Its parent's side is ``offscreen``."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import ImageArray
from ..priority import step_back
from .library import load_open3d
from .theme import DARK

if TYPE_CHECKING:
    from .pixels import Reader

_SUPERSAMPLE = 1.25
"""The room is drawn so many times larger in each direction, for smooth edges."""
_INSTALL_HINT = "install OpenGL and EGL; on Debian and Ubuntu: apt-get install libegl1 libgl1 libgomp1"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the process cannot draw: a sentence and a hint for the user, details for a log."""

    message: str
    hint: str
    details: str


def draw_until_told(
    connection: Connection,
    memory: Any,
    size_wh: tuple[int, int],
    max_people: int,
    mirror: bool,
) -> None:
    """Answer each ``(slot, people, time_s)`` with a picture in that slot of the memory; None ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _draw_without_display()
    width, height = size_wh
    slots: ImageArray = np.frombuffer(memory, np.uint8).reshape(-1, height, width, 3)
    try:
        canvas = _Canvas(size_wh, max_people=max_people, mirror=mirror)
        step_back()  # only now: whoever shows something live waits for the first picture
        while (request := connection.recv()) is not None:
            slot, people, time_s = request
            canvas.draw(people, time_s, into=slots[slot])
            connection.send(slot)
    except (EOFError, BrokenPipeError):
        return  # The parent has gone; there is nobody to draw for or to tell.
    except Exception as error:  # noqa: BLE001  told to the parent, which raises it
        connection.send(_failure(error))


def _draw_without_display() -> None:
    """Make Open3D fall back to EGL, which is faster than a hidden window and not covered by others; and be silent.

    Standard output is data and standard error is the parent's; drivers write to both from C.
    """
    if sys.platform == "linux":
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            os.environ.pop(name, None)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _failure(error: Exception) -> Failure:
    details = traceback.format_exc()
    if isinstance(error, ImportError | OSError):
        return Failure(f"Open3D cannot be loaded: {error}", _INSTALL_HINT, details)
    if isinstance(error, _NoCanvasError):
        return Failure("the 3D view cannot be drawn: no off-screen OpenGL on this machine", _INSTALL_HINT, details)
    return Failure(f"the 3D view failed: {error}", "run `posedemo doctor`", details)


class _NoCanvasError(Exception):
    """Open3D could not make a context to draw in."""


class _Canvas:
    """An off-screen visualizer with the room in it and a camera that follows the people."""

    def __init__(self, size_wh: tuple[int, int], *, max_people: int, mirror: bool) -> None:
        o3d = load_open3d()
        from .operator import Operator, Preset
        from .room import Room

        o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)
        width, height = size_wh
        self._size_wh = size_wh
        self._canvas_wh = (round(width * _SUPERSAMPLE), round(height * _SUPERSAMPLE))
        self._visualizer = o3d.visualization.Visualizer()
        if not self._visualizer.create_window("posedemo", *self._canvas_wh, visible=False):
            raise _NoCanvasError
        self._room = Room(self._visualizer, max_people=max_people, theme=DARK, mirror=mirror)
        self._operator = Operator(width / height, Preset.FOLLOW)
        self._read: Reader | None = None

    def draw(self, people: Any, time_s: float, *, into: ImageArray) -> None:
        """Draw the people of one frame into a picture (height, width, 3) BGR."""
        from .pixels import choose_reader

        self._room.update(people, time_s)
        self._room.look(self._operator.view(self._room.scene.people, time_s))
        if self._read is None:
            self._read = choose_reader(self._visualizer, canvas_wh=self._canvas_wh, size_wh=self._size_wh)
        into[:] = self._read()
