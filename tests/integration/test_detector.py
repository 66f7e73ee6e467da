"""MediaPipe as a detector: times, pixels, sides, closing."""

import subprocess
import sys
from pathlib import Path

import mediapipe as mp
import numpy as np
import pytest
from mediapipe.tasks.python import BaseOptions, vision
from posedemo import registry
from posedemo.datatypes import Frame, Stamp
from posedemo.detectors.mediapipe_pose import MediaPipePose
from posedemo.errors import ModelError
from posedemo.focus import Focus
from posedemo.remap import remap
from posedemo.skeleton import MEDIAPIPE33
from videos import clip_pictures

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"


def landmarker(name: str, mode: vision.RunningMode, num_poses: int) -> vision.PoseLandmarker:
    """MediaPipe's own, with its file as it is."""
    bundle = (WEIGHTS / f"pose_landmarker_{name}.task").read_bytes()
    return vision.PoseLandmarker.create_from_options(
        vision.PoseLandmarkerOptions(BaseOptions(model_asset_buffer=bundle), running_mode=mode, num_poses=num_poses)
    )


def image(picture_bgr: np.ndarray) -> mp.Image:
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(picture_bgr[..., ::-1]))


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


@pytest.mark.parametrize("name", ["lite", "full"])
def test_landmarks_are_those_of_the_whole_network_to_the_bit(name):
    """What is left out of it is of no use to them: followed for ten frames, and in a second look."""
    pictures = clip_pictures(50, 60, size_wh=(1280, 720))
    frames = [Frame(picture, Stamp(index, index / 30)) for index, picture in enumerate(pictures)]
    with registry.create_detector(f"mediapipe-{name}", max_people=1) as detector:
        ours = [*(detector.detect(frame) for frame in frames), detector.look_again(frames[-1], Focus())]
    with landmarker(name, vision.RunningMode.VIDEO, 1) as following:
        # The detector looks at an empty picture first.
        following.detect_for_video(image(np.zeros((256, 256, 3), np.uint8)), 0)
        times_ms = (max(1, round(frame.stamp.time_s * 1e3)) for frame in frames)
        theirs = [following.detect_for_video(image(bgr), ms) for bgr, ms in zip(pictures, times_ms, strict=True)]
    with landmarker(name, vision.RunningMode.IMAGE, 2) as single:
        theirs.append(single.detect(image(pictures[-1])))
    assert sum(map(len, ours)) > 5
    for people, found in zip(ours, theirs, strict=True):
        for person, marks, world in zip(people, found.pose_landmarks, found.pose_world_landmarks, strict=True):
            in_picture = np.array([(mark.x, mark.y) for mark in marks], np.float32)
            in_world = np.array([(mark.x, mark.y, mark.z) for mark in world], np.float32)
            assert np.array_equal(person.xy_px, in_picture * np.array([1280, 720], np.float32))
            assert np.array_equal(person.world_xyz_m, in_world)


def test_person_who_is_watched_closely_is_where_they_are_in_the_whole_picture():
    """From frame 12 on a part of the picture is shown, the same as long as they stay in it."""
    pictures = clip_pictures(50, 80, size_wh=(1280, 720))
    frames = [Frame(picture, Stamp(index, index / 30)) for index, picture in enumerate(pictures)]
    with registry.create_detector("mediapipe-full", max_people=1) as detector:
        followed = [detector.detect(frame) for frame in frames]
    with registry.create_detector("mediapipe-full", max_people=1) as detector:
        for index, frame in enumerate(frames):
            detector.watch(Focus(remap(followed[index][0]).xy_px, is_close=True) if index >= 12 else None)
            people = detector.detect(frame)
            if index >= 12:
                apart_px = np.linalg.norm(people[0].xy_px - followed[index][0].xy_px, axis=-1)
                # The jumper is 240 pixels tall; found afresh, MediaPipe's joints differ by some pixels.
                assert np.median(apart_px) < 12


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
