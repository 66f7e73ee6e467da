"""The person's own bones: learned from noisy poses, alike left and right, held, and given to every pose exactly."""

import numpy as np
import pytest
from posedemo.body import CANONICAL_HEIGHT_M, BodyModel, fix_bones, hold_last_lengths, weighted_median
from posedemo.geometry import bone_lengths
from posedemo.skeleton import CANONICAL_BONE_SUM_M, H36M17

RNG = np.random.default_rng(0)
SURE = np.ones(17, np.float32)
CHILDREN = [H36M17.joints[child] for _, child in H36M17.bones]
WRIST, ELBOW, KNEE, ANKLE = (H36M17.index(f"left_{part}") for part in ("wrist", "elbow", "knee", "ankle"))
FLOAT32_OF_A_BONE = 1e-6
"""Relative rounding of a length that is the difference of two float32 positions within a metre."""


def bone(name: str) -> int:
    return CHILDREN.index(name)


def body_m(**factors: float) -> np.ndarray:
    """Lengths of a person, alike left and right, with the sum of an average adult; parts by name changed."""
    parts = {"hip": 0.1, "knee": 0.43, "ankle": 0.43, "spine": 0.25, "thorax": 0.26, "nose": 0.12, "head": 0.11,
             "shoulder": 0.17, "elbow": 0.28, "wrist": 0.25}  # fmt: skip
    lengths = np.array([parts[name.split("_")[-1]] * factors.get(name.split("_")[-1], 1) for name in CHILDREN])
    return (lengths * CANONICAL_BONE_SUM_M / lengths.sum()).astype(np.float32)


