"""The models that have a name: ``weights/manifest.json``, and nothing heavier than reading it."""

from __future__ import annotations

import importlib.resources
import importlib.resources.abc
import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Kind = Literal["detector", "lifter"]


@dataclass(frozen=True)
class ModelEntry:
    """One line of the manifest.

    Attributes:
        name: what the command line calls it.
        kind: ``detector`` or ``lifter``.
        title: one line for people.
        licence: SPDX identifier of the file.
        origin: where it comes from.
        file: file name in the package or in the cache; None for a lifter that needs none, since the detector's own 3D
            is all there is to it.
        num_bytes: exact size of a packaged file, upper limit of a downloaded one; 0 for one that is not there yet.
        sha256: pinned hash; None for a file that is recorded at first use, or is not there yet.
        url: https address of a file that is fetched on demand, or None.
        num_parameters: learned numbers of a lifter.
        num_frames: frames in a lifter's window.
        scores: measured numbers, by name.
        paper: authors, title, where and when.
        note: how the lifter differs from its paper, in a few words.
        train: the command that makes the file, for lifters of this project.
        centred: name of the lifter that stands in for this one in file mode: the same, trained to see what follows.
        variant_of: name of the lifter that this one is, trained on other data, for those to whom its licence matters.
    """

    name: str
    kind: Kind
    title: str
    licence: str
    origin: str
    file: str | None = None
    num_bytes: int = 0
    sha256: str | None = None
    url: str | None = None
    num_parameters: int | None = None
    num_frames: int | None = None
    scores: dict[str, float] | None = None
    paper: str | None = None
    note: str | None = None
    train: str | None = None
    centred: str | None = None
    variant_of: str | None = None

    @property
    def is_packaged(self) -> bool:
        """True where a file comes with the program; its hash is pinned."""
        return self.file is not None and self.url is None and self.sha256 is not None

    @property
    def is_untrained(self) -> bool:
        """True where the file has still to be made."""
        return self.file is not None and self.url is None and self.sha256 is None


def package() -> importlib.resources.abc.Traversable:
    """The folder with the weights, wherever it is installed."""
    return importlib.resources.files("posedemo.weights")


@cache
def manifest() -> tuple[ModelEntry, ...]:
    """All models that have a name."""
    return tuple(ModelEntry(**entry) for entry in _read()["models"])


def known_names(kind: Kind) -> tuple[str, ...]:
    """Names of one kind, in the manifest's order."""
    return tuple(entry.name for entry in manifest() if entry.kind == kind)


def default_name(kind: Kind) -> str:
    """The model that is used when none is asked for."""
    name: str = _read()["default"][kind]
    return name


@cache
def _read() -> dict[str, Any]:
    text = (package() / "manifest.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content
