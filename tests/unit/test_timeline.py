"""Times that a file states, and when its pictures really are."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from posedemo.capture.timeline import Timeline

STEP_S = 1.0
"""Of the examples, whose times are in seconds for that reason: whole steps are easy to read."""


def placed(stated, *, end_s=100.0, step_s=STEP_S):
    timeline = Timeline(end_s)
    return [
        timeline.place(time_s, following_s, step_s)
        for time_s, following_s in zip(stated, [*stated[1:], None], strict=True)
    ]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([0, 1, 2, 5, 5.5], [0, 1, 2, 5, 5.5]),
        ([0, 1, 1, 2, 3], [0, 1, 1.5, 2, 3]),
        ([0, 1, 3, 2, 4], [0, 1, 1.5, 2, 4]),
        ([0, 1, 50, 2, 3], [0, 1, 1.5, 2, 3]),
        ([0, 1, -50, 2, 3], [0, 1, 1.5, 2, 3]),
        ([0, 1, 2, 1e9], [0, 1, 2, 3]),
        ([0, 1, 2, -90, -89, -87], [0, 1, 2, 3, 4, 6]),
        ([0, 1, 2, 5000, 5001, 5003], [0, 1, 2, 3, 4, 6]),
        ([0, 0, 0, 0, 0], [0, 1, 2, 3, 3.5]),
        ([None, None, None], [0, 1, 2]),
        ([0, 1, None, 3], [0, 1, 2, 3]),
        ([70, 1, 2, 3], [0, 1, 2, 3]),
    ],
    ids=["variable rate", "repeated", "swapped", "one too late", "one too early", "last one wrong", "clock set back",
         "clock set forward", "all the same", "none", "one missing", "first one wrong"],
)  # fmt: skip
def test_examples(stated, expected):
    assert placed(stated) == expected


@pytest.mark.parametrize(("end_s", "expected"), [(100.0, [0, 1, 60]), (None, [0, 1, 2])])
def test_long_hole_is_believed_where_the_file_is_so_long(end_s, expected):
    assert placed([0, 1, 60], end_s=end_s) == expected


def test_times_beyond_an_end_that_is_too_early_are_kept():
    """MP4 of rare pictures that were reordered: the end that it states lies before its last ones."""
    assert placed([0, 1, 2, 3, 5, 8], end_s=3.1) == [0, 1, 2, 3, 5, 8]


def test_repeated_times_do_not_add_up():
    """Each second picture repeats the time of the one before it: after five minutes the sound is still in step."""
    stated = [index // 2 * 2 / 30 for index in range(30 * 300)]
    assert placed(stated, end_s=300.0, step_s=1 / 30)[-1] == pytest.approx(stated[-1], abs=2 / 30)


def test_times_that_rounding_alone_tells_apart_have_room_between_them():
    """The clock is set back and forth by numbers that are not exact: what follows is a rounding error later."""
    a_s, b_s = 0.5393048492117526, 2.0
    result = placed([None, b_s, 0.0, b_s, None, a_s, 0.0, a_s], end_s=None, step_s=1e-4)
    assert all(earlier < later for earlier, later in pairwise(result))


LONGEST_S = 1e9
"""Thirty years. A thousand times as much, and a picture later is the same number."""

times = st.one_of(st.none(), st.floats(-LONGEST_S, LONGEST_S), st.floats(0, 10))


@given(st.lists(times, min_size=1, max_size=40), st.one_of(st.none(), st.floats(0, LONGEST_S)), st.floats(1e-4, 10))
def test_times_rise_whatever_is_stated(stated, end_s, step_s):
    result = placed(stated, end_s=end_s, step_s=step_s)
    assert all(math.isfinite(time_s) for time_s in result)
    assert all(earlier < later for earlier, later in pairwise(result))
