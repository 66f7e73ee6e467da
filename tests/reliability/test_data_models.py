"""Model files of one's own (`--lifter F.onnx`, `--detector F.task`, checkpoints)

Damaged as bytes, and whole as files but wrong in what they say. They are opened in processes of their own, so that a
crash of a native library would be seen and counted.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from command_line import assert_one_sentence
from onnx import TensorProto, helper, numpy_helper
from onnx_lifters import echo_lifter
from posedemo import registry
from posedemo.errors import ModelError, PosedemoError

MODEL = 4
OPENER = Path(__file__).with_name("open_models.py")
LIFTER, BUNDLE = "semgcn.onnx", "pose_landmarker_lite.task"
TRIALS = {
    "lifters with bytes cut, flipped, spliced, overwritten": ("bytes", LIFTER, 150),
    "small lifters with bytes cut, flipped, spliced, overwritten": ("bytes", "echo", 300),
    "lifters with fields dropped, repeated, exchanged, set to extremes": ("fields", LIFTER, 100),
    "small lifters with fields dropped, repeated, exchanged, set to extremes": ("fields", "echo", 300),
    "MediaPipe bundles with bytes cut, flipped, spliced, overwritten": ("bytes", BUNDLE, 100),
    "MediaPipe bundles, sound as archives, with a damaged network": ("networks", BUNDLE, 100),
}


@pytest.mark.parametrize("what", TRIALS)
def test_damaged_models(what, tried):
    """One process a row: one that dies has not said how it went with the rest."""
    kind, name, count = TRIALS[what]
    done = subprocess.run(
        [sys.executable, OPENER, kind, name, str(count)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, timeout=800,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    refused, opened = map(int, done.stdout.splitlines()[-1].split())
    assert refused + opened == count
    assert refused > count / 4
    tried(what, count, f"{refused} refused with a sentence, {opened} opened")


def greedy_lifter(num_numbers: int) -> onnx.ModelProto:
    """A lifter that is sound by every rule, and fills so many numbers with zeros, to add their sum to each pose."""
    model = echo_lifter()
    nodes = model.graph.node
    nodes[-1].output[0] = "pose"
    model.graph.initializer.append(numpy_helper.from_array(np.array([num_numbers]), "how_many"))
    nodes.append(helper.make_node("ConstantOfShape", ["how_many"], ["numbers"]))
    nodes.append(helper.make_node("ReduceSum", ["numbers"], ["nothing"], keepdims=0))
    nodes.append(helper.make_node("Add", ["pose", "nothing"], ["xyz"]))
    return model


def test_lifter_that_asks_for_all_memory_is_refused(tmp_path):
    """Eight billion numbers, 32 GB, which many systems promise and then end the program for."""
    path = tmp_path / "greedy.onnx"
    path.write_bytes(greedy_lifter(10).SerializeToString())
    registry.create_lifter(str(path), provider="cpu").close()
    path.write_bytes(greedy_lifter(8 * 10**9).SerializeToString())
    with pytest.raises(ModelError, match=r"greedy\.onnx"):
        registry.create_lifter(str(path), provider="cpu")


def looping_lifter() -> onnx.ModelProto:
    """A lifter that goes round for ever once it is run."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_on"], ["still"]), helper.make_node("Identity", ["number"], ["same"])],
        "body",
        [helper.make_tensor_value_info(name, kind, []) for name, kind in
         (("round", TensorProto.INT64), ("go_on", TensorProto.BOOL), ("number", TensorProto.FLOAT))],
        [helper.make_tensor_value_info(name, kind, []) for name, kind in
         (("still", TensorProto.BOOL), ("same", TensorProto.FLOAT))],
    )  # fmt: skip
    model = echo_lifter()
    nodes = model.graph.node
    nodes[-1].output[0] = "pose"
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
    nodes.append(helper.make_node("Loop", ["", "yes", "zero"], ["nothing"], body=body))
    nodes.append(helper.make_node("Add", ["pose", "nothing"], ["xyz"]))
    return model


def test_lifter_that_never_ends_is_refused(posedemo, tmp_path):
    (tmp_path / "round.onnx").write_bytes(looping_lifter().SerializeToString())
    np.savez(tmp_path / "in.npz", keypoints_2d=np.zeros((2, 17, 2)), image_size=[640, 480], fps=30.0)
    done = posedemo("lift", "in.npz", "--lifter", "round.onnx", "--output", "o.npz")
    assert_one_sentence(done, MODEL, "round.onnx", "loop")
    assert not (tmp_path / "o.npz").exists()


@pytest.mark.train
def test_damaged_lifters_and_checkpoints_of_the_training_side(tmp_path, tried):
    from model_mutations import mutated_models
    from mutations import damaged
    from posedemo.models.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
    from posedemo.models.config import preset
    from posedemo.models.lifter import build_lifter
    from posedemo.models.predictors import onnx_predictor
    from trials import try_all

    def lift(path: Path) -> None:
        predictor = onnx_predictor(path)
        predictor.lift(np.zeros((2, predictor.num_frames, predictor.skeleton.num_joints, 2), np.float32))

    tally = try_all(lift, mutated_models(echo_lifter(), 150, seed=5), tmp_path / "mine.onnx")
    tried("lifters given to `evaluate`, with other fields", tally.total, str(tally))
    config = preset("semgcn", "tiny")
    path = tmp_path / "checkpoint.pt"
    weights = build_lifter(config).state_dict()
    save_checkpoint(Checkpoint(config, 3, 1.0, weights, {}, (), "corpus.npz", "unknown"), path)
    whole = path.read_bytes()
    assert load_checkpoint(path).step == 3
    tally = try_all(load_checkpoint, damaged(whole, 150), path)
    assert tally.refused > 75
    tried("checkpoints with bytes cut, flipped, spliced, overwritten", tally.total, str(tally))


def test_opening_in_another_process_tells_why_it_was_refused(tmp_path):
    """The same sentence as if it had been opened here."""
    path = tmp_path / "mine.onnx"
    path.write_bytes(echo_lifter(metadata={"units": "inch"}).SerializeToString())
    with pytest.raises(PosedemoError, match="gives its poses in 'inch'") as caught:
        registry.create_lifter(str(path), provider="cpu")
    assert isinstance(caught.value, ModelError)
    assert caught.value.hint
