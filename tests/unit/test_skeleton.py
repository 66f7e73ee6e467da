"""The skeletons against the field's published tables."""

import pytest
from posedemo.skeleton import COCO17, H36M16, H36M17, MEDIAPIPE33, SKELETONS


def test_h36m17_table():
    assert H36M17.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
    assert len(H36M17.bones) == 16
    assert sorted(H36M17.left_right_pairs) == [(4, 1), (5, 2), (6, 3), (11, 14), (12, 15), (13, 16)]


def test_h36m16_is_h36m17_without_the_nose():
    assert H36M16.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14)
    assert H36M16.joints[9] == "head"


@pytest.mark.parametrize(
    ("name", "index"),
    [("left_ear", 7), ("right_mouth", 10), ("left_shoulder", 11), ("right_wrist", 16), ("left_hip", 23),
     ("right_ankle", 28), ("right_foot_index", 32), ("left_eye_centre", 2), ("right_eye_outer", 6)],
)  # fmt: skip
def test_mediapipe_order(name, index):
    assert MEDIAPIPE33.index(name) == index


@pytest.mark.parametrize(("name", "index"), [("nose", 0), ("right_ear", 4), ("left_elbow", 7), ("right_ankle", 16)])
def test_coco_order(name, index):
    assert COCO17.index(name) == index


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_flip_twice_is_identity_and_parents_come_first(skeleton):
    assert [skeleton.flip_order[index] for index in skeleton.flip_order] == list(range(skeleton.num_joints))
    assert all(parent < child for parent, child in skeleton.bones)
