"""``posedemo export``: a checkpoint becomes an ONNX file that states its contract and is compared with PyTorch."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..arrays import Float32Array
from ..errors import ModelError, OutputError
from ..lifter_contract import CONTRACT_KEY, PERSON, SCREEN, SIGHT, UNITS, VERSIONS
from ..skeleton import SKELETONS
from .checkpoints import Checkpoint
from .corpus import Corpus
from .evaluate import HeldOut, check_held_out_fits
from .folding import fold
from .lifter import Lifter
from .predictors import Predictor, checkpoint_predictor, cut_windows, onnx_predictor
from .views import require_skeleton, view_sequences
from .windows import load_motion

if TYPE_CHECKING:
    import onnx

log = logging.getLogger(__name__)


OPSET = 18
INPUT_NAME, OUTPUT_NAME = "xy", "xyz"
PARITY_TOLERANCE_M = 1e-4
PARITY_BATCHES = (1, 2, 5)
_REAL_FRAMES = 256
_LARGEST_BYTES = 10_000_000

FORBIDDEN_OPERATORS = frozenset(
    {"If", "Loop", "Scan", "NonZero", "ScatterND", "ScatterElements", "RandomNormal", "RandomUniform", "Dropout"}
)
"""Signs of an export gone wrong: a network in training mode, or shapes that depend on values."""


def export(
    checkpoint: Checkpoint, output: Path, *, extra: dict[str, str], real_xy: Float32Array | None = None
) -> float:
    """Write an ONNX file.

    Args:
        checkpoint: the trained lifter.
        output: the file to write; it appears only when it has passed the comparison.
        extra: free metadata: title, licence, training_data ...
        real_xy: (N, T, J, 2) windows to compare on beside random ones.

    Returns:
        Largest difference to PyTorch in metres.

    Raises:
        ModelError: the exported network differs from PyTorch's, or cannot be exported.
        OutputError: the file cannot be written.
    """
    part = output.with_name(output.name + ".part.onnx")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error.strerror}") from error
    try:
        eager = checkpoint_predictor(checkpoint)
        model = to_onnx(checkpoint.lifter(), num_frames=eager.num_frames, num_joints=eager.skeleton.num_joints)
        for key, value in {**metadata(checkpoint), **extra}.items():
            model.metadata_props.add(key=key, value=value)
        part.write_bytes(model.SerializeToString())
        difference_m = compare(eager, onnx_predictor(part), real_xy=real_xy)
        if checkpoint.config.normalisation == SCREEN:
            log.warning(
                "%s is for `posedemo evaluate` alone: it knows people only as its training data's cameras showed them",
                output,
            )  # fmt: skip
        part.replace(output)
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return difference_m


def real_windows(checkpoint: Checkpoint, corpus: Corpus) -> Float32Array:
    """Windows (N, T, J, 2) of a corpus of the kind that a lifter was trained on, for the comparison.

    Raises:
        ConfigError: the corpus does not fit the lifter.
    """
    predictor = checkpoint_predictor(checkpoint, name=checkpoint.config.lifter)
    if checkpoint.config.data != "views":
        check_held_out_fits(predictor, corpus)
        return HeldOut(load_motion(corpus, corpus.clips), num_sequences=8).windows(predictor)
    require_skeleton(corpus, predictor.skeleton.name, f"the lifter {predictor.name}")
    xy = view_sequences(corpus, corpus.clips[-1:], checkpoint.config.source)[0].xy[None]
    frames = np.arange(min(xy.shape[1], _REAL_FRAMES))
    return cut_windows(xy, np.zeros_like(frames), frames, predictor)


def to_onnx(lifter: Lifter, *, num_frames: int, num_joints: int) -> onnx.ModelProto:
    """Trace a lifter with a dynamic batch and check the result's operators and size.

    Raises:
        ModelError: onnx is not installed, or the graph holds what it must not.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  the exporter imports it by itself, but would report its absence less clearly
    except ImportError as error:
        raise ModelError("exporting needs onnx and onnxscript", hint="pip install '.[train]' in a checkout") from error
    # An example batch of 1 would be taken for a constant.
    example = torch.zeros(2, num_frames, num_joints, 2)
    example[..., 0] = torch.linspace(-1, 1, num_joints)
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    with warnings.catch_warnings():
        # The exporter's own use of deprecated parts of PyTorch, and its news of libraries that it does without.
        warnings.simplefilter("ignore")
        exporter_log.setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                fold(lifter),
                (example,),
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        finally:
            exporter_log.setLevel(level)
    assert program is not None
    model = program.model_proto
    _strip_traces(model)
    onnx.checker.check_model(model, full_check=True)
    operators = {node.op_type for node in model.graph.node}
    if operators & FORBIDDEN_OPERATORS or model.functions:
        raise ModelError(f"the exported graph holds {', '.join(sorted(operators & FORBIDDEN_OPERATORS))}")
    if model.ByteSize() > _LARGEST_BYTES:
        raise ModelError(f"the exported file would have {model.ByteSize() / 1e6:.1f} MB")
    return model


