"""The camera of the room: where it stands, what it keeps in the picture, and how calmly it moves."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from gui.example_poses import ARMS_UP, make_person
from posedemo.viewer.framing import View, mixed
from posedemo.viewer.operator import Operator, Preset
from posedemo.viewer.standing import Standing, StandingPerson

WIDE, TALL = 16 / 9, 0.8
FRAME_S = 1 / 30
SETTLED_S = 20.0
SPREAD = [(-1.6, 0, 2.6), (-0.5, 0, 3.6), (0.6, 0, 3.2), (1.5, 0, 4.4)]
"""Four people over the whole room, in depth too."""


def standing(*roots_m: tuple[float, float, float]) -> tuple[StandingPerson, ...]:
    return Standing().update([make_person(ARMS_UP, index, root_m) for index, root_m in enumerate(roots_m)], 0.0)


def settled(operator: Operator, people: tuple[StandingPerson, ...], seconds: float = SETTLED_S) -> View:
    return [operator.view(people, index * FRAME_S) for index in range(round(seconds / FRAME_S))][-1]


def seen(view: View, people: tuple[StandingPerson, ...]) -> np.ndarray:
    return view.seen_at(np.concatenate([person.joints_m for person in people]))


def turn_deg(first: View, second: View) -> float:
    return abs((second.yaw_deg - first.yaw_deg + 180) % 360 - 180)


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("aspect", [WIDE, TALL])
def test_every_preset_shows_everybody_from_head_to_foot(preset, aspect):
    people = standing(*SPREAD)
    found = seen(settled(Operator(aspect, preset), people), people)
    assert np.abs(found[:, 0]).max() < aspect
    assert np.abs(found[:, 1]).max() < 1


@pytest.mark.parametrize("preset", Preset)
def test_somebody_alone_is_large_enough_for_a_back_row(preset):
    """From above, a body is no higher in the picture than its arms are wide."""
    people = standing((0, 0, 3.5))
    found = seen(settled(Operator(WIDE, preset), people), people)
    assert np.ptp(found, axis=0).max() / 2 > (0.2 if preset is Preset.TOP else 0.6)


@pytest.mark.parametrize("preset", [Preset.FRONT, Preset.SIDE, Preset.FOLLOW, Preset.ORBIT])
def test_raised_hands_have_air_above_them(preset):
    people = Standing().update([make_person(np.float32(1.3) * ARMS_UP)], 0.0)
    found = seen(settled(Operator(WIDE, preset), people), people)
    assert found[:, 1].max() < 0.96


def test_points_behind_the_camera_have_no_place_in_the_picture():
    view = View((0.0, 1.0, 0.0), 1.2, yaw_deg=0.0, pitch_deg=0.0)
    behind_m = np.array([[0.1, 1.0, view.distance_m + 0.5], [0.1, 1.0, view.distance_m - 0.5]], np.float32)
    assert np.isnan(view.seen_at(behind_m)).all(axis=-1).tolist() == [True, False]


def test_the_picture_widens_for_newcomers_sooner_than_it_closes_in_again():
    alone, both = standing((-1.2, 0, 3.5)), standing((-1.2, 0, 3.5), (1.4, 0, 3.5))
    operator, heights_m = Operator(TALL, Preset.FOLLOW), []
    for index in range(2100):
        people = both if 600 <= index < 1300 else alone
        heights_m.append(operator.view(people, index * FRAME_S).half_height_m)
    narrow, wide = heights_m[599], heights_m[1299]
    assert wide > 1.3 * narrow
    # After half a second; exponentials of 0.3 and 1.2 seconds.
    assert (heights_m[614] - narrow) / (wide - narrow) > 0.75
    assert (heights_m[1314] - narrow) / (wide - narrow) > 0.55


def test_presets_look_from_where_they_say():
    people = standing((0, 0, 3.5))
    front, side, top = (
        settled(Operator(WIDE, preset), people).front for preset in (Preset.FRONT, Preset.SIDE, Preset.TOP)
    )
    assert front[2] > 0.9
    assert side[0] > 0.9
    assert top[1] > 0.9


@pytest.mark.parametrize("preset", [Preset.FRONT, Preset.SIDE, Preset.TOP])
def test_a_still_camera_keeps_still_while_people_walk_about(preset):
    operator = Operator(WIDE, preset)
    views = {
        operator.view(standing((0.5 * np.sin(index / 20), 0, 3.5)), index * FRAME_S) for index in range(200)
    }  # fmt: skip
    assert len(views) == 1


def test_a_still_camera_keeps_still_for_who_is_at_the_back():
    """Far away they are seen nearer to the middle than at the distance of the room's."""
    for aspect, shift, x_m in ((WIDE, 0.31, 1.06), (TALL, 0.0, 0.58)):
        operator, track = Operator(aspect, Preset.FRONT, shift=shift), Standing()
        track.update([make_person(root_m=(0, 0, 2.5))], 0.0)
        away = track.update([make_person(root_m=(0, 0, 2.5)), make_person(track_id=1, root_m=(x_m, 0, 4.2))], FRAME_S)
        home = operator.view((), 0.0)
        assert operator.view(away[1:], FRAME_S) == home


