"""The live window: the room, the camera picture in its corner, and the loop that keeps both fresh. Main thread only."""

from __future__ import annotations

import time
from collections import deque
from enum import Enum
from typing import Any

import numpy as np

from ..capture.handoff import LatestSlot
from ..datatypes import Result
from ..live.shared import Shared
from ..live.status import Status
from ..live.wishes import Wishes
from ..native_output import quiet_native_output
from .display import check_display, prefer_x11, window_error
from .framing import WINDOW_VIEW
from .panel import PicturePanel
from .picture import compose_picture
from .room import Room
from .theme import DARK, Theme

__all__ = ["Ending", "RoomWindow", "check_display"]

_REFRESH_HZ = 60
_IDLE_REDRAW_S = 1.0
"""Without news the window is drawn this often, for the sake of what uncovered it or of a driver that lost it."""

_RATE_WINDOW_S = 2.0
_OPEN3D_KEYS = "HPDOCVLWBNSITJKXYZ0123456789-=[]"
"""Open3D acts on these: prints to standard output, writes files, changes colours. All are ours to give a meaning."""


class Ending(Enum):
    """Why a window's loop ended."""

    CLOSED_BY_USER = "closed by user"
    RESULTS_ENDED = "results ended"


class RoomWindow:
    """A window on the room. Make and use it on the main thread.

    Args:
        title: shown after the program's name.
        max_people: how many people can be shown; more are not drawn.
        mirror: show picture and room as a mirror does.
        theme: colours.
        size_wh: first size in pixels.
        is_fullscreen: start in full screen, without a mouse pointer.
        wishes: where keys that steer the run write; None where nobody listens.
        status: what the run says of itself, for the head-up display; None where it says nothing.

    Raises:
        ConfigError: there is no display, or no OpenGL on it.
    """

    def __init__(
        self,
        *,
        title: str,
        max_people: int = 1,
        mirror: bool = False,
        theme: Theme = DARK,
        size_wh: tuple[int, int] = (1280, 720),
        is_fullscreen: bool = False,
        wishes: Shared[Wishes] | None = None,
        status: Shared[Status] | None = None,
    ) -> None:
        check_display()
        prefer_x11()
        self._theme = theme
        self._mirror = mirror
        self._is_fullscreen = is_fullscreen
        self._wishes = wishes
        self._status = status
        self._visualizer = _open_window(f"posedemo - {title}" if title else "posedemo", size_wh)
        self._room = Room(self._visualizer, max_people=max_people, theme=theme, mirror=mirror)
        self._room.look(WINDOW_VIEW)
        self._panel = PicturePanel(self._visualizer)
        self._rate = _Rate()
        self._drawn_camera: tuple[bytes, ...] = ()
        self._drawn_s = -_IDLE_REDRAW_S
        self._bind_keys()

    def run(self, results: LatestSlot[Result]) -> Ending:
        """Show results until they end or the user closes the window, with Esc, Q or the window's own button.

        Args:
            results: the newest is shown, the others are not missed.

        Raises:
            BaseException: the error that the results ended with.
        """
        while self._visualizer.poll_events():
            started_s = time.monotonic()
            result = results.poll()
            if result is not None:
                self._show(result)
            elif results.closed:
                return Ending.RESULTS_ENDED
            self._draw(is_changed=result is not None)
            time.sleep(max(0.0, started_s + 1 / _REFRESH_HZ - time.monotonic()))
        return Ending.CLOSED_BY_USER

    def close(self) -> None:
        """Destroy the window."""
        self._visualizer.destroy_window()

    def _show(self, result: Result) -> None:
        self._rate.tick()
        self._room.update(result.people, result.frame.stamp.time_s)
        text = status_text(result, self._rate.per_second)
        self._panel.show(compose_picture(result, text, self._theme, mirror=self._mirror))

    def _draw(self, *, is_changed: bool) -> None:
        """Draw if there is something new to be seen: with nothing new, a loop costs next to nothing."""
        now_s = time.monotonic()
        camera = self._camera()
        if not is_changed and camera == self._drawn_camera and now_s - self._drawn_s < _IDLE_REDRAW_S:
            return
        self._panel.place()
        self._visualizer.update_renderer()
        self._drawn_camera, self._drawn_s = camera, now_s

    def _camera(self) -> tuple[bytes, ...]:
        """Everything that the mouse and a new window size change, to be compared."""
        parameters = self._visualizer.get_view_control().convert_to_pinhole_camera_parameters()
        return tuple(np.asarray(m).tobytes() for m in (parameters.extrinsic, parameters.intrinsic.intrinsic_matrix))

    def _bind_keys(self) -> None:
        """Take Open3D's keys away from it and give those of ours their meaning; Esc and Q it closes with as we do."""
        for key in _OPEN3D_KEYS:
            self._visualizer.register_key_callback(ord(key), lambda _: False)
        self._visualizer.register_key_callback(ord("R"), lambda _: self._reset_view())

    def _reset_view(self) -> bool:
        self._room.look(WINDOW_VIEW)
        return False


class _Rate:
    """Counts events a second over the last moments."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque()

    def tick(self) -> None:
        now_s = time.monotonic()
        self._times_s.append(now_s)
        while now_s - self._times_s[0] > _RATE_WINDOW_S:
            self._times_s.popleft()

    @property
    def per_second(self) -> float:
        """0 until there are two events."""
        if len(self._times_s) < 2:
            return 0.0
        return (len(self._times_s) - 1) / max(1e-6, self._times_s[-1] - self._times_s[0])


def status_text(result: Result, frames_per_second: float) -> str:
    """A few words on what is shown."""
    words = [f"{frames_per_second:.0f} fps"] if frames_per_second else []
    if not result.people:
        words.append("nobody in view")
    elif any(person.root_m is not None for person in result.people):
        words.append("z estimated")
    return "   ".join(words)


def _open_window(title: str, size_wh: tuple[int, int]) -> Any:
    with quiet_native_output():
        import open3d as o3d

        o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)
        visualizer = o3d.visualization.VisualizerWithKeyCallback()
        is_open = visualizer.create_window(title, *size_wh)
    if not is_open:
        raise window_error()
    return visualizer
