"""Run lifters from either side of the export through one function type."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..errors import ModelError
from .checkpoints import load_checkpoint
from .lifter import Lifter

Float32Array = npt.NDArray[np.float32]

_BATCH = 1024


@dataclass(frozen=True)
class Predictor:
    """A lifter to be evaluated.

    Attributes:
        lift: maps windows (N, T, 17, 2) float32 to poses (N, 17, 3) float32 in metres.
        num_frames: T.
        holdout: patterns of the subjects that it was not trained on.
    """

    lift: Callable[[Float32Array], Float32Array]
    num_frames: int
    holdout: tuple[str, ...] = ()


def torch_predictor(lifter: Lifter, num_frames: int, holdout: tuple[str, ...] = ()) -> Predictor:
    """A lifter in PyTorch; it is put in evaluation mode whenever it is used."""

    def lift(xy: Float32Array) -> Float32Array:
        lifter.eval()
        with torch.inference_mode():
            poses = [lifter(torch.from_numpy(xy[i : i + _BATCH])) for i in range(0, len(xy), _BATCH)]
        joined: Float32Array = torch.cat(poses).numpy()
        return joined

    return Predictor(lift, num_frames, holdout)


def onnx_predictor(path: Path) -> Predictor:
    """An exported lifter.

    Raises:
        ModelError: the file is not an exported lifter, or ONNX Runtime is missing.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("ONNX Runtime is not installed", hint="pip install 'posedemo[train]'") from error
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        properties = session.get_modelmeta().custom_metadata_map
        num_frames, holdout = int(properties["window"]), tuple(json.loads(properties.get("holdout", "[]")))
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # ONNX Runtime's errors share no other base class
        raise ModelError(f"{path} is not an exported lifter", hint="make one with: posedemo export") from error

    def lift(xy: Float32Array) -> Float32Array:
        poses = [session.run(["xyz"], {"xy": xy[i : i + _BATCH]})[0] for i in range(0, len(xy), _BATCH)]
        joined: Float32Array = np.concatenate(poses)
        return joined

    return Predictor(lift, num_frames, holdout)


def load_predictor(path: Path) -> Predictor:
    """A lifter from an exported file (``.onnx``) or a checkpoint."""
    if path.suffix == ".onnx":
        return onnx_predictor(path)
    checkpoint = load_checkpoint(path)
    return torch_predictor(checkpoint.lifter(), checkpoint.config.num_frames, checkpoint.holdout)
