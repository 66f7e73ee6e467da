"""The refit: nearer to the picture, never farther, never far, and with the same bones."""

import numpy as np
import pytest
from posedemo.body import fix_bones
from posedemo.geometry import bone_lengths
from posedemo.placement import place_root, project
from posedemo.refit import refit
from posedemo.skeleton import H36M17

SURE = np.ones(17, np.float32)
LENGTHS_M = np.full(16, 0.26, np.float32)
WRIST = H36M17.index("left_wrist")


def case(seed: int, noise_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A true pose, a wrong one with the same bones, where it best stands, and what the camera sees of the true one."""
    random = np.random.default_rng(seed)
    true_m = fix_bones(random.normal(scale=0.5, size=(17, 3)).astype(np.float32), LENGTHS_M)
    true_m -= true_m[0]
    xy = project(true_m, np.array([random.normal(), 0.2, 4.0], np.float32))
    wrong_m = fix_bones(true_m + random.normal(scale=noise_m, size=(17, 3)).astype(np.float32), LENGTHS_M)
    wrong_m -= wrong_m[0]
    return true_m, wrong_m, place_root(wrong_m, xy, SURE), xy


def error(xyz_m: np.ndarray, root_m: np.ndarray, xy: np.ndarray, confidence: np.ndarray = SURE) -> float:
    distances = np.linalg.norm(project(xyz_m, root_m) - xy, axis=-1)
    known = np.isfinite(distances)
    return float((distances * confidence)[known].sum() / confidence[known].sum())


@pytest.mark.parametrize("noise_m", [0.0, 0.02, 0.06, 0.12])
def test_error_in_the_picture_never_grows_and_no_joint_goes_far(noise_m):
    gains = []
    for seed in range(40):
        _, wrong_m, root_m, xy = case(seed, noise_m)
        fitted_m, place_m = refit(wrong_m, root_m, xy, SURE, LENGTHS_M)
        gains.append(error(wrong_m, root_m, xy) - error(fitted_m, place_m, xy))
        assert np.linalg.norm(fitted_m - wrong_m, axis=-1).max() <= 0.05
        # Lengths are differences of float32 positions within metres.
        np.testing.assert_allclose(bone_lengths(fitted_m, H36M17), LENGTHS_M, atol=1e-6)
        np.testing.assert_array_equal(fitted_m[0], 0)
    assert min(gains) >= 0
    if noise_m >= 0.02:
        assert np.mean(np.array(gains) > 0) > 0.9


def test_pose_comes_nearer_to_the_truth_where_the_picture_is_right():
    before, after = [], []
    for seed in range(40):
        true_m, wrong_m, root_m, xy = case(seed, 0.05)
        fitted_m, _ = refit(wrong_m, root_m, xy, SURE, LENGTHS_M)
        before.append(np.linalg.norm(wrong_m - true_m, axis=-1).mean())
        after.append(np.linalg.norm(fitted_m - true_m, axis=-1).mean())
    assert np.mean(after) < 0.95 * np.mean(before)


@pytest.mark.parametrize("beside_m", [0.01, 0.04, 0.12])
def test_who_is_seen_elsewhere_goes_there_as_they_are(beside_m):
    """All joints to the right in the picture: the place is wrong, and not the pose."""
    true_m = case(2, 0.0)[0] * np.float32(0.02)  # so small that one line of sight is everybody's
    root_m = np.array([1.0, 0.5, 4.0], np.float32)
    sight = root_m / np.linalg.norm(root_m)
    across = np.cross(sight, [0, -1, 0])
    across /= np.linalg.norm(across)
    xy = project(true_m, (root_m + beside_m * across).astype(np.float32))
    fitted_m, place_m = refit(true_m, root_m, xy, SURE, np.float32(0.02) * LENGTHS_M)
    # 0.35 of the way, and half of that where it is 0.12 m, which may be a mistake of the detector.
    expected_m = 0.35 * beside_m / (1 + (beside_m / 0.12) ** 2)
    # The line of sight of the whole person is that of each joint to a fiftieth of a body at four metres.
    np.testing.assert_allclose(place_m - root_m, expected_m * across, atol=0.03 * expected_m + 1e-5)
    assert np.linalg.norm(fitted_m - true_m, axis=-1).max() < 0.1 * expected_m


def test_joints_that_nobody_is_sure_of_do_not_pull():
    _, wrong_m, root_m, xy = case(0, 0.03)
    confidence = SURE.copy()
    confidence[WRIST] = 0
    elsewhere = xy.copy()
    elsewhere[WRIST] += 0.1
    for first, second in zip(
        refit(wrong_m, root_m, xy, confidence, LENGTHS_M),
        refit(wrong_m, root_m, elsewhere, confidence, LENGTHS_M),
        strict=True,
    ):
        np.testing.assert_array_equal(first, second)


def test_unknown_joints_stay_unknown():
    _, wrong_m, root_m, xy = case(1, 0.03)
    xy[WRIST], wrong_m[WRIST] = np.nan, np.nan
    fitted_m, place_m = refit(wrong_m, root_m, xy, SURE, LENGTHS_M)
    assert np.isnan(fitted_m[WRIST]).all()
    assert np.isfinite(np.delete(fitted_m, WRIST, axis=0)).all()
    assert error(fitted_m, place_m, xy) < error(wrong_m, root_m, xy)
