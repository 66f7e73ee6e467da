"""Where the tracker sends the detector for a second look, and what becomes of what it finds there."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import make_frame, standing_keypoints
from posedemo import pipeline
from posedemo.assembly import track_maker
from posedemo.datatypes import Keypoints2D, LifterSpec, Stamp
from posedemo.detectors.cover import COVER_GREY, cover
from posedemo.focus import Focus
from posedemo.roster import LOST_AFTER_S
from posedemo.skeleton import H36M17
from posedemo.tracking import LockCounts, Tracker

FPS = 30
SIZE_WH = (640, 360)


def person(x_px: float, height_px: float = 200.0) -> Keypoints2D:
    return standing_keypoints(x_px, height_px=height_px)


def make_tracker(max_people: int = 1) -> Tracker:
    spec = LifterSpec(name="flat", num_frames=1, rate_hz=FPS)
    return Tracker(max_people=max_people, new_track=track_maker(spec, "off"))


class Scene:
    """A detector of a scene with known people: by itself it follows whom it likes, a second look sees who is there.

    Args:
        followed: whom the detector itself gives, frame by frame.
        there: who is there, frame by frame.
    """

    def __init__(self, followed: list[list[Keypoints2D]], there: list[list[Keypoints2D]]) -> None:
        self.looks: dict[int, Focus] = {}
        self.watched: list[Focus | None] = []
        self._followed, self._there = followed, there

    def detect(self, frame):
        return tuple(self._followed[frame.stamp.index])

    def forget(self):
        pass

    def watch(self, focus):
        self.watched.append(focus)

    def look_again(self, frame, focus):
        """Everybody within the box who is not covered."""
        self.looks[frame.stamp.index] = focus
        left, top, right, bottom = focus.box_px(frame.size_wh)
        hidden = [other.xy_px.mean(axis=0) for other in focus.others]
        found = []
        for someone in self._there[frame.stamp.index]:
            x, y = middle = someone.xy_px.mean(axis=0)
            if left <= x < right and top <= y < bottom and all(np.hypot(*(middle - other)) > 5 for other in hidden):
                found.append(someone)
        return tuple(found)

    def close(self):
        pass


def follow(tracker: Tracker, scene: Scene, num_frames: int) -> list[dict[int, float]]:
    """Track id → x, frame by frame."""
    seen = []
    for index in range(num_frames):
        frame = make_frame(index, size_wh=SIZE_WH)
        tracks = pipeline.follow(frame, pipeline.find_people(frame, scene, tracker), tracker)
        seen.append({track.track_id: float(track.keypoints.xy_px[:, 0].mean()) for track in tracks})
    return seen


def test_person_in_sight_costs_one_second_look_and_that_at_the_start():
    scene = Scene([[person(300 + index)] for index in range(20)], [[person(300 + index)] for index in range(20)])
    tracker = make_tracker()
    assert all(list(frame) == [0] for frame in follow(tracker, scene, 20))
    assert list(scene.looks) == [0]
    assert tracker.counts == LockCounts(looks_again=1)


def unsure(keypoints: Keypoints2D) -> Keypoints2D:
    return replace(keypoints, confidence=np.full_like(keypoints.confidence, 0.7))


def test_first_poses_that_are_unsure_give_way_to_those_of_a_closer_look_until_both_agree():
    """The detector begins half a body aside and comes nearer from frame to frame; it is sure of itself much later."""
    there = [[person(300)] for _ in range(30)]
    followed = [[unsure(person(300 + max(0, 90 - 30 * index)))] for index in range(30)]
    scene, tracker = Scene(followed, there), make_tracker()
    assert follow(tracker, scene, 30) == [{0: pytest.approx(300, abs=1)}] * 30
    assert list(scene.looks) == [0, 1, 2, 3]
    assert tracker.counts.looks_again == 4


def off(keypoints: Keypoints2D) -> Keypoints2D:
    """The same trunk, with limbs and head a quarter of a body aside: not impossible, from one frame to the next."""
    xy_px = keypoints.xy_px.copy()
    parts = ("elbow", "wrist", "knee", "ankle", "nose", "head")
    xy_px[[index for index, name in enumerate(H36M17.joints) if name.split("_")[-1] in parts], 0] += 48
    return replace(keypoints, xy_px=xy_px)


@pytest.mark.parametrize("is_told", [True, False])
def test_another_detector_is_compared_with_second_looks_for_a_moment(is_told):
    """From frame 10 on it is another one, whose first four poses are off; it is as sure of them as of all others."""
    there = [[person(300)] for _ in range(30)]
    followed = [[off(person(300)) if 10 <= index < 14 else person(300)] for index in range(30)]
    scene, tracker, seen = Scene(followed, there), make_tracker(), []
    for index in range(30):
        if is_told and index == 10:
            tracker.distrust()
        frame = make_frame(index, size_wh=SIZE_WH)
        (track,) = pipeline.follow(frame, pipeline.find_people(frame, scene, tracker), tracker)
        seen.append(float(track.keypoints.xy_px[:, 0].mean()))
    assert (max(seen) == pytest.approx(300, abs=1)) == is_told
    assert list(scene.looks) == ([0, *range(10, 19)] if is_told else [0])


def test_first_poses_that_stay_unsure_are_looked_at_for_a_moment_only():
    """A second look that finds nobody leaves the pose as it is."""
    followed = [[unsure(person(300))] for _ in range(30)]
    scene, tracker = Scene(followed, [[] for _ in range(30)]), make_tracker()
    assert follow(tracker, scene, 30) == [{0: pytest.approx(300, abs=1)}] * 30
    assert max(scene.looks) <= 0.3 * FPS


def test_person_is_found_again_while_the_detector_follows_a_bystander():
    """A bystander two thirds of a body aside, whom the detector follows from frame 10 to 19."""
    there = [[person(300), person(430)] for _ in range(30)]
    followed = [[two[1] if 10 <= index < 20 else two[0]] for index, two in enumerate(there)]
    scene, tracker = Scene(followed, there), make_tracker()
    seen = follow(tracker, scene, 30)
    assert seen == [{0: pytest.approx(300, abs=1)}] * 30
    assert tracker.counts == LockCounts(rejected_jumps=1, looks_again=11, recoveries=1)
    assert scene.looks[12].others[0] is there[12][1]
    np.testing.assert_allclose(scene.looks[12].xy_px, there[12][0].xy_px)


def test_person_whom_only_second_looks_find_is_watched_closely():
    """The detector follows somebody else from frame 5 on, until it is shown the person's surroundings only."""
    there = [[person(300), person(430)] for _ in range(60)]

    class Obedient(Scene):
        def detect(self, frame):
            is_close = self.watched[-1] is not None and self.watched[-1].is_close
            return tuple(self._there[frame.stamp.index][:1]) if is_close else super().detect(frame)

    scene = Obedient([[two[1] if index >= 5 else two[0]] for index, two in enumerate(there)], there)
    seen = follow(make_tracker(), scene, 60)
    assert seen == [{0: pytest.approx(300, abs=1)}] * 60
    # After three frames, for a second; then one look at everything shows that it is still needed.
    assert [index for index in scene.looks if index > 0] == [5, 6, 7, 38]
    close = [index for index, focus in enumerate(scene.watched) if focus is not None and focus.is_close]
    assert close == [*range(8, 38), *range(39, 60)]


