"""Runs an exported lifter with ONNX Runtime (``session``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from ..arrays import Float32Array
from ..datatypes import LifterSpec, Pose3D, Window
from ..errors import ModelError, first_line
from ..geometry import bone_lengths
from ..lifter_contract import CONTRACT_KEY, PERSON, SCREEN, SIGHT, UNITS, VERSIONS
from ..onnx_structure import reason_to_refuse
from ..sight import turn_to_pelvis
from ..skeleton import H36M17
from ..window import MOST_FRAMES
from .session import open_session

NORMALISATIONS = {VERSIONS[PERSON]: SCREEN, VERSIONS[SIGHT]: SIGHT}
"""What a lifter is fed, by version of the contract: 2D joints in screen units, or those that the camera would see if it
were turned to the person."""

CONTRACT = {
    "skeleton": (H36M17.name, "is for the skeleton {}, this program shows {}"),
    "units": (UNITS, "gives its poses in {}, this program takes {}"),
}
"""Metadata that a model file must state, and what to say of one that states anything else and would give nonsense."""
_OTHER_NORMALISATION = "takes 2D joints in the normalisation {}, this program gives {}"

_EXPORT_HINT = "export the lifter with `posedemo export`; docs/lifters.md has what files of other origin must state"

_TRIED = 2
_PEOPLE_M = (0.1, 100.0)
"""What bones may add up to when a lifter is tried, on joints at random. People have some 4 m; one in millimetres
has 4,000 of what it says are metres, and one that gives no pose has none."""
_RATES_HZ = (1.0, 1000.0)


class OnnxLifter:
    """A lifter from an ``.onnx`` file that states its contract in its metadata.

    Args:
        model: contents of the file.
        name: how to call the file in errors.
        provider: ``auto``, ``cpu``, ``cuda`` or ``tensorrt``; ``auto`` takes what works (``session.open_session``).

    Raises:
        ModelError: the file is not a lifter of this program, or is damaged.
        ConfigError: the provider asked for is not really there.
    """

    def __init__(self, model: bytes, *, name: str, provider: str = "auto") -> None:
        _refuse_unsafe(model, name)
        self._name = name
        self._session, self.provider = open_session(model, name, provider)
        try:
            metadata = self._session.get_modelmeta().custom_metadata_map
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        except UnicodeDecodeError as error:
            raise ModelError(
                f"{name} is damaged: its names are no text", "check the file, or export it again"
            ) from error
        self.spec = _read_spec(metadata, name)
        self._is_turned = metadata["normalisation"] == SIGHT
        _check_input(inputs, self.spec, name)
        if not outputs:
            raise ModelError(f"{name} gives nothing, a lifter gives poses", _EXPORT_HINT)
        self._input, self._output = inputs[0].name, outputs[0].name
        self._try_out(name)

    def _try_out(self, name: str) -> None:
        """Lift two windows. Also the warm-up: the first run allocates, which takes half as long again as the others."""
        random = np.random.default_rng(0)
        windows = random.normal(0, 0.4, (_TRIED, self.spec.num_frames, H36M17.num_joints, 2)).astype(np.float32)
        try:
            (poses,) = self._session.run([self._output], {self._input: windows})
        except Exception as error:
            raise ModelError(f"{name} does not run: {first_line(error)}", _EXPORT_HINT) from error
        if not isinstance(poses, np.ndarray) or poses.dtype.kind != "f":
            raise ModelError(f"{name} gives something else than poses", _EXPORT_HINT)
        if poses.shape != (_TRIED, H36M17.num_joints, 3):
            raise ModelError(f"{name} gives poses of shape {poses.shape[1:]}, not (17, 3)", _EXPORT_HINT)
        if not np.isfinite(poses).all():
            raise ModelError(f"{name} gives poses that are not finite", "train it again, or export it again")
        size_m = float(np.median(bone_lengths(poses, H36M17).sum(axis=-1)))
        if not _PEOPLE_M[0] <= size_m <= _PEOPLE_M[1]:
            raise ModelError(
                f"{name} gives people whose bones are {size_m:.4g} m together, and not some 4",
                "poses are in metres; train it again, or export it again",
            )

    def lift(self, windows: Sequence[Window]) -> tuple[Pose3D, ...]:
        """One pose a window, as one batch."""
        if self._is_turned:
            on_plane = np.array([window.xy * np.float32(window.plane_scale) for window in windows])
            batch, rotations = turn_to_pelvis(on_plane)
            turned = self._run(batch)
            poses = turned @ rotations[range(len(windows)), [window.target for window in windows]]
        else:
            batch = np.array([window.xy for window in windows])
            poses = self._run(batch)
        return tuple(
            Pose3D(xyz_m=np.ascontiguousarray(pose, np.float32), confidence=window.confidence[window.target])
            for pose, window in zip(poses, windows, strict=True)
        )

    def _run(self, batch: Float32Array) -> Float32Array:
        try:
            (poses,) = self._session.run([self._output], {self._input: batch})
        except Exception as error:
            raise ModelError(
                f"the lifter {self._name} failed: {first_line(error)}", "try another --lifter, or --provider cpu"
            ) from error
        return np.asarray(poses)

    def close(self) -> None:
        """Nothing to free; the session goes with the object."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refuse_unsafe(model: bytes, name: str) -> None:
    """Weights in a second file would be looked for in whatever folder the program was started in, for one."""
    try:
        reason = reason_to_refuse(model)
    except ValueError as error:
        raise ModelError(
            f"{name} is not a readable ONNX model: {error}", "check the file, or export it again"
        ) from error
    if reason:
        raise ModelError(f"{name} {reason}", "save it as one file of plain operators, or use `posedemo export`")


