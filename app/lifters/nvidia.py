"""Asks NVIDIA's driver and TensorRT what they are, without loading anything that is not there."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence

_DRIVERS = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1",)
_TENSORRT = ("nvinfer_10.dll",) if sys.platform == "win32" else ("libnvinfer.so.10",)
"""The major version that this ONNX Runtime is linked with."""

_NAME_BYTES = 256


def gpu_name() -> str | None:
    """Name of the first GPU; None where the driver counts none. ONNX Runtime lists CUDA even without."""
    driver = _load(_DRIVERS)
    count, device, name = ctypes.c_int(0), ctypes.c_int(0), ctypes.create_string_buffer(_NAME_BYTES)
    if driver is None or driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    if driver.cuDeviceGet(ctypes.byref(device), 0) or driver.cuDeviceGetName(name, _NAME_BYTES, device):
        return "unknown"
    return name.value.decode(errors="replace")


def tensorrt_version() -> str | None:
    """Version of TensorRT, such as 101302; None where it is not installed."""
    library = _load(_TENSORRT)
    return None if library is None else str(library.getInferLibVersion())


def _load(names: Sequence[str]) -> ctypes.CDLL | None:
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None
