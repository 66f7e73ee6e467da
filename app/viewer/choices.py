"""What the keys for the next lifter, detector, smoothing and ghost go through: only what is ready to use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from .. import model_files
from ..manifest import Kind, ModelEntry, manifest
from ..modes import lifter_in_any_mode
from ..smoothing import PRESETS

T = TypeVar("T")

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""At which a file can be played."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Names in the order in which keys go through them.

    Attributes:
        lifters: ready to use.
        detectors: ready to use.
        presets: of smoothing.
    """

    lifters: tuple[str, ...]
    detectors: tuple[str, ...]
    presets: tuple[str, ...] = tuple(PRESETS)


def find_choices(*, lifter: str, detector: str) -> Choices:
    """Everything that can be used here without a download.

    Args:
        lifter: the one in use, which may be a file of the user's own: it stays among the choices.
        detector: the same of the detector.
    """
    return Choices(_with(_usable("lifter"), lifter), _with(_usable("detector"), detector))


def next_of(choices: Sequence[T], current: T) -> T:
    """The choice after the current one, and the first after the last or after one that is not there any more."""
    if current not in choices:
        return choices[0]
    return choices[(choices.index(current) + 1) % len(choices)]


def _usable(kind: Kind) -> tuple[str, ...]:
    """Each once: not what stands in for another in file mode, nor the same network trained on other data."""
    stand_ins = {entry.centred for entry in manifest()}
    return tuple(
        entry.name
        for entry in manifest()
        if entry.kind == kind and entry.name not in stand_ins and entry.variant_of is None and _is_ready(entry)
    )  # fmt: skip


def _is_ready(entry: ModelEntry) -> bool:
    """Whether a model needs neither a download nor training. Its hash is checked when it is opened."""
    if entry.file is None or entry.is_packaged:
        return True
    return entry.url is not None and (model_files.cache_folder() / entry.file).is_file()


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The one in use is among them, and takes the place of the one that it stands in for."""
    stands_for = lifter_in_any_mode(name)
    if stands_for in names:
        return tuple(name if other == stands_for else other for other in names)
    return (name, *names)
