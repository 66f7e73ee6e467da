"""A camera that is turned to a person sees what a pinhole camera there would see."""

import numpy as np
import pytest
from posedemo.geometry import to_screen
from posedemo.pinhole import plane_scale
from posedemo.sight import turn_to_pelvis

RNG = np.random.default_rng(0)
POSE_M = RNG.normal(0, 0.4, (17, 3)) * [1, 1, 0.5]
POSE_M[0] = 0


def seen(points_m: np.ndarray) -> np.ndarray:
    return (points_m[..., :2] / points_m[..., 2:]).astype(np.float32)


@pytest.mark.parametrize("root_m", [(0, 0, 3), (2.0, 0.3, 3.0), (-1.5, -1.0, 2.5)])
def test_turned_picture_is_that_of_a_camera_that_looks_at_the_pelvis(root_m):
    points_m = POSE_M + np.array(root_m, float)
    turned, rotation = turn_to_pelvis(seen(points_m))
    # float32 directions: a few parts in ten million.
    np.testing.assert_allclose(turned, seen(points_m @ rotation.T), atol=1e-5)
    np.testing.assert_allclose(turned[0], 0, atol=1e-6)


def test_turns_are_rotations_without_roll():
    _, rotations = turn_to_pelvis(RNG.normal(0, 0.8, (50, 17, 2)).astype(np.float32))
    np.testing.assert_allclose(
        rotations @ rotations.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-6
    )
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-6)
    # The turned camera's x axis stays level: it has no part along the first camera's y.
    np.testing.assert_array_equal(rotations[:, 0, 1], 0)


def test_pose_comes_back_by_the_same_rotation():
    points_m = POSE_M + [1.5, 0.5, 3]
    _, rotation = turn_to_pelvis(seen(points_m))
    relative_m = POSE_M @ rotation.T
    np.testing.assert_allclose(relative_m @ rotation, POSE_M, atol=1e-6)


def test_person_on_the_axis_is_left_alone():
    xy = seen(POSE_M + [0, 0, 4])
    turned, rotation = turn_to_pelvis(xy)
    np.testing.assert_allclose(turned, xy, atol=1e-7)
    np.testing.assert_allclose(rotation, np.eye(3), atol=1e-7)


def test_guess_a_right_angle_away_stays_finite():
    xy = np.zeros((17, 2), np.float32)
    xy[0], xy[5] = (5, 0), (-5, 0)
    turned, _ = turn_to_pelvis(xy)
    # No farther than five times the direction's length, which lifters can do something with.
    assert 5 < np.abs(turned).max() <= 5 * np.hypot(5, 1)


@pytest.mark.parametrize(("size_wh", "corner_px"), [((1280, 720), (1280, 360)), ((720, 1280), (360, 1280))])
def test_field_of_view_is_that_of_the_longer_side(size_wh, corner_px):
    edge = plane_scale(size_wh, 90) * to_screen(np.array(corner_px, np.float64), size_wh)
    # At 90 degrees the middle of the far edge is 45 degrees off the axis.
    assert np.abs(edge).max() == pytest.approx(1)
