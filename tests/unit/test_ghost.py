"""How far two lifters disagree."""

import dataclasses

import numpy as np
import pytest
from gui.example_poses import STANDING, make_person, make_pose
from posedemo.datatypes import Pose3D
from posedemo.skeleton import H36M17
from posedemo.viewer.ghost import LIMBS, disagreement_mm
from posedemo.viewer.scene import Scene
from posedemo.viewer.theme import DARK

SURE = np.full(17, 0.9, np.float32)


def pose(xyz_m: np.ndarray = STANDING) -> Pose3D:
    return Pose3D(xyz_m.astype(np.float32), SURE)


def test_the_same_pose_does_not_disagree():
    apart_mm = disagreement_mm(pose(), pose())
    assert tuple(apart_mm) == LIMBS
    assert max(apart_mm.values()) == 0


def test_one_moved_joint_counts_for_its_limb_only_by_its_share():
    """The wrist is one of three joints of an arm: 90 mm there are 30 mm of the arm."""
    wrist_m = STANDING[H36M17.index("left_wrist")] + [0.09, 0, 0]
    apart_mm = disagreement_mm(pose(), pose(make_pose(left_wrist=tuple(wrist_m))))
    assert apart_mm["left arm"] == pytest.approx(30, abs=0.1)
    assert {limb for limb, mm in apart_mm.items() if mm > 0} == {"left arm"}


def test_it_does_not_matter_which_is_the_ghost():
    other = pose(make_pose(right_ankle=(0.1, 0.7, 0.2), nose=(0, -0.5, -0.2)))
    assert disagreement_mm(pose(), other) == disagreement_mm(other, pose())


def test_a_ghost_that_is_turned_disagrees_for_it():
    apart_mm = disagreement_mm(pose(), pose(STANDING * [-1, 1, -1]))
    assert apart_mm["left arm"] > 300
    assert apart_mm["trunk"] < 50


def test_limbs_that_one_of_them_does_not_know_are_left_out():
    unknown = (np.nan, np.nan, np.nan)
    without = make_pose(left_shoulder=unknown, left_elbow=unknown, left_wrist=unknown, right_ankle=unknown)
    apart_mm = disagreement_mm(pose(), pose(without))
    assert tuple(apart_mm) == tuple(limb for limb in LIMBS if limb != "left arm")
    assert apart_mm["right leg"] == 0


def ghostly(scene: Scene) -> np.ndarray:
    """Vertices of hoops that are drawn."""
    if scene.ghosts.is_empty:
        return np.zeros((0, 3))
    return scene.ghosts.vertices[np.abs(scene.ghosts.vertices).sum(axis=-1) > 0]


def test_a_ghost_stands_where_its_person_does():
    person = make_person(root_m=(0.8, 0, 3))
    scene = Scene(max_people=2, theme=DARK)
    scene.update([dataclasses.replace(person, ghost=person.pose)], 0.0)
    found, body = ghostly(scene), scene.bodies.vertices[np.abs(scene.bodies.vertices).sum(axis=-1) > 0]
    # Hoops are a little wider than the body that they lie around.
    np.testing.assert_allclose(found.min(axis=0), body.min(axis=0), atol=0.08)
    np.testing.assert_allclose(found.max(axis=0), body.max(axis=0), atol=0.08)


def test_a_ghost_is_mirrored_with_its_person():
    person = make_person(root_m=(0.8, 0, 3))
    moved = dataclasses.replace(person, ghost=pose(make_pose(left_wrist=(0.7, -0.3, 0.0))))
    found = []
    for mirror in (False, True):
        scene = Scene(max_people=1, theme=DARK, mirror=mirror)
        scene.update([moved], 0.0)
        found.append(ghostly(scene)[:, 0])
    # A hoop's corners lie elsewhere around it in a mirrored frame: by a share of its radius.
    assert found[0].max() == pytest.approx(-found[1].min(), abs=0.03)


def test_no_ghost_no_hoops_and_four_ghosts_beside_four_hidden_pairs_of_legs_have_room():
    scene = Scene(max_people=4, theme=DARK)
    people = [make_person(track_id=index, root_m=(index - 1.5, 0, 3.5)) for index in range(4)]
    scene.update(people, 0.0)
    assert scene.ghosts.is_empty
    scene.update([dataclasses.replace(p, ghost=p.pose, pose=Pose3D(STANDING, SURE * 0)) for p in people], 1.0)
    assert np.isfinite(scene.ghosts.vertices).all()
    scene.update([dataclasses.replace(p, ghost=p.pose) for p in people], 5.0)
    assert len(ghostly(scene)) > 4000


def test_a_ghost_with_unknown_joints_is_drawn_without_them():
    unknown = (np.nan, np.nan, np.nan)
    scene = Scene(max_people=1, theme=DARK)
    half = pose(make_pose(left_wrist=unknown, head=unknown, right_ankle=unknown))
    scene.update([dataclasses.replace(make_person(), ghost=half)], 0.0)
    assert np.isfinite(scene.ghosts.vertices).all()
    assert len(ghostly(scene)) > 500
