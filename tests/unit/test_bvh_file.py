"""BVH files: what a reader of such files makes of their angles is where the joints were."""

import logging
from pathlib import Path

import numpy as np
import pytest
from bvh_joints import pose_joints_m
from posedemo.body import fix_bones
from posedemo.models.bvh import BvhMotion, read_bvh
from posedemo.sinks.bvh_file import write_bvh
from posedemo.sinks.bvh_rig import RIG
from posedemo.skeleton import H36M17
from posedemo.viewer.figure import JOINT_RADIUS_M

LENGTHS_M = np.linspace(0.1, 0.5, len(H36M17.bones))
TO_ROOM = np.array([1, -1, -1])
CLOSE_M = 1e-4
"""Angles have four digits after the point: 2e-6 rad each, in chains of six bones of half a metre."""


def columns(
    poses_m: np.ndarray,
    *,
    track_id: np.ndarray | None = None,
    index: np.ndarray | None = None,
    root_m: np.ndarray | None = None,
) -> dict:
    """Rows of a pose file, at 30 frames a second, of somebody who is seen from head to foot."""
    num = len(poses_m)
    index = np.arange(num) if index is None else index
    return {
        "frame_index": index,
        "time_s": index / 30,
        "track_id": np.zeros(num, np.int64) if track_id is None else track_id,
        "keypoints_2d": np.ones((num, 17, 3), np.float32),
        "poses_3d": poses_m.astype(np.float32),
        "root_m": np.tile(np.float32([0.2, 0.1, 3.0]), (num, 1)) if root_m is None else root_m.astype(np.float32),
    }


def random_poses(num: int, seed: int = 0) -> np.ndarray:
    """Bones in any direction, also where no person can have them."""
    rng = np.random.default_rng(seed)
    return fix_bones(rng.normal(size=(num, 17, 3)).astype(np.float32), LENGTHS_M.astype(np.float32)) * 1.0


def relative_to_pelvis(poses_m: np.ndarray) -> np.ndarray:
    return poses_m - poses_m[:, :1]


def written(path: Path, poses_m: np.ndarray, **changes: np.ndarray) -> BvhMotion:
    write_bvh(path, columns(poses_m, **changes), {"fps": 30.0}, name=path.name)
    return read_bvh(path)


def test_joints_are_where_the_poses_have_them(tmp_path: Path) -> None:
    poses_m = relative_to_pelvis(random_poses(40))
    motion = written(tmp_path / "a.bvh", poses_m)
    found = pose_joints_m(motion)
    np.testing.assert_allclose(relative_to_pelvis(found), poses_m * TO_ROOM, atol=CLOSE_M)
    assert motion.frame_time_s == pytest.approx(1 / 30, abs=1e-7)


def test_bones_are_as_long_as_in_the_poses_where_frames_are_missing(tmp_path: Path) -> None:
    """Every tenth frame is known: between, the joints go straight, and the ends of a bone that turns come nearer."""
    poses_m = relative_to_pelvis(random_poses(12))
    motion = written(tmp_path / "a.bvh", poses_m, index=np.arange(12) * 10)
    found = relative_to_pelvis(pose_joints_m(motion))
    assert len(found) == 111
    np.testing.assert_allclose(found[::10], poses_m * TO_ROOM, atol=CLOSE_M)


def test_bones_opposite_to_their_rest_are_half_a_turn_away(tmp_path: Path) -> None:
    """A handstand with the arms crossed: no smallest turn is the only one, and none may be missing or not a number."""
    upright = np.zeros((2, 17, 3))
    for joint in RIG:
        if joint.end:
            rest = np.array(joint.rest) / np.linalg.norm(joint.rest)
            length_m = LENGTHS_M[[child for _, child in H36M17.bones].index(H36M17.index(joint.end))]
            upright[:, H36M17.index(joint.end)] = upright[:, H36M17.index(joint.place)] + rest * length_m
    motion = written(tmp_path / "rest.bvh", upright * TO_ROOM)
    np.testing.assert_allclose(motion.values[:, 3:], 0, atol=1e-3)
    opposite = written(tmp_path / "opposite.bvh", -upright * TO_ROOM)
    np.testing.assert_allclose(relative_to_pelvis(pose_joints_m(opposite)), -upright, atol=CLOSE_M)


def test_angles_do_not_step_by_a_whole_turn(tmp_path: Path) -> None:
    """Programs that play a BVH go straight from angle to angle: a step from 179 to -179 degrees is a spin."""
    standing = relative_to_pelvis(random_poses(1))[0]
    angles_rad = np.linspace(0, 4 * np.pi, 120)
    about_y = np.stack([[[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]] for a in angles_rad])
    motion = written(tmp_path / "a.bvh", (standing @ about_y).astype(np.float32))
    turned_deg = np.abs(np.diff(motion.values[:, 3:], axis=0))
    # Six degrees a frame about the vertical; Euler angles go faster near their poles, but never by a whole turn.
    assert turned_deg.max() < 181