def _read_spec(metadata: Mapping[str, str], name: str) -> LifterSpec:
    """Check the contract in the file's metadata and read the window from it."""
    version = metadata.get(CONTRACT_KEY)
    if version is None:
        raise ModelError(
            f"{name} is an ONNX model, but not a lifter of posedemo: it does not state its {CONTRACT_KEY}", _EXPORT_HINT
        )
    if metadata.get("inner_normalisation", PERSON) != PERSON:
        raise ModelError(
            f"{name} knows people only as its training data's cameras showed them: it does not normalise by person",
            "train one that does: posedemo train --preset live",
        )
    if version not in NORMALISATIONS:
        known = " and ".join(NORMALISATIONS)
        raise ModelError(
            f"{name} states version {version} of the lifters' contract, this program knows versions {known}",
            "use the posedemo that exported it, or export it again with this one",
        )
    contract = {**CONTRACT, "normalisation": (NORMALISATIONS[version], _OTHER_NORMALISATION)}
    for key, (expected, sentence) in contract.items():
        if key not in metadata:
            raise ModelError(f"{name} does not state its {key}", _EXPORT_HINT)
        if metadata[key] != expected:
            raise ModelError(f"{name} {sentence.format(repr(metadata[key]), repr(expected))}", _EXPORT_HINT)
    num_frames, target = _whole_number(metadata, "window", name), _whole_number(metadata, "target", name)
    rate_hz = _number(metadata, "rate_hz", name)
    if not 1 <= num_frames <= MOST_FRAMES:
        raise ModelError(f"{name} states a window of {num_frames} frames, and not of 1 to {MOST_FRAMES}", _EXPORT_HINT)
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        low, high = _RATES_HZ
        raise ModelError(f"{name} states a rate of {rate_hz:g} Hz, and not of {low:g} to {high:g}", _EXPORT_HINT)
    if not 0 <= target < num_frames:
        raise ModelError(
            f"{name} lifts frame {target} of a window whose frames are 0 to {num_frames - 1}", _EXPORT_HINT
        )
    return LifterSpec(
        name=metadata.get("lifter", name), num_frames=num_frames, rate_hz=rate_hz, look_ahead=num_frames - 1 - target
    )


def _number(metadata: Mapping[str, str], key: str, name: str) -> float:
    if key not in metadata:
        raise ModelError(f"{name} does not state its {key}", _EXPORT_HINT)
    try:
        return float(metadata[key])
    except ValueError as error:
        raise ModelError(f"{name} states {metadata[key]!r} as its {key}", _EXPORT_HINT) from error


def _whole_number(metadata: Mapping[str, str], key: str, name: str) -> int:
    number = _number(metadata, key, name)
    if not number.is_integer():
        raise ModelError(f"{name} states {metadata[key]!r} as its {key}", _EXPORT_HINT)
    return int(number)


def _check_input(inputs: Sequence[Any], spec: LifterSpec, name: str) -> None:
    """The graph must take what the metadata promise: windows of so many frames, any number of them at a time."""
    if len(inputs) != 1:
        raise ModelError(f"{name} has {len(inputs)} inputs, a lifter has one", _EXPORT_HINT)
    if inputs[0].type != "tensor(float)":
        raise ModelError(f"{name} takes {inputs[0].type}, a lifter takes tensor(float)", _EXPORT_HINT)
    shape = list(inputs[0].shape)
    shown = "(" + ", ".join("N" if not isinstance(length, int) else str(length) for length in shape) + ")"
    joints = H36M17.num_joints
    if len(shape) != 4 or not all(_fits(have, want) for have, want in zip(shape[2:], (joints, 2), strict=True)):
        raise ModelError(f"{name} takes an input of shape {shown}, a lifter takes (N, T, {joints}, 2)", _EXPORT_HINT)
    if not _fits(shape[1], spec.num_frames):
        raise ModelError(f"{name} states a window of {spec.num_frames} frames, but takes {shape[1]}", _EXPORT_HINT)
    if isinstance(shape[0], int):
        raise ModelError(
            f"{name} takes exactly {shape[0]} windows at a time, and people come and go",
            "export it with a batch of any size; `posedemo export` does",
        )


def _fits(length: Any, wanted: int) -> bool:
    """A length that the graph leaves open fits everything."""
    return not isinstance(length, int) or length == wanted