def test_misses_with_the_detector_back_in_between_are_no_habit():
    """Twice not found by the detector itself, for a second found, and once not again."""
    there = [[person(300), person(430)] for _ in range(50)]
    missed = (5, 6, 40)
    scene = Scene([[two[index in missed]] for index, two in enumerate(there)], there)
    assert follow(make_tracker(), scene, 50) == [{0: pytest.approx(300, abs=1)}] * 50
    assert set(missed) <= set(scene.looks)
    assert not any(focus is not None and focus.is_close for focus in scene.watched)


def test_several_people_are_never_watched_closely():
    there = [[person(200), person(430)] for _ in range(20)]
    scene = Scene([two if index < 5 else two[:1] for index, two in enumerate(there)], there)
    follow(make_tracker(max_people=2), scene, 20)
    assert len(scene.looks) > 10
    assert scene.watched == [None] * 20


def test_detector_without_a_second_look_loses_the_person_and_finds_them_again():
    tracker, seen = make_tracker(), []
    for index in range(30):
        people = [person(430 if 10 <= index < 20 else 300)]
        tracks = tracker.update(people, Stamp(index, index / FPS), size_wh=SIZE_WH)
        seen.append([track.track_id for track in tracks])
    assert seen == [[0]] * 10 + [[]] * 10 + [[0]] * 10
    assert tracker.counts == LockCounts(rejected_jumps=1, recoveries=1)


