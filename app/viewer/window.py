"""The live window: room, camera picture, numbers and keys, and the loop that keeps them fresh. Main thread only."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from ..capture.handoff import LatestSlot
from ..datatypes import Result
from ..errors import OutputError
from ..live.shared import Shared
from ..live.status import Status
from ..live.wishes import Wishes
from ..native_output import quiet_native_output
from .aim import Aim
from .attract import Attract
from .choices import find_choices
from .controls import Looks, looks_after, reason_to_refuse, wishes_after, words_about
from .display import check_display, prefer_x11, spare_the_processor, window_error
from .ghost import disagreement_mm
from .hud import EARLIER, Tile, tiles, words
from .keys import KEYS, OPEN3D_CODES, Action
from .library import load_open3d
from .notices import Notices
from .operator import Preset
from .pointer import Pointer
from .pulse import PulseMeter
from .recorder import Recorder
from .room import Room
from .screen_pixels import ScreenReader
from .snapshot import save_snapshot
from .surfaces import Surfaces
from .theme import DARK, THEMES, Theme

_FIRST_SIZE_WH = (1280, 720)
_REFRESH_HZ = 60
_FOLDER = Path()
"""Where snapshots and recordings go."""
_REST = 1.0
"""So many times as long as drawing took nothing is drawn after it. A graphics card makes that no time at all; where the
processor draws, the detector needs it too."""

_CAMERA_HZ = 30
"""Without results the camera moves this often."""

_IDLE_REDRAW_S = 1.0
"""Without news the window is drawn this often, for the sake of what uncovered it or of a driver that lost it."""

_NUMBERS_S = 0.5
"""Numbers that change with every frame cannot be read."""

_SMALLEST_PX = 16

_PRESSED = 1
"""Of GLFW: neither released nor repeated."""

_MODIFIERS = 0x2 | 0x4 | 0x8
"""Of GLFW: Control, Alt and Super. What is pressed with them is meant for somebody else."""


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
        theme: colours at the start.
        is_fullscreen: start in full screen, without a mouse pointer.
        attracts: with nobody in view, show earlier moments again.
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
        is_fullscreen: bool = False,
        attracts: bool = True,
        wishes: Shared[Wishes] | None = None,
        status: Shared[Status] | None = None,
    ) -> None:
        check_display()
        prefer_x11()
        names = [name for name, known in THEMES.items() if known is theme]
        self._looks = Looks(is_mirrored=mirror, theme=names[0] if names else "dark")
        self._theme = theme
        self._wishes, self._status = wishes, status
        wished = None if wishes is None else wishes.value
        self._choices = None if wished is None else find_choices(lifter=wished.lifter, detector=wished.detector)
        self._visualizer = _open_window(f"posedemo - {title}" if title else "posedemo", _FIRST_SIZE_WH)
        self._room = Room(self._visualizer, max_people=max_people, theme=theme, mirror=mirror)
        self._room.show_trails(is_wanted=self._looks.has_trails)
        self._aim = Aim(self._room, self._visualizer)
        self._surfaces = Surfaces(self._visualizer)
        self._pointer = Pointer()
        self._reader = ScreenReader(self._visualizer)
        self._notices = Notices(status)
        self._recorder = Recorder(_FOLDER, self._notices.tell_of_file)
        self._attract = Attract() if attracts else Attract(after_s=math.inf)
        self._pulse = PulseMeter()
        self._latest: Result | None = None
        self._is_replay = False
        self._undrawn_s: float | None = None
        """When the picture of the newest result was grabbed, as long as it has not been drawn."""

        self._pressed: deque[Action] = deque()
        self._window_wh = (0, 0)
        self._has_news = True
        self._numbers_s = self._drawn_s = float("-inf")
        self._shown_numbers: tuple[Sequence[Tile], Sequence[str], Sequence[str]] | None = None
        self._shown_ghost: tuple[str, dict[str, int]] = ("", {})
        self._bind_keys()
        if is_fullscreen:
            self._change_looks(replace(self._looks, is_fullscreen=True))

    def run(self, results: LatestSlot[Result], lingers: Callable[[], bool] = lambda: False) -> Ending:
        """Show results until they end or the user closes the window, with Esc, Q or the window's own button.

        Args:
            results: the newest is shown, the others are not missed.
            lingers: whether the last result is shown on when no more come.

        Raises:
            BaseException: the error that the results ended with.
        """
        rests_until_s = 0.0
        while not self._looks.is_left:
            started_s = time.monotonic()
            is_drawn = False
            if started_s >= rests_until_s:
                result = results.poll()
                if result is not None:
                    self._take(result)
                elif results.closed and not lingers():
                    return Ending.RESULTS_ENDED
                is_drawn = self._prepare(started_s)
            # Draws what was prepared, then takes keys and mouse.
            if not self._visualizer.poll_events():
                break
            if is_drawn:
                self._has_drawn()
                drawn_s = time.monotonic()
                rests_until_s = drawn_s + _REST * (drawn_s - started_s)
            self._follow_keys()
            self._aim.notice_mouse()
            time.sleep(max(0.0, started_s + 1 / _REFRESH_HZ - time.monotonic()))
        return Ending.CLOSED_BY_USER

    def close(self) -> None:
        """Finish what is being recorded, and destroy the window."""
        self._recorder.close()
        self._pointer.set_hidden(is_hidden=False)
        self._visualizer.destroy_window()

    # What comes in.

    def _take(self, result: Result) -> None:
        """Show a result from the next drawing on."""
        self._latest, self._undrawn_s = result, result.frame.stamp.grabbed_s
        frame, people = result.frame, result.people
        if self._is_live:
            shown = self._attract.update(people, frame.stamp.time_s, is_recorded=frame.is_recorded)
            people = shown.people
            if shown.is_cut:
                self._room.cut()
            if shown.is_replay != self._is_replay or (shown.is_replay and shown.is_cut):
                self._aim.cut_to(Preset.ORBIT if shown.is_replay else self._looks.preset)
            self._is_replay = shown.is_replay
            if shown.is_replay and shown.is_cut and not self._looks.has_hud:
                self._notices.tell(EARLIER)
        self._room.update(people, frame.stamp.time_s)
        self._show_picture()
        self._has_news = True

    def _bind_keys(self) -> None:
        """Take Open3D's keys away from it and give ours their meaning.

        A binding only notes what was pressed: an error in it would end the process, and so would closing the window.
        """
        actions = {key.code: key.action for key in KEYS}

        def note(code: int, pressed: int, modifiers: int) -> bool:
            if pressed == _PRESSED and not modifiers & _MODIFIERS and code in actions:
                self._pressed.append(actions[code])
            return False

        for code in OPEN3D_CODES | actions.keys():
            self._visualizer.register_key_action_callback(
                code, lambda _, pressed, modifiers, code=code: note(code, pressed, modifiers)
            )

    def _follow_keys(self) -> None:
        while self._pressed:
            action = self._pressed.popleft()
            self._change_looks(looks_after(self._looks, action))
            status = None if self._status is None else self._status.value
            if status is not None and (reason := reason_to_refuse(action, status)):
                self._notices.tell(reason)
                continue
            if self._wishes is not None and self._choices is not None:
                change = partial(wishes_after, action=action, choices=self._choices, status=status)
                before = self._wishes.value
                after = self._wishes.apply(change)
                if text := words_about(before, after, has_hud=self._looks.has_hud):
                    self._notices.tell(text)
                self._numbers_s = float("-inf")

    def _change_looks(self, looks: Looks) -> None:
        """Make the window look so from now on."""
        before, self._looks = self._looks, looks
        if looks == before:
            return
        if looks.theme != before.theme:
            self._theme = THEMES[looks.theme]
            self._room.set_theme(self._theme)
        if looks.is_mirrored != before.is_mirrored:
            self._room.set_mirror(mirror=looks.is_mirrored)
        if looks.has_trails != before.has_trails:
            self._room.show_trails(is_wanted=looks.has_trails)
        if looks.num_presets != before.num_presets:
            self._aim.choose(looks.preset)
        if looks.is_fullscreen != before.is_fullscreen:
            self._visualizer.set_full_screen(looks.is_fullscreen)
            self._pointer.set_hidden(is_hidden=looks.is_fullscreen)
        if looks.num_snapshots != before.num_snapshots:
            save_snapshot(self._reader.read(), _FOLDER, self._notices.tell_of_file)
        if looks.is_recording != before.is_recording:
            self._begin_or_end_recording()
        self._show_all()

    def _begin_or_end_recording(self) -> None:
        if not self._looks.is_recording:
            self._recorder.end()
            return
        try:
            path = self._recorder.begin(self._window_wh)
        except OutputError as error:
            self._looks = replace(self._looks, is_recording=False)
            self._notices.tell(error.message)
        else:
            self._notices.tell(f"recording {path.name}")

    # What is shown.

    @property
    def _is_live(self) -> bool:
        """Whether what is shown happens now, and not in a file."""
        return self._status is None or self._status.value.is_live

    def _show_all(self) -> None:
        """Compose every panel anew: the window has another size, other colours or another division."""
        self._surfaces.fit(self._window_wh, self._looks.layout, has_numbers=self._looks.has_hud)
        self._fit_camera()
        self._surfaces.show_ghost(*self._shown_ghost, self._theme)
        self._show_picture()
        self._show_notices()
        self._surfaces.show_help(self._theme, is_wanted=self._looks.has_help)
        self._numbers_s, self._shown_numbers = float("-inf"), None
        self._has_news = True

    def _show_picture(self) -> None:
        if self._latest is not None:
            looks, slots = self._looks, self._room.scene.slots
            self._surfaces.show_picture(self._latest, self._theme, mirror=looks.is_mirrored, slots=slots)

    def _fit_camera(self) -> None:
        has_table = self._status is not None and self._status.value.ghost is not None
        self._aim.fit(self._looks.layout, self._surfaces.stage_wh, self._window_wh[1], has_table=has_table)

    def _show_ghost(self) -> None:
        people = () if self._latest is None else self._latest.people
        name = None if self._status is None else self._status.value.ghost
        pairs = [(person.pose, person.ghost) for person in people if person.pose and person.ghost]
        apart_mm = disagreement_mm(*pairs[0]) if pairs and name else {}
        shown = (name or "", {limb: round(mm) for limb, mm in apart_mm.items()})
        if shown != self._shown_ghost:
            self._shown_ghost, self._has_news = shown, True
            self._surfaces.show_ghost(*shown, self._theme)
            # Picture and people make way for it, or have their places back.
            self._show_picture()
            self._fit_camera()

    def _show_numbers(self) -> None:
        status = None if self._status is None else self._status.value
        wishes = None if self._wishes is None else self._wishes.value
        pulse = self._pulse.pulse()
        if not self._is_live:
            # Pictures of a file wait for their time: their age says nothing.
            pulse = replace(pulse, age_p50_ms=None, age_p95_ms=None)
        people = () if self._latest is None else self._latest.people
        said = words(people) if self._latest is not None else ()
        alerts = {
            EARLIER: self._is_replay,
            "recorded": self._latest is not None and self._latest.frame.is_recorded,
            "paused": wishes is not None and wishes.is_paused,
            "REC video": self._looks.is_recording,
            "REC poses": status is not None and status.is_recording,
        }
        shown = (tiles(pulse, status, wishes), said, [text for text, is_so in alerts.items() if is_so])
        if shown != self._shown_numbers:
            self._surfaces.show_numbers(*shown, self._theme)
            self._shown_numbers, self._has_news = shown, True

    def _show_notices(self) -> None:
        self._surfaces.show_notice(self._notices.text, self._theme)
        self._surfaces.show_trouble(self._notices.trouble, self._theme)
        self._has_news = True

    def _prepare(self, now_s: float) -> bool:
        """Get everything ready to be drawn, if there is anything new to be seen: with nothing new, a loop costs next
        to nothing.

        Returns:
            Whether something will be drawn.
        """
        size_wh = self._size()
        if min(size_wh) < _SMALLEST_PX:
            # Minimised, or next to it: nothing to be seen, and no room for a line.
            return False
        if size_wh != self._window_wh:
            self._window_wh = size_wh
            self._show_all()
        if self._looks.is_recording and not self._recorder.is_recording:
            # The disk is full, or whatever its notice says.
            self._looks = replace(self._looks, is_recording=False)
        if self._notices.update(now_s):
            self._show_notices()
        if now_s - self._numbers_s >= _NUMBERS_S:
            self._show_ghost()
            if self._looks.has_hud:
                self._show_numbers()
            self._numbers_s = now_s
        may_move = self._has_news or self._aim.is_held or now_s - self._drawn_s >= 1 / _CAMERA_HZ
        has_moved = may_move and self._aim.update(now_s)
        if not self._has_news and not has_moved and now_s - self._drawn_s < _IDLE_REDRAW_S:
            return False
        self._surfaces.place()
        self._visualizer.update_renderer()
        self._has_news, self._drawn_s = False, now_s
        return True

    def _has_drawn(self) -> None:
        """Everything prepared is on the screen now."""
        if not self._reader.is_checked:
            self._reader.check()
        if self._undrawn_s is not None:
            self._pulse.drawn(self._undrawn_s)
            self._undrawn_s = None
        self._recorder.add_if_due(self._reader.read)

    def _size(self) -> tuple[int, int]:
        intrinsic = self._visualizer.get_view_control().convert_to_pinhole_camera_parameters().intrinsic
        return intrinsic.width, intrinsic.height


def _open_window(title: str, size_wh: tuple[int, int]) -> Any:
    with quiet_native_output():
        spare_the_processor()
        o3d = load_open3d()
        o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)
        visualizer = o3d.visualization.VisualizerWithKeyCallback()
        is_open = visualizer.create_window(title, *size_wh)
    if not is_open:
        raise window_error()
    return visualizer
