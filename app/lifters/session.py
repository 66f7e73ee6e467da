"""Opens a lifter's network with ONNX Runtime, on the provider that was asked for. Nothing else in a run imports it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
from itertools import pairwise
from typing import Any

import onnxruntime as ort

from ..errors import ConfigError, ModelError, PosedemoError, first_line
from ..model_files import cache_folder
from ..native_output import quiet_native_output
from .engine_cache import EngineCache
from .nvidia import gpu_name, tensorrt_version

logger = logging.getLogger(__name__)

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}

_ORT_FATAL_ONLY = 4


class _UnavailableError(Exception):
    """A provider does not run here; the message says why."""


def open_session(model: bytes, name: str, provider: str) -> tuple[ort.InferenceSession, str]:
    """Open a model.

    Args:
        model: contents of the file.
        name: how to call the file in errors.
        provider: ``auto`` or one of ``PROVIDERS``. ``auto`` takes TensorRT where its engine is built already, CUDA
            where it works, and the CPU otherwise.

    Returns:
        The session, and the name of the provider that it really runs on.

    Raises:
        ModelError: the file is no readable model.
        ConfigError: the provider asked for does not really run here.
    """
    try:
        # Any model must open on the CPU, so what fails there is the model's fault and not a provider's.
        session = _session(model, "cpu", {})
    except Exception as error:
        raise ModelError(
            f"{name} is not a readable ONNX model: {first_line(error)}", "check the file, or export it again"
        ) from error
    if provider == "cpu":
        return session, provider
    if provider != "auto":
        try:
            return _accelerated(model, session, provider, name), provider
        except _UnavailableError as error:
            raise ConfigError(
                f"the provider {provider} is not available on this machine: {error}",
                "use --provider auto, or install the NVIDIA driver and the libraries that ONNX Runtime needs for it",
            ) from error
    return _open_best(model, session, name)


def built_in_providers() -> tuple[str, ...]:
    """Names of the providers that this ONNX Runtime was built with; whether they work, only a session tells."""
    built_in = ort.get_available_providers()
    return tuple(name for name, provider in PROVIDERS.items() if provider in built_in)


def _open_best(model: bytes, on_cpu: ort.InferenceSession, name: str) -> tuple[ort.InferenceSession, str]:
    """Open a model where it runs best, and say what it had to fall back to."""
    for wanted, next_best in pairwise([*_worth_trying(model), "cpu"]):
        try:
            return _accelerated(model, on_cpu, wanted, name), wanted
        except _UnavailableError as error:
            logger.warning("%s is lifted on %s, because %s does not run: %s", name, next_best, wanted, error)
    return on_cpu, "cpu"


def _worth_trying(model: bytes) -> list[str]:
    """What ``auto`` tries before the CPU, best first. TensorRT takes up to minutes to build what nobody asked for."""
    if gpu_name() is None:
        return []
    cache = _engine_cache(model)
    wanted = ("tensorrt", "cuda") if cache is not None and cache.is_ready else ("cuda",)
    return [name for name in wanted if name in built_in_providers()]


def _accelerated(model: bytes, on_cpu: ort.InferenceSession, provider: str, name: str) -> ort.InferenceSession:
    """Open a model on a GPU.

    Raises:
        _UnavailableError: it does not run there.
    """
    if gpu_name() is None:
        raise _UnavailableError("there is no NVIDIA GPU with a driver")
    try:
        session = _with_engine(model, on_cpu, name) if provider == "tensorrt" else _session(model, provider, {})
    except _UnavailableError:
        raise
    except PosedemoError as error:
        raise _UnavailableError(error.message) from error
    except Exception as error:
        # onnxruntime raises classes of its own that share no public base.
        raise _UnavailableError(first_line(error)) from error
    if session.get_providers()[0] != PROVIDERS[provider]:
        raise _UnavailableError("ONNX Runtime fell back to another one")
    return session


def _with_engine(model: bytes, on_cpu: ort.InferenceSession, name: str) -> ort.InferenceSession:
    """Open a model on TensorRT, with the engine that is kept, or building it."""
    cache = _engine_cache(model)
    if cache is None:
        raise _UnavailableError("TensorRT 10 is not installed where programs find it")
    network_input = on_cpu.get_inputs()[0]
    if not all(isinstance(length, int) for length in network_input.shape[1:]):
        raise _UnavailableError(f"{name} leaves the size of its window open")
    is_ready = cache.is_ready
    if not is_ready:
        logger.info("TensorRT builds its engine of %s, for minutes, once; `posedemo warmup` does it before", name)
    session = _session(model, "tensorrt", cache.options(network_input.name, tuple(network_input.shape[1:])))
    if not is_ready and session.get_providers()[0] == PROVIDERS["tensorrt"]:
        cache.finish()
    return session


def _engine_cache(model: bytes) -> EngineCache | None:
    """Where this model's engine is kept; None without TensorRT or a GPU."""
    tensorrt, gpu = tensorrt_version(), gpu_name()
    if tensorrt is None or gpu is None:
        return None
    return EngineCache(cache_folder(), hashlib.sha256(model).hexdigest(), ort.__version__, tensorrt, gpu)


def _session(model: bytes, provider: str, provider_options: dict[str, str]) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = _ORT_FATAL_ONLY
    # The lifters are small, and the detector needs the cores. A second thread gains SemGCN nothing (1.5 ms for 1.6 ms a
    # frame on a busy machine) and takes 12 ms of processor time for 1.7 ms, because it spins while it waits; forbidden
    # to spin it makes a frame slower (2.2 ms). One thread has no pool, so nothing can spin.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # What TensorRT does not know, CUDA does, and what CUDA does not, the processor.
    fallbacks = {"cpu": [], "cuda": ["cpu"], "tensorrt": ["cuda", "cpu"]}[provider]
    providers: list[Any] = [(PROVIDERS[provider], provider_options), *(PROVIDERS[other] for other in fallbacks)]
    if provider != "cpu":
        # CUDA's libraries from NVIDIA's wheels lie where no loader looks. It prints what it does not find.
        with contextlib.redirect_stdout(io.StringIO()):
            ort.preload_dlls(msvc=False)
    with quiet_native_output():
        # With its own fallback ONNX Runtime would print to standard output and go on with another provider.
        return ort.InferenceSession(model, options, providers=providers, enable_fallback=0)