def test_the_way_to_a_newcomer_is_calm():
    operator = Operator(WIDE, Preset.FOLLOW)
    alone, both = standing((-1.2, 0, 3.5)), standing((-1.2, 0, 3.5), (1.4, 0, 3.5))
    before = settled(operator, alone, 5.0)
    after = operator.view(both, 5.0)
    assert abs(after.target_m[0] - before.target_m[0]) < 0.1


def test_follow_goes_along():
    operator = Operator(WIDE, Preset.FOLLOW)
    track = Standing()
    for index in range(150):
        people = track.update([make_person(root_m=(-1.4 + 2.8 * index / 150, 0, 3.5))], index * FRAME_S)
        view = operator.view(people, index * FRAME_S)
        found = seen(view, people)
        assert np.abs(found[:, 0]).max() < WIDE
    assert view.target_m[0] > 0.5


@pytest.mark.parametrize("preset", [Preset.FRONT, Preset.SIDE, Preset.FOLLOW])
def test_who_crouches_and_jumps_up_is_in_the_picture_in_every_frame(preset):
    """From half the height to arms raised above one and a half of it, within a fifth of a second."""
    operator, low = Operator(TALL, preset), standing((0, 0, 2.0))
    settled(operator, [_scaled(person, 0.5) for person in low], 5.0)
    for index in range(20):
        people = [_scaled(person, 0.5 + min(index / 6, 1.0)) for person in low]
        assert np.abs(seen(operator.view(people, 5.0 + index * FRAME_S), people)[:, 1]).max() < 1


def _scaled(person: StandingPerson, height: float) -> StandingPerson:
    return replace(person, joints_m=person.joints_m * np.array([1, height, 1], np.float32))


def test_orbit_goes_round_slowly_and_evenly_also_around_nobody():
    operator = Operator(WIDE, Preset.ORBIT)
    views = [operator.view((), index * FRAME_S) for index in range(round(60 / FRAME_S))]
    turns = [turn_deg(first, second) for first, second in pairwise(views)]
    assert max(turns) - min(turns) < 1e-6
    assert 360 < sum(turns) < 1080
    assert {view.half_height_m for view in views} == {views[0].half_height_m}


def test_orbit_goes_on_from_where_it_was_after_a_pause():
    operator = Operator(WIDE, Preset.ORBIT)
    before = operator.view((), 0.0)
    assert turn_deg(before, operator.view((), 3600.0)) < 5


