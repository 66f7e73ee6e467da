"""The baseline lifter: the detector's own 3D as a pose."""

import numpy as np
import pytest
from fakes import ListSink, ScriptedDetector, make_frame, standing_keypoints
from posedemo import registry
from posedemo.assembly import track_maker
from posedemo.datatypes import Keypoints2D, Window
from posedemo.errors import ConfigError
from posedemo.pipeline import run
from posedemo.skeleton import H36M17, MEDIAPIPE33
from posedemo.stages import Stages
from posedemo.timing import StageTimers
from posedemo.tracking import Tracker


def test_pose_is_the_detectors_3d_from_the_pelvis_and_unknown_where_the_2d_is():
    random = np.random.default_rng(0)
    world_xyz_m = random.normal(0, 0.4, (33, 3)).astype(np.float32)
    person = standing_keypoints(skeleton=MEDIAPIPE33)
    confidence = person.confidence.copy()
    confidence[MEDIAPIPE33.index("right_ankle")] = 0
    person = Keypoints2D(person.xy_px, confidence, MEDIAPIPE33, world_xyz_m)
    lifter, sink = registry.create_lifter("mediapipe", provider="auto"), ListSink()
    tracker = Tracker(max_people=1, new_track=track_maker(lifter.spec, "off"))
    run([make_frame()], Stages(ScriptedDetector([[person]]), tracker, lifter), [sink], StageTimers())
    pose = sink.results[0].people[0].pose
    hips_m = (world_xyz_m[MEDIAPIPE33.index("left_hip")] + world_xyz_m[MEDIAPIPE33.index("right_hip")]) / 2
    for name in ("left_wrist", "right_shoulder", "nose", "left_knee"):
        expected = world_xyz_m[MEDIAPIPE33.index(name)] - hips_m
        np.testing.assert_allclose(pose.xyz_m[H36M17.index(name)], expected, atol=1e-6)
    np.testing.assert_array_equal(pose.xyz_m[H36M17.index("pelvis")], 0)
    assert np.isnan(pose.xyz_m[H36M17.index("right_ankle")]).all()
    np.testing.assert_array_equal(pose.confidence[H36M17.index("nose")], np.float32(0.9))


def test_2d_without_3d_is_refused():
    lifter = registry.create_lifter("mediapipe", provider="cpu")
    window = Window(np.zeros((1, 17, 2), np.float32), np.ones((1, 17), np.float32))
    with pytest.raises(ConfigError, match="come without"):
        lifter.lift([window])


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_provider_where_it_cannot_run_is_refused(provider):
    with pytest.raises(ConfigError, match=provider):
        registry.create_lifter("mediapipe", provider=provider)
