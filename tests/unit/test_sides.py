"""A detector that exchanges left and right from one frame to the next is put right, and somebody who turns is not."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import standing_keypoints
from posedemo.assembly import track_maker
from posedemo.datatypes import Keypoints2D, LifterSpec, Stamp
from posedemo.sides import swap_sides, swapped_parts
from posedemo.skeleton import H36M17
from posedemo.tracking import Tracker

FPS = 30
PERSON = standing_keypoints(300, height_px=200)
LEGS = [H36M17.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee", "ankle")]
ARMS = [H36M17.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "elbow", "wrist")]


def turned(degrees: float) -> Keypoints2D:
    """The person, turned about the vertical."""
    xy_px = PERSON.xy_px.copy()
    xy_px[:, 0] = 300 + (xy_px[:, 0] - 300) * np.cos(np.radians(degrees))
    return replace(PERSON, xy_px=xy_px)


@pytest.mark.parametrize("parts", [(True, False), (False, True), (True, True), (False, False)])
def test_exchanged_arms_and_legs_are_found_and_put_back(parts):
    swapped = swap_sides(PERSON, parts)
    assert swapped_parts(PERSON.xy_px, swapped, 1 / FPS) == parts
    np.testing.assert_array_equal(swap_sides(swapped, parts).xy_px, PERSON.xy_px)


def test_exchange_takes_confidence_and_the_detectors_own_3d_along():
    confidence = np.linspace(0, 1, 17, dtype=np.float32)
    world = np.arange(51, dtype=np.float32).reshape(17, 3)
    swapped = swap_sides(replace(PERSON, confidence=confidence, world_xyz_m=world), (True, False))
    left, right = H36M17.index("left_wrist"), H36M17.index("right_wrist")
    assert swapped.confidence[left] == confidence[right]
    np.testing.assert_array_equal(swapped.world_xyz_m[left], world[right])
    np.testing.assert_array_equal(swapped.world_xyz_m[LEGS], world[LEGS])


def test_unknown_joints_do_not_vote():
    nobody = np.full((17, 2), np.nan, np.float32)
    assert swapped_parts(nobody, PERSON, 1 / FPS) == (False, False)
    known_arms = nobody.copy()
    known_arms[ARMS] = PERSON.xy_px[ARMS]
    assert swapped_parts(known_arms, swap_sides(PERSON, (True, True)), 1 / FPS) == (True, False)


def test_legs_of_somebody_who_stands_sideways_are_left_to_the_detector():
    striding = turned(85).xy_px.copy()
    for part in ("knee", "ankle"):
        striding[H36M17.index(f"left_{part}"), 0] += 40
        striding[H36M17.index(f"right_{part}"), 0] -= 40
    pose = replace(PERSON, xy_px=striding)
    assert swapped_parts(striding, swap_sides(pose, (False, True)), 1 / FPS) == (False, False)


def test_legs_that_pass_each_other_in_a_walk_have_not_changed_places():
    """Seen from the side: ankles swing by a fifth of the body to either side, once a second, knees by half of that."""
    tracker = make_tracker()
    for index in range(60):
        swing_px = 40 * np.sin(2 * np.pi * index / FPS)
        xy_px = turned(80).xy_px.copy()
        for part, share in (("ankle", 1.0), ("knee", 0.5)):
            xy_px[H36M17.index(f"left_{part}"), 0] += share * swing_px
            xy_px[H36M17.index(f"right_{part}"), 0] -= share * swing_px
        (track,) = tracker.update([replace(PERSON, xy_px=xy_px)], Stamp(index, index / FPS))
        np.testing.assert_array_equal(track.keypoints.xy_px, xy_px)


def test_somebody_who_turns_round_within_half_a_second_keeps_the_detectors_sides():
    tracker = make_tracker()
    for index in range(45):
        pose = turned(180 * np.clip((index - 10) / 15, 0, 1))
        (track,) = tracker.update([pose], Stamp(index, index / FPS))
        np.testing.assert_array_equal(track.keypoints.xy_px, pose.xy_px)


def make_tracker() -> Tracker:
    spec = LifterSpec(name="flat", num_frames=1, rate_hz=FPS)
    return Tracker(max_people=1, new_track=track_maker(spec, "off"))


EXCHANGED = replace(swap_sides(PERSON, (True, True)), detected=None)
"""As a detector gives it that is wrong itself."""


@pytest.mark.parametrize("fps", [30, 60, 240])
def test_who_stands_with_spread_limbs_stays_in_sight_when_sides_are_believed(fps):
    """Where left and right hands are far apart, the exchange itself is a leap that nobody makes."""
    xy_px = PERSON.xy_px.copy()
    for side, across_px in (("left", 60), ("right", -60)):
        for part in ("wrist", "elbow", "ankle", "knee"):
            xy_px[H36M17.index(f"{side}_{part}"), 0] += across_px * (0.5 if part in ("elbow", "knee") else 1.0)
    spread = replace(PERSON, xy_px=xy_px)
    exchanged = replace(swap_sides(spread, (True, True)), detected=None)
    tracker = make_tracker()
    seen = [
        [track.track_id for track in tracker.update([exchanged if index > fps else spread], Stamp(index, index / fps))]
        for index in range(2 * fps)
    ]
    assert seen == [[0]] * (2 * fps)
    assert tracker.counts.rejected_jumps == 0
    assert tracker.tracks[0].keypoints is exchanged, "they are believed in the end"


def test_tracker_takes_a_short_exchange_back_and_believes_a_long_one():
    tracker, left_x = make_tracker(), []
    for index in range(60):
        pose = EXCHANGED if 10 <= index < 16 or index >= 30 else PERSON
        (track,) = tracker.update([pose], Stamp(index, index / FPS))
        left_x.append(float(track.keypoints.xy_px[H36M17.index("left_wrist"), 0]))
    assert all(x > 300 for x in left_x[:30])
    believed = [index for index, x in enumerate(left_x) if x < 300]
    assert believed == list(range(believed[0], 60))
    # 0.4 s at 30 frames a second.
    assert believed[0] in (41, 42, 43)
