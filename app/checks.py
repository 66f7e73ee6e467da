"""Refuses what cannot work before anything is opened."""

from __future__ import annotations

import logging
from pathlib import Path

from .capture.opening import check_camera_settings
from .capture.source import SESSION_SUFFIX, is_session
from .datatypes import LifterSpec
from .errors import ConfigError, ModelError
from .modes import choose_mode, look_ahead_s
from .outputs import POSE_SUFFIXES, VIDEO_SUFFIXES, check_outputs, check_suffix
from .settings import Settings

logger = logging.getLogger(__name__)

MAX_LOOK_AHEAD_S = 1.5
"""Of a lifter. 81 frames at 30 a second, centred, are 1.33 s: 250 MB of pictures in full HD. What sides and filters
look ahead, 0.6 s at most, comes on top."""


def check_settings(settings: Settings) -> None:
    """Refuse what cannot work before anything is opened.

    Raises:
        ConfigError: settings that contradict each other or name unknown formats.
        OutputError: an output that cannot be written.
    """
    check_posing(settings)
    check_camera_settings(settings)
    if (settings.camera is None) == (settings.video is None):
        raise ConfigError(
            "give one source: a camera or a video",
            "`posedemo --camera 0` for the first camera, `posedemo --video FILE` for a file",
        )
    if settings.output is not None:
        check_suffix(settings.output, VIDEO_SUFFIXES, "--output")
    for path in settings.exports:
        check_suffix(path, POSE_SUFFIXES, "--export")
    if settings.stats is not None:
        check_suffix(settings.stats, (".json",), "--stats")
    if settings.record is not None:
        check_suffix(settings.record, (SESSION_SUFFIX,), "--record")
        if is_session(settings.video):
            raise ConfigError(f"{settings.video} is a recording already", "copy it, or --record from a camera or video")
    inputs = [path for path in (settings.video, settings.fallback) if path is not None]
    check_outputs(output_paths(settings), inputs=inputs, overwrite=settings.overwrite)


def check_posing(settings: Settings) -> None:
    """Refuse a height that nothing would be made of.

    Raises:
        ConfigError: a height, but no body to give it to.
    """
    if settings.height_cm is not None and settings.bones == "free":
        raise ConfigError("a height needs bones of fixed length", "leave out --bones free, or --height")


def output_paths(settings: Settings) -> list[Path]:
    """All files that a run writes."""
    paths = (settings.output, settings.stats, settings.record, *settings.exports)
    return [path for path in paths if path is not None]


def wants_window(settings: Settings) -> bool:
    """A run opens a window unless it is told not to; one that writes files does without where there is no display."""
    if settings.headless:
        return False
    from .viewer.display import check_display

    try:
        check_display()
    except ConfigError:
        if not output_paths(settings):
            raise
        logger.info("no display: running without a window")
        return False
    return True


def check_look_ahead(spec: LifterSpec, settings: Settings) -> None:
    """Say how late a lifter that looks ahead makes a live show, and refuse one that would fill the memory.

    Raises:
        ModelError: it looks further ahead than pictures can be kept.
    """
    if spec.look_ahead_s > MAX_LOOK_AHEAD_S:
        raise ModelError(
            f"{settings.lifter} looks {spec.look_ahead_s:.1f} s ahead, and every picture would have to wait in memory; "
            f"at most {MAX_LOOK_AHEAD_S:g} s are served",
            "export a causal lifter, or one with a shorter window",
        )
    if spec.look_ahead and choose_mode(settings) == "live":
        logger.info(
            "%s looks %d frames ahead: results come %.0f ms late",
            settings.lifter, spec.look_ahead, look_ahead_s(spec, settings, "live") * 1e3,
        )  # fmt: skip
