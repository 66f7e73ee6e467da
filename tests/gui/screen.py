"""The screen that GUI tests look at and type on: Xvfb's frame buffer file, xdotool, and the window manager's words."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_TIMEOUT_S = 200.0


@dataclass(frozen=True)
class Screen:
    """An X server.

    Attributes:
        name: what DISPLAY says.
        frame_buffer: file in XWD format that the server keeps up to date.
    """

    name: str
    frame_buffer: Path

    @property
    def environment(self) -> dict[str, str]:
        """For processes that open windows here."""
        return {**os.environ, "DISPLAY": self.name, "WAYLAND_DISPLAY": ""}

    def picture(self) -> np.ndarray:
        """(h, w, 3) BGR of what is on the screen now."""
        data = self.frame_buffer.read_bytes()
        header = np.frombuffer(data, ">u4", 25).astype(int)
        header_size, width, height, row_bytes, num_colors = header[[0, 4, 5, 12, 19]]
        start = header_size + 12 * num_colors
        rows = np.frombuffer(data, np.uint8, height * row_bytes, start).reshape(height, row_bytes)
        return rows[:, : 4 * width].reshape(height, width, 4)[..., :3]

    def xdotool(self, *arguments: str) -> str:
        """Run xdotool; fails when it does."""
        command = ["xdotool", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S
        )
        return done.stdout.strip()

    def find_window(self, title: str) -> str:
        """Wait for a window whose title matches a regular expression; returns its number."""
        found: list[str] = []

        def is_there() -> bool:
            try:
                found[:] = self.xdotool("search", "--onlyvisible", "--name", title).splitlines()
            except subprocess.CalledProcessError:
                return False  # None yet, or one went away while xdotool looked at it.
            return bool(found)

        assert wait_until(is_there), f"no window named {title}"
        return found[0]

    def press(self, window: str, key: str) -> None:
        """Press a key as a person would."""
        self.xdotool("windowfocus", window)
        self.xdotool("key", key)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag with the left button, in steps as a hand does."""
        self.xdotool("mousemove", str(start[0]), str(start[1]))
        self.xdotool("mousedown", "1")
        for share in (0.3, 0.6, 1.0):
            time.sleep(0.15)
            x, y = (round(first + share * (last - first)) for first, last in zip(start, end, strict=True))
            self.xdotool("mousemove", str(x), str(y))
        time.sleep(0.15)
        self.xdotool("mouseup", "1")

    def ask_to_close(self, window: str) -> None:
        """Say what a window manager says when somebody clicks on the window's closing button."""
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.restype = ctypes.c_ulong
        display = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        event = _ClientMessage(type=_CLIENT_MESSAGE, window=int(window), format=32)
        event.message_type = x11.XInternAtom(display, b"WM_PROTOCOLS", 0)
        event.data[0] = x11.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
        x11.XSendEvent(display, ctypes.c_ulong(int(window)), 0, ctypes.c_long(0), ctypes.byref(event))
        x11.XCloseDisplay(display)


_CLIENT_MESSAGE = 33


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent, padded to the size of XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 16),
    )


def wait_until(condition: Callable[[], bool], timeout_s: float = _TIMEOUT_S) -> bool:
    """Poll a condition; returns whether it came true in time."""
    end_s = time.monotonic() + timeout_s
    while not (is_true := condition()) and time.monotonic() < end_s:
        time.sleep(0.05)
    return is_true
