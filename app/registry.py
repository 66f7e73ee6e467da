"""Makes detectors and lifters by name. Their libraries are imported only when one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import model_files

if TYPE_CHECKING:
    from .detectors.mediapipe_pose import MediaPipePose
    from .lifters.onnx_gcn import OnnxLifter


def create_detector(name_or_path: str, *, max_people: int) -> MediaPipePose:
    """Make a detector for one source.

    Raises:
        ConfigError: unknown name.
        ModelError: the model file is missing or damaged.
    """
    model = model_files.load("detector", name_or_path)
    from .detectors.mediapipe_pose import MediaPipePose

    return MediaPipePose(model.content, name=model.label, max_people=max_people)


def create_lifter(name_or_path: str, *, provider: str) -> OnnxLifter:
    """Make a lifter.

    Raises:
        ConfigError: unknown name, or a provider that is not there.
        ModelError: the model file is missing, damaged or not a lifter.
    """
    model = model_files.load("lifter", name_or_path)
    from .lifters.onnx_gcn import OnnxLifter

    return OnnxLifter(model.content, name=model.label, provider=provider)
