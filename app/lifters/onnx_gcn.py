"""Runs an exported lifter with ONNX Runtime. The only importer of onnxruntime."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import onnxruntime as ort

from ..datatypes import LifterSpec, Pose3D, Window
from ..errors import ConfigError, ModelError
from ..native_output import quiet_native_output
from ..skeleton import H36M17

logger = logging.getLogger(__name__)

CONTRACT = {"posedemo_contract": "1", "skeleton": H36M17.name, "units": "metre", "normalisation": "screen"}
"""Metadata that a model file must state; a model trained for anything else would run and be wrong."""

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}

_ORT_FATAL_ONLY = 4


class OnnxLifter:
    """A lifter from an ``.onnx`` file that states its contract in its metadata.

    Args:
        model: contents of the file.
        name: how to call the file in errors.
        provider: ``auto``, ``cpu``, ``cuda`` or ``tensorrt``; ``auto`` takes CUDA where there is a working one.

    Raises:
        ModelError: the file is not a lifter of this program, or is damaged.
        ConfigError: the provider asked for is not really there.
    """

    def __init__(self, model: bytes, *, name: str, provider: str = "auto") -> None:
        self._session, self.provider = _open_session(model, name, provider)
        self.spec = _read_spec(self._session, name)
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name
        probe = np.zeros((1, self.spec.num_frames, H36M17.num_joints, 2), np.float32)
        try:
            # Also the warm-up: the first run allocates.
            (pose,) = self._session.run([self._output], {self._input: probe})
        except Exception as error:
            raise ModelError(f"{name} does not run: {_first_line(error)}", "export the lifter again") from error
        if pose.shape != (1, H36M17.num_joints, 3):
            raise ModelError(f"{name} gives poses of shape {pose.shape[1:]}, not (17, 3)", "export the lifter again")

    def lift(self, windows: Sequence[Window]) -> tuple[Pose3D, ...]:
        """One pose a window, as one batch."""
        batch = np.stack([window.xy for window in windows])
        (poses,) = self._session.run([self._output], {self._input: batch})
        return tuple(
            Pose3D(xyz_m=np.ascontiguousarray(pose, np.float32), confidence=window.confidence[-1])
            for pose, window in zip(poses, windows, strict=True)
        )

    def close(self) -> None:
        """Nothing to free; the session goes with the object."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open_session(model: bytes, name: str, provider: str) -> tuple[ort.InferenceSession, str]:
    """Open the model on the provider asked for; returns the session and the name of the provider it really runs on."""
    try:
        # Any model must open on the CPU, so what fails there is the model's fault and not a provider's.
        session = _session(model, "cpu")
    except Exception as error:
        raise ModelError(
            f"{name} is not a readable ONNX model: {_first_line(error)}", "check the file, or export it again"
        ) from error
    wanted = ("cuda" if _has_cuda_device() else "cpu") if provider == "auto" else provider
    if wanted == "cpu":
        return session, "cpu"
    try:
        accelerated = _session(model, wanted)
        if accelerated.get_providers()[0] == PROVIDERS[wanted]:
            return accelerated, wanted
        reason = "ONNX Runtime fell back to the CPU"
    except Exception as error:  # noqa: BLE001  onnxruntime raises classes of its own that share no public base
        reason = _first_line(error)
    if provider == "auto":
        logger.warning("the GPU is not used: %s", reason)
        return session, "cpu"
    logger.debug("%s: %s", wanted, reason)
    raise ConfigError(
        f"the provider {provider} is not available on this machine",
        "use --provider auto, or install the NVIDIA driver and the libraries that ONNX Runtime needs for it",
    )


def _session(model: bytes, provider: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = _ORT_FATAL_ONLY
    # The lifters are small: more threads cost more than they bring, and the detector needs the cores.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    providers = list(dict.fromkeys([PROVIDERS[provider], PROVIDERS["cpu"]]))
    with quiet_native_output():
        # With its own fallback ONNX Runtime would print to standard output and go on with another provider.
        return ort.InferenceSession(model, options, providers=providers, enable_fallback=0)


def _has_cuda_device() -> bool:
    """True where the NVIDIA driver counts at least one device; ONNX Runtime lists CUDA even without."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _read_spec(session: ort.InferenceSession, name: str) -> LifterSpec:
    """Check the contract in the file's metadata and read the window from it."""
    metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    for key, expected in CONTRACT.items():
        if metadata.get(key) != expected:
            stated = f"{metadata[key]!r}" if key in metadata else "nothing"
            raise ModelError(
                f"{name} states {stated} as its {key}, this program serves {expected!r}",
                "export the lifter with `posedemo export`",
            )
    try:
        spec = LifterSpec(
            name=metadata["lifter"], num_frames=int(metadata["window"]), rate_hz=float(metadata["rate_hz"])
        )
        target = int(metadata["target"])
    except (KeyError, ValueError) as error:
        raise ModelError(f"{name} has incomplete metadata: {error}", "export the lifter again") from error
    if spec.num_frames < 1 or spec.rate_hz <= 0 or target != spec.num_frames - 1:
        raise ModelError(
            f"{name} is not a causal lifter (window {spec.num_frames}, target {target}, {spec.rate_hz} Hz)",
            "export a lifter whose target is the last frame of its window",
        )
    return spec


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