def _strip_traces(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes on every node: they hold the Python stack, with paths of this machine."""
    del model.metadata_props[:]
    graph = model.graph
    del graph.metadata_props[:]
    for entry in (*graph.node, *graph.value_info, *graph.initializer, *graph.input, *graph.output):
        del entry.metadata_props[:]
        entry.doc_string = ""


def metadata(checkpoint: Checkpoint) -> dict[str, str]:
    """The contract that the run time checks, and where the file comes from."""
    config = checkpoint.config
    num_parameters = sum(weights.numel() for weights in checkpoint.lifter().parameters())
    stated = {"trained_on_2d": config.source} if config.data == "views" else {}
    return stated | {
        CONTRACT_KEY: VERSIONS[config.normalisation],
        "lifter": config.lifter,
        "skeleton": config.skeleton,
        "joints": ",".join(SKELETONS[config.skeleton].joints),
        "window": str(config.num_frames),
        "target": str(config.target),
        "rate_hz": f"{config.rate_hz:g}",
        "units": UNITS,
        # What is fed in; "inner" is what the network does to it before anything else.
        "normalisation": SIGHT if config.normalisation == SIGHT else SCREEN,
        "inner_normalisation": "none" if config.normalisation == SCREEN else PERSON,
        "parameters": str(num_parameters),
        "network": json.dumps(dict(config.network), sort_keys=True),
        "corpus": checkpoint.corpus,
        "git_revision": checkpoint.git_revision,
        "created_with": f"posedemo export, PyTorch {torch.__version__.split('+')[0]}",
        "seed": str(config.seed),
        "steps": str(checkpoint.step),
        "holdout": json.dumps(list(checkpoint.holdout)),
    }


def compare(eager: Predictor, exported: Predictor, *, real_xy: Float32Array | None) -> float:
    """Run PyTorch and ONNX Runtime on random and real windows in several batch sizes.

    Returns:
        Largest difference of any coordinate, in metres.

    Raises:
        ModelError: it is above ``PARITY_TOLERANCE_M``.
    """
    random = np.random.default_rng(0)
    worst_m = 0.0
    for batch in PARITY_BATCHES:
        xy = random.normal(0, 0.4, (batch, eager.num_frames, eager.skeleton.num_joints, 2)).astype(np.float32)
        for windows in [xy] if real_xy is None else [xy, real_xy[:batch], real_xy[-batch:]]:
            difference = np.abs(eager.lift(windows) - exported.lift(windows))
            worst_m = max(worst_m, float(difference.max()))
    if not worst_m <= PARITY_TOLERANCE_M:
        raise ModelError(f"the exported lifter differs from PyTorch by {worst_m:.2g} m, {PARITY_TOLERANCE_M:g} allowed")
    log.info("PyTorch and ONNX Runtime agree to %.1g m", worst_m)
    return worst_m
