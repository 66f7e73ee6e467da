"""Somebody in other clothes takes a person's place without a jump: the person is looked for, and found, or not."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from fakes import standing_keypoints
from posedemo import pipeline
from posedemo.assembly import track_maker
from posedemo.clothes import Clothes, worn_colors
from posedemo.datatypes import Detections, Frame, Keypoints2D, LifterSpec, Stamp
from posedemo.sessions.records import FrameRecord, pack_frame, unpack_frame
from posedemo.skeleton import H36M17
from posedemo.tracking import LockCounts, Tracker

FPS = 30
SIZE_WH = (640, 360)
RED, GREEN, GREY = (40, 40, 170), (60, 140, 60), (120, 120, 120)
TRUNK = [H36M17.index(f"{side}_{part}") for side, part in (("left", "shoulder"), ("right", "shoulder"),
                                                           ("right", "hip"), ("left", "hip"))]  # fmt: skip


def person(x_px: float) -> Keypoints2D:
    return standing_keypoints(x_px, height_px=200.0)


def painted(*people: tuple[Keypoints2D, tuple[int, int, int]], light: float = 1.0) -> np.ndarray:
    """A picture of people with trunks of a colour, the last one in front."""
    picture = np.full((SIZE_WH[1], SIZE_WH[0], 3), 200, np.uint8)
    for keypoints, color in people:
        shade = tuple(round(channel * light) for channel in color)
        cv2.fillConvexPoly(picture, keypoints.xy_px[TRUNK].round().astype(np.int32), shade)
    return picture


def far(worn: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(worn[0] - other[0]))


def test_other_clothes_differ_more_than_a_shadow_on_the_same():
    keypoints = person(300)
    red, shaded, green = (
        worn_colors(painted((keypoints, color), light=light), keypoints)
        for color, light in ((RED, 1), (RED, 0.6), (GREEN, 1))
    )
    assert 0 < far(red, shaded) < 0.4 * far(red, green)


def test_clothes_that_cannot_be_seen_have_no_colours():
    keypoints = person(300)
    picture = painted((keypoints, RED))
    unsure = keypoints.confidence.copy()
    unsure[H36M17.index("left_shoulder")] = 0.2
    assert np.isnan(worn_colors(picture, replace(keypoints, confidence=unsure))).all()
    assert np.isnan(worn_colors(picture, person(-400))).all()
    no_knee = keypoints.xy_px.copy()
    no_knee[H36M17.index("left_knee")] = np.nan
    worn = worn_colors(picture, replace(keypoints, xy_px=no_knee))
    assert np.isfinite(worn[0]).all()
    assert np.isnan(worn[1]).all()


def test_clothes_that_are_not_seen_for_a_moment_end_no_doubt():
    """Somebody in green is taken for the person in red; then they turn sideways, and show no shoulders for 0.3 s."""
    clothes = Clothes()
    red, green = (worn_colors(painted((person(300), color)), person(300)) for color in (RED, GREEN))
    for index in range(30):
        clothes.see(red, person(300), index / FPS)
    own = clothes.keypoints
    for index in range(30, 36):
        clothes.see(green, person(300), index / FPS)
    assert clothes.are_doubted
    for index in range(36, 46):
        clothes.see(np.full_like(green, np.nan), person(310), index / FPS)
    assert clothes.are_doubted
    assert clothes.keypoints is own


class Passage:
    """A detector of a scene in which somebody walks past in front of a person, and takes it with them.

    Args:
        own: what the person wears.
        other: what the one who walks past wears.
    """

    MEET, NUM_FRAMES = 40, 80

    def __init__(self, own: tuple[int, int, int], other: tuple[int, int, int]) -> None:
        self._own, self._other = own, other
        self.looks: list[int] = []
        self._there: list[Keypoints2D] = []

    def frame(self, index: int) -> Frame:
        self._there = [person(300), person(300 + 3 * (index - self.MEET))]
        picture = painted((self._there[0], self._own), (self._there[1], self._other))
        return Frame(picture, Stamp(index, index / FPS))

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        return (self._there[frame.stamp.index >= self.MEET],)

    def forget(self) -> None:
        pass

    def watch(self, focus) -> None:
        pass

    def look_again(self, frame: Frame, focus) -> tuple[Keypoints2D, ...]:
        self.looks.append(frame.stamp.index)
        hidden = {id(other) for other in focus.others}
        return tuple(one for one in self._there if id(one) not in hidden)

    def close(self) -> None:
        pass


def make_tracker(max_people: int = 1) -> Tracker:
    spec = LifterSpec(name="flat", num_frames=1, rate_hz=FPS)
    return Tracker(max_people=max_people, new_track=track_maker(spec, "off"))


def follow(scene: Passage, tracker: Tracker) -> tuple[list[float], list[Detections]]:
    """Where the person with id 0 is, and what was seen, frame by frame."""
    places, seen = [], []
    for index in range(scene.NUM_FRAMES):
        frame = scene.frame(index)
        seen.append(pipeline.find_people(frame, scene, tracker))
        (track,) = pipeline.follow(frame, seen[-1], tracker)
        assert track.track_id == 0
        places.append(float(track.keypoints.xy_px[0, 0]))
    return places, seen


def test_person_is_taken_back_from_somebody_in_other_clothes():
    scene, tracker = Passage(own=RED, other=GREEN), make_tracker()
    places, _ = follow(scene, tracker)
    counts = tracker.counts
    assert counts.taken_back == 1
    away = [index for index, x_px in enumerate(places) if abs(x_px - 300) > 1]
    # From the first frames in which the two are apart until the second look: a tenth of a second, and some frames in
    # which the person is still hidden.
    assert min(away) > Passage.MEET
    assert len(away) <= 12
    assert places[-1] == pytest.approx(300, abs=1)


def test_nobody_is_taken_back_who_is_being_left():
    """The next person is asked for while the passer-by has the first one's place: that is who is left."""
    scene, tracker = Passage(own=RED, other=GREEN), make_tracker()
    ids, places = [], []
    for index in range(scene.NUM_FRAMES):
        if index == scene.MEET + 6:
            assert tracker.hand_over()
        frame = scene.frame(index)
        (track,) = pipeline.follow(frame, pipeline.find_people(frame, scene, tracker), tracker)
        ids.append(track.track_id)
        places.append(float(track.keypoints.xy_px[0, 0]))
    assert (tracker.counts.taken_back, tracker.counts.hand_overs) == (0, 1)
    assert ids == sorted(ids)
    assert set(ids) == {0, 1}
    assert places[ids.index(1)] == pytest.approx(300, abs=1)


