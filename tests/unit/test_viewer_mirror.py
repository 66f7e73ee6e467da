"""The mirror key, acting on a room with somebody in it."""

import numpy as np
from gui.example_poses import ARMS_UP, make_person
from posedemo.viewer.scene import Scene
from posedemo.viewer.standing import Standing
from posedemo.viewer.theme import DARK


def test_mirror_turns_the_people_who_are_there_and_those_who_come():
    scene = Scene(max_people=1, theme=DARK)
    someone = make_person(ARMS_UP, root_m=(0.6, 0.0, 3.5))
    scene.update([someone], 0.0)
    before = scene.people[0].joints_m
    scene.set_mirror(mirror=True)
    np.testing.assert_allclose(scene.people[0].joints_m, before * [-1, 1, 1], atol=1e-6)
    scene.update([someone], 0.01)
    # Heights settle from frame to frame; left and right do not.
    np.testing.assert_allclose(scene.people[0].joints_m[:, 0], -before[:, 0], atol=1e-6)
    scene.set_mirror(mirror=False)
    np.testing.assert_allclose(scene.people[0].joints_m[:, 0], before[:, 0], atol=1e-6)


def test_who_cannot_be_placed_any_more_changes_sides_with_the_room():
    standing = Standing()
    (before,) = standing.update([make_person(ARMS_UP, root_m=(0.6, 0.0, 3.5))], 0.0)
    standing.set_mirror(mirror=True)
    (after,) = standing.update([make_person(ARMS_UP, root_m=None)], 1 / 30)
    np.testing.assert_allclose(after.joints_m[:, 0], -before.joints_m[:, 0], atol=1e-6)


def test_mirror_that_is_there_already_changes_nothing():
    scene = Scene(max_people=1, theme=DARK, mirror=True)
    scene.update([make_person(ARMS_UP)], 0.0)
    before = scene.people[0].joints_m
    scene.set_mirror(mirror=True)
    np.testing.assert_array_equal(scene.people[0].joints_m, before)
