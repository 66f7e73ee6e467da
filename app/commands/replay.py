"""``posedemo replay``: play a recorded session through the same pipeline, with the same or another lifter."""

from __future__ import annotations

import argparse
import logging
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..arguments import file_path
from ..cli import add_model_options, add_output_options
from ..command import Command
from ..errors import ConfigError
from ..manifest import known_names
from ..modes import lifter_in_any_mode
from ..sessions.header import SessionHeader, model_sha256
from ..sessions.source import read_header
from ..settings import Settings

logger = logging.getLogger(__name__)

_DECIDED_ELSEWHERE = ("camera", "video", "record", "detector")


class _AsRecorded:
    """Default of what the session says itself."""

    def __str__(self) -> str:
        return "as recorded"


_AS_RECORDED = _AsRecorded()
_CHANGEABLE = ("lifter", "smooth", "detector")
_RECORDED = ("lifter", "mode", "smooth", "bones", "fov_deg", "height_cm", "max_people")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", metavar="FILE.pose", type=file_path, help="what --record wrote")
    add_output_options(parser, with_record=False)
    add_model_options(parser, with_detector=False)
    defaults = {field.name: field.default for field in fields(Settings) if field.name not in _DECIDED_ELSEWHERE}
    parser.set_defaults(**defaults | {"exports": None} | dict.fromkeys(_RECORDED, _AS_RECORDED))


def run(arguments: argparse.Namespace) -> int:
    """Play a session."""
    options = vars(arguments)
    path: Path = options.pop("session")
    header = read_header(path)
    settings = Settings(
        **_with_recorded(options, header) | {"exports": tuple(options["exports"] or ())},
        video=path,
        detector=header.detector,
    )
    _check_lifter(settings, header)
    logger.info("%s: recorded %s from %s", path.name, header.created, header.source)
    from ..runner import run as run_settings

    follows = [name for name in _CHANGEABLE if options.get(name, _AS_RECORDED) is _AS_RECORDED]
    return run_settings(settings, follows=follows)


def _with_recorded(options: dict[str, Any], header: SessionHeader) -> dict[str, Any]:
    """The options, with what nobody asked for as it was when the session was recorded."""
    recorded: dict[str, Any] = {"lifter": header.lifter, **header.settings}
    asked = {name: value for name, value in options.items() if value is not _AS_RECORDED}
    if asked.get("mode", recorded["mode"]) != recorded["mode"]:
        recorded["lifter"] = lifter_in_any_mode(header.lifter)
    if asked.get("bones") == "free":
        recorded["height_cm"] = None
    return recorded | asked


def _check_lifter(settings: Settings, header: SessionHeader) -> None:
    """Say so where the lifter is not the one that was recorded with, though it has its name.

    Raises:
        ConfigError: it is a file that is not here.
    """
    if settings.lifter != header.lifter:
        return
    if settings.lifter not in known_names("lifter") and not Path(settings.lifter).is_file():
        raise ConfigError(
            f"{settings.video} was lifted by {header.lifter!r}, which is not here", "give a lifter with --lifter"
        )
    recorded = header.sha256.get("lifter")
    if recorded and recorded != model_sha256("lifter", settings.lifter):
        logger.warning("%s has other weights than when this was recorded: poses will differ", settings.lifter)


COMMANDS = {"replay": Command(add_arguments=add_arguments, run=run)}
