"""Opens many damaged model files in this process, which may die of it: KIND, NAME and COUNT are its arguments.

The last line of the output says how many were refused with a sentence, and how many could be opened.
"""

from __future__ import annotations

import importlib.resources
import sys
from collections.abc import Iterator

import onnx
from model_mutations import mutated_bundles, mutated_models
from mutations import damaged
from onnx_lifters import echo_lifter
from posedemo import registry
from posedemo.errors import PosedemoError
from posedemo.model_files import ModelFile
from trials import limited_memory

MAX_EXTRA_BYTES = 4 * 2**30
"""Threads of native libraries reserve address space that they do not use."""


def contents(kind: str, name: str, count: int) -> Iterator[bytes]:
    if name == "echo":
        whole = echo_lifter(num_frames=3).SerializeToString()
    else:
        whole = importlib.resources.files("posedemo.weights").joinpath(name).read_bytes()
    if kind == "fields":
        return mutated_models(onnx.load_from_string(whole), count)
    return mutated_bundles(whole, count) if kind == "networks" else damaged(whole, count)


def main() -> None:
    kind, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    refused = opened = 0
    with limited_memory(MAX_EXTRA_BYTES):
        for number, content in enumerate(contents(kind, name, int(count))):
            print("case", number, file=sys.stderr, flush=True)
            try:
                if name.endswith(".task"):
                    registry.open_detector(ModelFile("mine.task", content), max_people=1).close()
                else:
                    registry.open_lifter(ModelFile("mine.onnx", content), provider="cpu").close()
                opened += 1
            except PosedemoError as error:
                assert error.message and "\n" not in error.message
                refused += 1
    print(refused, opened)


if __name__ == "__main__":
    main()
