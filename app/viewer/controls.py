"""What keys change: how the window looks, and what it asks of the run. Pure functions, no window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..live.status import KEPT_DETECTOR, Status
from ..live.wishes import Wishes
from .choices import SPEEDS, Choices, next_of
from .keys import Action
from .layout import Layout
from .operator import Preset

SEEK_S = 5.0
_LAYOUTS = tuple(Layout)
_PRESETS: Mapping[Action, Preset] = {
    Action.CAMERA_FRONT: Preset.FRONT,
    Action.CAMERA_SIDE: Preset.SIDE,
    Action.CAMERA_TOP: Preset.TOP,
    Action.CAMERA_FOLLOW: Preset.FOLLOW,
    Action.CAMERA_ORBIT: Preset.ORBIT,
}


@dataclass(frozen=True, slots=True)
class Looks:
    """How the window shows what it shows.

    Attributes:
        layout: of room and camera picture.
        preset: where the room's camera stands.
        num_presets: how often a preset was chosen: the same one again takes the camera back from the mouse.
        has_hud: numbers are shown.
        has_help: the keys are shown.
        has_trails: hands and feet leave trails.
        theme: name in ``theme.THEMES``.
        is_mirrored: as a mirror shows it.
        is_fullscreen: the window fills the screen, and there is no mouse pointer.
        num_snapshots: how many were asked for.
        is_recording: what is seen is recorded.
        is_left: whoever watched has left.
    """

    layout: Layout = Layout.CORNER
    preset: Preset = Preset.FRONT
    num_presets: int = 0
    has_hud: bool = True
    has_help: bool = False
    has_trails: bool = True
    theme: str = "dark"
    is_mirrored: bool = False
    is_fullscreen: bool = False
    num_snapshots: int = 0
    is_recording: bool = False
    is_left: bool = False


def looks_after(looks: Looks, action: Action) -> Looks:
    """How the window looks after an action; the same where the action changes something else."""
    if action in _PRESETS:
        return replace(looks, preset=_PRESETS[action], num_presets=looks.num_presets + 1)
    match action:
        case Action.NEXT_LAYOUT:
            return replace(looks, layout=next_of(_LAYOUTS, looks.layout))
        case Action.TRAILS:
            return replace(looks, has_trails=not looks.has_trails)
        case Action.THEME:
            return replace(looks, theme="light" if looks.theme == "dark" else "dark")
        case Action.MIRROR:
            return replace(looks, is_mirrored=not looks.is_mirrored)
        case Action.HUD:
            return replace(looks, has_hud=not looks.has_hud)
        case Action.HELP:
            return replace(looks, has_help=not looks.has_help)
        case Action.FULL_SCREEN:
            return replace(looks, is_fullscreen=not looks.is_fullscreen)
        case Action.SNAPSHOT:
            return replace(looks, num_snapshots=looks.num_snapshots + 1)
        case Action.RECORD:
            return replace(looks, is_recording=not looks.is_recording)
        case Action.BACK:
            return _one_step_back(looks)
        case Action.QUIT:
            return replace(looks, is_left=True)
    return looks


def _one_step_back(looks: Looks) -> Looks:
    """Nobody who only wants to leave full screen ends the show: help goes first, then full screen, then the window."""
    if looks.has_help:
        return replace(looks, has_help=False)
    if looks.is_fullscreen:
        return replace(looks, is_fullscreen=False)
    return replace(looks, is_left=True)


def wishes_after(wishes: Wishes, action: Action, choices: Choices, status: Status | None = None) -> Wishes:
    """What is asked of the run after an action; the same where the action changes something else.

    Args:
        wishes: as they are.
        action: of a key.
        choices: what keys go through.
        status: of the run, for what it has refused.
    """
    match action:
        case Action.NEXT_LIFTER:
            lifter = next_of(choices.lifters, wishes.lifter)
            # A lifter says nothing about itself: the two change places.
            ghost = wishes.lifter if wishes.ghost == lifter else wishes.ghost
            return replace(wishes, lifter=lifter, ghost=ghost)
        case Action.NEXT_DETECTOR:
            return replace(wishes, detector=next_of(choices.detectors, wishes.detector))
        case Action.NEXT_SMOOTHING:
            return replace(wishes, smooth=next_of(choices.presets, wishes.smooth))
        case Action.NEXT_GHOST:
            return replace(wishes, ghost=_next_ghost(wishes, choices, status))
        case Action.NEXT_PERSON:
            return replace(wishes, num_handovers=wishes.num_handovers + 1)
        case Action.PAUSE:
            return replace(wishes, is_paused=not wishes.is_paused)
        case Action.STEP:
            # The key alone pauses: whoever wants single frames wants no others.
            num_steps = wishes.num_steps + 1 if wishes.is_paused else wishes.num_steps
            return replace(wishes, is_paused=True, num_steps=num_steps)
        case Action.SEEK_BACK:
            return replace(wishes, seek_s=wishes.seek_s - SEEK_S)
        case Action.SEEK_FORWARD:
            return replace(wishes, seek_s=wishes.seek_s + SEEK_S)
        case Action.SLOWER:
            return replace(wishes, speed=max([speed for speed in SPEEDS if speed < wishes.speed], default=SPEEDS[0]))
        case Action.FASTER:
            return replace(wishes, speed=min([speed for speed in SPEEDS if speed > wishes.speed], default=SPEEDS[-1]))
    return wishes


def _next_ghost(wishes: Wishes, choices: Choices, status: Status | None) -> str | None:
    # Where the lifter asked for was refused, another one makes the poses.
    is_refused = status is not None and ("lifter", wishes.lifter) in status.refused
    lifter = status.lifter if status is not None and is_refused else wishes.lifter
    others = [other for other in choices.lifters if other != lifter]
    return next_of([None, *others], wishes.ghost)


def reason_to_refuse(action: Action, status: Status) -> str:
    """Why a key can change nothing in what is shown; empty where it can."""
    if action in (Action.SEEK_BACK, Action.SEEK_FORWARD) and not status.can_seek:
        return "only a recorded session that is just watched can be moved through"
    if action in (Action.SLOWER, Action.FASTER) and not status.can_change_speed:
        return "only a file can be played slower or faster"
    if action is Action.NEXT_DETECTOR and not status.has_detector:
        return KEPT_DETECTOR
    return ""


def words_about(before: Wishes, after: Wishes, *, has_hud: bool = True) -> str:
    """A few words on what was asked for; empty where it shows by itself, or the bar says it."""
    if after.lifter != before.lifter:
        return f"lifter {after.lifter}"
    if after.detector != before.detector:
        return f"detector {after.detector}"
    if after.smooth != before.smooth:
        return f"smoothing {after.smooth}"
    if after.ghost != before.ghost:
        return f"ghost {after.ghost}" if after.ghost else "no ghost"
    if after.num_handovers != before.num_handovers:
        return "next person"
    if after.speed != before.speed:
        return f"speed {after.speed:g}"
    if after.seek_s != before.seek_s:
        return f"{after.seek_s - before.seek_s:+g} s"
    if after.is_paused != before.is_paused and not has_hud:
        return "paused" if after.is_paused else "goes on"
    return ""
