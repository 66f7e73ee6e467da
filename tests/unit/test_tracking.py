"""Who is who: crossings, bystanders, leaving and coming back."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import standing_keypoints
from posedemo.assembly import track_maker
from posedemo.datatypes import LifterSpec, Stamp
from posedemo.roster import LOST_AFTER_S
from posedemo.tracking import Tracker

FPS = 30


def make_tracker(max_people: int = 1) -> Tracker:
    spec = LifterSpec(name="flat", num_frames=1, rate_hz=30)
    return Tracker(max_people=max_people, new_track=track_maker(spec, "off"))


def follow(tracker: Tracker, steps: list[list[float]]) -> list[dict[int, float]]:
    """Show people at the given x positions, frame by frame; returns track id → x of each frame."""
    seen = []
    for index, positions in enumerate(steps):
        people = [standing_keypoints(x, height_px=100) for x in positions]
        tracks = tracker.update(people, Stamp(index, index / FPS))
        seen.append({track.track_id: float(np.mean(track.keypoints.xy_px[:, 0])) for track in tracks})
    return seen


def test_one_person_keeps_one_id():
    assert {tuple(frame) for frame in follow(make_tracker(), [[100 + 5 * i] for i in range(40)])} == {(0,)}


def test_short_absence_keeps_the_id_and_a_long_one_does_not():
    short = int(LOST_AFTER_S * FPS) - 2
    assert list(follow(make_tracker(), [[100]] + [[]] * short + [[100]])[-1]) == [0]
    assert list(follow(make_tracker(), [[100]] + [[]] * 3 * short + [[100]])[-1]) == [1]


def test_bystander_does_not_take_the_place_of_the_person():
    """A detector that jumps to somebody else in the picture must make nobody a new person while the place is kept."""
    tracker = make_tracker()
    seen = follow(tracker, [[100], [100], [400], [100], [100]])
    assert [list(frame) for frame in seen] == [[0], [0], [], [0], [0]]
    assert (tracker.counts.rejected_jumps, tracker.counts.recoveries) == (1, 1)


def test_who_stays_away_gives_their_place_to_somebody_else():
    away = int(LOST_AFTER_S * FPS) + 2
    seen = follow(make_tracker(), [[100], [100]] + [[400]] * away)
    assert [list(frame) for frame in seen[:-2]] == [[0], [0]] + [[]] * (away - 2)
    assert [list(frame) for frame in seen[-2:]] == [[1], [1]]


@pytest.mark.parametrize("start", [391, 395, 398])
def test_two_people_who_cross_between_frames_keep_their_ids(start):
    """Each is found where the other was a frame ago, so that the way that they went has to tell."""
    steps = [[100 + 10 * i, start - 10 * i] for i in range(30)]
    seen = follow(make_tracker(max_people=2), steps)
    assert [sorted(frame) for frame in seen] == [[0, 1]] * 30
    assert seen[-1][0] - seen[0][0] == pytest.approx(290, abs=1)
    assert seen[-1][1] - seen[0][1] == pytest.approx(-290, abs=1)


def test_whoever_is_nearest_goes_first():
    """Somebody comes near to one who stands, and is found first."""
    steps = [[200 - 4 * i, 100] for i in range(25)] + [[104, 100]] * 10
    seen = follow(make_tracker(max_people=2), [[100]] + [[200, 100]] * 6 + steps)
    assert seen[-1][0] == pytest.approx(100, abs=1)
    assert seen[-1][1] == pytest.approx(104, abs=1)


def test_two_people_who_cross_keep_their_ids():
    steps = [[100 + 10 * i, 400 - 10 * i] for i in range(30)]
    shuffled = [step if index % 2 else step[::-1] for index, step in enumerate(steps)]
    seen = follow(make_tracker(max_people=2), shuffled)
    assert [sorted(frame) for frame in seen] == [[0, 1]] * 30
    for who in (0, 1):
        moves = np.diff([frame[who] for frame in seen])
        # Where they meet the two are indistinguishable, so ids may settle either way, but nobody may jump.
        assert np.abs(moves).max() < 25


def test_never_more_people_than_asked_for_and_the_largest_first():
    tracker = make_tracker(max_people=1)
    people = [standing_keypoints(100, height_px=50), standing_keypoints(300, height_px=200)]
    (track,) = tracker.update(people, Stamp(0, 0.0))
    assert track.keypoints is people[1]


def test_person_detected_twice_is_one_person():
    tracker = make_tracker(max_people=3)
    seen = follow(tracker, [[100], [100, 108], [104, 100], *[[100, 108, 300]] * 5])
    assert [list(frame) for frame in seen[:3]] == [[0], [0], [0]]
    assert list(seen[-1]) == [0, 1]


def test_somebody_more_who_is_there_for_two_frames_only_is_nobody():
    """A detector that looks for two makes one up now and then. Whoever comes later gets the id that was not given."""
    tracker = make_tracker(max_people=2)
    seen = follow(tracker, [[100]] * 5 + [[100, 300]] * 2 + [[100]] * 5 + [[100, 500]] * 8)
    assert [list(frame) for frame in seen[:12]] == [[0]] * 12
    # A tenth of a second is enough for those who are really there.
    assert [list(frame) for frame in seen[12:]] == [[0]] * 3 + [[0, 1]] * 5


def test_two_who_are_there_from_the_start_count_at_once():
    assert list(follow(make_tracker(max_people=2), [[100, 300]])[0]) == [0, 1]


def test_nobody_is_nobody():
    assert make_tracker().update([], Stamp(0, 0.0)) == ()


def test_person_who_falls_out_of_sight_for_a_moment_keeps_the_id():
    """They come back a body's size and a half away, after their place has been given up."""
    away = int(LOST_AFTER_S * FPS) + 4
    seen = follow(make_tracker(), [[100]] * 10 + [[]] * away + [[250]] * 5)
    assert [list(frame) for frame in seen[-5:]] == [[0]] * 5


