"""Run lifters from either side of the export through one function type."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from .. import model_files
from ..arrays import Float32Array
from ..errors import ConfigError, ModelError
from ..lifter_contract import CONTRACT_KEY, PERSON, SCREEN, SIGHT, UNITS, VERSIONS
from ..onnx_structure import reason_to_refuse
from ..sandbox import try_out
from ..sight import turn_to_pelvis
from ..skeleton import H36M17, SKELETONS, Skeleton
from ..window import MOST_FRAMES
from .checkpoints import Checkpoint, load_checkpoint
from .lifter import Lifter

_BATCH_FRAMES = 8192
"""Frames of all windows of a batch together: enough to keep a machine busy, and less than a gigabyte of features."""
_CHUNK_FRAMES = 2**18
"""Frames of the windows that are cut out of sequences at a time: what would be gigabytes is never there at once."""


_MIRROR = np.array([-1, 1, 1], np.float32)


@dataclass(frozen=True)
class Predictor:
    """A lifter to be evaluated.

    Attributes:
        lift: maps windows (N, T, J, 2) float32 to poses (N, J, 3) float32 in metres.
        num_frames: T.
        holdout: patterns of the subjects that it was not trained on.
        skeleton: its J joints.
        normalisation: "sight" where the camera must be turned to the person beforehand; "person" where it takes people
            anywhere and of any size in the picture; "screen" where it takes them as its training cameras showed them.
        look_ahead: frames of the window after the one that is lifted.
        rate_hz: frames a second that it was trained at, or None where that is not known.
        source: 2D joints of real views that it was trained on, such as "gt"; None where there were none.
        name: what to call it.
    """

    lift: Callable[[Float32Array], Float32Array]
    num_frames: int
    holdout: tuple[str, ...] = ()
    skeleton: Skeleton = H36M17
    normalisation: str = PERSON
    look_ahead: int = 0
    rate_hz: float | None = None
    source: str | None = None
    name: str = "lifter"


def torch_predictor(lifter: Lifter, num_frames: int, holdout: tuple[str, ...] = ()) -> Predictor:
    """A lifter in PyTorch on whatever device it is; it is put in evaluation mode whenever it is used."""

    def lift(xy: Float32Array) -> Float32Array:
        lifter.eval()
        device = next(lifter.parameters()).device
        with torch.inference_mode():
            poses = [lifter(torch.from_numpy(windows).to(device)).cpu() for windows in _batches(xy)]
        joined: Float32Array = torch.cat(poses).numpy()
        return joined

    return Predictor(lift, num_frames, holdout)


def checkpoint_predictor(
    checkpoint: Checkpoint, *, name: str = "lifter", device: str | torch.device = "cpu"
) -> Predictor:
    """The lifter of a checkpoint, with the contract that its settings state."""
    config = checkpoint.config
    return replace(
        torch_predictor(checkpoint.lifter().to(device), config.num_frames, checkpoint.holdout),
        skeleton=SKELETONS[config.skeleton],
        normalisation=config.normalisation,
        look_ahead=config.look_ahead,
        rate_hz=config.rate_hz,
        source=config.source if config.data == "views" else None,
        name=name,
    )


def onnx_predictor(path: Path) -> Predictor:
    """An exported lifter.

    Raises:
        ModelError: the file cannot be read or is not an exported lifter, or ONNX Runtime is missing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    return onnx_content_predictor(content, name=str(path))


def onnx_content_predictor(content: bytes, *, name: str) -> Predictor:
    """An exported lifter from the content of its file.

    Raises:
        ModelError: it is not an exported lifter, or ONNX Runtime is missing.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError("ONNX Runtime is not installed", hint="pip install '.[train]' in a checkout") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    hint = "make one with: posedemo export"
    try:
        reason = reason_to_refuse(content)
        if not reason:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            stated = _stated(session.get_modelmeta().custom_metadata_map)
            windows_name, poses_name = session.get_inputs()[0].name, session.get_outputs()[0].name
    except Exception as error:  # ONNX Runtime's errors share no other base class
        raise ModelError(f"{name} is not an exported lifter", hint) from error
    if reason:
        raise ModelError(f"{name} {reason}", hint)

    def lift(xy: Float32Array) -> Float32Array:
        try:
            poses = [session.run([poses_name], {windows_name: windows})[0] for windows in _batches(xy)]
            joined: Float32Array = np.concatenate(poses).reshape(len(xy), xy.shape[2], 3)
        except Exception as error:
            raise ModelError(f"{name} does not take windows of {xy.shape[1:]}, or gives no poses", hint) from error
        return joined

    return replace(stated, lift=lift, name=name)


def _stated(metadata: Mapping[str, str]) -> Predictor:
    """A predictor without its function, from the contract in an exported file.

    Raises:
        KeyError: something is not stated.
        ValueError: something is stated that cannot be.
    """
    if metadata[CONTRACT_KEY] not in VERSIONS.values() or metadata["units"] != UNITS:
        raise ValueError("of another contract")
    num_frames, target, rate_hz = int(metadata["window"]), int(metadata["target"]), float(metadata["rate_hz"])
    if not 0 <= target < num_frames <= MOST_FRAMES or not 0 < rate_hz < math.inf:
        raise ValueError("no window")
    return Predictor(
        lift=lambda xy: xy,
        num_frames=num_frames,
        holdout=tuple(map(str, json.loads(metadata.get("holdout", "[]")))),
        skeleton=SKELETONS[metadata["skeleton"]],
        normalisation=_stated_normalisation(metadata),
        look_ahead=num_frames - 1 - target,
        rate_hz=rate_hz,
        source=metadata.get("trained_on_2d"),
    )


def _stated_normalisation(metadata: Mapping[str, str]) -> str:
    if metadata.get("normalisation") == SIGHT:
        return SIGHT
    # Files of before the key existed all normalised inside.
    return SCREEN if metadata.get("inner_normalisation", PERSON) == "none" else PERSON


def load_predictor(path: Path, *, device: str | torch.device = "cpu") -> Predictor:
    """A lifter from an exported file (``.onnx``), which runs on the CPU, or from a checkpoint."""
    if path.suffix.lower() == ".onnx":
        return onnx_predictor(path)
    return checkpoint_predictor(load_checkpoint(path), name=str(path), device=device)


def find_predictor(name_or_path: str, *, device: str | torch.device = "cpu") -> Predictor:
    """A shipped lifter by its name, or any from a file.

    Raises:
        ConfigError: neither a name nor a file.
        ModelError: the file is missing, damaged or not a lifter.
    """
    path = model_files.own_path(name_or_path)
    if path.is_file() or path.suffix:
        if path.is_file() and path.suffix.lower() == ".onnx":
            try_out(open_predictor_file, str(path))
        return load_predictor(path, device=device)
    if name_or_path == "mediapipe":
        raise ConfigError(
            "mediapipe takes pictures, not 2D joints, so that it cannot be measured on motion capture",
            hint="choose another lifter",
        )
    model = model_files.load("lifter", name_or_path)
    return onnx_content_predictor(model.content, name=model.label)


def open_predictor_file(path: str) -> None:
    """Open a file of the user's, which may be a lifter of any joints and normalisation, and let it lift."""
    predictor = onnx_predictor(Path(path))
    predictor.lift(np.zeros((1, predictor.num_frames, predictor.skeleton.num_joints, 2), np.float32))