def poses_m(lengths_m: np.ndarray, count: int, noise: float = 0.0) -> np.ndarray:
    """Bones in any direction, each longer or shorter by noise, left and right independently."""
    directions = RNG.normal(size=(count, len(H36M17.bones), 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    bones = directions * (lengths_m * np.exp(noise * RNG.normal(size=(count, len(H36M17.bones)))))[..., None]
    joints = np.zeros((count, 17, 3))
    for number, (parent, child) in enumerate(H36M17.bones):
        joints[:, child] = joints[:, parent] + bones[:, number]
    return joints.astype(np.float32)


def learned(poses: np.ndarray, confidence: np.ndarray = SURE, height_m: float | None = None) -> BodyModel:
    body = BodyModel(height_m)
    for index, pose in enumerate(poses):
        body.observe(index / 30, pose, confidence)
    return body


def spread(poses: np.ndarray) -> float:
    lengths_m = bone_lengths(poses, H36M17)
    return float((lengths_m.std(axis=0) / lengths_m.mean(axis=0)).max())


def test_lengths_are_learned_from_noisy_poses():
    true_m = body_m(knee=1.1, ankle=1.1, shoulder=0.9)
    body = learned(poses_m(true_m, 120, noise=0.1))
    assert body.is_held
    # The median of 180 samples with 10 % noise is off by about 1 %; a quarter stays the average person's, whose
    # shoulders are a third too wide here.
    errors = np.abs(body.lengths_m / true_m - 1)
    assert np.median(errors) < 0.03
    assert errors.max() < 0.12
    average = np.abs(BodyModel().lengths_m / true_m - 1)
    assert errors.mean() < average.mean() / 2


def test_left_and_right_are_exactly_alike():
    lengths_m = learned(poses_m(body_m(), 30, noise=0.2)).lengths_m
    for left, right in H36M17.left_right_pairs:
        assert lengths_m[bone(H36M17.joints[left])] == lengths_m[bone(H36M17.joints[right])]


def test_held_lengths_do_not_change_any_more():
    body = learned(poses_m(body_m(), 120))
    before = body.lengths_m
    for index in range(30):
        body.observe(4 + index / 30, poses_m(body_m(knee=2.0), 1)[0], SURE)
    np.testing.assert_array_equal(body.lengths_m, before)


def test_frames_that_come_faster_and_gaps_teach_no_sooner():
    fast, gaps = BodyModel(), BodyModel()
    for index in range(120):
        fast.observe(index / 240, poses_m(body_m(), 1)[0], SURE)
    for index in range(6):
        gaps.observe(index * 10.0, poses_m(body_m(), 1)[0], SURE)
    assert not fast.is_held
    assert not gaps.is_held


def test_unsure_joints_count_less():
    """The left arm is a guess of half the length; the right one is seen."""
    true_m = body_m()
    wrong_m = true_m.copy()
    wrong_m[[bone("left_elbow"), bone("left_wrist")]] /= 2
    confidence = SURE.copy()
    confidence[[ELBOW, WRIST]] = 0.1
    seen = learned(poses_m(wrong_m, 120), confidence).lengths_m
    believed = learned(poses_m(wrong_m, 120)).lengths_m
    assert abs(seen[bone("left_wrist")] / true_m[bone("left_wrist")] - 1) < 0.05
    assert believed[bone("left_wrist")] < 0.9 * seen[bone("left_wrist")]


def test_legs_that_are_never_seen_stay_average_and_do_not_keep_the_body_from_being_held():
    confidence = SURE.copy()
    hidden = [H36M17.index(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle")]
    confidence[hidden] = 0.0
    body = learned(poses_m(body_m(knee=0.3, ankle=0.3), 31 * 30), confidence)
    average = BodyModel().lengths_m
    arms, legs = bone("left_wrist"), bone("left_knee")
    assert body.lengths_m[legs] / body.lengths_m[arms] > 0.5 * average[legs] / average[arms]
    assert body.is_held


@pytest.mark.parametrize("size", [0.8, 1.25])
def test_without_a_height_people_are_as_large_as_the_lifter_sees_them(size):
    """From the first pose on: bones that were not seen yet are an average person's of that size."""
    poses = poses_m(np.float32(size) * body_m(), 120, noise=0.05)
    for count in (1, 120):
        assert learned(poses[:count]).lengths_m.sum() == pytest.approx(size * CANONICAL_BONE_SUM_M, rel=0.05)


def test_height_gives_the_sum_of_the_bones():
    for height_m in (1.2, CANONICAL_HEIGHT_M, 2.0):
        lengths_m = learned(poses_m(body_m(), 60, noise=0.1), height_m=height_m).lengths_m
        assert lengths_m.sum() == pytest.approx(CANONICAL_BONE_SUM_M * height_m / CANONICAL_HEIGHT_M, rel=1e-5)


def test_fixed_bones_have_no_spread_and_their_old_directions():
    lengths_m, loose = body_m(), poses_m(body_m(), 50, noise=0.2)
    fixed = fix_bones(loose, lengths_m)
    assert spread(loose) > 0.1
    assert spread(fixed) < FLOAT32_OF_A_BONE
    for parent, child in H36M17.bones:
        before, after = (poses[:, child] - poses[:, parent] for poses in (loose, fixed))
        cosine = (before * after).sum(axis=-1) / np.linalg.norm(before, axis=-1) / np.linalg.norm(after, axis=-1)
        np.testing.assert_allclose(cosine, 1, atol=1e-5)
    np.testing.assert_array_equal(fixed[:, 0], loose[:, 0])


def test_unknown_joints_stay_unknown_and_spoil_no_others():
    loose = poses_m(body_m(), 3, noise=0.2)
    loose[:, KNEE] = np.nan
    fixed = fix_bones(loose, body_m())
    assert np.isnan(fixed[:, KNEE]).all()
    assert np.isfinite(np.delete(fixed, KNEE, axis=1)).all()
    # No bone leads to the ankle, so that it cannot be moved.
    np.testing.assert_array_equal(fixed[:, ANKLE], loose[:, ANKLE])


def test_nothing_but_nan_teaches_nothing():
    body = BodyModel()
    body.observe(0.0, np.full((17, 3), np.nan, np.float32), SURE)
    np.testing.assert_array_equal(body.lengths_m, BodyModel().lengths_m)
    assert np.isnan(fix_bones(np.full((2, 17, 3), np.nan, np.float32), body.lengths_m)).all()


def test_every_track_gets_the_bones_that_it_ends_with():
    first, second = poses_m(body_m(), 20, noise=0.1), poses_m(body_m(knee=1.3), 20, noise=0.1)
    second[-1, WRIST] = np.nan
    together = np.stack([first, second], axis=1).reshape(40, 17, 3)
    held = hold_last_lengths(together, np.tile([7, 9], 20))
    for track, poses in ((0, first), (1, second)):
        lengths_m = bone_lengths(held[track::2], H36M17)
        assert np.nanstd(lengths_m, axis=0).max() < FLOAT32_OF_A_BONE
        last_m = bone_lengths(poses[-1], H36M17)[bone("left_knee")]
        np.testing.assert_allclose(lengths_m[0, bone("left_knee")], last_m, atol=FLOAT32_OF_A_BONE)
    assert np.isnan(held[-1, WRIST]).all()
    assert np.isfinite(held[:-1]).all()


def test_weighted_median_is_where_half_of_the_weight_is():
    values = np.array([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    assert weighted_median(values, np.ones((3, 2))).tolist() == [2, 2]
    assert weighted_median(values, np.array([[10.0, 0.0], [1.0, 0.0], [1.0, 1.0]])).tolist() == [3, 3]
