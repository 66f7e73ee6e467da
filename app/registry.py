"""Makes detectors and lifters by name. Their libraries are imported only when one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import model_files
from .errors import ConfigError
from .manifest import manifest
from .model_files import ModelFile
from .sandbox import try_out

if TYPE_CHECKING:
    from .detectors.mediapipe_pose import MediaPipePose
    from .lifters.onnx_gcn import OnnxLifter
    from .lifters.world_landmarks import WorldLandmarks


def create_detector(name_or_path: str, *, max_people: int) -> MediaPipePose:
    """Make a detector for one source. A file of the user's is opened in a process of its own first.

    Raises:
        ConfigError: unknown name.
        ModelError: the model file is missing or damaged.
    """
    model = model_files.load("detector", name_or_path)
    if model_files.is_own("detector", name_or_path):
        try_out(open_detector_file, name_or_path)
    return open_detector(model, max_people=max_people)


def open_detector(model: ModelFile, *, max_people: int) -> MediaPipePose:
    """Make a detector of a file that is trusted, or where it does not matter what becomes of the process.

    Raises:
        ModelError: the file is damaged.
    """
    from .detectors.mediapipe_pose import MediaPipePose

    return MediaPipePose(model.content, name=model.label, max_people=max_people)


def open_detector_file(path: str) -> None:
    """Open a file of the user's as a detector, and close it again."""
    open_detector(model_files.load("detector", path), max_people=1).close()


def create_lifter(name_or_path: str, *, provider: str) -> OnnxLifter | WorldLandmarks:
    """Make a lifter. A file of the user's is opened in a process of its own first.

    Raises:
        ConfigError: unknown name, or a provider that is not there.
        ModelError: the model file is missing, damaged or not a lifter.
    """
    if any(entry.name == name_or_path and entry.kind == "lifter" and entry.file is None for entry in manifest()):
        return _create_world_landmarks(name_or_path, provider=provider)
    model = model_files.load("lifter", name_or_path)
    if model_files.is_own("lifter", name_or_path):
        try_out(open_lifter_file, name_or_path)
    return open_lifter(model, provider=provider)


def open_lifter(model: ModelFile, *, provider: str) -> OnnxLifter:
    """Make a lifter of a file that is trusted, or where it does not matter what becomes of the process.

    Raises:
        ConfigError: the provider is not there.
        ModelError: the file is damaged or not a lifter.
    """
    from .lifters.onnx_gcn import OnnxLifter

    return OnnxLifter(model.content, name=model.label, provider=provider)


def open_lifter_file(path: str) -> None:
    """Open a file of the user's as a lifter, and close it again."""
    open_lifter(model_files.load("lifter", path), provider="cpu").close()


def _create_world_landmarks(name: str, *, provider: str) -> WorldLandmarks:
    from .lifters.world_landmarks import WorldLandmarks

    if provider not in ("auto", WorldLandmarks.provider):
        raise ConfigError(
            f"the lifter {name} runs on the CPU, with the detector, and not on {provider}", "use --provider auto"
        )
    return WorldLandmarks(name)
