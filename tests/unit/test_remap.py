"""Detector joints to H36M-17: weights, sides, invariances, missing joints."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import standing_keypoints
from hypothesis import given
from hypothesis import strategies as st
from posedemo.datatypes import Keypoints2D
from posedemo.remap import RECIPES, remap, with_own_trunk
from posedemo.skeleton import COCO17, H36M17, MEDIAPIPE33

SOURCES = [MEDIAPIPE33, COCO17]


def joint(keypoints: Keypoints2D, name: str) -> np.ndarray:
    return keypoints.xy_px[keypoints.skeleton.index(name)]


@pytest.mark.parametrize("source", RECIPES)
def test_every_joint_has_recipes_whose_weights_sum_to_one(source):
    assert set(RECIPES[source]) == set(H36M17.joints)
    for choices in RECIPES[source].values():
        for recipe in choices:
            assert sum(recipe.values()) == pytest.approx(1)


@pytest.mark.parametrize("source", SOURCES)
def test_limbs_keep_the_persons_own_sides(source):
    person = standing_keypoints(skeleton=source)
    mapped = remap(person)
    for name in ("right_wrist", "left_wrist", "right_hip", "left_ankle"):
        np.testing.assert_array_equal(joint(mapped, name), joint(person, name))
    assert [H36M17.joints[index] for index in (14, 15, 16)] == ["right_shoulder", "right_elbow", "right_wrist"]


@pytest.mark.parametrize("source", SOURCES)
def test_trunk_and_head_of_a_standing_person_are_in_order(source):
    mapped = remap(standing_keypoints(skeleton=source))
    heights = [joint(mapped, name)[1] for name in ("head", "nose", "thorax", "spine", "pelvis", "left_knee")]
    assert heights == sorted(heights)
    shoulders = (joint(mapped, "left_shoulder") + joint(mapped, "right_shoulder")) / 2
    assert joint(mapped, "thorax")[1] < shoulders[1]


@given(scale=st.floats(0.1, 10), x=st.floats(-500, 500), y=st.floats(-500, 500))
def test_map_commutes_with_scale_and_translation(scale, x, y):
    person = standing_keypoints(skeleton=MEDIAPIPE33)
    moved = Keypoints2D((person.xy_px * scale + (x, y)).astype(np.float32), person.confidence, MEDIAPIPE33)
    expected = remap(person).xy_px * scale + (x, y)
    # float32 pixels of a few thousand carry about 5e-4.
    np.testing.assert_allclose(remap(moved).xy_px, expected, atol=2e-3)


def test_confidence_of_a_made_up_joint_is_the_lowest_of_its_sources():
    person = standing_keypoints(skeleton=MEDIAPIPE33)
    confidence = person.confidence.copy()
    confidence[MEDIAPIPE33.index("left_hip")] = 0.25
    mapped = remap(Keypoints2D(person.xy_px, confidence, MEDIAPIPE33))
    for name in ("pelvis", "left_hip", "spine"):
        assert mapped.confidence[H36M17.index(name)] == np.float32(0.25)
    assert mapped.confidence[H36M17.index("head")] == np.float32(0.9)


def test_head_falls_back_from_ears_to_eyes_to_nose_and_then_is_unknown():
    person = standing_keypoints(skeleton=COCO17)
    confidence = person.confidence.copy()
    heads = []
    for lost in ("left_ear", "right_eye", "nose"):
        confidence[COCO17.index(lost)] = 0
        heads.append(remap(Keypoints2D(person.xy_px, confidence.copy(), COCO17)))
    for mapped in heads[:2]:
        assert joint(mapped, "head")[1] < joint(mapped, "nose")[1]
    assert np.isnan(joint(heads[2], "head")).all()
    assert heads[2].confidence[H36M17.index("head")] == 0
    assert np.isfinite(joint(heads[2], "thorax")).all()


def test_neck_and_crown_are_where_the_lifters_were_trained_to_have_them():
    """Shoulders at height 0 and the nose at 1; without ears the eyes, without eyes the nose."""
    heights = {"shoulder": 0.0, "nose": 1.0, "eye": 1.15, "ear": 1.1}
    ys = [-heights.get(name.split("_")[-1], -2.0) for name in COCO17.joints]
    xy_px, confidence = np.column_stack([np.zeros(17), ys]).astype(np.float32), np.ones(17, np.float32)
    crowns = []
    for lost in ("nobody", "left_ear", "left_eye"):
        confidence = np.where([name == lost for name in COCO17.joints], 0, confidence).astype(np.float32)
        mapped = remap(Keypoints2D(xy_px, confidence, COCO17))
        assert joint(mapped, "thorax")[1] == pytest.approx(-0.15)
        crowns.append(-joint(mapped, "head")[1])
    assert crowns == pytest.approx([0.15 + 1.4 * (1.1 - 0.15), 0.15 + 1.35 * (1.15 - 0.15), 1.5 * 1.0])


def test_h36m_joints_pass_unchanged():
    person = standing_keypoints()
    assert remap(person) is person


def test_own_3d_of_a_detector_is_mapped_with_the_same_sums():
    """World points that are the picture's, 100 pixels a metre and tilted in depth, stay exactly that."""
    person = standing_keypoints(skeleton=MEDIAPIPE33)
    depth_m = person.xy_px[:, :1] / 50 - 1
    world_xyz_m = np.concatenate([person.xy_px / 100, depth_m], axis=-1)
    mapped = remap(Keypoints2D(person.xy_px, person.confidence, MEDIAPIPE33, world_xyz_m))
    # float32 sums of a few terms.
    np.testing.assert_allclose(mapped.world_xyz_m[:, :2], mapped.xy_px / 100, atol=1e-6)
    np.testing.assert_allclose(mapped.world_xyz_m[:, 2], mapped.xy_px[:, 0] / 50 - 1, atol=1e-6)