def test_people_dressed_alike_are_left_where_they_are():
    scene, tracker = Passage(own=GREY, other=GREY), make_tracker()
    places, _ = follow(scene, tracker)
    assert tracker.counts == LockCounts(looks_again=1)
    assert places[-1] == pytest.approx(300 + 3 * (Passage.NUM_FRAMES - 1 - Passage.MEET), abs=1)


def replay(seen: list[Detections], scene: Passage, tracker: Tracker) -> list[dict[int, float]]:
    """Track id → x of what was recorded, frame by frame."""
    places = []
    for index, detections in enumerate(seen):
        record = FrameRecord(index, index / FPS, SIZE_WH, detections)
        recorded = unpack_frame(pack_frame(record)).detections
        blank = np.zeros((SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
        frame = Frame(blank, Stamp(index, index / FPS), recorded)
        tracks = pipeline.follow(frame, pipeline.find_people(frame, scene, tracker), tracker)
        places.append({track.track_id: float(track.keypoints.xy_px[0, 0]) for track in tracks})
    return places


def test_replay_of_what_was_recorded_takes_back_alike():
    scene, tracker = Passage(own=RED, other=GREEN), make_tracker()
    places, seen = follow(scene, make_tracker())
    assert replay(seen, scene, tracker) == [{0: x_px} for x_px in places]
    assert tracker.counts.taken_back == 1


def test_replay_with_several_people_takes_back_alike_and_the_other_is_somebody_new():
    scene, tracker = Passage(own=RED, other=GREEN), make_tracker(max_people=2)
    _, seen = follow(scene, make_tracker())
    places = replay(seen, scene, tracker)
    assert tracker.counts.taken_back == 1
    assert places[-1].pop(0) == pytest.approx(300, abs=1)
    assert list(places[-1].values()) == [pytest.approx(300 + 3 * 39, abs=1)]


def test_old_sessions_of_one_person_take_nobody_back_among_several():
    """They do not say whose place was taken."""
    scene, tracker = Passage(own=RED, other=GREEN), make_tracker(max_people=2)
    _, seen = follow(scene, make_tracker())
    (taken,) = (index for index, detections in enumerate(seen) if detections.is_taken_back)
    seen[taken] = replace(seen[taken], again=seen[taken].again[:1])
    places = replay(seen, scene, tracker)
    assert tracker.counts.taken_back == 0
    assert places[taken][0] == pytest.approx(300 + 3 * (taken - Passage.MEET), abs=1)
    alone = make_tracker()
    assert replay(seen, scene, alone)[-1] == {0: pytest.approx(300, abs=1)}
    assert alone.counts.taken_back == 1


class PassageOfTwo(Passage):
    """Somebody walks past in front of the first of two people and takes the detector with them.

    Args:
        found_again_after: frames after which the detector finds the one who was hidden by itself, as one more.
    """

    def __init__(self, *, found_again_after: int | None = None) -> None:
        super().__init__(own=RED, other=GREEN)
        self._found_again = None if found_again_after is None else self.MEET + found_again_after

    def frame(self, index: int) -> Frame:
        self._there = [person(300), person(300 + 3 * (index - self.MEET)), person(80)]
        picture = painted(*zip([self._there[2], *self._there[:2]], (GREY, self._own, self._other), strict=True))
        return Frame(picture, Stamp(index, index / FPS))

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        index = frame.stamp.index
        hidden, taker, second = self._there
        found = [taker if index >= self.MEET else hidden, second]
        if self._found_again is not None and index >= self._found_again:
            found.append(hidden)
        return tuple(found)

    def look_again(self, frame: Frame, focus) -> tuple[Keypoints2D, ...]:
        """Whoever comes is a person once they are there: the first look of all is at everybody."""
        found = super().look_again(frame, focus)
        return found if frame.stamp.index >= self.MEET else tuple(one for one in found if one is not self._there[1])


def places_of_all(scene: Passage, tracker: Tracker) -> list[dict[int, float]]:
    """Track id → x, frame by frame."""
    places = []
    for index in range(scene.NUM_FRAMES):
        frame = scene.frame(index)
        tracks = pipeline.follow(frame, pipeline.find_people(frame, scene, tracker), tracker)
        places.append({track.track_id: float(track.keypoints.xy_px[0, 0]) for track in tracks})
    return places


@pytest.mark.parametrize("max_people", [2, 3])
@pytest.mark.parametrize("found_again_after", [None, 14, 30])
def test_one_of_two_people_is_taken_back(max_people, found_again_after):
    """Whether a second look finds them, or the detector did and took them for somebody new."""
    scene, tracker = PassageOfTwo(found_again_after=found_again_after), make_tracker(max_people)
    last = places_of_all(scene, tracker)[-1]
    assert tracker.counts.taken_back == 1
    assert last[0] == pytest.approx(300, abs=1)
    assert last[1] == pytest.approx(80, abs=1)
    takers = {number: x_px for number, x_px in last.items() if number > 1}
    assert takers == ({2: pytest.approx(300 + 3 * 39, abs=1)} if max_people == 3 else {})


class StageLight(Passage):
    """One person, whose light changes colour for good at once; a second look finds nobody else."""

    def frame(self, index: int) -> Frame:
        self._there = [person(300)]
        picture = painted((self._there[0], self._own if index < self.MEET else self._other))
        return Frame(picture, Stamp(index, index / FPS))

    def detect(self, frame: Frame) -> tuple[Keypoints2D, ...]:
        return (self._there[0],)


def test_person_in_another_light_costs_a_few_looks_and_is_believed():
    class LongStageLight(StageLight):
        NUM_FRAMES = 240

    scene, tracker = LongStageLight(own=RED, other=GREEN), make_tracker()
    places, _ = follow(scene, tracker)
    assert places == [pytest.approx(300, abs=1)] * 240
    assert tracker.counts.taken_back == 0
    # The first chooses the person; in two seconds the pauses grow from a tenth of a second to most of one.
    assert 3 <= len(scene.looks) - 1 <= 7
    assert max(scene.looks) < Passage.MEET + 2 * FPS


def test_one_of_several_in_another_light_costs_a_few_looks_and_is_believed():
    class LongStageLight(StageLight):
        NUM_FRAMES = 240

    scene, tracker = LongStageLight(own=RED, other=GREEN), make_tracker(max_people=2)
    places, _ = follow(scene, tracker)
    assert places == [pytest.approx(300, abs=1)] * 240
    assert tracker.counts.taken_back == 0
    assert len(scene.looks) - 1 <= 7