def test_person_whose_first_pose_was_wrong_is_believed_when_nobody_else_is_there():
    """The detector's first pose is half a body aside; from then on it is right, and nobody else is found."""
    scene = Scene([[person(395 if index == 0 else 300)] for index in range(12)], [[] for _ in range(12)])
    tracker = make_tracker()
    seen = follow(tracker, scene, 12)
    # Refused for a tenth of a second, which is the person's time to turn up elsewhere.
    assert [len(frame) for frame in seen] == [1] + [0] * 3 + [1] * 8
    assert all(frame == {0: pytest.approx(300, abs=1)} for frame in seen[4:])
    assert tracker.counts.rejected_jumps == 1


def test_who_is_away_for_long_is_no_longer_looked_for_and_somebody_else_is_chosen():
    followed = [[person(300)]] * 5 + [[person(500)]] * 30
    scene, tracker = Scene(followed, followed), make_tracker()
    seen = follow(tracker, scene, 35)
    missing = round(LOST_AFTER_S * FPS)
    assert seen[5 : 4 + missing] == [{}] * (missing - 1)
    assert list(seen[-1]) == [1]
    assert max(scene.looks) <= 6 + missing
    assert tracker.counts.recoveries == 0


def test_choice_is_the_largest_and_most_central_of_all_and_not_the_detectors_first():
    behind, in_front = person(100, 150), person(350, 200)
    scene = Scene([[behind]], [[behind, in_front]])
    assert follow(make_tracker(), scene, 1) == [{0: pytest.approx(350, abs=1)}]
    central, aside = person(320, 180), person(60, 200)
    assert follow(make_tracker(), Scene([[aside]], [[aside, central]]), 1) == [{0: pytest.approx(320, abs=1)}]


def test_who_walked_out_of_the_picture_is_not_looked_for():
    walk = [[person(100 - 12 * index)] for index in range(10)]
    scene = Scene([*walk, *([[]] * 10)], [*walk, *([[]] * 10)])
    follow(make_tracker(), scene, 20)
    assert list(scene.looks) == [0]


def test_one_of_two_people_is_looked_for_with_the_other_covered():
    there = [[person(200), person(420)] for _ in range(12)]
    followed = [two if index < 6 else two[:1] for index, two in enumerate(there)]
    scene, tracker = Scene(followed, there), make_tracker(max_people=2)
    seen = follow(tracker, scene, 12)
    assert [sorted(frame) for frame in seen] == [[0, 1]] * 12
    assert [frame[1] - frame[0] for frame in seen] == pytest.approx([seen[0][1] - seen[0][0]] * 12)
    assert scene.looks[7].others[0] is there[7][0]


def test_of_two_who_are_missing_the_one_who_was_seen_last_is_looked_for_first():
    """One second look a frame; whoever has been away for longer is the less likely to be where they were."""
    left, right = person(150), person(450)
    followed = [[left, right]] * 6 + [[right]] * 4 + [[]] * 3
    scene = Scene(followed, [[] for _ in followed])
    follow(make_tracker(max_people=2), scene, len(followed))
    for index in range(10, 13):
        np.testing.assert_allclose(scene.looks[index].xy_px, right.xy_px)
    np.testing.assert_allclose(scene.looks[8].xy_px, left.xy_px)


def test_all_of_a_group_whom_the_detector_takes_for_the_person_stay_covered():
    """It goes from one to the next, frame by frame: without those before it would come back to them."""
    group = [person(300 + 130 * step) for step in (-1, 1, 2)]
    followed = [[person(300)]] * 10 + [[group[index % 3]] for index in range(6)]
    scene = Scene(followed, [[person(300), *group]] * 16)
    follow(make_tracker(), scene, 16)
    covered = {round(float(other.xy_px[:, 0].mean())) for other in scene.looks[15].others}
    assert covered == {round(float(one.xy_px[:, 0].mean())) for one in group}


def test_who_was_left_by_a_hand_over_stays_covered():
    """The detector would go on following them."""
    tracker, two = make_tracker(), [person(200), person(420)]
    for index in range(5):
        tracker.update(two[:1], Stamp(index, index / FPS), size_wh=SIZE_WH)
    assert tracker.watched(Stamp(5, 5 / FPS)) is None
    assert tracker.hand_over()
    (successor,) = tracker.update(two, Stamp(5, 5 / FPS), size_wh=SIZE_WH)
    assert successor.keypoints is two[1]
    focus = tracker.watched(Stamp(6, 6 / FPS))
    assert focus.others == (two[0],)
    assert not focus.is_close