@pytest.mark.parametrize("first", Preset)
@pytest.mark.parametrize("second", Preset)
def test_moves_between_presets_are_calm_and_arrive(first, second):
    """No frame turns the room by more than 8 degrees, and within two seconds the camera is where the preset is."""
    people = standing((0.3, 0, 3.5))
    operator = Operator(WIDE, first)
    start_s = settled_s = 5.0
    before = settled(operator, people, settled_s)
    operator.choose(second)
    views = [before]
    for index in range(60):
        views.append(operator.view(people, start_s + index * FRAME_S))
    for one, other in pairwise(views):
        assert turn_deg(one, other) < 8
        assert abs(one.pitch_deg - other.pitch_deg) < 8
        assert np.linalg.norm(np.subtract(one.target_m, other.target_m)) < 0.15
    if second is not Preset.ORBIT:
        assert turn_deg(views[-1], settled(Operator(WIDE, second), people)) < 0.1


def test_a_cut_is_there_at_once():
    people = standing((0.3, 0, 3.5))
    operator = Operator(WIDE, Preset.FRONT)
    settled(operator, people)
    operator.choose(Preset.TOP, at_once=True)
    assert operator.view(people, SETTLED_S).pitch_deg == Operator(WIDE, Preset.TOP).view(people, 0).pitch_deg


def test_the_move_back_from_a_mouse_starts_where_the_mouse_left_the_camera():
    people = standing((0.3, 0, 3.5))
    operator = Operator(WIDE, Preset.FRONT)
    settled(operator, people)
    left = View((0.4, 0.8, 0.2), 2.0, yaw_deg=140.0, pitch_deg=40.0)
    operator.take_over(left)
    operator.choose(Preset.FRONT)
    first = operator.view(people, SETTLED_S + FRAME_S)
    assert turn_deg(first, left) < 5
    assert abs(first.half_height_m - left.half_height_m) < 0.1


def test_people_stand_right_of_the_middle_where_the_picture_covers_the_left():
    people = standing((0, 0, 3.5))
    for preset in (Preset.FRONT, Preset.FOLLOW, Preset.ORBIT):
        plain = seen(settled(Operator(WIDE, preset), people, 0.1), people)[:, 0].mean()
        shifted = seen(settled(Operator(WIDE, preset, shift=0.2), people, 0.1), people)[:, 0].mean()
        assert shifted - plain == pytest.approx(0.2 * WIDE, rel=0.15)


def test_time_that_stands_still_or_goes_back_does_no_harm():
    people = standing((0, 0, 3.5))
    operator = Operator(WIDE, Preset.ORBIT)
    for time_s in (5.0, 5.0, 1.0, 6.0):
        view = operator.view(people, time_s)
        assert np.isfinite([*view.target_m, view.half_height_m, view.yaw_deg, view.pitch_deg]).all()


def test_unknown_joints_and_unknown_people_do_not_move_the_camera():
    operator = Operator(WIDE, Preset.FOLLOW)
    nobody = Standing().update([make_person(np.full((17, 3), np.nan, np.float32))], 0.0)
    assert operator.view(nobody, 0.0) == Operator(WIDE, Preset.FOLLOW).view((), 0.0)


def test_mixing_turns_the_shorter_way():
    middle = mixed(View((0, 0, 0), 1, 350, 0), View((0, 0, 0), 1, 20, 0), 0.5)
    assert middle.yaw_deg % 360 == pytest.approx(5)


@pytest.mark.parametrize("yaw_deg", [0.0, 75.0, 200.0])
@pytest.mark.parametrize("pitch_deg", [-10.0, 9.0, 86.0])
def test_axes_of_a_view_are_square(yaw_deg, pitch_deg):
    view = View((0, 1, 0), 1.2, yaw_deg, pitch_deg)
    axes = np.array([view.right, view.up, view.front])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)


def test_the_target_is_in_the_middle_and_half_the_height_is_what_it_says():
    view = View((0.2, 1.0, -0.3), 1.2, 30.0, 9.0)
    above = np.array(view.target_m) + 1.2 * np.array(view.up)
    found = view.seen_at(np.array([view.target_m, above], np.float32))
    np.testing.assert_allclose(found, [[0, 0], [0, 1]], atol=1e-5)
