"""Trails of hands and feet."""

import numpy as np
import pytest
from gui.example_poses import STANDING, make_person
from posedemo.skeleton import H36M17
from posedemo.viewer.standing import Standing, StandingPerson
from posedemo.viewer.theme import DARK, LIGHT
from posedemo.viewer.trails import TRAIL_S, Trails

FRAME_S = 1 / 30
LEFT_WRIST = H36M17.index("left_wrist")
SLOTS = {0: 0, 1: 1}


def moved(offset_m: tuple[float, float, float], *, confidence: float = 0.9, track_id: int = 0) -> StandingPerson:
    """Somebody who stands still, but for the left hand."""
    person = Standing().update([make_person(STANDING, track_id, confidence=confidence)], 0.0)[0]
    person.joints_m[LEFT_WRIST] += np.float32(offset_m)
    return person


def circling(time_s: float) -> tuple[float, float, float]:
    return 0.4 * np.cos(4 * time_s), 0.4 * np.sin(4 * time_s), 0.0


def extent_m(trails: Trails, *people: StandingPerson) -> float:
    """Longest side of what is drawn of the first person's left hand."""
    vertices, _ = trails.draw(people, SLOTS)
    return float(np.ptp(vertices[: len(vertices) // 16], axis=0).max())


def draw_circle(trails: Trails, seconds: float, rate_hz: float = 30) -> StandingPerson:
    for index in range(round(seconds * rate_hz)):
        person = moved(circling(index / rate_hz))
        trails.update([person], index / rate_hz)
    return person


def test_a_hand_that_moves_leaves_a_trail_and_one_that_rests_does_not():
    trails = Trails(DARK, max_people=4)
    person = draw_circle(trails, 2)
    assert extent_m(trails, person) > 0.4
    vertices, _ = trails.draw([person], SLOTS)
    others = vertices[len(vertices) // 16 : len(vertices) // 4]
    # The other hand and both feet rest: each trail is a point.
    for trail in others.reshape(3, -1, 3):
        assert np.ptp(trail, axis=0).max() < 1e-3


def test_a_trail_begins_at_the_hand_and_ends_where_it_was():
    trails = Trails(DARK, max_people=4)
    person = draw_circle(trails, 2)
    vertices, _ = trails.draw([person], SLOTS)
    rings = vertices[: len(vertices) // 16].reshape(-1, 5, 3).mean(axis=1)
    np.testing.assert_allclose(rings[0], person.joints_m[LEFT_WRIST], atol=1e-3)
    last_s = 2 - FRAME_S - TRAIL_S
    # Smoothing takes a little of a curve's length.
    np.testing.assert_allclose(rings[-1], moved(circling(last_s)).joints_m[LEFT_WRIST], atol=0.03)


def test_a_trail_is_as_long_at_any_frame_rate():
    lengths_m = []
    for rate_hz in (15, 30, 60):
        trails = Trails(DARK, max_people=4)
        person = draw_circle(trails, 2, rate_hz)
        vertices, _ = trails.draw([person], SLOTS)
        rings = vertices[: len(vertices) // 16].reshape(-1, 5, 3).mean(axis=1)
        lengths_m.append(np.linalg.norm(np.diff(rings, axis=0), axis=-1).sum())
    # Chords of a circle in steps of 4 rad/s / 15 Hz are 0.3 % shorter than their arcs; smoothing adds to that.
    assert max(lengths_m) < 1.03 * min(lengths_m)
    assert lengths_m[1] == pytest.approx(0.4 * 4 * TRAIL_S, rel=0.05)


def test_a_trail_thins_out_and_fades():
    trails = Trails(DARK, max_people=4)
    person = draw_circle(trails, 2)
    vertices, colors = trails.draw([person], SLOTS)
    rings = vertices[: len(vertices) // 16].reshape(-1, 5, 3)
    radii_m = np.linalg.norm(rings - rings.mean(axis=1, keepdims=True), axis=-1).mean(axis=1)
    assert (np.diff(radii_m) < 1e-4).all()
    assert radii_m[-1] < 1e-3
    ends = colors[: len(colors) // 16].reshape(-1, 5, 3)[:, 0]
    ground = (np.array(DARK.background) + np.array(DARK.floor)) / 2
    assert np.abs(ends[0] - ground).sum() > 0.3
    np.testing.assert_allclose(ends[-1], ground, atol=1e-5)


def test_a_guessed_hand_leaves_no_trail():
    trails = Trails(DARK, max_people=4)
    for index in range(60):
        person = moved(circling(index * FRAME_S), confidence=0.2)
        trails.update([person], index * FRAME_S)
    assert extent_m(trails, person) == 0


@pytest.mark.parametrize(("gap_s", "leap_m"), [(1.0, 0.0), (FRAME_S, 1.5)])
def test_whoever_is_found_again_elsewhere_draws_no_line_from_there(gap_s, leap_m):
    trails = Trails(DARK, max_people=4)
    draw_circle(trails, 1)
    after = moved((leap_m, 0.3, 0.0))
    trails.update([after], 1 + gap_s)
    assert extent_m(trails, after) < 0.06


def test_trails_of_people_who_are_gone_are_forgotten():
    trails = Trails(DARK, max_people=4)
    for index in range(300):
        trails.update([moved(circling(index), track_id=index)], index * 0.2)
    assert len(trails._past) < 10
    assert all(len(past) < 100 for past in trails._past.values())


def test_everything_is_a_number_in_range_whatever_happens():
    trails = Trails(LIGHT, max_people=2)
    people = [moved((0, 0, 0)), moved((np.nan, 0, 0), track_id=1), moved((1, 1, 1), track_id=2)]
    for time_s in (0.0, 0.1, 0.1, 0.05, 5.0):
        trails.update(people, time_s)
        vertices, colors = trails.draw(people, {0: 0, 1: 1, 2: 2})
        assert vertices.shape == colors.shape == (2 * trails.num_vertices, 3)
        assert trails.triangles.max() < trails.num_vertices
        assert np.isfinite(vertices).all()
        assert colors.min() >= 0
        assert colors.max() <= 1