def test_where_somebody_elusive_may_be_grows_with_the_time_that_they_are_missing():
    there = [[person(300), person(430)] for _ in range(30)]
    scene = Scene([[two[1] if index >= 5 else two[0]] for index, two in enumerate(there)],
                  [two if index < 10 else two[1:] for index, two in enumerate(there)])  # fmt: skip
    follow(make_tracker(), scene, 16)
    # They were found until frame 9, and each frame is prepared for before it is looked at.
    missing_s = [focus.missing_s for focus in scene.watched[10:16]]
    assert missing_s == pytest.approx([(index - 9) / FPS for index in range(10, 16)])


def test_a_usual_size_is_forgotten_with_the_time():
    """Who stood, and sits for six seconds now, is no longer looked for as if they stood."""
    tracker = make_tracker()
    for index in range(240):
        height_px = 200 if index < 30 else max(100, 200 - 5 * (index - 30))
        (track,) = tracker.update([person(300, height_px)], Stamp(index, index / FPS))
        if index == 60:
            assert track.usual_px > 110, "a second ago they stood half as tall again"
    assert track.usual_px == pytest.approx(np.ptp(person(300, 100).xy_px, axis=0).max(), rel=0.01)


def test_box_is_a_square_around_the_joints_within_the_picture():
    someone = person(320, 100)
    left, top, right, bottom = Focus(someone.xy_px).box_px((640, 360))
    assert right - left == pytest.approx(1.4 * np.ptp(someone.xy_px, axis=0).max(), abs=4)
    assert top == 0
    assert bottom > someone.xy_px[:, 1].max()
    assert Focus().box_px((640, 360)) == (0, 0, 640, 360)


def test_cover_hides_the_other_and_leaves_the_person():
    picture = np.full((360, 640, 3), 200, np.uint8)
    someone, other = person(300), person(330)
    covered = cover(picture, Focus(someone.xy_px, (other,)))
    x, y = other.xy_px[H36M17.index("left_knee")].round().astype(int)
    assert (covered[y, x] == COVER_GREY).all()
    for x, y in someone.xy_px.round().astype(int):
        assert (covered[y, x] == 200).all()
    assert (picture == 200).all()
    assert cover(picture, Focus(someone.xy_px)) is picture


def test_box_grows_while_somebody_is_missing_and_is_never_smaller_than_they_usually_are():
    crouching = person(320, 60)

    def side_px(focus: Focus) -> int:
        left, _, right, _ = focus.box_px((640, 360))
        return right - left

    tight, later = side_px(Focus(crouching.xy_px)), side_px(Focus(crouching.xy_px, missing_s=0.2))
    # Half a side and a fifth of one, and three a second more, on either side.
    assert tight == pytest.approx(2 * 0.7 * np.ptp(crouching.xy_px, axis=0).max(), abs=4)
    assert later == pytest.approx(2 * 1.3 * np.ptp(crouching.xy_px, axis=0).max(), abs=4)
    assert side_px(Focus(crouching.xy_px, usual_px=180)) == pytest.approx(1.4 * 180, abs=4)


def test_bystander_who_is_far_away_does_not_make_the_person_less_believable():
    """Somebody was refused a frame ago. The person moves by more than tight limits allow, but not beyond the others."""
    for aside_px, is_followed in ((150, False), (300, True), (600, True)):
        tracker = make_tracker()
        for index in range(10):
            tracker.update([person(300)], Stamp(index, index / FPS))
        assert tracker.update([person(300 + aside_px)], Stamp(10, 10 / FPS)) == ()
        # The limit is 0.05 of a body and 0.9 a second of it more: 0.11 after two frames, and 0.08 where it is tight.
        moved = tracker.update([person(300 + 0.095 * 206)], Stamp(11, 11 / FPS))
        assert bool(moved) == is_followed


def test_cover_that_hides_the_person_is_taken_away_where_nobody_is_found():
    """The detector gives a wrong pose in the person's own place for a while: its cover would hide them."""
    lying_px = person(300).xy_px[:, ::-1] + np.array([300 - 104, 104 - 300], np.float32)
    wrong = replace(person(300), xy_px=lying_px)
    there = [[person(300)] for _ in range(20)]
    followed = [[wrong] if index >= 10 else [person(300)] for index in range(20)]

    class Shadowed(Scene):
        """Nobody is seen beneath that cover."""

        def look_again(self, frame, focus):
            found = super().look_again(frame, focus)
            return () if any(other is wrong for other in focus.others) else found

    scene = Shadowed(followed, there)
    assert follow(make_tracker(), scene, 20)[11:] == [{0: pytest.approx(300, abs=1)}] * 9
    assert all(other is not wrong for index in range(11, 20) for other in scene.looks[index].others)
