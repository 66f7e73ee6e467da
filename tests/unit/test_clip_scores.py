"""Scores of a clip: who moves on from whom, what is left out, and what the table says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from posedemo.clip_scores import COLUMNS, ClipReport, motions, score_clip
from posedemo.datatypes import Frame, Keypoints2D, Person, Pose3D, Result, Stamp
from posedemo.skeleton import H36M17

SIZE_WH = (640, 480)
FOCAL_PX = 320 / np.tan(np.radians(30))
"""Of a field of view of 60 degrees across 640 pixels."""

PLACE_M = np.array([0.2, -0.1, 4.0])
PICTURE = np.zeros((SIZE_WH[1], SIZE_WH[0], 3), np.uint8)


def pose(seed: int = 0) -> np.ndarray:
    """A heap of joints of a person's size, pelvis at the origin."""
    xyz_m = np.random.default_rng(seed).uniform(-0.8, 0.8, (17, 3))
    return xyz_m - xyz_m[0]


def seen_by_camera(xyz_m: np.ndarray) -> np.ndarray:
    placed_m = xyz_m + PLACE_M
    return placed_m[:, :2] / placed_m[:, 2:] * FOCAL_PX + np.array(SIZE_WH) / 2


def person(xyz_m: np.ndarray, *, track_id: int = 0, seen: np.ndarray | None = None) -> Person:
    """Somebody whose 2D joints are where the camera sees the pose, or are given."""
    xy_px = seen_by_camera(xyz_m) if seen is None else seen
    sure = np.full(17, 0.9, np.float32)
    keypoints = Keypoints2D(xy_px.astype(np.float32), sure, world_xyz_m=(xyz_m * 0.9 + 5).astype(np.float32))
    return Person(track_id, keypoints, Pose3D(xyz_m.astype(np.float32), sure))


def results(*frames: list[Person]) -> list[Result]:
    return [Result(Frame(PICTURE, Stamp(i, i / 30)), tuple(people)) for i, people in enumerate(frames)]


def test_a_person_who_was_out_of_sight_does_not_move_across_the_gap():
    people = motions(results([person(pose())], [person(pose())], [], [person(pose())], [person(pose(), track_id=1)]))
    assert [[piece.frames.tolist() for piece in pieces] for pieces in people] == [[[0, 1], [3]], [[4]]]


def test_a_still_and_exact_pose_has_nothing_to_blame():
    scores = score_clip(results(*[[person(pose())]] * 4), fov_deg=60)
    for name in ("bone_spread_percent", "jitter_mm", "jitter_m_per_s2", "unknown_joints_percent"):
        assert getattr(scores, name) == 0, name
    # float32 joints: a hundredth of a pixel. The aligned distance of a pose from its own copy: a tenth of a millimetre.
    assert scores.reprojection_px < 0.01
    assert scores.from_detector_mm < 0.1
    assert (scores.jumps, scores.swaps) == ((), ())


def test_reprojection_is_measured_from_the_best_place_and_against_the_body():
    """Every second joint is seen 3 px to the left, every other 3 px to the right: the best place is the true one."""
    xyz_m = pose()
    seen = seen_by_camera(xyz_m)
    seen[:, 0] += np.where(np.arange(17) % 2, 3, -3)
    scores = score_clip(results([person(xyz_m, seen=seen)]), fov_deg=60)
    # One joint more on one side pulls the place by a seventeenth, and the depth gives a little, too.
    assert scores.reprojection_px == pytest.approx(3, rel=0.1)
    size_px = np.linalg.norm(np.ptp(seen, axis=0))
    assert scores.reprojection_percent == pytest.approx(100 * scores.reprojection_px / size_px, rel=1e-3)


def test_a_joint_that_nobody_is_sure_of_does_not_pull_the_place():
    xyz_m = pose()
    seen = seen_by_camera(xyz_m)
    seen[5] += 300
    somebody = person(xyz_m, seen=seen)
    confidence = somebody.keypoints.confidence.copy()
    confidence[5] = 0
    unsure = replace(somebody, keypoints=replace(somebody.keypoints, confidence=confidence))
    # The other sixteen lie on their joints, and the one is 300 px off in both directions.
    expected_px = 300 * np.sqrt(2) / 17
    assert score_clip(results([unsure]), fov_deg=60).reprojection_px == pytest.approx(expected_px, rel=1e-3)
    assert score_clip(results([somebody]), fov_deg=60).reprojection_px > 1.3 * expected_px


def test_the_spread_of_bones_counts_people_by_their_frames():
    """Thirty frames of somebody rigid, and ten of somebody whose bones are 10 % too short and too long in turns."""
    frames = [
        [person(pose())] + [person(pose(1) * (0.9, 1.1)[index % 2], track_id=1)] * (index < 10) for index in range(30)
    ]
    scores = score_clip(results(*frames), fov_deg=60)
    assert scores.bone_spread_percent == pytest.approx(10 * 10 / 40, rel=1e-3)


def test_the_wrong_field_of_view_shows():
    """A person near the camera, whose perspective another field of view does not explain."""
    assert score_clip(results([person(pose())]), fov_deg=100).reprojection_px > 1


def test_frames_of_jumps_are_named():
    still, other = pose(1), pose(2)
    scores = score_clip(results(*[[person(still)]] * 20, *[[person(other)]] * 20), fov_deg=60)
    assert scores.jumps == (20,)


def test_a_new_track_is_no_jump():
    still, other = pose(1), pose(2)
    scores = score_clip(results(*[[person(still)]] * 20, *[[person(other, track_id=1)]] * 20), fov_deg=60)
    assert scores.jumps == ()
    assert scores.jitter_mm == 0


def test_unknown_joints_are_counted_and_left_out():
    xyz_m = pose()
    xyz_m[H36M17.index("left_wrist")] = np.nan
    scores = score_clip(results(*[[person(xyz_m)]] * 4), fov_deg=60)
    assert scores.unknown_joints_percent == pytest.approx(100 / 17)
    assert scores.jitter_mm == 0
    assert scores.from_detector_mm is None


def test_what_a_clip_is_too_short_for_is_said_so():
    scores = score_clip(results([person(pose())]), fov_deg=60, has_reference=False)
    assert (scores.jitter_mm, scores.jitter_m_per_s2, scores.from_detector_mm, scores.lifter_ms) == (None,) * 4
    report = ClipReport({"clip": "a.mp4"}, {"As they are": {"one": scores}}, ("read this",))
    row = report.markdown().splitlines()[-3]
    assert row.startswith("| one |")
    assert row.count("|") == len(COLUMNS) + 2
    assert "| - |" in row
    assert "note: read this" in report.text()
    assert json.loads(report.json())["scores"]["As they are"]["one"]["jitter_mm"] is None
