"""The other commands: lift, models, doctor; and what a user sees first."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import standing_keypoints
from posedemo.skeleton import SKELETONS
from videos import grey_pictures, write_video

OUTPUT = 5
COMMAND = Path(sys.executable).with_name("posedemo")


def test_help_and_version(posedemo):
    done = posedemo("--help")
    assert done.returncode == 0
    for word in ("--camera", "--video", "lift", "doctor", "posedemo --camera 0"):
        assert word in done.stdout
    assert posedemo("--version").stdout.startswith("posedemo ")


def test_models_list_names_everything_with_its_licence(posedemo):
    done = posedemo("models", "list", "--json")
    assert done.returncode == 0, done.stderr
    models = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert {"mediapipe-full", "mediapipe-lite", "mediapipe-heavy", "semgcn"} <= set(models)
    assert all(entry["licence"] for entry in models.values())
    assert models["semgcn"]["kind"] == "lifter"
    text = posedemo("models", "list").stdout
    assert set(models) <= set(text.split())
    assert "trained by this project on CMU and HDM05 motion capture" in text


def test_doctor_checks_weights_and_libraries(posedemo):
    done = posedemo("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    for name in ("mediapipe-full", "semgcn", "global-gcn runs", "one OpenCV", "one ONNX Runtime", "open3d"):
        assert checks[name]["ok"], checks[name]
    assert {"python", "provider cpu", "disk", "semgcn runs"} <= {name for name in checks if checks[name]["ok"]}
    assert [name for name in checks if name.startswith("camera")], "with or without cameras there is a line about them"
    assert all(check["fix"] for check in checks.values() if not check["ok"])
    # This test runs without a display, which is not needed for files.
    assert not checks["display"]["ok"]
    assert "headless" in checks["display"]["fix"]


@pytest.mark.parametrize("layout", ["h36m17", "coco17", "mediapipe33"])
def test_lift_reads_every_layout(posedemo, tmp_path, layout):
    person = standing_keypoints(x_px=320, height_px=400, skeleton=SKELETONS[layout])
    table = np.repeat(np.column_stack([person.xy_px, person.confidence])[None], 5, axis=0)
    np.savez(tmp_path / "in.npz", keypoints_2d=table, layout=layout, image_size=[640, 480], fps=25.0)
    done = posedemo("lift", "in.npz", "--output", "out.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as file:
        assert file["poses_3d"].shape == (5, 17, 3)
        pose = dict(zip(file["joint_names"].tolist(), file["poses_3d"][-1], strict=True))
        assert file["frame_index"].tolist() == [0, 1, 2, 3, 4]
        np.testing.assert_allclose(file["time_s"], np.arange(5) / 25)
    # Upright and facing the camera, whatever the layout: y points down, and their right is on the picture's left.
    assert pose["head"][1] < pose["thorax"][1] < 0 < pose["left_knee"][1] < pose["left_ankle"][1]
    assert pose["right_wrist"][0] < pose["pelvis"][0] < pose["left_wrist"][0]


def test_lift_without_confidence_and_with_missing_joints(posedemo, tmp_path):
    person = standing_keypoints(x_px=320, height_px=400)
    table = np.repeat(person.xy_px[None], 3, axis=0)
    table[1, 16] = np.nan
    np.savez(tmp_path / "in.npz", keypoints_2d=table, image_size=[640, 480], fps=25.0)
    assert posedemo("lift", "in.npz", "--output", "out.json").returncode == 0
    poses = json.loads((tmp_path / "out.json").read_text())["poses_3d"]
    assert poses[1][16] == [None, None, None]
    assert None not in poses[0][16] + poses[2][16] + poses[1][15]


def test_training_commands_say_what_they_do(posedemo):
    for command in ("prepare", "train", "evaluate", "export"):
        assert posedemo(command, "--help").returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full, a disk that is always full")
def test_table_that_nobody_can_take(tmp_path):
    """Lines wait in memory, so that a disk without room shows at the very end."""
    for command in (["models", "list"], ["models", "list", "--json"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [COMMAND, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
                cwd=tmp_path,
            )  # fmt: skip
        assert done.returncode == OUTPUT
        assert done.stderr.strip() == "posedemo: error: the output cannot be written: No space left on device"


@pytest.mark.skipif(sys.platform == "win32", reason="a process there always has all three")
def test_run_without_a_place_for_errors(tmp_path):
    """Some starters close standard error, which native libraries and we would write to."""
    write_video(tmp_path / "in.mp4", grey_pictures(3))
    command = f"exec '{COMMAND}' --video in.mp4 --headless --export out.npz 2>&-"
    done = subprocess.run(["sh", "-c", command], timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "out.npz").exists()
