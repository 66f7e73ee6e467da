"""One sentence that says which options suit the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..manifest import default_name

LIVE_FPS = 30.0
"""What webcams send; a detector that keeps up loses nothing."""

_BY_ACCURACY = ("mediapipe-heavy", "mediapipe-full", "mediapipe-lite")
_WORTH_SAYING = 1.05
"""A provider that is less than 5 % faster than another is not: as much lies between two rounds."""


def advise(pairs: Sequence[Mapping[str, Any]]) -> str:
    """The most accurate detector that keeps up with a camera, or the fastest where none does.

    Args:
        pairs: cells of the grid (``grid.Pair``), at least one.
    """
    lifters = {pair["lifter"] for pair in pairs}
    # Where the default's file is damaged, another has to do.
    lifter = default_name("lifter") if default_name("lifter") in lifters else min(lifters)
    ours = [pair for pair in pairs if pair["lifter"] == lifter]
    best = {
        name: max((pair for pair in ours if pair["detector"] == name), key=_rate)
        for name in {pair["detector"] for pair in ours}
    }
    quick_enough = [name for name in _BY_ACCURACY if name in best and _rate(best[name]) >= LIVE_FPS]
    chosen = best[quick_enough[0]] if quick_enough else max(best.values(), key=_rate)
    options = f"--detector {chosen['detector']} --lifter {lifter}{_provider_option(ours, chosen)}"
    rate = f"{_rate(chosen):.0f} frames a second here"
    if quick_enough:
        return f"use {options}: it does {rate}, and a camera sends {LIVE_FPS:.0f}"
    return f"use {options}: nothing does more than its {rate}; a camera's other frames are dropped, a file loses none"


def _provider_option(pairs: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> str:
    """The provider, where there is a choice and it matters."""
    others = [
        _rate(pair)
        for pair in pairs
        if pair["detector"] == chosen["detector"] and pair["provider"] != chosen["provider"]
    ]
    return f" --provider {chosen['provider']}" if others and _rate(chosen) > _WORTH_SAYING * max(others) else ""


def _rate(pair: Mapping[str, Any]) -> float:
    return float(pair["frames_per_second"])
