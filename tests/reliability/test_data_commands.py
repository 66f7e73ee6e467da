"""Every command that reads a file, given a damaged one

Through the command line: one sentence, an exit code, and nothing that was not there before.
"""

from pathlib import Path

import numpy as np
import pytest
from mutations import damaged
from onnx_lifters import echo_lifter
from posedemo import cli
from sessions import shots, write_session
from test_data_keypoints import keypoints
from test_data_training import BVH, corpus_arrays, joint_map_text

pytestmark = pytest.mark.train

CONFIG, SOURCE, MODEL = 2, 3, 4
COMMANDS = {
    "lift in.npz --output o.npz": ("in.npz", {SOURCE}),
    "lift good.npz --lifter in.onnx --output o.npz": ("in.onnx", {MODEL}),
    "replay in.pose --headless --export o.npz": ("in.pose", {SOURCE}),
    "prepare in.bvh --output o.npz": ("in.bvh", {CONFIG}),
    "prepare good.bvh --map in.toml --output o.npz": ("in.toml", {CONFIG}),
    "train --lifter semgcn --preset tiny --data in.npz --output run": ("in.npz", {CONFIG}),
    "evaluate --lifter semgcn --data in.npz --json o.json": ("in.npz", {CONFIG}),
    "evaluate --lifter in.onnx --data corpus.npz --json o.json": ("in.onnx", {MODEL}),
    "export in.pt --output o.onnx": ("in.pt", {MODEL}),
}
"""Command line → the damaged file, and the exit codes that it may end with."""


def whole_files(folder: Path) -> dict[str, bytes]:
    """A sound file of each kind, by suffix; and two of them beside the damaged one, for commands that read both."""
    np.savez(folder / "good.npz", **keypoints())
    np.savez(folder / "corpus.npz", **corpus_arrays())
    (folder / "good.bvh").write_text(BVH)
    session = write_session(folder / "talk.pose", shots(3))
    return {
        ".npz": (folder / "corpus.npz").read_bytes(),
        ".onnx": echo_lifter().SerializeToString(),
        ".pose": session.read_bytes(),
        ".bvh": BVH.encode(),
        ".toml": joint_map_text().encode(),
        ".pt": bytes(1000),
    }


@pytest.mark.usefixtures("same_logging")
@pytest.mark.parametrize("line", COMMANDS)
def test_command_ends_with_one_sentence(line, tmp_path, monkeypatch, capfd, tried):
    name, codes = COMMANDS[line]
    whole = whole_files(tmp_path)[Path(name).suffix]
    monkeypatch.chdir(tmp_path)
    # What is cut to half and then damaged is none of these any more.
    contents = [b"", whole[: len(whole) // 2], *damaged(whole[: len(whole) // 2], 2)]
    for content in contents:
        Path(name).write_bytes(content)
        before = {path.name for path in tmp_path.iterdir()}
        capfd.readouterr()
        assert cli.main(line.split()) in codes
        said = capfd.readouterr()
        assert said.err.count("posedemo: error: ") == 1
        assert "Traceback" not in said.err
        assert said.out == ""
        assert {path.name for path in tmp_path.iterdir()} == before
    tried(f"`posedemo {line}`", len(contents), "one sentence each, and no file")
