"""Colours can be told apart: from the background, left from right, and person from person, whoever looks at them.

Colour blindness as Machado, Oliveira and Fernandes model it (2009, full severity), distances in OKLab (Ottosson 2020),
where white is 1 away from black and two colours side by side can be told apart from about 0.02 on. What is asked for
here is several times that: thin things, on a projector, from the back row.
"""

from itertools import combinations

import numpy as np
import pytest
from posedemo.viewer.theme import THEMES, Rgb, Theme
from posedemo.viewer.wardrobe import Wardrobe

SIGHT = {
    "usual": np.eye(3),
    "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "without blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
LMS = [[0.41222147, 0.53633254, 0.05144599], [0.2119035, 0.68069955, 0.10739696], [0.08830246, 0.28171884, 0.62997870]]
LAB = [
    [0.21045426, 0.79361779, -0.00407205],
    [1.97799850, -2.42859221, 0.45059371],
    [0.02590404, 0.78277177, -0.80867577],
]
LUMINANCE = [0.2126, 0.7152, 0.0722]

LEAST_LEFT_RIGHT, LEAST_BETWEEN_PEOPLE = 0.12, 0.10
LEAST_CONTRAST = 3.0
"""Of graphical objects, in WCAG 2.1 (1.4.11)."""


def linear(color: Rgb) -> np.ndarray:
    encoded = np.array(color)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def distance(one: Rgb, other: Rgb, sight: str) -> float:
    labs = []
    for color in (one, other):
        seen = np.clip(np.array(SIGHT[sight]) @ linear(color), 0, 1)
        labs.append(np.array(LAB) @ np.cbrt(np.array(LMS) @ seen))
    return float(np.linalg.norm(labs[0] - labs[1]))


def contrast(one: Rgb, other: Rgb) -> float:
    darker, brighter = sorted(float(linear(color) @ LUMINANCE) for color in (one, other))
    return (brighter + 0.05) / (darker + 0.05)


@pytest.fixture(params=THEMES)
def theme(request) -> Theme:
    return THEMES[request.param]


@pytest.mark.parametrize("sight", SIGHT)
def test_left_and_right_of_everybody_can_be_told_apart(theme, sight):
    for person in theme.people:
        assert distance(person.left, person.right, sight) > LEAST_LEFT_RIGHT


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_people_differ_in_one_part_of_the_body_at_least(theme, sight):
    assert len(theme.people) == 4
    for one, other in combinations(theme.people, 2):
        assert (
            max(distance(one.side(side), other.side(side), sight) for side in ("left", "right", "centre"))
            > LEAST_BETWEEN_PEOPLE
        )


def test_right_sides_are_warm_and_left_sides_are_cool(theme):
    """The one rule that holds for everybody: red outweighs blue on the right, and is outweighed on the left."""
    for person in theme.people:
        assert person.right[0] > person.right[2]
        assert person.left[0] < max(person.left[1], person.left[2])


def test_people_stand_out_from_the_room(theme):
    for person in theme.people:
        for side in ("left", "right", "centre"):
            assert contrast(person.side(side), theme.background) >= LEAST_CONTRAST
            assert contrast(person.side(side), theme.floor) >= LEAST_CONTRAST


def test_words_are_read_from_the_back_row(theme):
    """7 is what WCAG 2.1 asks for in its strictest class (1.4.6)."""
    assert contrast(theme.text, theme.background) >= 7
    assert contrast(theme.text, theme.outline) >= 7


def test_sets_of_colours_come_round(theme):
    assert theme.person(len(theme.people) + 1) == theme.person(1)
    assert theme.person(0).side("left") == theme.person(0).left


def test_everybody_keeps_their_colours_while_others_come_and_go():
    wardrobe = Wardrobe()
    first = wardrobe.dress([7], 0.0)
    both = wardrobe.dress([9, 7], 0.1)
    assert (first, both) == ({7: 0}, {7: 0, 9: 1})
    assert wardrobe.dress([9], 0.2) == {9: 1}
    # 7 is away for a moment: nobody gets their colours yet.
    assert wardrobe.dress([9, 11], 1.0) == {9: 1, 11: 2}
    assert wardrobe.dress([9, 11, 7], 2.0) == {9: 1, 11: 2, 7: 0}


def test_colours_of_who_is_gone_go_to_the_next():
    wardrobe = Wardrobe()
    wardrobe.dress([1, 2], 0.0)
    wardrobe.dress([2], 4.0)
    assert wardrobe.dress([2, 3], 4.1) == {2: 1, 3: 0}


def test_four_people_wear_four_sets_and_a_fifth_wears_some():
    wardrobe = Wardrobe()
    assert sorted(wardrobe.dress(range(4), 0.0).values()) == [0, 1, 2, 3]
    assert wardrobe.dress(range(5), 0.1)[4] in range(4)


def test_a_clock_that_goes_back_does_no_harm():
    wardrobe = Wardrobe()
    wardrobe.dress([1], 100.0)
    assert wardrobe.dress([2], 0.0) == {2: 0}
    assert wardrobe.dress([], 0.0) == {}
