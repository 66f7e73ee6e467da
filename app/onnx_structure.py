"""What an ONNX file asks for, read from its bytes before ONNX Runtime sees any of them. The standard library only.

Such a file is a protobuf message: fields with a number, a wire type and a value. Those are followed that lead to
operators and tensors; their numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator

STANDARD_DOMAINS = frozenset(("", "ai.onnx"))
LOOPS = frozenset(("Loop", "Scan"))
"""How often they repeat may depend on what they are given: a lifter that answered at first could hang in a show."""

_MODEL_GRAPH, _MODEL_FUNCTION = 7, 25
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_SPARSE, _ATTRIBUTE_GRAPHS = (5, 10), (22, 23), (6, 11)
_SPARSE_TENSORS = (1, 2)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST_GRAPH = 20
_LONGEST_VARINT = 10

Field = tuple[int, int | memoryview]


def reason_to_refuse(model: bytes) -> str:
    """Why a file must not be handed to ONNX Runtime; empty where nothing speaks against it.

    Raises:
        ValueError: it is no protobuf message.
    """
    for number, value in _messages(memoryview(model)):
        if number == _MODEL_FUNCTION:
            return "defines operators of its own"
        if number == _MODEL_GRAPH and (reason := _graph(value, depth=0)):
            return reason
    return ""


def _graph(graph: memoryview, *, depth: int) -> str:
    if depth > _DEEPEST_GRAPH:
        raise ValueError("graphs in graphs without end")
    for number, value in _messages(graph):
        reason = ""
        if number == _GRAPH_NODE:
            reason = _node(value, depth=depth)
        elif number == _GRAPH_TENSOR:
            reason = _tensor(value)
        elif number == _GRAPH_SPARSE:
            reason = _sparse_tensor(value)
        if reason:
            return reason
    return ""


def _node(node: memoryview, *, depth: int) -> str:
    operator = domain = reason = ""
    for number, value in _messages(node):
        if number == _NODE_OPERATOR:
            operator = _text(value)
        elif number == _NODE_DOMAIN:
            domain = _text(value)
        elif number == _NODE_ATTRIBUTE:
            reason = reason or _attribute(value, depth=depth)
    if domain not in STANDARD_DOMAINS:
        return f"needs the operator {operator} of {domain}, which is not one of ONNX's own"
    if operator in LOOPS:
        return f"holds a loop ({operator}), which may never end"
    return reason


def _attribute(attribute: memoryview, *, depth: int) -> str:
    for number, value in _messages(attribute):
        reason = ""
        if number in _ATTRIBUTE_GRAPHS:
            reason = _graph(value, depth=depth + 1)
        elif number in _ATTRIBUTE_TENSORS:
            reason = _tensor(value)
        elif number in _ATTRIBUTE_SPARSE:
            reason = _sparse_tensor(value)
        if reason:
            return reason
    return ""


def _sparse_tensor(tensor: memoryview) -> str:
    reasons = (_tensor(value) for number, value in _messages(tensor) if number in _SPARSE_TENSORS)
    return next(filter(None, reasons), "")


def _tensor(tensor: memoryview) -> str:
    for number, value in _fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            return "keeps its weights in a second file (external data)"
    return ""


def _messages(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields that may hold messages or text."""
    for number, value in _fields(message):
        if isinstance(value, memoryview):
            yield number, value


def _fields(message: memoryview) -> Iterator[Field]:
    """Number and value of every field of a message, one after the other."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            length, position = _varint(message, position)
        elif wire_type in (_FIXED32, _FIXED64):
            length = 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError("not a protobuf message")
        if length > len(message) - position:
            raise ValueError("a protobuf message breaks off")
        yield number, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number, seven bits a byte, and where the next field begins."""
    number = 0
    for place, byte in enumerate(message[position : position + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, position + place + 1
    raise ValueError("a protobuf message breaks off")


def _text(value: memoryview) -> str:
    return bytes(value).decode("utf-8", errors="replace")
