"""Keypoint files (`posedemo lift`)

Damaged as bytes, wrong in what they hold, and made to do harm.
"""

import argparse
from pathlib import Path

import numpy as np
import pytest
from array_mutations import hostile_archives, mutated_arrays, packed
from mutations import damaged
from posedemo.commands import lift
from posedemo.errors import SourceError
from trials import limited_memory, try_all


def keypoints(num_rows: int = 24) -> dict[str, np.ndarray]:
    """Two people who move, in the form of this program's own files."""
    random = np.random.default_rng(3)
    table = random.uniform(100, 400, (num_rows, 17, 3)).astype(np.float32)
    table[..., 2] = random.uniform(0.3, 1, (num_rows, 17))
    return {
        "keypoints_2d": table,
        "image_size": np.array([640, 480]),
        "fps": np.array(30.0),
        "layout": np.array("h36m17"),
        "frame_index": np.repeat(np.arange(num_rows // 2), 2),
        "time_s": np.repeat(np.arange(num_rows // 2), 2) / 30,
        "track_id": np.tile([0, 1], num_rows // 2),
        "detector": np.array("mediapipe-full"),
    }


def lift_file(path: Path) -> None:
    """`posedemo lift`, in this process; what it writes has no infinite numbers."""
    parser = argparse.ArgumentParser()
    lift.add_arguments(parser)
    output = path.with_name("poses.npz")
    output.unlink(missing_ok=True)
    try:
        lift.run(parser.parse_args([str(path), "--output", str(output), "--lifter", "semgcn"]))
    finally:
        assert {file.name for file in path.parent.iterdir()} <= {path.name, output.name}
    with np.load(output) as poses:
        assert not np.isinf(poses["poses_3d"]).any()


def test_damaged_bytes(tmp_path, tried):
    tally = try_all(lift_file, damaged(packed(keypoints()), 200), tmp_path / "in.npz")
    assert tally.refused > 80
    tried("bytes cut, flipped, spliced, overwritten", tally.total, str(tally))


def test_wrong_contents(tmp_path, tried):
    tally = try_all(lift_file, mutated_arrays(keypoints(), 250), tmp_path / "in.npz")
    assert tally.refused > 30
    assert tally.read > 30
    tried("arrays dropped, retyped, reshaped, with NaN, infinite, huge and negative numbers", tally.total, str(tally))


HOSTILE = hostile_archives(keypoints(), "keypoints_2d")


def test_archives_made_to_do_harm(tmp_path, monkeypatch, tried):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    for what, content in HOSTILE.items():
        (folder / "in.npz").write_bytes(content)
        with limited_memory(2**28), pytest.raises(SourceError):
            lift_file(folder / "in.npz")
        assert [path.name for path in tmp_path.rglob("*")] == ["a", "b", "in.npz"], what
    tried("archives made to do harm: " + ", ".join(HOSTILE), len(HOSTILE), "each refused with a sentence")


def test_a_track_a_row_is_refused_before_it_takes_memory(tmp_path):
    content = keypoints(2) | {"keypoints_2d": np.zeros((20_000, 17, 2), np.float32)}
    content |= {name: np.arange(20_000) for name in ("frame_index", "time_s", "track_id")}
    (tmp_path / "in.npz").write_bytes(packed(content))
    with limited_memory(2**29), pytest.raises(SourceError, match="20000 tracks"):
        lift_file(tmp_path / "in.npz")
