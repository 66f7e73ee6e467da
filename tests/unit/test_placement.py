"""Where the person stands: a known camera is recovered, and nonsense is refused."""

import numpy as np
import pytest
from posedemo.placement import place_root

RNG = np.random.default_rng(0)
POSE_M = RNG.normal(scale=0.4, size=(17, 3)).astype(np.float32)
CONFIDENT = np.ones(17, np.float32)


def project(root_m: np.ndarray) -> np.ndarray:
    points = POSE_M + root_m
    return (points[:, :2] / points[:, 2:]).astype(np.float32)


@pytest.mark.parametrize("root_m", [(0, 0, 3), (1.2, -0.4, 4.5), (-0.5, 0.3, 2.5)])
def test_projected_pose_is_put_back(root_m):
    found = place_root(POSE_M, project(np.array(root_m)), CONFIDENT)
    # float32 image coordinates leave about a millimetre at five metres.
    np.testing.assert_allclose(found, root_m, atol=2e-3)


def test_joints_without_confidence_do_not_count():
    xy = project(np.array([0, 0, 3.0]))
    xy[3:6] = 9
    confidence = CONFIDENT.copy()
    confidence[3:6] = 0
    np.testing.assert_allclose(place_root(POSE_M, xy, confidence), [0, 0, 3], atol=2e-3)


def test_the_surer_a_joint_the_more_it_counts():
    xy = project(np.array([0, 0, 3.0]))
    xy[3:6] += 0.5
    places = []
    for doubted in (1.0, 0.3, 0.1):
        confidence = CONFIDENT.copy()
        confidence[3:6] = doubted
        places.append(np.linalg.norm(place_root(POSE_M, xy, confidence) - [0, 0, 3]))
    assert places[0] > 3 * places[1] > 9 * places[2]


def test_nobody_stands_behind_the_camera_or_at_its_lens():
    turned_inside_out = -project(np.array([0, 0, 3.0]))
    assert place_root(POSE_M, turned_inside_out, CONFIDENT) is None


def test_too_few_joints_or_a_point_are_not_placed():
    xy = project(np.array([0, 0, 3.0]))
    sparse = CONFIDENT.copy()
    sparse[3:] = 0
    assert place_root(POSE_M, xy, sparse) is None
    assert place_root(POSE_M, np.zeros_like(xy), CONFIDENT) is None