def test_the_lowest_joint_stands_on_the_floor(tmp_path: Path) -> None:
    found = pose_joints_m(written(tmp_path / "a.bvh", relative_to_pelvis(random_poses(1)).repeat(30, axis=0)))
    np.testing.assert_allclose(found[:, :, 1].min(axis=1), JOINT_RADIUS_M["ankle"], atol=CLOSE_M)


def test_frames_without_the_person_are_bridged(tmp_path: Path) -> None:
    poses_m = relative_to_pelvis(random_poses(1)).repeat(4, axis=0)
    motion = written(tmp_path / "a.bvh", poses_m, index=np.array([0, 1, 5, 6]))
    assert len(motion.values) == 7
    np.testing.assert_allclose(
        relative_to_pelvis(pose_joints_m(motion)), poses_m[:1].repeat(7, axis=0) * TO_ROOM, atol=1e-4
    )


def test_no_foot_goes_through_the_floor_where_frames_are_bridged(tmp_path: Path) -> None:
    """Between two poses with nothing in common joints come near each other, and the bones of the file do not shrink."""
    poses_m = relative_to_pelvis(random_poses(2, seed=4)).repeat(2, axis=0)
    found = pose_joints_m(written(tmp_path / "a.bvh", poses_m, index=np.array([0, 1, 21, 22])))
    ankles = [H36M17.index("left_ankle"), H36M17.index("right_ankle")]
    assert len(found) == 23
    assert found[:, ankles, 1].min() > JOINT_RADIUS_M["ankle"] - CLOSE_M


@pytest.mark.parametrize("axis", [0, 2])
def test_a_walk_goes_as_far_and_as_fast_as_it_was(tmp_path: Path, axis: int) -> None:
    """Six metres in four seconds: no wall of the room on the screen is in the way of a file."""
    poses_m = relative_to_pelvis(random_poses(1)).repeat(121, axis=0)
    root_m = np.tile([-3.0, 0.0, 8.0], (121, 1))
    root_m[:, axis] += 1.5 * np.arange(121) / 30 * (1 if axis == 0 else -1)
    found = pose_joints_m(written(tmp_path / "a.bvh", poses_m, root_m=root_m))[:, 0]
    np.testing.assert_allclose(np.ptp(found, axis=0)[[0, 2]], [6, 0] if axis == 0 else [0, 6], atol=0.1)
    # What a distance in proportion costs: it is no straight line any more where somebody comes nearer.
    np.testing.assert_allclose(np.diff(found[:, axis]), 1.5 / 30, atol=0.007)


def test_who_is_first_at_an_unknown_place_begins_where_they_are_known_to_be(tmp_path: Path) -> None:
    poses_m = relative_to_pelvis(random_poses(1)).repeat(40, axis=0)
    root_m = np.tile(np.float32([1.2, 0.1, 3.0]), (40, 1))
    expected = pose_joints_m(written(tmp_path / "a.bvh", poses_m, root_m=root_m))[:, 0]
    root_m[:10] = np.nan
    found = pose_joints_m(written(tmp_path / "b.bvh", poses_m, root_m=root_m))[:, 0]
    assert abs(expected[0, 0]) > 1
    np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=1e-3)


def test_guesses_of_the_distance_do_not_shake_the_figure(tmp_path: Path) -> None:
    """By 5 % up and down in every frame, and by half in some, on the line of sight; at the ends, too."""
    rng = np.random.default_rng(0)
    poses_m = relative_to_pelvis(random_poses(1)).repeat(90, axis=0)
    root_m = np.array([0.4, 0.0, 4.0]) * rng.normal(1, 0.05, (90, 1))
    root_m[[20, 21, 50]] *= 1.5
    found = pose_joints_m(written(tmp_path / "a.bvh", poses_m, root_m=root_m))[:, 0]
    steps_m = np.linalg.norm(np.diff(found, axis=0), axis=-1)
    raw_m = np.linalg.norm(np.diff(root_m, axis=0), axis=-1)
    assert np.median(raw_m) > 0.14
    assert np.median(steps_m) < 0.02
    assert steps_m.max() < 0.06


def test_a_moment_at_a_wrong_distance_is_left_out(tmp_path: Path) -> None:
    """For a fifth of a second the person seems a half farther away, as in a crouch: nobody is carried off and back."""
    poses_m = np.repeat(relative_to_pelvis(random_poses(1)), 90, axis=0)
    root_m = np.tile(np.array([0.2, 0.1, 3.0]), (90, 1))
    root_m[40:46] *= 1.5
    pelvis_m = pose_joints_m(written(tmp_path / "a.bvh", poses_m, root_m=root_m))[:, 0]
    assert np.ptp(pelvis_m[:, [0, 2]], axis=0).max() < 0.05