def test_person_who_comes_from_elsewhere_after_that_moment_is_somebody_else():
    away = int(LOST_AFTER_S * FPS) + 4
    seen = follow(make_tracker(), [[100]] * 10 + [[]] * away + [[500]] * 5)
    assert [list(frame) for frame in seen[-5:]] == [[1]] * 5


def test_who_would_get_their_place_back_is_remembered():
    """What is changed for everybody, such as the smoothing, must reach them too."""
    tracker = make_tracker()
    (track,) = tracker.update([standing_keypoints(100)], Stamp(0, 0.0))
    for index in range(1, 25):
        tracker.update([], Stamp(index, index / FPS))
    assert (tracker.tracks, tracker.remembered) == ((), (track,))
    for index in range(25, 40):
        tracker.update([], Stamp(index, index / FPS))
    assert tracker.remembered == ()


def test_person_of_another_size_is_somebody_else():
    """Whoever turns up in the same place but three times as large, or as small, has not just been there."""
    away = int(LOST_AFTER_S * FPS) + 4
    for height_px, expected in ((130, 0), (300, 1), (34, 1)):
        tracker = make_tracker()
        for index in range(10):
            tracker.update([standing_keypoints(100, height_px=100)], Stamp(index, index / FPS))
        for index in range(10 + away, 15 + away):
            back = standing_keypoints(100, height_px=height_px)
            (track,) = tracker.update([back], Stamp(index, index / FPS))
        assert track.track_id == expected


def test_bystander_who_was_refused_does_not_become_the_person_who_is_gone():
    """They stood a body's size aside all the time."""
    away = int(LOST_AFTER_S * FPS) + 2
    seen = follow(make_tracker(), [[100], [100]] + [[220]] * away)
    assert [list(frame) for frame in seen[-1:]] == [[1]]


def test_second_look_for_one_person_that_finds_the_other_again_makes_nobody_two():
    tracker = make_tracker(max_people=2)
    two = [standing_keypoints(x, height_px=100) for x in (100, 160)]
    for index in range(10):
        assert len(tracker.update(two, Stamp(index, index / FPS))) == 2
    for index in range(10, 16):
        tracks = tracker.update(two[:1], Stamp(index, index / FPS), again=[standing_keypoints(112, height_px=100)])
        assert [track.track_id for track in tracks] == [0]


def test_what_a_second_look_found_is_nobody_twice():
    """The detector is unsure of two who stand close together; a second look is sure of one, who lies between them."""
    between = standing_keypoints(100, height_px=100)
    for places in ([60, 140], [140, 60], [55]):
        tracker = make_tracker(max_people=3)
        unsure = [standing_keypoints(x, height_px=100) for x in places]
        unsure = [replace(one, confidence=one.confidence * np.float32(0.6)) for one in unsure]
        for index in range(3):
            tracks = tracker.update(unsure, Stamp(index, index / FPS), again=[between, *unsure[1:]])
            assert len({track.keypoints.xy_px.tobytes() for track in tracks}) == len(tracks)
            assert index or any(track.keypoints is between for track in tracks)
