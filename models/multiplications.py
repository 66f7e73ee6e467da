"""How much an exported network multiplies: counted from its ONNX graph, without running it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..errors import ModelError

if TYPE_CHECKING:
    import onnx

Shape = tuple[int, ...]


def count_multiplications(model: onnx.ModelProto) -> int:
    """Multiply-adds of matrix products and convolutions for one window.

    These are what papers count. Elementwise work is left out: activations, normalisation, softmax, and the differences
    between joints from which DG-Net chooses neighbours.

    Raises:
        ModelError: the shape of an operand cannot be inferred, or a product is not of a kind that is known here.
    """
    import onnx

    model = onnx.shape_inference.infer_shapes(_with_batch_of_one(model), strict_mode=True, data_prop=True)
    shapes = {entry.name: tuple(entry.dims) for entry in model.graph.initializer}
    for entry in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        dimensions = entry.type.tensor_type.shape.dim
        if all(dimension.HasField("dim_value") for dimension in dimensions):
            shapes[entry.name] = tuple(dimension.dim_value for dimension in dimensions)
    return sum(_of_node(node, shapes) for node in model.graph.node)


def _with_batch_of_one(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with every free dimension set to 1 and without the shapes that were inferred for free ones."""
    import onnx

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    del fixed.graph.value_info[:]
    for entry in (*fixed.graph.input, *fixed.graph.output):
        for dimension in entry.type.tensor_type.shape.dim:
            if not dimension.HasField("dim_value"):
                dimension.dim_value = 1
    return fixed


def _of_node(node: onnx.NodeProto, shapes: dict[str, Shape]) -> int:
    if node.op_type not in ("MatMul", "Gemm", "Conv", "Einsum"):
        if "MatMul" in node.op_type or "Conv" in node.op_type:
            raise ModelError(f"the multiplications of the operator {node.op_type} cannot be counted")
        return 0
    try:
        inputs, output = [shapes[name] for name in node.input if name], shapes[node.output[0]]
    except KeyError as error:
        raise ModelError(f"the shape of {error} in the exported graph is not known") from error
    if node.op_type == "Conv":
        return math.prod(output) * math.prod(inputs[1][1:])  # weights (C_out, C_in / groups, kernel)
    if node.op_type == "MatMul":
        return math.prod(output) * inputs[0][-1]
    if node.op_type == "Gemm":
        is_transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        return math.prod(output) * inputs[0][0 if is_transposed else 1]
    return _of_einsum(node, inputs)


def _of_einsum(node: onnx.NodeProto, inputs: list[Shape]) -> int:
    """Two operands: one multiplication for each combination of all indices."""
    equation = next(attribute.s.decode() for attribute in node.attribute if attribute.name == "equation")
    terms = equation.replace(" ", "").split("->")[0].split(",")
    if len(terms) != 2 or "." in equation:
        raise ModelError(f"the multiplications of Einsum {equation} cannot be counted")
    sizes = {
        letter: size
        for term, shape in zip(terms, inputs, strict=True)
        for letter, size in zip(term, shape, strict=True)
    }
    return math.prod(sizes.values())
