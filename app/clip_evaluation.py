"""Lifters side by side on a clip without ground truth: ``posedemo evaluate --video``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from . import registry
from .capture.source import open_source
from .clip_recording import BASELINE, Lifted, Recording, lift, record
from .clip_scores import ClipReport, ClipScores, score_clip
from .errors import ConfigError
from .manifest import known_names, manifest
from .modes import choose_mode, lifter_in_mode
from .settings import Settings
from .smoothing import PRESETS
from .stages import Lifter

AS_IT_IS = "off"
"""Of the smoothing presets, the one that shows lifters as they are."""

_NOTES = (
    "there is no ground truth: steadiness and agreement are not accuracy, and a pose that never moves scores best",
    "the distance from MediaPipe's 3D is an agreement of two estimates, not an error",
)


@dataclass(frozen=True)
class ClipEvaluation:
    """A report, and the poses that it is about.

    Attributes:
        report: the numbers.
        video: the clip.
        lifted: by name of the lifter, the poses as they are.
    """

    report: ClipReport
    video: Path
    lifted: Mapping[str, Lifted]

    def write_pictures(self, folder: Path) -> None:
        """Draw the frames in which a lifter and the detector's own 3D differ most (``picture_outputs``).

        Raises:
            SourceError: the clip cannot be read any more.
            ModelError: nothing can be drawn on this machine.
            OutputError: a picture cannot be written.
        """
        from .clip_pictures import draw_pictures, hard_frames, write_pictures

        name = _pictured(list(self.lifted))
        frames = hard_frames(self.lifted[name].results)
        write_pictures(folder, draw_pictures(self.video, frames, Path(name).name))


def picture_outputs(folder: Path, lifters: Sequence[str] = ()) -> list[Path]:
    """What ``ClipEvaluation.write_pictures`` will write: files, or the folder where it is not there yet.

    Raises:
        ConfigError: there is nothing to compare the detector's own 3D with.
    """
    from .clip_pictures import picture_paths

    _pictured(lifters or shipped_lifters())
    return picture_paths(folder) if folder.is_dir() else [folder]


def _pictured(lifters: Sequence[str]) -> str:
    """The lifter that is shown beside the detector's own 3D: the user's own, files' default, or the first."""
    others = [name for name in lifters if name != BASELINE]
    if not others:
        raise ConfigError(f"--pictures shows a lifter beside {BASELINE}, and none is given", "add one to --lifter")
    own = [name for name in others if name not in known_names("lifter")]
    shown_in_files = lifter_in_mode(Settings.lifter, "file")
    return next(iter([*own, *(name for name in others if name == shown_in_files), *others]))


def _labels(names: Sequence[str]) -> list[str]:
    """What tables call lifters: files by their names, or by their paths where two have the same."""
    short = [Path(name).name for name in names]
    return [name if short.count(label) > 1 else label for name, label in zip(names, short, strict=True)]


def evaluate_clip(
    video: Path,
    lifters: Sequence[str] = (),
    *,
    detector: str | None = None,
    smooth: str = AS_IT_IS,
    fov_deg: float = Settings.fov_deg,
    max_frames: int | None = None,
) -> ClipEvaluation:
    """Detect once, lift with each lifter, and measure: the poses as they are, and as the program shows them.

    Args:
        video: the clip.
        lifters: names or ``.onnx`` files; without any, all that ship, and the detector's own 3D last.
        detector: name or ``.task`` file; the program's default where it is left out.
        smooth: preset of ``smoothing.PRESETS`` for poses as they are; their bones stay free in any case.
        fov_deg: field of view of the camera, as in ``Settings``.
        max_frames: stop after so many frames.

    Raises:
        SourceError: there is no such clip, it is damaged, or nobody is in it.
        ConfigError: a detector, lifter or smoothing is unknown, or a lifter is named twice.
        ModelError: a model's file is missing, damaged or does not fit.
    """
    names = list(lifters) or shipped_lifters()
    if smooth not in PRESETS:
        raise ConfigError(f"unknown smoothing {smooth!r}", f"choose one of {', '.join(PRESETS)}")
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"the lifter {name} is named twice", "name each once")
    settings = Settings(
        video=video, headless=True, detector=detector or Settings.detector, fov_deg=fov_deg, max_frames=max_frames
    )
    # What cannot work is refused at once, before all of the clip is looked at, which takes long.
    open_source(camera=None, video=video).close()
    with ExitStack() as stack:
        opened: dict[str, Lifter] = {}
        # The program shows a clip with what stands in for a lifter in files.
        shown = {name: lifter_in_mode(name, choose_mode(settings)) for name in names}
        for name in dict.fromkeys([*names, *shown.values()]):
            lifter = registry.create_lifter(name, provider=settings.provider)
            stack.callback(lifter.close)
            opened[name] = lifter
        recording = record(settings)
        as_given = {name: opened[name] for name in names}
        # In files left and right are decided anew with what follows, which mends the detector's mistakes or moves them.
        bare = replace(settings, smooth=smooth, bones="free", mode="live")
        as_they_are = _lift_all(recording, as_given, bare)
        as_shown = _lift_all(recording, {name: opened[shown[name]] for name in names}, settings)
    blocks = {
        "As they are" + (f", smoothing {smooth}" if smooth != AS_IT_IS else ""): _score_all(as_they_are, fov_deg),
        "As the program shows them": _score_all(as_shown, fov_deg),
    }
    report = ClipReport(_facts(recording, settings), blocks, _NOTES)
    return ClipEvaluation(report, video, as_they_are)


def shipped_lifters() -> list[str]:
    """All lifters that can run without further ado, the detector's own 3D last."""
    entries = [entry for entry in manifest() if entry.kind == "lifter" and entry.is_packaged]
    return [*(entry.name for entry in entries), BASELINE]


def _lift_all(recording: Recording, lifters: Mapping[str, Lifter], settings: Settings) -> dict[str, Lifted]:
    return {name: lift(recording, lifter, settings) for name, lifter in lifters.items()}


def _score_all(lifted: Mapping[str, Lifted], fov_deg: float) -> dict[str, ClipScores]:
    """Scores by name; the detector's own 3D is its own reference, and its time is the detector's."""
    return {
        label: score_clip(
            one.results,
            fov_deg=fov_deg,
            has_reference=name != BASELINE,
            lifter_ms=None if name == BASELINE else one.lifter_ms,
        )
        for label, (name, one) in zip(_labels(list(lifted)), lifted.items(), strict=True)
    }


def _facts(recording: Recording, settings: Settings) -> dict[str, str]:
    """What a reader must know of the clip and of what was seen in it."""
    results = recording.results
    num_empty = sum(not result.people for result in results)
    tracks = {person.track_id for result in results for person in result.people}
    width, height = results[0].frame.size_wh
    detect_ms = np.median([result.timings_ms["detect"] for result in results])
    return {
        "clip": recording.name,
        "frames": f"{len(results)} of {width}x{height}" + (f" at {recording.fps:.4g} Hz" if recording.fps else ""),
        "without a person": str(num_empty),
        "tracks": str(len(tracks)),
        "detector": f"{Path(settings.detector).name}, {detect_ms:.0f} ms a frame",
        "as shown": f"smoothing {settings.smooth}, {settings.bones} bones, {choose_mode(settings)} mode",
    }
