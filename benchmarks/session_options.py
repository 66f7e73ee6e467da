"""How ONNX Runtime runs the lifters best: threads, a fixed batch, and arrays that are bound instead of copied.

    python benchmarks/session_options.py [--calls N]

One person, on the CPU, every variant in turns, since machines drift: medians of the milliseconds of processor time and
of wall time of a call. Why ``app/lifters/session.py`` opens sessions as it does.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
from posedemo import model_files
from posedemo.manifest import manifest

WARM_UP_CALLS = 20
FATAL_ONLY = 4


def session(model: bytes, *, threads: int = 1, may_spin: bool = True, fixed_batch: str = "") -> ort.InferenceSession:
    """A session on the CPU; ``fixed_batch`` names the dimension that becomes 1."""
    options = ort.SessionOptions()
    options.log_severity_level = FATAL_ONLY
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(may_spin)))
    if fixed_batch:
        options.add_free_dimension_override_by_name(fixed_batch, 1)
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def variants(model: bytes) -> dict[str, Callable[[], object]]:
    """Calls of the same network that differ in how it was opened."""
    plain = session(model)
    batch, *shape = plain.get_inputs()[0].shape
    name, output = plain.get_inputs()[0].name, plain.get_outputs()[0].name
    windows = np.random.default_rng(0).normal(scale=0.3, size=(1, *shape)).astype(np.float32)
    fixed = session(model, fixed_batch=batch)
    binding, pose = fixed.io_binding(), np.zeros((1, 17, 3), np.float32)
    binding.bind_cpu_input(name, windows)
    binding.bind_output(output, "cpu", 0, np.float32, pose.shape, pose.ctypes.data)

    def call(opened: ort.InferenceSession) -> Callable[[], object]:
        return lambda: opened.run([output], {name: windows})

    return {
        "1 thread, as the program": call(plain),
        "2 threads": call(session(model, threads=2)),
        "2 threads that do not spin": call(session(model, threads=2, may_spin=False)),
        "1 thread, batch fixed": call(fixed),
        "1 thread, batch fixed, bound": lambda: fixed.run_with_iobinding(binding),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300)
    arguments = parser.parse_args()
    for entry in manifest():
        if entry.kind != "lifter" or not entry.is_packaged:
            continue
        calls = variants(model_files.load("lifter", entry.name).content)
        processor_ms: dict[str, list[float]] = {label: [] for label in calls}
        wall_ms: dict[str, list[float]] = {label: [] for label in calls}
        for number in range(WARM_UP_CALLS + arguments.calls):
            for label, call in calls.items():
                started_s, processor_s = time.perf_counter(), time.process_time()
                call()
                if number >= WARM_UP_CALLS:
                    wall_ms[label].append((time.perf_counter() - started_s) * 1e3)
                    processor_ms[label].append((time.process_time() - processor_s) * 1e3)
        print(entry.name)
        for label in calls:
            processor, wall = statistics.median(processor_ms[label]), statistics.median(wall_ms[label])
            print(f"  {label:<30} processor {processor:6.2f} ms  wall {wall:6.2f} ms")


if __name__ == "__main__":
    main()