def test_joint_that_is_unknown_in_the_picture_is_unknown_in_3d():
    person = standing_keypoints(skeleton=MEDIAPIPE33)
    confidence = person.confidence.copy()
    confidence[MEDIAPIPE33.index("left_wrist")] = 0
    world_xyz_m = np.ones((33, 3), np.float32)
    mapped = remap(Keypoints2D(person.xy_px, confidence, MEDIAPIPE33, world_xyz_m))
    unknown = np.isnan(mapped.world_xyz_m).any(axis=-1)
    assert [H36M17.joints[index] for index in unknown.nonzero()[0]] == ["left_wrist"]


def test_detectors_without_3d_stay_without():
    assert remap(standing_keypoints(skeleton=COCO17)).world_xyz_m is None


def test_joints_of_human36m_get_the_trunk_that_lifters_know():
    """Made the same way from what two skeletons share, whatever the other one's own idea of its middle is."""
    random = np.random.default_rng(3)
    coco = Keypoints2D(
        xy_px=random.uniform(0, 100, (17, 2)).astype(np.float32), confidence=np.ones(17, np.float32), skeleton=COCO17
    )
    ours = remap(coco)
    trunk = [H36M17.index(joint) for joint in ("pelvis", "spine", "thorax")]
    xy_px = ours.xy_px.copy()
    xy_px[trunk] += 5
    np.testing.assert_allclose(with_own_trunk(replace(ours, xy_px=xy_px)).xy_px, ours.xy_px, atol=1e-4)
    # Without a nose there is another thorax, and theirs is as good.
    blind = ours.confidence.copy()
    blind[H36M17.index("nose")] = 0
    kept = with_own_trunk(replace(ours, xy_px=xy_px, confidence=blind)).xy_px
    np.testing.assert_array_equal(kept[trunk[1:]], xy_px[trunk[1:]])
    np.testing.assert_allclose(kept[trunk[0]], ours.xy_px[trunk[0]], atol=1e-4)