def test_a_bone_that_is_long_in_one_frame_is_not_long_in_all(tmp_path: Path) -> None:
    poses_m = np.repeat(relative_to_pelvis(random_poses(1)), 9, axis=0)
    wrist = H36M17.index("left_wrist")
    elbow = H36M17.parents[wrist]
    poses_m[4, wrist] += 2 * (poses_m[4, wrist] - poses_m[4, elbow])
    found = relative_to_pelvis(pose_joints_m(written(tmp_path / "a.bvh", poses_m)))
    np.testing.assert_allclose(found[:4], poses_m[:4] * TO_ROOM, atol=CLOSE_M)


@pytest.mark.parametrize("hidden", [slice(30, 60), slice(None)])
def test_somebody_seen_from_the_waist_up_is_written_all_the_same(tmp_path: Path, hidden: slice) -> None:
    poses_m = np.repeat(relative_to_pelvis(random_poses(1)), 90, axis=0)
    known = [H36M17.index(name) for name in ("thorax", "left_shoulder", "left_wrist", "right_elbow", "head")]
    lower = [
        index for index, name in enumerate(H36M17.joints) if name.split("_")[-1] in ("pelvis", "hip", "knee", "ankle")
    ]
    table = columns(poses_m)
    table["poses_3d"][hidden, lower] = np.nan
    table["keypoints_2d"][hidden, lower, 2] = 0
    write_bvh(tmp_path / "a.bvh", table, {"fps": 30.0}, name="a.bvh")
    motion = read_bvh(tmp_path / "a.bvh")
    assert np.isfinite(motion.values).all()
    assert len(motion.values) == 90
    joints_m = pose_joints_m(motion)
    np.testing.assert_allclose(np.ptp(joints_m[:, known][:, :, [0, 2]], axis=0), 0, atol=0.02)


@pytest.mark.parametrize("known", [slice(20, 40), slice(0, 20)])
def test_legs_that_come_into_sight_or_leave_it_go_with_the_body(tmp_path: Path, known: slice) -> None:
    """Who walks by, two metres in four thirds of a second, and is seen whole in one half of that only."""
    pose_m = relative_to_pelvis(random_poses(1))
    poses_m = pose_m.repeat(40, axis=0)
    legs = [H36M17.index(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle")]
    is_hidden = np.ones(40, bool)
    is_hidden[known] = False
    poses_m[np.ix_(is_hidden, legs)] = np.nan
    root_m = np.stack([np.linspace(-1, 1, 40), np.full(40, 0.1), np.full(40, 3.0)], axis=1)
    found = relative_to_pelvis(pose_joints_m(written(tmp_path / "a.bvh", poses_m, root_m=root_m)))
    np.testing.assert_allclose(found, (pose_m * TO_ROOM).repeat(40, axis=0), atol=CLOSE_M)


def test_a_joint_that_is_never_known_keeps_its_bone_at_rest(tmp_path: Path) -> None:
    poses_m = relative_to_pelvis(random_poses(5))
    wrist = H36M17.index("left_wrist")
    poses_m[:, wrist] = np.nan
    motion = written(tmp_path / "a.bvh", poses_m)
    known = [joint for joint in range(17) if joint != wrist]
    found = relative_to_pelvis(pose_joints_m(motion))
    np.testing.assert_allclose(found[:, known], poses_m[:, known] * TO_ROOM, atol=CLOSE_M)
    np.testing.assert_allclose(found[:, wrist], found[:, H36M17.index("left_elbow")], atol=CLOSE_M)


def test_the_person_seen_longest_is_written_and_the_others_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    poses_m = relative_to_pelvis(random_poses(6))
    with caplog.at_level(logging.INFO):
        motion = written(
            tmp_path / "a.bvh", poses_m, track_id=np.array([0, 1, 1, 1, 2, 2]), index=np.array([0, 1, 2, 3, 4, 5])
        )
    assert len(motion.values) == 3
    np.testing.assert_allclose(relative_to_pelvis(pose_joints_m(motion)), poses_m[1:4] * TO_ROOM, atol=CLOSE_M)
    assert "in 3 frames; 2 others, in 3 frames, are left out" in caplog.text
    assert "a.bvh begins with frame 1, 0.033 s" in caplog.text


def test_nobody_at_all_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        write_bvh(tmp_path / "a.bvh", columns(np.zeros((0, 17, 3))), {"fps": float("nan")}, name="a.bvh")
    assert "a.bvh has no frames: nobody was found" in caplog.text
    assert "Frames: 0" in (tmp_path / "a.bvh").read_text()
