"""The thresholds of ``visibility`` with the real detector: the demo clip whole, and cropped at hips and chest."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from posedemo import registry
from posedemo.datatypes import Frame, Person, Pose3D, Stamp
from posedemo.remap import remap
from posedemo.skeleton import H36M17
from posedemo.viewer.standing import Standing
from posedemo.viewer.visibility import are_hips_seen, legs_not_visible
from videos import clip_pictures

FIRST, LAST = 20, 36
"""The jumper stands on the wall, from head to foot, and swings both arms."""

SIZE_WH = (884, 498)
LEFT, RIGHT = 210, 430
HIPS_PX, CHEST_PX = 131, 95
"""Rows where these pictures are cut: hips are at 120 to 140."""

SETTLING = 4
"""Frames in which the detector finds the person and steadies."""


def people(bottom_px: int) -> list[Person]:
    """The jumper in each frame, as far as they are above a row."""
    found = []
    with registry.create_detector("mediapipe-full", max_people=1) as detector:
        for index, picture in enumerate(clip_pictures(FIRST, LAST, size_wh=SIZE_WH)):
            cut = np.ascontiguousarray(picture[:bottom_px, LEFT:RIGHT])
            for keypoints in detector.detect(Frame(cut, Stamp(index, index / 30))):
                joints = remap(keypoints)
                assert joints.world_xyz_m is not None
                found.append(Person(0, joints, Pose3D(joints.world_xyz_m, joints.confidence)))
    assert len(found) > LAST - FIRST - SETTLING
    return found[SETTLING:]


@pytest.fixture(scope="module")
def whole() -> list[Person]:
    return people(SIZE_WH[1])


@pytest.fixture(scope="module")
def to_the_hips() -> list[Person]:
    return people(HIPS_PX)


def test_legs_are_visible_in_the_whole_picture(whole):
    assert not any(legs_not_visible(person) for person in whole)


def test_legs_are_not_visible_when_the_picture_ends_at_the_hips(to_the_hips):
    assert all(legs_not_visible(person) for person in to_the_hips)
    # The detector names them all the same, below the picture.
    ankle = H36M17.index("left_ankle")
    assert all(person.keypoints.xy_px[ankle, 1] > HIPS_PX for person in to_the_hips)


def test_legs_without_a_lifted_pose_are_judged_by_the_picture(to_the_hips):
    assert all(legs_not_visible(replace(person, pose=None)) for person in to_the_hips)


def test_knees_below_the_picture_are_a_guess_however_somebody_bends():
    """The jumper leans and bends, cut below the hips and enlarged: MediaPipe itself is sure of the knees up to 0.7."""
    top, bottom, left, right = 8, 136, 205, 433
    knees = [H36M17.index("left_knee"), H36M17.index("right_knee")]
    confidences = []
    with registry.create_detector("mediapipe-full", max_people=1) as detector:
        for index, picture in enumerate(clip_pictures(40, 90, size_wh=SIZE_WH)):
            cut = cv2.resize(picture[top:bottom, left:right], (1280, 720), interpolation=cv2.INTER_CUBIC)
            for keypoints in detector.detect(Frame(cut, Stamp(index, index / 30))):
                joints = remap(keypoints)
                assert (joints.xy_px[knees, 1] > 720).all()
                confidences.append(joints.confidence[knees])
    assert len(confidences) > 40
    assert np.quantile(confidences, 0.95) < 0.2


def test_somebody_cut_at_the_hips_keeps_still_where_their_feet_would_bounce(whole, to_the_hips):
    """The pelvis stays at one height to a centimetre, whatever legs are made up in each frame."""
    standing = Standing()
    pelvis = H36M17.index("pelvis")
    heights_m = [
        standing.update([person], index / 30)[0].joints_m[pelvis, 1] for index, person in enumerate(to_the_hips)
    ]
    assert np.ptp(heights_m) < 0.01


def test_a_pelvis_out_of_the_picture_is_a_guess():
    to_the_chest = people(CHEST_PX)
    assert all(legs_not_visible(person) for person in to_the_chest)
    assert not any(are_hips_seen(person.keypoints.confidence) for person in to_the_chest)
