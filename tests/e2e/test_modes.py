"""Modes and bodies through the command: a file is smoothed both ways and has rigid people; live can be asked for."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command_line import COMMAND, TIMEOUT_S, assert_one_sentence, without_display
from posedemo.body import CANONICAL_HEIGHT_M
from posedemo.geometry import bone_lengths
from posedemo.skeleton import CANONICAL_BONE_SUM_M, H36M17

CONFIG = 2
RIGID = 1e-6
"""Relative rounding of a length that is the difference of two float32 positions within a metre."""


def call(folder: Path, *arguments: object) -> None:
    """Run the command in a folder that several tests share."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)], cwd=folder, env=without_display(), capture_output=True, text=True,
        timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def read(path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def tracks(table) -> list[np.ndarray]:
    """Poses by person, of those who were there for a second."""
    people = [table["poses_3d"][table["track_id"] == track] for track in np.unique(table["track_id"])]
    return [poses for poses in people if len(poses) >= 30]


def spread(poses: np.ndarray) -> float:
    lengths_m = bone_lengths(poses, H36M17)
    return float((lengths_m.std(axis=0) / lengths_m.mean(axis=0)).max())


def jitter_m(poses: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(poses, n=2, axis=0), axis=-1).mean())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("modes")


@pytest.fixture(scope="module")
def exported(demo_clip, folder):
    """The demo clip's first two seconds, as anybody would export them."""
    call(folder, "--video", demo_clip, "--headless", "--max-frames", 60, "--export", "a.npz", "--stats", "a.json")
    return read(folder / "a.npz"), json.loads((folder / "a.json").read_text())


def test_file_mode_is_chosen_and_stated_with_its_look_ahead(exported):
    table, stats = exported
    for facts in (table, stats):
        assert str(facts["mode"]) == "file"
        assert str(facts["bones"]) == "fixed"
        assert (float(facts["sides_look_ahead_ms"]), float(facts["smoothing_look_ahead_ms"])) == (200, 250)
        # The lifter that files have by themselves sees 13 of its frames beyond the one it lifts.
        assert (float(facts["look_ahead_ms"]), int(facts["look_ahead_frames"])) == (883.3, 27)
    assert "smooth" in stats["stages_ms"]


def test_everybody_has_one_symmetric_body(exported):
    table, _ = exported
    assert tracks(table)
    for poses in tracks(table):
        assert spread(poses) < RIGID
        lengths_m = bone_lengths(poses[0], H36M17)
        children = [child for _, child in H36M17.bones]
        for left, right in H36M17.left_right_pairs:
            assert lengths_m[children.index(left)] == pytest.approx(lengths_m[children.index(right)], rel=1e-5)


def test_reprojection_is_reported_by_row_and_for_the_run(exported):
    table, stats = exported
    errors_px = table["reprojection_px"]
    assert errors_px.shape == table["frame_index"].shape
    assert stats["reprojection"]["mean_px"] == pytest.approx(np.nanmean(errors_px), abs=0.01)
    # A hand's breadth on a person; a pose that belonged to another frame or person would be far beyond.
    assert 0 < stats["reprojection"]["mean_percent_of_body"] < 6


def test_live_can_be_asked_for_and_is_less_calm(exported, folder):
    table, _ = exported
    call(folder, "lift", "a.npz", "--mode", "live", "--output", "live.npz")
    live = read(folder / "live.npz")
    # Left and right of the file's joints were told by what follows them, however they are lifted now.
    assert (str(live["mode"]), float(live["look_ahead_ms"]), int(live["look_ahead_frames"])) == ("live", 200, 6)
    assert (float(live["sides_look_ahead_ms"]), float(live["smoothing_look_ahead_ms"])) == (200, 0)
    for calm, quick in zip(tracks(table), tracks(live), strict=True):
        assert jitter_m(calm) < jitter_m(quick)


def test_files_are_lifted_by_weights_that_see_what_follows(exported, folder):
    for mode, lifter, look_ahead in (("file", "gla-gcn-centred", (27, 883.3)), ("live", "gla-gcn", (6, 200.0))):
        call(folder, "lift", "a.npz", "--lifter", "gla-gcn", "--mode", mode, "--output", f"gla-{mode}.npz")
        table = read(folder / f"gla-{mode}.npz")
        assert str(table["lifter"]) == lifter
        # 13 frames of the lifter's, a fifth of a second for left and right, and a quarter of the filter's; live only
        # what the file's joints know already.
        assert (int(table["look_ahead_frames"]), float(table["look_ahead_ms"])) == look_ahead


def test_height_gives_true_metres(exported, folder):
    call(folder, "lift", "a.npz", "--height", 180, "--output", "tall.npz")
    tall = read(folder / "tall.npz")
    assert float(tall["height_cm"]) == 180
    wanted_m = CANONICAL_BONE_SUM_M * 1.8 / CANONICAL_HEIGHT_M
    for poses in tracks(tall):
        np.testing.assert_allclose(bone_lengths(poses, H36M17).sum(axis=-1), wanted_m, rtol=1e-5)


@pytest.fixture(scope="module")
def jumper(demo_clip, folder):
    """The jumper's joints in the picture, by frame, as a file has them."""
    call(folder, "--video", demo_clip, "--headless", "--max-frames", 125, "--export", "legs.npz")
    table = read(folder / "legs.npz")

    def in_frames(frames: range) -> np.ndarray:
        return table["keypoints_2d"][np.isin(table["frame_index"], frames), ..., :2]

    return in_frames


def test_legs_astride_do_not_change_places_in_a_file(jumper):
    """The jumper stands sideways, and the detector takes one leg for the other in 3 of 8 frames."""
    joints = jumper(range(110, 118))
    left, right = (joints[:, H36M17.index(f"{side}_ankle"), 0] for side in ("left", "right"))
    size_px = np.ptp(joints[..., 1], axis=-1)
    astride = (left - right) / size_px
    assert len(astride) == 8
    # A step is a fifth of the body's height there; one that fell to the filter's mean would be none.
    assert astride.min() > 0.1 or astride.max() < -0.1


def test_legs_of_somebody_in_front_stay_on_their_sides_in_a_file(jumper):
    """The jumper lands, facing the camera; in frames 73 and 74 the detector draws his legs across each other."""
    joints = jumper(range(70, 90))
    across = [
        joints[:, H36M17.index(f"left_{part}"), 0] - joints[:, H36M17.index(f"right_{part}"), 0]
        for part in ("shoulder", "hip", "knee")
    ]
    assert np.shape(across) == (3, 20)
    assert np.min(across) > 0


@pytest.mark.parametrize("source", [["--video", "a.mp4"], ["lift", "a.npz", "--output", "b.npz"]])
def test_height_without_a_body_is_refused(posedemo, tmp_path, source):
    done = posedemo(*source, "--height", 180, "--bones", "free")
    assert_one_sentence(done, CONFIG, "height", "bones")
    assert list(tmp_path.iterdir()) == []
