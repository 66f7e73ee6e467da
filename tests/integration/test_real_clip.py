"""Detector, remap, window, lifter and filter on the real clip: is what comes out a plausible person?"""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from fakes import ListSink
from posedemo import registry
from posedemo.assembly import track_maker
from posedemo.capture.video import VideoFile
from posedemo.datatypes import Result
from posedemo.geometry import bone_lengths
from posedemo.pipeline import run
from posedemo.skeleton import CANONICAL_BONE_SUM_M, H36M17
from posedemo.stages import Stages
from posedemo.timing import StageTimers
from posedemo.tracking import Tracker
from posedemo.viewer.attract import Attract
from posedemo.viewer.scene import Scene
from posedemo.viewer.theme import DARK

JUMPER_FRAMES = slice(5, 150)
"""The jumper stands on the wall, leaps and runs; later frames are of both people."""


def joint(poses: np.ndarray, name: str) -> np.ndarray:
    return poses[:, H36M17.index(name)]


def lifted(clip: Path, num_frames: int | None = None, *, max_people: int = 1) -> list[Result]:
    """Results of the clip's first frames, or of all."""
    sink = ListSink()
    source = VideoFile(clip)
    with (
        registry.create_detector("mediapipe-full", max_people=max_people) as detector,
        registry.create_lifter("semgcn", provider="cpu") as lifter,
    ):
        tracker = Tracker(max_people=max_people, new_track=track_maker(lifter.spec, "balanced"))
        run(islice(source.frames(), num_frames), Stages(detector, tracker, lifter), [sink], StageTimers())
    source.close()
    return sink.results


@pytest.fixture(scope="module")
def results(demo_clip):
    return lifted(demo_clip)


@pytest.fixture(scope="module")
def jumper(results):
    return [result.people[0] for result in results[JUMPER_FRAMES] if result.people]


@pytest.fixture(scope="module")
def poses(jumper):
    return np.array([person.pose.xyz_m for person in jumper])


def test_person_is_found_in_most_frames_and_every_frame_has_a_result(results, jumper):
    assert [result.frame.stamp.index for result in results] == list(range(230))
    # In a somersault against the sun the jumper goes out of sight; at the end they are behind a tree.
    assert sum(bool(result.people) for result in results) > 200
    assert len(jumper) > 140


def test_jumper_is_followed_until_they_leave_and_the_walker_never(results):
    """Through a somersault, and a fall of three metres; the walker leaves to the left at the same time."""
    assert {person.track_id for result in results for person in result.people} == {0}
    assert all(result.people for result in results[205:220])
    assert all(
        person.keypoints.xy_px[H36M17.index("pelvis"), 0] > 1000 for result in results[190:] for person in result.people
    )


def test_two_people_who_cross_keep_their_ids(demo_clip):
    """The jumper is on the wall, the walker below comes in at the right and leaves at the left, passing underneath."""
    results = lifted(demo_clip, max_people=2)
    assert {person.track_id for result in results for person in result.people} == {0, 1}
    pelvis_px = np.full((len(results), 2, 2), np.nan)
    for number, result in enumerate(results):
        for person in result.people:
            pelvis_px[number, person.track_id] = person.keypoints.xy_px[H36M17.index("pelvis")]
    is_there = np.isfinite(pelvis_px[..., 0])
    assert not is_there[:60, 1].any(), "nobody but the jumper is there"
    crossing = pelvis_px[75:165]
    assert is_there[75:165].mean() > 0.98
    assert np.nanmax(crossing[:, 0, 1]) < 450 < 600 < np.nanmin(crossing[:, 1, 1]), "above stays above"
    apart_px = crossing[:, 1, 0] - crossing[:, 0, 0]
    assert apart_px[0] > 400
    assert apart_px[-1] < -400
    # Steps from frame to frame: somebody who became the other would leap by 400 pixels.
    assert np.nanmax(np.abs(np.diff(crossing[..., 0], axis=0))) < 60
    assert pelvis_px[is_there[:, 1], 1, 0][-1] < 100
    assert is_there[205:220, 0].all()
    assert np.nanmin(pelvis_px[205:, 0, 0]) > 1000
    assert not is_there[205:, 1].any()


def test_what_the_clip_showed_is_shown_again_once_everybody_has_left(results):
    """The empty room after the clip: its best moments, as they were, at their own pace, until somebody is there."""
    attract = Attract()
    for result in results:
        assert not attract.update(result.people, result.frame.stamp.time_s).is_replay
    seen = {id(person): result.frame.stamp.time_s for result in results for person in result.people}
    end_s = results[-1].frame.stamp.time_s
    shown = [attract.update((), end_s + (step + 1) / 30) for step in range(30 * 25)]
    first = next(number for number, one in enumerate(shown) if one.is_replay)
    assert all(one.is_replay and len(one.people) == 1 for one in shown[first:])
    times_s = np.array([seen[id(one.people[0])] for one in shown[first:]])
    is_cut = np.array([one.is_cut for one in shown[first:]])
    assert is_cut[0]
    assert is_cut.sum() >= 3, "in a quarter of a minute there is more than one moment"
    steps_s = np.diff(times_s)[~is_cut[1:]]
    np.testing.assert_allclose(steps_s.mean(), 1 / 30, rtol=0.05)
    assert steps_s.min() >= 0
    assert steps_s.max() < 0.5, "a moment goes on where somebody was out of sight for less than that"
    scene = Scene(max_people=1, theme=DARK)
    for number, one in enumerate(shown[first : first + 300]):
        if one.is_cut:
            scene.cut()
        scene.update(one.people, end_s + number / 30)
        assert scene.people[0].joints_m[:, 1].min() > -0.1, "the figure stands on the floor"
    present = attract.update(results[100].people, end_s + 40)
    assert (present.is_replay, present.is_cut) == (False, True)


