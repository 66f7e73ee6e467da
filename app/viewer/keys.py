"""The one table of keys: what each does, in words. Bindings, the help overlay and the README's table are made from it.

Pure data: no Open3D, no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What a key asks for."""

    NEXT_LAYOUT = "next layout"
    CAMERA_FRONT = "camera in front"
    CAMERA_SIDE = "camera at the side"
    CAMERA_TOP = "camera above"
    CAMERA_FOLLOW = "camera follows"
    CAMERA_ORBIT = "camera orbits"
    TRAILS = "trails"
    THEME = "theme"
    MIRROR = "mirror"
    NEXT_LIFTER = "next lifter"
    NEXT_DETECTOR = "next detector"
    NEXT_SMOOTHING = "next smoothing"
    NEXT_GHOST = "next ghost"
    NEXT_PERSON = "next person"
    PAUSE = "pause"
    STEP = "step"
    SEEK_BACK = "seek back"
    SEEK_FORWARD = "seek forwards"
    SLOWER = "slower"
    FASTER = "faster"
    SNAPSHOT = "snapshot"
    RECORD = "record"
    HUD = "head-up display"
    FULL_SCREEN = "full screen"
    HELP = "help"
    BACK = "back"
    QUIT = "quit"


class Group(Enum):
    """Headings of the help."""

    VIEW = "View"
    POSE = "Pose"
    TIME = "Time"
    SHOW = "Show"


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the table.

    Attributes:
        label: what is printed on the key.
        code: GLFW's, by the key's place on a US keyboard.
        action: what it asks for.
        words: what it does, for people.
        group: where the help lists it.
    """

    label: str
    code: int
    action: Action
    words: str
    group: Group


_ESCAPE, _ENTER, _RIGHT, _LEFT, _DOWN, _UP, _PRINT_SCREEN = 256, 257, 262, 263, 264, 265, 283


def _letter(label: str, action: Action, words: str, group: Group) -> Key:
    """A key whose GLFW code is its character."""
    return Key(label, ord(label), action, words, group)


KEYS: tuple[Key, ...] = (
    _letter("V", Action.NEXT_LAYOUT, "layout: corner, split, 3D only, picture only", Group.VIEW),
    _letter("1", Action.CAMERA_FRONT, "camera in front", Group.VIEW),
    _letter("2", Action.CAMERA_SIDE, "camera at the side", Group.VIEW),
    _letter("3", Action.CAMERA_TOP, "camera above", Group.VIEW),
    _letter("4", Action.CAMERA_FOLLOW, "camera follows the person", Group.VIEW),
    _letter("5", Action.CAMERA_ORBIT, "camera orbits slowly", Group.VIEW),
    _letter("T", Action.TRAILS, "trails of hands and feet", Group.VIEW),
    _letter("B", Action.THEME, "bright or dark room", Group.VIEW),
    _letter("M", Action.MIRROR, "mirror", Group.VIEW),
    _letter("L", Action.NEXT_LIFTER, "next lifter", Group.POSE),
    _letter("D", Action.NEXT_DETECTOR, "next detector", Group.POSE),
    _letter("S", Action.NEXT_SMOOTHING, "next smoothing", Group.POSE),
    _letter("G", Action.NEXT_GHOST, "ghost of another lifter", Group.POSE),
    _letter("N", Action.NEXT_PERSON, "next person", Group.POSE),
    Key("Space", ord(" "), Action.PAUSE, "pause and go on", Group.TIME),
    _letter(".", Action.STEP, "one frame on, while paused", Group.TIME),
    Key("Left", _LEFT, Action.SEEK_BACK, "5 s back in a recorded session", Group.TIME),
    Key("Right", _RIGHT, Action.SEEK_FORWARD, "5 s on in a recorded session", Group.TIME),
    Key("Down", _DOWN, Action.SLOWER, "play a file slower", Group.TIME),
    Key("Up", _UP, Action.FASTER, "play a file faster", Group.TIME),
    _letter("P", Action.SNAPSHOT, "snapshot (PNG)", Group.SHOW),
    _letter("R", Action.RECORD, "record the window (MP4), and stop", Group.SHOW),
    _letter("I", Action.HUD, "numbers on or off", Group.SHOW),
    _letter("F", Action.FULL_SCREEN, "full screen", Group.SHOW),
    _letter("H", Action.HELP, "help", Group.SHOW),
    Key("Esc", _ESCAPE, Action.BACK, "leave help, full screen, program", Group.SHOW),
    _letter("Q", Action.QUIT, "quit", Group.SHOW),
)
"""In the order in which people read them."""

OPEN3D_CODES = frozenset(
    [*map(ord, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-=[]"), _ESCAPE, _ENTER, _PRINT_SCREEN],
)
"""Open3D acts on most of these: prints to standard output, writes files, changes colours. All are taken from it."""
