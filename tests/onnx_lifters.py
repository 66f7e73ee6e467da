"""Makes small real ONNX lifters whose poses are known beforehand, and any defect that is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from posedemo.geometry import to_screen
from posedemo.skeleton import H36M17


def echo_lifter(
    *,
    num_frames: int = 1,
    target: int | None = None,
    shape: Sequence[str | int] | None = None,
    num_outputs: int = 3,
    scale: float = 1.0,
    element_type: int = TensorProto.FLOAT,
    metadata: Mapping[str, str | None] = {},
    most_windows: int = 10_000,
) -> onnx.ModelProto:
    """A lifter that gives back its target frame's 2D joints, relative to the pelvis, in the plane z = 0.

    Args:
        num_frames: T that the metadata state.
        target: position of the frame that it gives back; the last one by default.
        shape: of the input, where it is not to be the right one.
        num_outputs: coordinates of a joint in the output.
        scale: of the poses that it gives.
        element_type: of the input.
        metadata: what the file states otherwise than it should; None leaves a key out.
        most_windows: that it lifts at a time; with more it fails, although it promises any number.
    """
    target = num_frames - 1 if target is None else target
    shape = shape or ["N", num_frames, H36M17.num_joints, 2]
    constants = {
        "target": np.array(min(target, num_frames - 1)),
        "start": np.array([0]),
        "end": np.array([1]),
        "axis": np.array([1]),
        "scale": np.array(scale, np.float32),
        "places": np.zeros(most_windows + 1, np.float32),
        "pads": np.array([0] * (2 * len(shape) - 3) + [num_outputs - 2]),
    }
    nodes = [
        helper.make_node("Cast", ["xy"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["floats", "target"], ["frame"], axis=1),
        helper.make_node("Slice", ["frame", "start", "end", "axis"], ["pelvis"]),
        helper.make_node("Sub", ["frame", "pelvis"], ["centred"]),
        helper.make_node("Pad", ["centred", "pads"], ["padded"]),
        helper.make_node("Shape", ["padded"], ["shape"], start=0, end=1),
        helper.make_node("Gather", ["places", "shape"], ["place"]),
        helper.make_node("Mul", ["padded", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "place"], ["xyz"]),
    ]
    graph = helper.make_graph(
        nodes,
        "echo",
        [helper.make_tensor_value_info("xy", element_type, shape)],
        [helper.make_tensor_value_info("xyz", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    stated = {
        "posedemo_contract": "1",
        "lifter": "echo",
        "skeleton": "h36m17",
        "units": "metre",
        "normalisation": "screen",
        "window": str(num_frames),
        "target": str(target),
        "rate_hz": "30",
    }
    helper.set_model_props(model, {key: text for key, text in {**stated, **metadata}.items() if text is not None})
    return model


def echoed(xy_px: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """What ``echo_lifter`` makes of pixels (..., 17, 2): (..., 17, 3)."""
    xy = to_screen(xy_px, size_wh)
    xy = xy - xy[..., :1, :]
    return np.concatenate([xy, np.zeros_like(xy[..., :1])], axis=-1)