def test_left_and_right_stay_where_they_are_while_the_jumper_faces_the_camera(results):
    """From frame 64 to 73 the arms go down, and MediaPipe exchanges sides three times."""
    left, right = H36M17.index("left_shoulder"), H36M17.index("right_shoulder")
    for result in results[60:80]:
        (person,) = result.people
        assert person.keypoints.xy_px[left, 0] > person.keypoints.xy_px[right, 0], result.frame.stamp.index


def test_right_arm_is_joints_14_to_16_and_on_its_own_side(results):
    """In frame 60 the jumper stands on the wall, facing the camera, arms up: their right is on the picture's left."""
    person = results[60].people[0]
    right, left = (
        [H36M17.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist")] for side in ("right", "left")
    )
    assert right == [14, 15, 16]
    xy_px = person.keypoints.xy_px
    assert (xy_px[right, 0] < xy_px[left, 0]).all()
    assert (person.pose.xyz_m[right, 0] < person.pose.xyz_m[left, 0]).all()


def test_head_is_above_the_pelvis_and_feet_below(poses):
    """y points down. The jumper bends deeply on landing, never upside down."""
    assert (joint(poses, "head")[:, 1] < joint(poses, "pelvis")[:, 1]).mean() > 0.98
    lowest_foot = np.maximum(joint(poses, "left_ankle")[:, 1], joint(poses, "right_ankle")[:, 1])
    assert (lowest_foot > joint(poses, "pelvis")[:, 1]).mean() > 0.98
    assert (lowest_foot > joint(poses, "head")[:, 1]).all()


def test_bones_have_the_lengths_of_an_adult_and_are_steady(poses):
    lengths_m = bone_lengths(poses, H36M17)
    np.testing.assert_allclose(np.median(lengths_m.sum(axis=-1)), CANONICAL_BONE_SUM_M, rtol=0.12)
    children = [H36M17.joints[child] for _, child in H36M17.bones]
    for name, shortest_m, longest_m in (
        ("right_knee", 0.33, 0.52), ("left_knee", 0.33, 0.52), ("right_ankle", 0.33, 0.52), ("left_ankle", 0.33, 0.52),
        ("left_elbow", 0.2, 0.36), ("right_elbow", 0.2, 0.36), ("left_wrist", 0.17, 0.34), ("right_wrist", 0.17, 0.34),
    ):  # fmt: skip
        bone_m = lengths_m[:, children.index(name)]
        assert shortest_m < np.median(bone_m) < longest_m, name
        # A per-frame lifter does not hold lengths fixed; a spread beyond a quarter would be seen as rubber limbs.
        assert bone_m.std() / bone_m.mean() < 0.25, name


def test_left_and_right_bones_agree(poses):
    lengths_m = np.median(bone_lengths(poses, H36M17), axis=0)
    children = [child for _, child in H36M17.bones]
    for left, right in H36M17.left_right_pairs:
        ratio = lengths_m[children.index(left)] / lengths_m[children.index(right)]
        assert 0.8 < ratio < 1.25, H36M17.joints[left]


@pytest.mark.parametrize("side", ["left", "right"])
def test_knees_bend_forward(poses, side):
    """The knee lies in front of the line from hip to ankle, where the person's front is across hips and trunk."""
    across = joint(poses, "left_hip") - joint(poses, "right_hip")
    up = joint(poses, "thorax") - joint(poses, "pelvis")
    # x right, y down, z away: for somebody who faces the camera, left minus right is +x, up is -y, the front is -z.
    front = np.cross(across, up)
    front /= np.linalg.norm(front, axis=-1, keepdims=True)
    hip, knee, ankle = (joint(poses, f"{side}_{part}") for part in ("hip", "knee", "ankle"))
    leg = (ankle - hip) / np.linalg.norm(ankle - hip, axis=-1, keepdims=True)
    offset = (knee - hip) - ((knee - hip) * leg).sum(axis=-1, keepdims=True) * leg
    forward_m = (offset * front).sum(axis=-1)
    is_bent = np.linalg.norm(offset, axis=-1) > 0.05
    assert is_bent.sum() > 20
    # Knees also turn outward, and one frame's depth can be wrong; the wrong sign for good would be a mirrored depth.
    assert (forward_m[is_bent] > 0).mean() > 0.8


def test_somebody_who_stands_does_not_flicker(results):
    """Second differences while the jumper stands on the wall, gathering momentum.

    A pixel is 6 mm at that distance, and a pixel of white noise gives 25 mm; swapped sides or flipping depth give 100.
    """
    standing = np.array([result.people[0].pose.xyz_m for result in results[20:60]])
    jitter_mm = np.linalg.norm(np.diff(standing, n=2, axis=0), axis=-1).mean() * 1e3
    assert jitter_mm < 20


def test_two_runs_give_the_same_numbers(demo_clip, poses):
    """Files are reproducible: no wall clock and no chance in the pipeline."""
    again = [result.people[0].pose.xyz_m for result in lifted(demo_clip, 30)[5:] if result.people]
    # MediaPipe sums in threads; the last bits of float32 pixels may differ.
    np.testing.assert_allclose(again, poses[: len(again)], atol=1e-3)
