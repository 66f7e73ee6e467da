"""What is shown while nobody is there."""

import math

import numpy as np
from gui.example_poses import ARMS_UP, STANDING, make_person
from posedemo.datatypes import Person
from posedemo.viewer.attract import Attract, Shown

FRAME_S = 1 / 30
AFTER_S = 6.0


def run(attract: Attract, people_at, start_s: float, seconds: float) -> list[Shown]:
    times_s = start_s + np.arange(round(seconds / FRAME_S)) * FRAME_S
    return [attract.update(people_at(time_s), float(time_s)) for time_s in times_s]


def nobody(_time_s: float) -> tuple[Person, ...]:
    return ()


def still(_time_s: float) -> tuple[Person, ...]:
    return (make_person(STANDING, track_id=1),)


def waving(time_s: float) -> tuple[Person, ...]:
    return (make_person(ARMS_UP if round(time_s * 3) % 2 else STANDING, track_id=2),)


def test_live_people_are_shown_as_they_are():
    attract = Attract(AFTER_S)
    people = still(0)
    shown = attract.update(people, 0.0)
    assert shown.people == people
    assert not shown.is_replay


def test_what_stands_in_for_the_camera_is_shown_and_never_kept():
    """Somebody was here; then the camera goes away for a while, and a recording shows somebody else, who moves."""
    attract = Attract(AFTER_S)
    run(attract, still, 0, 4)
    assert any(shown.is_replay for shown in run(attract, nobody, 4, AFTER_S + 2))
    start_s, length_s = 12.0, 10.0
    times_s = start_s + np.arange(round(length_s / FRAME_S)) * FRAME_S
    recorded = [attract.update(waving(time_s), float(time_s), is_recorded=True) for time_s in times_s]
    assert [shown.is_cut for shown in recorded] == [True] + [False] * (len(recorded) - 1)
    assert all(shown.people[0].track_id == 2 and not shown.is_replay for shown in recorded)
    after = run(attract, nobody, start_s + length_s, AFTER_S + 10)
    assert after[0].is_cut
    assert {person.track_id for shown in after for person in shown.people} == {1}


def test_who_wants_an_empty_room_has_one_and_still_the_cuts():
    attract = Attract(math.inf)
    run(attract, still, 0, 4)
    assert not any(shown.people or shown.is_replay for shown in run(attract, nobody, 4, 30))
    assert attract.update(waving(34), 34.0, is_recorded=True).is_cut
    assert attract.update((), 34.1).is_cut


def test_nothing_is_replayed_before_anybody_came():
    assert not any(shown.is_replay or shown.people for shown in run(Attract(AFTER_S), nobody, 0, 30))


def test_an_empty_room_stays_empty_for_some_seconds_and_then_shows_the_past():
    attract = Attract(AFTER_S)
    run(attract, still, 0, 4)
    shown = run(attract, nobody, 4, AFTER_S + 3)
    is_replay = [one.is_replay for one in shown]
    first = is_replay.index(True)
    # The last person was seen one frame before the room was empty.
    assert abs(first * FRAME_S - AFTER_S) < 2 * FRAME_S
    assert all(is_replay[first:])
    assert shown[first].is_cut
    assert all(one.people and one.people[0].track_id == 1 for one in shown[first:])
    assert not any(one.people for one in shown[:first])


def test_the_replay_goes_at_the_speed_of_life():
    attract = Attract(AFTER_S)
    recorded = {}

    def one(time_s: float) -> tuple[Person, ...]:
        people = (make_person(STANDING, track_id=3),)
        recorded[id(people[0])] = time_s
        kept.extend(people)
        return people

    kept: list[Person] = []
    run(attract, one, 0, 4)
    shown = [frame for frame in run(attract, nobody, 4, AFTER_S + 3) if frame.is_replay]
    times_s = np.array([recorded[id(frame.people[0])] for frame in shown])
    assert abs((times_s[-1] - times_s[0]) - (len(shown) - 1) * FRAME_S) < 2 * FRAME_S
    assert (np.diff(times_s) >= 0).all()


def test_whoever_steps_in_is_shown_at_once_with_a_cut():
    attract = Attract(AFTER_S)
    run(attract, still, 0, 4)
    assert run(attract, nobody, 4, AFTER_S + 1)[-1].is_replay
    people = waving(0)
    shown = attract.update(people, 20.0)
    assert (shown.people, shown.is_replay, shown.is_cut) == (people, False, True)
    assert not attract.update(people, 20.0 + FRAME_S).is_cut


def test_somebody_without_a_pose_is_nobody_to_replay_for():
    attract = Attract(AFTER_S)
    run(attract, still, 0, 4)
    person = make_person()

    def unlifted(_time_s: float) -> tuple[Person, ...]:
        return (Person(9, person.keypoints),)

    assert run(attract, unlifted, 4, AFTER_S + 1)[-1].is_replay


def test_the_liveliest_moment_comes_first():
    attract = Attract(AFTER_S)
    run(attract, still, 0, 4)
    run(attract, waving, 4, 4)
    run(attract, still, 8, 4)
    first = next(shown for shown in run(attract, nobody, 12, AFTER_S + 1) if shown.is_replay)
    assert first.people[0].track_id == 2


def test_a_glimpse_of_somebody_is_no_moment():
    attract = Attract(AFTER_S)
    run(attract, still, 0, 0.5)
    assert not any(shown.is_replay for shown in run(attract, nobody, 0.5, AFTER_S + 5))


def test_all_moments_have_their_turn_and_no_gap_between():
    attract = Attract(AFTER_S)
    run(attract, still, 0, 3)
    run(attract, waving, 3, 3)
    shown = [one for one in run(attract, nobody, 6, AFTER_S + 12) if one.is_replay]
    assert {one.people[0].track_id for one in shown} == {1, 2}
    assert sum(one.is_cut for one in shown) >= 4


def test_new_moments_displace_old_ones_and_memory_stays_small():
    attract = Attract(AFTER_S)
    run(attract, waving, 0, 60)
    run(attract, still, 60, 5 * 60)
    frames = sum(len(moment.frames) for moment in attract._moments) + len(attract._current.frames)
    assert frames < 60 / FRAME_S
    shown = [one for one in run(attract, nobody, 6 * 60, AFTER_S + 40) if one.is_replay]
    # Five minutes later, liveliness no longer makes up for age.
    assert {one.people[0].track_id for one in shown} == {1}


def test_a_clock_that_jumps_does_no_harm():
    attract = Attract(AFTER_S)
    run(attract, still, 100, 4)
    run(attract, still, 0, 4)
    for time_s in (50.0, 3.0, 4000.0, 4001.0, 3990.0):
        attract.update((), time_s)
    assert attract.update(still(0), 4002.0).people
