"""Sides over a stretch: legs that a detector mixes up are put right, and legs that pass each other are left alone."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from fakes import standing_keypoints
from posedemo.datatypes import Keypoints2D
from posedemo.delay import DelayLine
from posedemo.side_choice import LOOK_AHEAD_S, SideChoice
from posedemo.sides import swap_sides
from posedemo.skeleton import H36M17, LEG

FPS = 30
PERSON = standing_keypoints(300, height_px=200)
LEGS = (False, True)


def sideways(index: int, *, swing_px: float = 40, hz: float = 1.0, phase: float = 0.25) -> Keypoints2D:
    """Somebody seen from the side, whose ankles are ``swing_px`` off the middle at most and knees half as far."""
    xy_px = PERSON.xy_px.copy()
    xy_px[:, 0] = 300 + 0.1 * (xy_px[:, 0] - 300)
    offset_px = swing_px * np.sin(2 * np.pi * (hz * index / FPS + phase))
    for part, share in (("ankle", 1.0), ("knee", 0.5)):
        xy_px[H36M17.index(f"left_{part}"), 0] += share * offset_px
        xy_px[H36M17.index(f"right_{part}"), 0] -= share * offset_px
    return replace(PERSON, xy_px=xy_px)


def mixed_up(pose: Keypoints2D, parts: tuple[bool, bool]) -> Keypoints2D:
    """As a detector would give it that takes left for right."""
    return replace(swap_sides(pose, parts), detected=None)


def settled(poses: Iterable[Keypoints2D], fps: float = FPS) -> list[Keypoints2D]:
    """The poses as a file would have them."""
    choice, waiting, done = SideChoice(), DelayLine(LOOK_AHEAD_S), []
    for index, pose in enumerate(poses):
        choice.push(index / fps, pose)
        done += [choice.at(*ready) for ready in waiting.push(index / fps, (index / fps, pose))]
    return done + [choice.at(*ready) for ready in waiting.rest()]


def assert_equal(ours: Iterable[Keypoints2D], wanted: Iterable[Keypoints2D]) -> None:
    for one, other in zip(ours, wanted, strict=True):
        np.testing.assert_array_equal(one.xy_px, other.xy_px)
        np.testing.assert_array_equal(one.confidence, other.confidence)


@pytest.mark.parametrize("frames", [{20}, {20, 21, 22}, {20, 21, 22, 30, 31}, set(range(20, 29))])
def test_legs_astride_that_change_places_for_a_moment_are_put_back(frames):
    striding = [sideways(0) for _ in range(60)]
    assert_equal(settled(mixed_up(one, LEGS) if k in frames else one for k, one in enumerate(striding)), striding)


def test_knees_and_ankles_alone_are_put_back_too():
    striding = [sideways(0) for _ in range(40)]
    wrong = striding.copy()
    for index in (15, 16):
        xy_px = striding[index].xy_px.copy()
        for part in ("knee", "ankle"):
            both = [H36M17.index(f"{side}_{part}") for side in ("left", "right")]
            xy_px[both] = xy_px[both[::-1]]
        wrong[index] = replace(striding[index], xy_px=xy_px)
    assert_equal(settled(wrong), striding)


def test_the_exchanged_take_confidence_and_the_detectors_own_3d_along():
    confidence = np.linspace(0.5, 1, 17, dtype=np.float32)
    world = np.arange(51, dtype=np.float32).reshape(17, 3)
    striding = [replace(sideways(0), confidence=confidence, world_xyz_m=world) for _ in range(30)]
    done = settled(mixed_up(one, LEGS) if k == 12 else one for k, one in enumerate(striding))
    np.testing.assert_array_equal(done[12].world_xyz_m, world)
    np.testing.assert_array_equal(done[12].confidence, confidence)


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize("hz", [0.5, 1.0, 1.4])
def test_legs_that_pass_each_other_have_not_changed_places(fps, hz):
    """A walk to a run; every phase, for what is near the crossing depends on it."""
    for phase in np.linspace(0, 1, 7):
        walking = [sideways(k, hz=hz * FPS / fps, phase=phase) for k in range(3 * fps)]
        assert_equal(settled(walking, fps), walking)


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize("hz", [1.0, 2.0])
def test_legs_that_meet_and_part_again_have_not_changed_places(fps, hz):
    """Jumping jacks, seen from in front: legs that went through each other would need less of a turn."""
    for phase in np.linspace(0, 0.9, 5):
        jumping = []
        for index in range(3 * fps):
            xy_px, apart_px = PERSON.xy_px.copy(), 40 * abs(np.sin(np.pi * hz * (index + phase) / fps))
            for part, share in (("ankle", 1.0), ("knee", 0.5)):
                for side, sign in (("left", 1), ("right", -1)):
                    xy_px[H36M17.index(f"{side}_{part}"), 0] = 300 + sign * share * apart_px
            jumping.append(replace(PERSON, xy_px=xy_px))
        assert_equal(settled(jumping, fps), jumping)


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize("lasts_s", [0.3, 0.4, 0.8])
def test_a_detector_that_corrects_itself_is_not_put_back_by_the_tracker(fps, lasts_s):
    """Somebody stands; the detector begins with the wrong sides for a moment. The tracker takes the right ones for an
    exchange and undoes it for a while; what it says then is not the detector's opinion."""
    first, num_undone = max(1, fps // 15), round(lasts_s * fps)
    seen = [mixed_up(PERSON, (True, True))] * first + [PERSON] * (2 * fps)
    tracked = [swap_sides(one, (True, True)) if first <= k < first + num_undone else one for k, one in enumerate(seen)]
    assert_equal(settled(tracked, fps)[first:], seen[first:])


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_what_the_tracker_puts_right_for_a_moment_stays_right(fps):
    """The detector takes left legs for right ones for less than the look-ahead, and the tracker undoes it."""
    wide, poses = PERSON.xy_px.copy(), []
    for index in range(fps):
        crossed = abs(index - fps // 2) <= fps // 15
        poses.append(swap_sides(mixed_up(PERSON, LEGS), LEGS) if crossed else PERSON)
    for done in settled(poses, fps):
        np.testing.assert_array_equal(done.xy_px, wide)


def test_walk_with_mixed_up_legs_is_put_right():
    walking = [sideways(k) for k in range(90)]
    astride = {2, 3, 28, 29, 45, 46}  # at 0 and every 15 frames the feet are furthest apart
    assert_equal(settled(mixed_up(one, LEGS) if k in astride else one for k, one in enumerate(walking)), walking)


def test_legs_that_are_drawn_across_each_other_do_not_take_the_hips_along():
    """Somebody who faces the camera and lands: the detector's legs cross for two frames, as in the demo clip. Legs that
    passed each other before would accelerate less, but the hips would point against the shoulders."""
    crossed = {20: (0.1, -0.3, -0.7), 21: (0.6, 0.3, -0.3)}
    poses = []
    for index in range(40):
        xy_px = PERSON.xy_px.copy()
        for part, share in zip(LEG, crossed.get(index, (1, 1, 1)), strict=True):
            both = [H36M17.index(f"{side}_{part}") for side in ("left", "right")]
            xy_px[both, 0] = 300 + share * (xy_px[both, 0] - 300)
        poses.append(replace(PERSON, xy_px=xy_px))
    done = settled(poses)
    left, right = (H36M17.index(f"{side}_hip") for side in ("left", "right"))
    assert all(pose.xy_px[left, 0] > pose.xy_px[right, 0] for pose in done)
    for index in set(range(40)) - set(crossed):
        np.testing.assert_array_equal(done[index].xy_px, poses[index].xy_px)


@pytest.mark.parametrize("parts", [(True, True), (True, False), (False, True)], ids=["all", "arms", "legs"])
def test_somebody_in_front_whose_sides_change_for_a_moment_gets_them_back(parts):
    """The whole person too, whose hips and shoulders agree with each other while they are wrong."""
    standing = [PERSON] * 40
    assert_equal(settled(mixed_up(PERSON, parts) if k in (15, 16) else PERSON for k in range(40)), standing)


def test_detector_that_stays_with_its_opinion_is_believed():
    poses = [sideways(0) if k < 30 else mixed_up(sideways(0), LEGS) for k in range(150)]
    done = settled(poses)
    # It may be contradicted for a second, and not for longer.
    assert_equal(done[60:], poses[60:])


@pytest.mark.parametrize("spoil", ["unknown", "unsure"])
def test_legs_that_nobody_sees_are_left_alone(spoil):
    joints = [H36M17.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee", "ankle")]

    def spoilt(pose: Keypoints2D) -> Keypoints2D:
        xy_px, confidence = pose.xy_px.copy(), pose.confidence.copy()
        confidence[joints] = 0.1
        if spoil == "unknown":
            xy_px[joints], confidence[joints] = np.nan, 0
        return replace(pose, xy_px=xy_px, confidence=confidence)

    poses = [spoilt(mixed_up(sideways(0), LEGS) if k % 7 < 2 else sideways(0)) for k in range(40)]
    assert_equal(settled(poses), poses)


@pytest.mark.parametrize("fill", [np.nan, np.inf])
def test_nothing_known_at_all_is_no_trouble(fill):
    nobody = replace(PERSON, xy_px=np.full((17, 2), fill, np.float32), confidence=np.zeros(17, np.float32))
    poses = [nobody if 10 <= k < 15 else sideways(0) for k in range(30)]
    assert_equal(settled(poses), poses)


@pytest.mark.parametrize("times", [lambda k: k // 10 * 1.0, lambda k: 0.5 * k], ids=["at one time", "far apart"])
def test_frames_that_say_nothing_about_each_other_keep_the_detectors_sides(times: Callable[[int], float]):
    choice = SideChoice()
    poses = [mixed_up(sideways(0), LEGS) if k % 5 == 3 else sideways(0) for k in range(40)]
    for index, pose in enumerate(poses):
        choice.push(times(index), pose)
        assert choice.at(times(index), pose) is pose
