"""MediaPipe as a detector: times, pixels, sides, closing."""

import subprocess
import sys

import numpy as np
import pytest
from posedemo import registry
from posedemo.datatypes import Frame, Stamp
from posedemo.detectors.mediapipe_pose import MediaPipePose
from posedemo.errors import ModelError
from posedemo.skeleton import MEDIAPIPE33
from videos import clip_pictures


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return clip_pictures(60, 66)


def test_times_that_repeat_or_run_backwards_are_no_problem(pictures):
    """MediaPipe itself refuses a time stamp that does not rise by a whole millisecond."""
    times_s = [0.0, 0.0, 0.0001, 5.0, 1.0, 1.0]
    with registry.create_detector("mediapipe-lite", max_people=1) as detector:
        for index, (picture, time_s) in enumerate(zip(pictures, times_s, strict=True)):
            detector.detect(Frame(picture, Stamp(index, time_s)))


def test_pixels_come_from_width_and_height():
    """In frame 60 the jumper stands on the wall: a third of the way across, from near the top to the middle."""
    pictures = clip_pictures(50, 61, size_wh=(1768, 994))
    with registry.create_detector("mediapipe-full", max_people=1) as detector:
        found = [detector.detect(Frame(picture, Stamp(index, index / 30))) for index, picture in enumerate(pictures)]
    (person,) = found[-1]
    assert person.skeleton is MEDIAPIPE33
    nose, hip, ankle = (person.xy_px[MEDIAPIPE33.index(name)] for name in ("nose", "left_hip", "left_ankle"))
    assert 0.3 < hip[0] / 1768 < 0.42
    assert 0.05 < nose[1] / 994 < 0.2 < hip[1] / 994 < 0.35 < ankle[1] / 994 < 0.5
    assert ((person.confidence >= 0) & (person.confidence <= 1)).all()


def test_own_3d_is_in_metres_with_y_down_and_depth_away_from_the_camera():
    """The jumper stands on the wall and faces the camera: upright, nose in front of the ears."""
    with registry.create_detector("mediapipe-full", max_people=1) as detector:
        pictures = clip_pictures(50, 61, size_wh=(1280, 720))
        found = [detector.detect(Frame(picture, Stamp(index, index / 30))) for index, picture in enumerate(pictures)]
    world_m = dict(zip(MEDIAPIPE33.joints, found[-1][0].world_xyz_m, strict=True))
    hips_m = (world_m["left_hip"] + world_m["right_hip"]) / 2
    # The landmarks are given with their origin there, to a millimetre.
    assert np.linalg.norm(hips_m) < 0.005
    assert world_m["nose"][1] < world_m["left_shoulder"][1] < 0 < world_m["left_knee"][1] < world_m["left_ankle"][1]
    assert world_m["right_shoulder"][0] < world_m["left_shoulder"][0]
    assert world_m["nose"][2] < (world_m["left_ear"][2] + world_m["right_ear"][2]) / 2
    assert 0.35 < np.linalg.norm(world_m["left_hip"] - world_m["left_knee"]) < 0.55


def test_nobody_is_an_empty_tuple():
    with registry.create_detector("mediapipe-lite", max_people=2) as detector:
        assert detector.detect(Frame(np.zeros((120, 160, 3), np.uint8), Stamp(0, 0.0))) == ()


def test_zip_that_is_no_pose_model():
    with pytest.raises(ModelError, match="mine"):
        MediaPipePose(b"PK\x05\x06" + bytes(18), name="mine.task", max_people=1)


def test_nothing_is_printed_when_the_program_ends():
    code = "from posedemo import registry\nwith registry.create_detector('mediapipe-lite', max_people=1): pass\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
