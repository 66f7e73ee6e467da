"""What a person can do between two frames is believed; jumps, blends, flips and stretches of a detector are not."""

import numpy as np
import pytest
from fakes import standing_keypoints
from posedemo.datatypes import Keypoints2D
from posedemo.plausibility import Past, body_size_px, fault
from posedemo.skeleton import H36M17

HEIGHT_PX = 200.0
PERSON = standing_keypoints(300, height_px=HEIGHT_PX)


def standing(fps: float) -> Past:
    """Somebody who has stood for a while, until the moment 0."""
    past = Past.first(PERSON, -0.5)
    for index in range(round(0.5 * fps) - 1, -1, -1):
        past = past.then(PERSON, -index / fps)
    return past


STANDING = standing(30)
FPS = (15, 30, 60)


def moved(person: Keypoints2D, x_px: float, y_px: float = 0.0, joints: tuple[str, ...] = H36M17.joints) -> Keypoints2D:
    xy_px = person.xy_px.copy()
    xy_px[[H36M17.index(name) for name in joints]] += np.float32([x_px, y_px])
    return Keypoints2D(xy_px, person.confidence)


def turned(person: Keypoints2D, degrees: float) -> Keypoints2D:
    """Turned in the picture, about the pelvis."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    pelvis = person.xy_px[H36M17.index("pelvis")]
    return Keypoints2D(((person.xy_px - pelvis) @ turn.T + pelvis).astype(np.float32), person.confidence)


def first_fault(poses: list[Keypoints2D], fps: float) -> str | None:
    """The first fault of poses that follow one another."""
    past = Past.first(poses[0], 0.0)
    for index, pose in enumerate(poses[1:], start=1):
        found = fault(past, pose, index / fps)
        if found is not None:
            return found
        past = past.then(pose, index / fps)
    return None


@pytest.mark.parametrize("fps", FPS)
def test_sprint_from_the_first_frame_on_is_believed(fps):
    """Seven metres a second, four heights of a person."""
    assert first_fault([moved(PERSON, 4 * HEIGHT_PX * index / fps) for index in range(fps)], fps) is None


@pytest.mark.parametrize("fps", FPS)
def test_jump_off_a_wall_is_believed(fps):
    """Up at 3 m/s, then down until the landing stops the fall within a fifth of a second."""
    times_s = np.arange(0, 0.9, 1 / fps)
    up_m = np.where(times_s < 0.7, 3 * times_s - 4.9 * times_s**2, np.nan)
    landed = ~np.isfinite(up_m)
    up_m[landed] = up_m[~landed][-1] - 0.2 * np.minimum(1, (times_s[landed] - 0.7) / 0.2)
    assert first_fault([moved(PERSON, 0, -y * HEIGHT_PX / 1.75) for y in up_m], fps) is None


@pytest.mark.parametrize("fps", FPS)
def test_somersault_is_believed(fps):
    """One and a half turns a second."""
    assert first_fault([turned(PERSON, 540 * index / fps) for index in range(fps)], fps) is None


def test_punch_and_kick_at_once_are_believed():
    arm, leg = ("right_elbow", "right_wrist"), ("left_knee", "left_ankle")
    assert fault(STANDING, moved(moved(PERSON, 0.35 * HEIGHT_PX, 0, arm), -0.2 * HEIGHT_PX, 0, leg), 1 / 30) is None


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("aside", [0.2, 0.45, 2.0])
def test_somebody_aside_is_a_jump(fps, aside):
    assert fault(standing(fps), moved(PERSON, aside * HEIGHT_PX), 1 / fps) == "jump"


def test_standing_on_the_head_from_one_frame_to_the_next_is_a_flip():
    upside_down = turned(PERSON, 180)
    assert fault(STANDING, moved(upside_down, *_trunk_shift(PERSON, upside_down)), 1 / 30) == "flip"


def _trunk_shift(before: Keypoints2D, now: Keypoints2D) -> np.ndarray:
    trunk = [H36M17.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "shoulder")]
    return (before.xy_px[trunk] - now.xy_px[trunk]).mean(axis=0)


def test_limbs_of_a_bystander_are_a_blend():
    limbs = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("elbow", "wrist", "knee", "ankle"))
    blend = moved(PERSON, 0.4 * HEIGHT_PX, 0, limbs)
    # All the limbs' first bones grow as well, which shows first; the same limbs moved less grow less.
    assert fault(STANDING, blend, 1 / 30) in ("blend", "stretch")
    less = moved(PERSON, 0, -0.29 * HEIGHT_PX, limbs)
    assert fault(STANDING, less, 1 / 30) == "blend"


def test_a_trunk_that_points_at_the_camera_has_no_direction():
    """Somebody who bends towards the camera: shoulders and hips come together in the picture, and pass each other."""
    bent = [PERSON.xy_px.copy() for _ in range(2)]
    hips_y = PERSON.xy_px[H36M17.index("pelvis"), 1]
    upper = [H36M17.index(name) for name in ("thorax", "spine")]
    for xy_px, above_px in zip(bent, (0.08 * HEIGHT_PX, -0.08 * HEIGHT_PX), strict=True):
        xy_px[upper, 1] = hips_y - above_px
    before, now = (Keypoints2D(xy_px, PERSON.confidence) for xy_px in bent)
    past = Past.first(before, -0.5)
    for index in range(14, -1, -1):
        past = past.then(before, -index / 30)
    assert fault(past, now, 1 / 30) is None


def test_legs_of_a_bystander_make_bones_longer():
    legs = ("right_knee", "right_ankle")
    assert fault(STANDING, moved(PERSON, 0.6 * HEIGHT_PX, 0, legs), 1 / 30) == "stretch"


def test_somebody_much_larger_at_the_same_place_is_a_stretch():
    middle = PERSON.xy_px.mean(axis=0)
    larger = Keypoints2D(middle + 1.5 * (PERSON.xy_px - middle), PERSON.confidence)
    trunk = moved(larger, *_trunk_shift(PERSON, larger))
    assert fault(STANDING, trunk, 1 / 30) == "stretch"


def test_limits_grow_with_the_time_that_nobody_saw_and_with_slack():
    aside = moved(PERSON, 0.3 * HEIGHT_PX)
    assert fault(STANDING, aside, 1 / 30) == "jump"
    assert fault(STANDING, aside, 1 / 30, slack=4.0) is None
    assert fault(STANDING, aside, 0.6) is None


def test_person_who_moves_is_expected_further_on():
    past = Past.first(PERSON, 0.0)
    for index in range(1, 11):
        past = past.then(moved(PERSON, 10 * index), index / 20)
    # The speed is a running mean that has come within a hundredth of 200 pixels a second.
    np.testing.assert_allclose(past.expected_px(0.55), moved(PERSON, 110).xy_px, atol=0.2)
    # Half a second later nobody knows any more.
    np.testing.assert_allclose(past.expected_px(1.0), moved(PERSON, 140).xy_px, atol=0.5)


def test_one_noisy_frame_throws_the_expectation_off_by_half():
    past = STANDING.then(moved(PERSON, 0.04 * HEIGHT_PX), 1 / 30)
    # The trunk went 8 px in a frame, and half of that speed is believed.
    assert past.travel_px(2 / 30) == pytest.approx([0.02 * HEIGHT_PX, 0], abs=0.01)


def test_speed_of_somebody_who_was_just_found_is_not_known():
    """A detector's first pose is its worst; a speed made of it would carry the expectation away."""
    past = Past.first(moved(PERSON, 40), 0.0).then(PERSON, 1 / 30)
    np.testing.assert_array_equal(past.expected_px(2 / 30), PERSON.xy_px)
    assert fault(past, PERSON, 2 / 30) is None


def test_runner_may_stop_at_a_wall():
    past = Past.first(PERSON, 0.0)
    for index in range(1, 31):
        past = past.then(moved(PERSON, 20 * index), index / 30)
    assert fault(past, moved(PERSON, 600), 31 / 30) is None
    assert fault(past, moved(PERSON, 560), 31 / 30) == "jump"


def test_joints_that_only_one_of_the_frames_knows_say_nothing():
    legs = [H36M17.index(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle")]
    unsure = moved(PERSON, HEIGHT_PX, 0, tuple(H36M17.joints[joint] for joint in legs))
    confidence = PERSON.confidence.copy()
    confidence[legs] = 0.1
    assert fault(STANDING, Keypoints2D(unsure.xy_px, confidence), 1 / 30) is None


def test_poses_without_a_joint_in_common_are_a_jump():
    nobody = Keypoints2D(np.full((17, 2), np.nan, np.float32), np.zeros(17, np.float32))
    assert fault(STANDING, nobody, 1 / 30) == "jump"
    assert body_size_px(nobody) == 1.0
