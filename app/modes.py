"""Live or file: what may be known of the future, and what files say of it.

Live, a pose is shown as soon as it can be: filters are causal. In a file the future is known, and filters look both
ways; everything comes later by as much, which nobody watches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from .datatypes import LifterSpec
from .manifest import ModelEntry, manifest
from .settings import Settings
from .side_choice import LOOK_AHEAD_S
from .smoothing import REACH_S

Mode = Literal["live", "file"]


def choose_mode(settings: Settings, *, has_window: bool = False) -> Mode:
    """The mode asked for; by itself, a camera is live, and so is a video that is only watched."""
    if settings.mode == "auto":
        is_watched = settings.camera is not None or (has_window and not settings.writes_files)
        return "live" if is_watched else "file"
    return "live" if settings.mode == "live" else "file"


def lifter_in_mode(name: str, mode: Mode, entries: Sequence[ModelEntry] | None = None) -> str:
    """The lifter to use for the one asked for: in file mode its centred twin, where the manifest names one.

    Args:
        name: what the user called it, or a file.
        mode: of the run.
        entries: of the manifest; the program's own by default.
    """
    twins = {entry.name: entry.centred for entry in (manifest() if entries is None else entries)}
    return (twins.get(name) if mode == "file" else None) or name


def lifter_in_any_mode(name: str) -> str:
    """What stands for a lifter in any mode: of a centred twin the one that it stands in for."""
    return next((entry.name for entry in manifest() if entry.centred == name), name)


def sides_look_ahead_s(mode: Mode) -> float:
    """How far beyond a frame is looked to tell left from right."""
    return LOOK_AHEAD_S if mode == "file" else 0.0


def smoothing_look_ahead_s(settings: Settings, mode: Mode) -> float:
    """How far beyond a frame its filter looks."""
    return REACH_S[settings.smooth] if mode == "file" else 0.0


def look_ahead_s(spec: LifterSpec, settings: Settings, mode: Mode) -> float:
    """How far beyond its frame a pose knows the clip: lifter, filter, and what tells left from right together."""
    return spec.look_ahead_s + sides_look_ahead_s(mode) + smoothing_look_ahead_s(settings, mode)


def posing_facts(spec: LifterSpec, settings: Settings, mode: Mode, *, sides_s: float | None = None) -> dict[str, Any]:
    """What files and statistics say of how poses were made.

    ``look_ahead_frames`` and ``look_ahead_ms`` are how far beyond its frame a pose knows the clip (``look_ahead_s``);
    frames are the lifter's.

    Args:
        spec: of the lifter.
        settings: of the run.
        mode: of the run.
        sides_s: how far was looked ahead to tell left from right, where that was not in this run.
    """
    sides_s, smoothing_s = sides_s or sides_look_ahead_s(mode), smoothing_look_ahead_s(settings, mode)
    return {
        "mode": mode,
        "smooth": settings.smooth,
        "bones": settings.bones,
        "fov_deg": settings.fov_deg,
        **({} if settings.height_cm is None else {"height_cm": settings.height_cm}),
        # Rounded first: 0.2 + 0.4 is a little more than 0.6.
        "look_ahead_frames": spec.look_ahead + math.ceil(round((sides_s + smoothing_s) * spec.rate_hz, 6)),
        "look_ahead_ms": round((spec.look_ahead_s + sides_s + smoothing_s) * 1e3, 1),
        "sides_look_ahead_ms": round(sides_s * 1e3, 1),
        "smoothing_look_ahead_ms": round(smoothing_s * 1e3, 1),
    }
