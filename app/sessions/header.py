"""What a session file says once: where its frames came from, and with what they were lifted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from fractions import Fraction
from typing import Any

from .. import __version__, model_files
from ..capture.address import public_address
from ..capture.source import SourceInfo
from ..datatypes import MAX_PIXELS
from ..errors import PosedemoError
from ..manifest import Kind
from ..settings import BONES_CHOICES, FOV_RANGE_DEG, HEIGHT_RANGE_CM, MAX_PEOPLE, Settings, in_range
from ..skeleton import H36M17
from ..smoothing import PRESETS
from .records import HEADER_KIND, plain_name, without_folder

FORMAT = 1
_MAX_FPS = 1000
_MAX_TERM = 2**31
"""FFmpeg's rates are fractions of 32-bit numbers, and the mean rate of a long clip with uneven frames needs them."""
_KEPT_SETTINGS = ("mode", "smooth", "bones", "fov_deg", "height_cm", "max_people")


@dataclass(frozen=True)
class SessionHeader:
    """The first record of a session.

    Attributes:
        source: what gave the pictures, without whatever could be secret in an address.
        size_wh: of its first picture, pixels.
        fps: nominal frames a second; None where nobody knew.
        time_base: seconds a tick in which its times are exact.
        detector: name of the one that saw the people at the start.
        lifter: name of the one that lifted them at the start.
        sha256: of the files of both, by kind; empty where it is not known.
        settings: those that decide how poses are made, by name of ``Settings``.
        created: date and time in UTC, ISO 8601.
        posedemo_version: that wrote it.
    """

    source: str
    size_wh: tuple[int, int]
    fps: Fraction | None
    time_base: Fraction
    detector: str
    lifter: str
    sha256: Mapping[str, str]
    settings: Mapping[str, Any]
    created: str
    posedemo_version: str


def make_header(settings: Settings, info: SourceInfo) -> SessionHeader:
    """The header of a run.

    Args:
        settings: of the run, with mode and lifter already decided.
        info: of its source.
    """
    return SessionHeader(
        source=public_address(info.name) if "://" in info.name else info.name,
        size_wh=info.size_wh,
        # A clip that states more is no clip of people: its frames have their times.
        fps=info.fps if info.fps is None or info.fps <= _MAX_FPS else None,
        time_base=info.time_base,
        detector=without_folder(settings.detector),
        lifter=without_folder(settings.lifter),
        sha256={
            "detector": model_sha256("detector", settings.detector),
            "lifter": model_sha256("lifter", settings.lifter),
        },
        settings={name: getattr(settings, name) for name in _KEPT_SETTINGS},
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),  # noqa: UP017  Python 3.11's way too
        posedemo_version=__version__,
    )


def pack_header(header: SessionHeader) -> bytes:
    """The payload of a header's record: JSON."""
    content = asdict(header) | {
        "format": FORMAT,
        "skeleton": H36M17.name,
        "joint_names": list(H36M17.joints),
        "fps": None if header.fps is None else list(header.fps.as_integer_ratio()),
        "time_base": list(header.time_base.as_integer_ratio()),
    }
    return HEADER_KIND + json.dumps(content).encode()


def unpack_header(payload: bytes) -> SessionHeader:
    """What ``pack_header`` made.

    Raises:
        ValueError: it is none, or one that this program cannot use; says why.
    """
    if payload[:1] != HEADER_KIND:
        raise ValueError("it does not begin with a header")
    try:
        content = json.loads(payload[1:])
    except (ValueError, RecursionError) as error:
        raise ValueError("its header is damaged") from error
    if not isinstance(content, dict):
        raise ValueError("its header is damaged")
    if content.get("format") != FORMAT:
        raise ValueError(f"it is of format {content.get('format')!r}, this program reads format {FORMAT}")
    if content.get("skeleton") != H36M17.name:
        raise ValueError(f"it has the skeleton {content.get('skeleton')!r}, this program shows {H36M17.name}")
    try:
        return SessionHeader(
            source=str(content["source"]),
            size_wh=_size(content["size_wh"]),
            fps=None if content["fps"] is None else _ratio(content["fps"], high=_MAX_FPS),
            time_base=_ratio(content["time_base"], high=1),
            detector=plain_name(content["detector"]),
            lifter=plain_name(content["lifter"]),
            sha256={str(kind): str(value) for kind, value in dict(content["sha256"]).items()},
            settings=_checked(dict(content["settings"])),
            created=str(content["created"]),
            posedemo_version=str(content["posedemo_version"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError("its header is damaged") from error


def model_sha256(kind: Kind, name: str) -> str:
    """Hash of a model's file; empty where there is none, or none to be read."""
    try:
        return model_files.sha256(kind, name)
    except PosedemoError:
        return ""


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Recorded settings, as a run can take them."""
    height_cm = settings["height_cm"]
    fits = (
        settings["mode"] in ("live", "file"),
        settings["smooth"] in PRESETS,
        settings["bones"] in BONES_CHOICES,
        in_range(settings["fov_deg"], FOV_RANGE_DEG),
        height_cm is None or (in_range(height_cm, HEIGHT_RANGE_CM) and settings["bones"] == "fixed"),
        type(settings["max_people"]) is int and 1 <= settings["max_people"] <= MAX_PEOPLE,
    )
    if not all(fits):
        raise ValueError("no sensible settings")
    return {name: settings[name] for name in _KEPT_SETTINGS}


def _size(value: Any) -> tuple[int, int]:
    width, height = (int(length) for length in value)
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise ValueError("no sensible size")
    return width, height


def _ratio(value: Any, *, high: int) -> Fraction:
    above, below = (int(term) for term in value)
    if not 0 < above <= _MAX_TERM or not 0 < below <= _MAX_TERM or above > high * below:
        raise ValueError("no sensible rate")
    return Fraction(above, below)
