"""Pose files: the same rows in three formats, complete or not there at all."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import make_frame, standing_keypoints
from posedemo.datatypes import LifterSpec, Person, Pose3D, Result
from posedemo.errors import OutputError
from posedemo.modes import posing_facts
from posedemo.settings import Settings
from posedemo.sinks.pose_file import PoseFile, file_facts
from posedemo.skeleton import H36M17

SPEC = LifterSpec(name="mine", num_frames=27, rate_hz=30.0, look_ahead=13)
POSING = posing_facts(SPEC, Settings(smooth="off", bones="free"), "file")
FACTS = file_facts(fps=30.0, size_wh=(64, 48), detector="mediapipe-full", lifter="mine.onnx", posing=POSING)


def result(index: int, num_people: int) -> Result:
    xyz_m = np.linspace(-1, 1, 51, dtype=np.float32).reshape(17, 3).copy()
    xyz_m[H36M17.index("left_wrist")] = np.nan
    people = tuple(
        Person(track_id, standing_keypoints(), Pose3D(xyz_m, np.ones(17, np.float32))) for track_id in range(num_people)
    )
    return Result(make_frame(index), people)


def standing_pose_m() -> np.ndarray:
    """Somebody flat, as the picture shows them."""
    xy_m = standing_keypoints(x_px=0, height_px=1.7).xy_px
    return np.column_stack([xy_m - xy_m[H36M17.index("pelvis")], np.zeros(17)]).astype(np.float32)


def write(path: Path, counts: list[int]) -> None:
    sink = PoseFile(path, FACTS)
    for index, num_people in enumerate(counts):
        sink.write(result(index, num_people))
    sink.close()


def test_npz_has_a_row_a_person_and_frame_and_needs_no_pickle(tmp_path):
    write(tmp_path / "poses.npz", [1, 0, 2])
    with np.load(tmp_path / "poses.npz", allow_pickle=False) as file:
        assert file["frame_index"].tolist() == [0, 2, 2]
        assert file["track_id"].tolist() == [0, 0, 1]
        assert file["keypoints_2d"].shape == (3, 17, 3)
        assert file["poses_3d"].shape == (3, 17, 3)
        assert file["poses_3d"].dtype == np.float32
        assert np.isnan(file["poses_3d"][:, H36M17.index("left_wrist")]).all()
        assert file["joint_names"].tolist() == list(H36M17.joints)
        assert file["image_size"].tolist() == [64, 48]
        assert str(file["detector"]) == "mediapipe-full"
        assert (int(file["look_ahead_frames"]), float(file["look_ahead_ms"])) == (19, 633.3)


def test_nobody_at_all_gives_an_empty_table_of_the_right_shape(tmp_path):
    write(tmp_path / "poses.npz", [0, 0])
    with np.load(tmp_path / "poses.npz") as file:
        assert file["poses_3d"].shape == (0, 17, 3)
        assert file["keypoints_2d"].shape == (0, 17, 3)


def test_json_has_the_same_names_and_numbers_and_null_for_unknown(tmp_path):
    write(tmp_path / "poses.npz", [1, 2])
    write(tmp_path / "poses.json", [1, 2])

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    loaded = json.loads((tmp_path / "poses.json").read_text(), parse_constant=refuse)
    with np.load(tmp_path / "poses.npz") as file:
        assert set(loaded) == set(file.files)
        for name in ("frame_index", "track_id", "parents"):
            assert loaded[name] == file[name].tolist()
        # Five decimals are written: a hundredth of a millimetre, a hundred-thousandth of a pixel.
        np.testing.assert_allclose(np.array(loaded["poses_3d"], float), file["poses_3d"], atol=1e-5)
    assert loaded["poses_3d"][0][H36M17.index("left_wrist")] == [None] * 3


def test_csv_has_a_line_a_joint(tmp_path):
    write(tmp_path / "poses.csv", [1, 2])
    with (tmp_path / "poses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 17
    assert rows[0]["joint"] == "pelvis"
    wrist = rows[H36M17.index("left_wrist")]
    assert (wrist["x_m"], wrist["joint"]) == ("", "left_wrist")


def test_texts_have_the_digits_of_the_numbers(tmp_path):
    """A hundredth of a millimetre, and a microsecond: more than a detector knows, and none is lost."""
    (person,) = result(0, 1).people
    pose = replace(person.pose, xyz_m=person.pose.xyz_m / np.float32(7))
    third = Result(make_frame(7, time_s=7 / 30), (replace(person, pose=pose),))
    for suffix in (".json", ".csv", ".npz"):
        sink = PoseFile(tmp_path / f"poses{suffix}", FACTS)
        sink.write(third)
        sink.close()
    expected_m = third.people[0].pose.xyz_m[1]
    loaded = json.loads((tmp_path / "poses.json").read_text())
    assert loaded["poses_3d"][0][1] == pytest.approx(expected_m, abs=0.51e-5)
    assert loaded["time_s"] == [7 / 30]
    with (tmp_path / "poses.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[1]
    assert [float(row[name]) for name in ("x_m", "y_m", "z_m")] == pytest.approx(expected_m, abs=0.51e-5)
    assert float(row["time_s"]) == pytest.approx(7 / 30, abs=0.51e-6)


def test_sides_are_those_of_the_pose_and_not_as_detected(tmp_path):
    detected = standing_keypoints()
    exchanged = replace(detected, xy_px=detected.xy_px[list(H36M17.flip_order)], detected=detected)
    sink = PoseFile(tmp_path / "poses.npz", FACTS)
    sink.write(Result(make_frame(), (replace(result(0, 1).people[0], keypoints=exchanged),)))
    sink.close()
    with np.load(tmp_path / "poses.npz") as file:
        np.testing.assert_array_equal(file["keypoints_2d"][0, :, :2], exchanged.xy_px)


def test_frames_that_stand_in_for_the_camera_have_nobody_in_them(tmp_path):
    stand_in = replace(result(1, 2), frame=replace(make_frame(1), is_recorded=True))
    sink = PoseFile(tmp_path / "poses.npz", FACTS)
    for one in (result(0, 1), stand_in, result(2, 1)):
        sink.write(one)
    sink.close()
    with np.load(tmp_path / "poses.npz") as file:
        assert file["frame_index"].tolist() == [0, 2]


@pytest.mark.parametrize(("mode", "bones", "is_held"), [("file", "fixed", True), ("live", "fixed", False),
                                                        ("file", "free", False)])  # fmt: skip
def test_a_files_bones_are_those_that_the_person_has_in_the_end(tmp_path, mode, bones, is_held):
    """They are learned while the file is lifted; live, rows are what was shown."""
    sink = PoseFile(tmp_path / "poses.npz", {**FACTS, **posing_facts(SPEC, Settings(bones=bones), mode)})
    poses_m = [scale * standing_pose_m() for scale in (1.0, 1.1, 1.2)]
    for index, pose_m in enumerate(poses_m):
        person = Person(4, standing_keypoints(), Pose3D(pose_m, np.ones(17, np.float32)))
        sink.write(Result(make_frame(index), (person,)))
    sink.close()
    with np.load(tmp_path / "poses.npz") as file:
        # Sums of float32 along four bones.
        np.testing.assert_allclose(file["poses_3d"], 3 * poses_m[-1:] if is_held else poses_m, atol=1e-6)


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_discarded_file_leaves_nothing(tmp_path, suffix):
    sink = PoseFile(tmp_path / f"poses{suffix}", FACTS)
    sink.write(result(0, 1))
    sink.discard()
    assert list(tmp_path.iterdir()) == []


def test_folder_that_goes_away_is_noticed_and_what_is_in_memory_is_written(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    sink = PoseFile(folder / "poses.json", FACTS)
    sink.write(result(0, 1))
    sink.check()
    shutil.rmtree(folder)
    with pytest.raises(OutputError, match=r"poses.*was removed"):
        sink.check()
    sink.close()
    assert [path.name for path in folder.iterdir()] == ["poses.json"]
    assert json.loads((folder / "poses.json").read_text())["frame_index"] == [0]


def test_folder_that_cannot_come_back_is_an_output_error(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    sink = PoseFile(folder / "poses.json", FACTS)
    sink.write(result(0, 1))
    shutil.rmtree(folder)
    folder.touch()
    with pytest.raises(OutputError, match=r"poses\.json"):
        sink.close()


def test_name_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("p" * 251 + ".csv")
    write(path, [1])
    assert path.stat().st_size > 0