def flip_averaged(predictor: Predictor) -> Predictor:
    """Lift every window and its mirror image, turn the second pose back, and take the mean: twice the work."""
    order = list(predictor.skeleton.flip_order)

    def lift(xy: Float32Array) -> Float32Array:
        mirrored = predictor.lift(np.ascontiguousarray(xy[:, :, order] * _MIRROR[:2]))
        turned_back = mirrored[:, order] * _MIRROR
        return ((predictor.lift(xy) + turned_back) / 2).astype(np.float32, copy=False)

    return replace(predictor, lift=lift)


def rate_notes(predictor: Predictor, rates_hz: Iterable[float]) -> tuple[str, ...]:
    """A sentence where a lifter of windows meets another frame rate than it was trained at; single frames have none."""
    others = sorted({rate_hz for rate_hz in rates_hz if abs(rate_hz - (predictor.rate_hz or rate_hz)) > 0.1})
    if predictor.num_frames == 1 or not others:
        return ()
    have = ", ".join(f"{rate_hz:g}" for rate_hz in others)
    return (f"the lifter was trained at {predictor.rate_hz:g} frames a second, the data have {have}",)


def lift_sequences(predictor: Predictor, xy: Float32Array, *, first: int = 0, plane_scale: float = 1.0) -> Float32Array:
    """Lift the frames of sequences (S, F, J, 2) from a first one on: (S, F - first, J, 3) metres.

    Args:
        predictor: the lifter.
        xy: 2D joints.
        first: number of frames before the first one that is lifted.
        plane_scale: what brings ``xy`` onto the plane at distance 1 from the camera.

    Raises:
        ModelError: the lifter gives numbers that are not finite.
    """
    num_frames = xy.shape[1] - first
    turns: Float32Array | None = None
    if predictor.normalisation == SIGHT:
        xy, turns = turn_to_pelvis(plane_scale * xy)
    num_windows, chunk = len(xy) * num_frames, max(1, _CHUNK_FRAMES // predictor.num_frames)
    poses = []
    for start in range(0, num_windows, chunk):
        sequence, frame = np.divmod(np.arange(start, min(start + chunk, num_windows)), num_frames)
        poses.append(predictor.lift(cut_windows(xy, sequence, first + frame, predictor)))
    joined: Float32Array = np.concatenate(poses).reshape(len(xy), num_frames, xy.shape[2], 3)
    if not np.isfinite(joined).all():
        raise ModelError(f"{predictor.name} gives poses that are not finite", hint="train it again")
    return joined if turns is None else joined @ turns[:, first:]


def cut_windows(
    xy: Float32Array, sequence: npt.NDArray[np.intp], frame: npt.NDArray[np.intp], predictor: Predictor
) -> Float32Array:
    """The windows from which a lifter lifts some frames; beyond the ends of a sequence its end frame is repeated.

    Args:
        xy: (S, F, J, 2) sequences.
        sequence: (N,) which sequence.
        frame: (N,) which of its frames.
        predictor: the lifter.

    Returns:
        (N, T, J, 2).
    """
    offsets = np.arange(predictor.num_frames) - (predictor.num_frames - 1 - predictor.look_ahead)
    frames = np.clip(frame[:, None] + offsets, 0, xy.shape[1] - 1)
    windows: Float32Array = xy[sequence[:, None], frames]
    return windows


def _batches(windows: Float32Array) -> list[Float32Array]:
    size = max(1, _BATCH_FRAMES // windows.shape[1])
    return [windows[first : first + size] for first in range(0, len(windows), size)]
