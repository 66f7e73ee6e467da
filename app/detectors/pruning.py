"""Takes a branch out of a TFLite network, in the bytes of its file. The standard library only.

A TFLite file is a FlatBuffer: tables, each with a list of where its fields are, and vectors; a place in it is a
distance from where that distance stands. Operators and outputs are lists in one table, so a branch is gone once nothing
lists it; nothing else moves, and weights of the branch stay behind unread. Field numbers are those of TensorFlow's
``schema.fbs``.
"""

from __future__ import annotations

import struct

_MODEL_SUBGRAPHS = 2
_GRAPH_TENSORS, _GRAPH_OUTPUTS, _GRAPH_OPERATORS = 0, 2, 3
_TENSOR_SHAPE = 0
_OPERATOR_INPUTS, _OPERATOR_OUTPUTS = 1, 2

_MOST_ITEMS = 10_000
"""Of one list. The networks of the pose bundles have some hundred operators and tensors."""


class Network:
    """The first graph of a TFLite file, to be changed in place.

    Raises:
        ValueError: this is no such file. So do its methods.
    """

    def __init__(self, content: bytes) -> None:
        self._bytes = bytearray(content)
        graphs = self._vector(self._unsigned(0), _MODEL_SUBGRAPHS)
        if self._unsigned(graphs) == 0:
            raise ValueError("no graph")
        self._graph = self._target(graphs + 4)

    @property
    def content(self) -> bytes:
        """The file, as long as it was."""
        return bytes(self._bytes)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Which tensors are handed out."""
        return self._numbers(self._graph, _GRAPH_OUTPUTS)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Of one tensor; empty where the file does not say."""
        tensors = self._tables(self._graph, _GRAPH_TENSORS)
        if not 0 <= tensor < len(tensors):
            raise ValueError("no such tensor")
        return self._numbers(tensors[tensor], _TENSOR_SHAPE)

    def replace_output(self, index: int, stand_in: int) -> None:
        """Hand out another tensor in place of an output, and drop the operators that nothing needs any more."""
        outputs = list(self.outputs)
        if not 0 <= index < len(outputs):
            raise ValueError("no such output")
        outputs[index] = stand_in
        struct.pack_into(f"<{len(outputs)}i", self._bytes, self._vector(self._graph, _GRAPH_OUTPUTS) + 4, *outputs)
        self._keep(self._needed(outputs))

    def _needed(self, tensors: list[int]) -> list[int]:
        """Where the operators stand that these tensors come from, in the order in which they run."""
        operators = self.operators()
        maker = {made: place for place in operators for made in self._numbers(place, _OPERATOR_OUTPUTS)}
        needed: set[int] = set()
        waiting = list(tensors)
        while waiting:
            place = maker.get(waiting.pop())
            if place is not None and place not in needed:
                needed.add(place)
                waiting.extend(self._numbers(place, _OPERATOR_INPUTS))
        return [place for place in operators if place in needed]

    def _keep(self, operators: list[int]) -> None:
        vector = self._vector(self._graph, _GRAPH_OPERATORS)
        distances = (place - (vector + 4 + 4 * index) for index, place in enumerate(operators))
        struct.pack_into(f"<{1 + len(operators)}I", self._bytes, vector, len(operators), *distances)

    def operators(self) -> list[int]:
        """Where the operators stand that run, in their order."""
        return self._tables(self._graph, _GRAPH_OPERATORS)

    def _tables(self, table: int, field: int) -> list[int]:
        """Where the tables of a list stand."""
        first = self._vector(table, field) + 4
        return [first + 4 * index + distance for index, distance in enumerate(self._list(table, field, "I"))]

    def _numbers(self, table: int, field: int) -> tuple[int, ...]:
        return self._list(table, field, "i") if self._field(table, field) else ()

    def _list(self, table: int, field: int, item: str) -> tuple[int, ...]:
        vector = self._vector(table, field)
        count = self._unsigned(vector)
        if count > _MOST_ITEMS:
            raise ValueError("a list that is too long")
        return self._read(f"<{count}{item}", vector + 4)

    def _vector(self, table: int, field: int) -> int:
        """Where a list stands, which begins with its length."""
        place = self._field(table, field)
        if not place:
            raise ValueError("a list is missing")
        return self._target(place)

    def _field(self, table: int, field: int) -> int:
        """Where a field of a table stands; 0 where it was left out."""
        fields = table - self._read("<i", table)[0]
        (size,) = self._read("<H", fields)
        entry = 4 + 2 * field
        if entry + 2 > size:
            return 0
        (distance,) = self._read("<H", fields + entry)
        return table + distance if distance else 0

    def _target(self, place: int) -> int:
        return place + self._unsigned(place)

    def _unsigned(self, place: int) -> int:
        return self._read("<I", place)[0]

    def _read(self, form: str, place: int) -> tuple[int, ...]:
        # A negative place would be read from the end.
        if place < 0 or place + struct.calcsize(form) > len(self._bytes):
            raise ValueError("it points out of itself")
        return struct.unpack_from(form, self._bytes, place)
