"""Where TensorRT's engines are kept: one folder for each model and each combination of GPU and library versions.

An engine fits exactly the versions and the GPU that built it, so a new one of any is a new folder; old ones are the
user's to delete.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..outputs import write_whole

_FACTS = "engine.json"
"""Written when an engine is complete, so that one whose building was interrupted is built again."""

MAX_BATCH = 16
"""More people than anybody has in a frame; an engine refuses more than it was built for."""


@dataclass(frozen=True)
class EngineCache:
    """The engine of one model on one machine.

    Attributes:
        root: the user's cache folder.
        model_sha256: of the model's file.
        runtime: version of ONNX Runtime.
        tensorrt: version of TensorRT.
        gpu: its name.
    """

    root: Path
    model_sha256: str
    runtime: str
    tensorrt: str
    gpu: str

    @property
    def folder(self) -> Path:
        """Where engine and timing cache are."""
        machine = "-".join(("ort", self.runtime, "trt", self.tensorrt, self.gpu))
        return self.root / "tensorrt" / re.sub(r"[^A-Za-z0-9.]+", "-", machine) / self.model_sha256

    @property
    def is_ready(self) -> bool:
        """Whether a complete engine is there, so that nothing has to be built."""
        try:
            facts = json.loads((self.folder / _FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return bool(facts == self._facts() and any(self.folder.glob("*.engine")))

    def options(self, input_name: str, input_shape: tuple[int, ...]) -> dict[str, str]:
        """Options of ONNX Runtime's TensorRT provider.

        Args:
            input_name: of the model's input.
            input_shape: of one window, without the batch.

        Raises:
            OSError: the folder cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        one, most = (f"{input_name}:" + "x".join(map(str, (count, *input_shape))) for count in (1, MAX_BATCH))
        return {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": str(self.folder),
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": str(self.folder),
            # Without a range of batches the engine would be built again, in the show, when a second person comes.
            "trt_profile_min_shapes": one,
            "trt_profile_opt_shapes": one,
            "trt_profile_max_shapes": most,
        }

    def finish(self) -> None:
        """Say that the engine is complete.

        Raises:
            OutputError: it cannot be written.
        """
        write_whole(self.folder / _FACTS, json.dumps(self._facts(), indent=1))

    def _facts(self) -> dict[str, str]:
        return {"model": self.model_sha256, "onnxruntime": self.runtime, "tensorrt": self.tensorrt, "gpu": self.gpu}
