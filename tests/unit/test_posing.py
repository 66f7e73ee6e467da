"""Modes and posing in the loop: which mode is chosen, what is delayed and what is stated, and that bones hold."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fakes import FlatLifter, ListSink, ScriptedDetector, make_frame, standing_keypoints
from posedemo import registry
from posedemo.assembly import make_stages
from posedemo.checks import check_posing
from posedemo.datatypes import Keypoints2D, LifterSpec, Pose3D
from posedemo.errors import ConfigError, SourceError
from posedemo.geometry import bone_lengths
from posedemo.manifest import ModelEntry, known_names, manifest
from posedemo.modes import choose_mode, lifter_in_mode, posing_facts, sides_look_ahead_s, smoothing_look_ahead_s
from posedemo.pipeline import run
from posedemo.settings import Settings
from posedemo.skeleton import CANONICAL_BONE_SUM_M, H36M17
from posedemo.stages import Stages
from posedemo.timing import StageTimers

FPS = 30
WRIST = H36M17.index("left_wrist")


class RubberLifter(FlatLifter):
    """The flat lifter with bones that breathe and a left arm that is too long."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def lift(self, windows):
        poses = super().lift(windows)
        stretched = []
        for pose in poses:
            xyz_m = 4 * pose.xyz_m * np.float32(np.exp(0.1 * self._random.normal()))
            xyz_m[WRIST] *= np.float32(1.2)
            stretched.append(Pose3D(xyz_m.astype(np.float32), pose.confidence))
        return tuple(stretched)


class WaveringLifter(FlatLifter):
    """The flat lifter with every joint some centimetres off."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def lift(self, windows):
        off_m = [self._random.normal(scale=0.04, size=(17, 3)).astype(np.float32) for _ in windows]
        return tuple(
            Pose3D(pose.xyz_m + off - off[0], pose.confidence)
            for pose, off in zip(super().lift(windows), off_m, strict=True)
        )


def walking(num_frames: int, *, lost: range = range(0)) -> list[list[Keypoints2D]]:
    """Somebody who moves to the right and waves; their wrist is unknown in some frames."""
    script = []
    for index in range(num_frames):
        keypoints = standing_keypoints(20 + 0.4 * index)
        xy_px, confidence = keypoints.xy_px.copy(), keypoints.confidence.copy()
        xy_px[WRIST, 1] -= 4 * np.sin(index / 3)
        if index in lost:
            xy_px[WRIST], confidence[WRIST] = np.nan, 0
        script.append([Keypoints2D(xy_px, confidence)])
    return script


def results(settings: Settings, script, lifter=None) -> list:
    sink = ListSink()
    stages: Stages = make_stages(settings, ScriptedDetector(script), lifter or FlatLifter())
    run([make_frame(index) for index in range(len(script))], stages, [sink], StageTimers())
    return sink.results


def test_a_sessions_last_frame_is_not_waited_behind():
    """Whoever watches a session may stay at its end, and sees what is there."""
    script, sink = walking(20), ListSink()
    stages: Stages = make_stages(Settings(mode="file"), ScriptedDetector(script), FlatLifter())
    shown_at_the_end = []

    def watched():
        yield from (make_frame(index) for index in range(19))
        yield replace(make_frame(19), is_last=True)
        shown_at_the_end.extend(sink.results)

    run(watched(), stages, [sink], StageTimers())
    assert [result.frame.stamp.index for result in shown_at_the_end] == list(range(20))
    assert len(sink.results) == 20, "none of them twice"


def poses_m(settings: Settings, script, lifter=None) -> np.ndarray:
    return np.array([result.people[0].pose.xyz_m for result in results(settings, script, lifter)])


@pytest.mark.parametrize(
    ("options", "has_window", "mode"),
    [
        ({"camera": "0"}, True, "live"),
        ({"camera": "0", "exports": ("a.npz",)}, False, "live"),
        ({"camera": "0", "mode": "file"}, True, "file"),
        ({"video": "a.mp4"}, True, "live"),
        ({"video": "a.mp4", "output": "b.mp4"}, True, "file"),
        ({"video": "a.mp4", "exports": ("a.npz",)}, False, "file"),
        ({"video": "a.mp4", "exports": ("a.npz",), "mode": "live"}, False, "live"),
        ({}, False, "file"),
    ],
)
def test_mode_follows_from_source_and_outputs_and_can_be_chosen(options, has_window, mode):
    assert choose_mode(Settings(**options), has_window=has_window) == mode


def test_look_ahead_is_that_of_lifter_sides_and_filter_together():
    centred = LifterSpec(name="centred", num_frames=27, rate_hz=30, look_ahead=13)
    for settings, mode, frames, milliseconds in (
        (Settings(), "live", 13, 433.3),
        (Settings(), "file", 13 + 14, 433.3 + 200 + 250),
        (Settings(smooth="off"), "file", 13 + 6, 433.3 + 200),
        (Settings(smooth="calm"), "file", 13 + 18, 433.3 + 200 + 400),
    ):
        facts = posing_facts(centred, settings, mode)
        assert (facts["mode"], facts["look_ahead_frames"]) == (mode, frames)
        assert facts["look_ahead_ms"] == pytest.approx(milliseconds, abs=0.11)
        assert facts["sides_look_ahead_ms"] == 1e3 * sides_look_ahead_s(mode)
        assert facts["smoothing_look_ahead_ms"] == 1e3 * smoothing_look_ahead_s(settings, mode)


def test_file_mode_takes_the_twin_that_sees_what_follows():
    entries = [
        ModelEntry("plain", "lifter", "", "", ""),
        ModelEntry("causal", "lifter", "", "", "", centred="causal-centred"),
        ModelEntry("causal-centred", "lifter", "", "", ""),
    ]
    for name, mode, expected in (
        ("causal", "file", "causal-centred"),
        ("causal", "live", "causal"),
        ("plain", "file", "plain"),
        ("mine.onnx", "file", "mine.onnx"),
    ):
        assert lifter_in_mode(name, mode, entries) == expected


def test_by_itself_live_waits_for_nothing_and_a_file_is_lifted_with_what_follows():
    for mode, is_late in (("live", False), ("file", True)):
        with registry.create_lifter(lifter_in_mode(Settings.lifter, mode), provider="cpu") as lifter:
            assert (lifter.spec.look_ahead > 0) == is_late


def test_every_stand_in_is_a_lifter():
    for entry in manifest():
        assert lifter_in_mode(entry.name, "file") in known_names(entry.kind)


def test_results_of_a_file_are_whole_in_order_and_not_late():
    """The wave comes out in its own frames, where a causal filter passes it on later."""
    script = walking(60)
    plain, live, file = (
        poses_m(Settings(bones="free", **options), script)
        for options in ({"smooth": "off"}, {"mode": "live", "smooth": "calm"}, {"mode": "file", "smooth": "snappy"})
    )
    assert [result.frame.stamp.index for result in results(Settings(mode="file"), script)] == list(range(60))
    wave = plain[10:50, WRIST, 1] - plain[10:50, WRIST, 1].mean()

    def best_delay(way: np.ndarray) -> int:
        return max(range(-4, 5), key=lambda delay: float(wave @ way[10 + delay : 50 + delay, WRIST, 1]))

    assert (best_delay(plain), best_delay(file)) == (0, 0)
    assert best_delay(live) > 0


def test_frames_that_wait_for_their_filter_are_written_when_the_source_breaks_off():
    def broken():
        yield from (make_frame(index) for index in range(10))
        raise SourceError("the cable is out")

    sink = ListSink()
    stages = make_stages(Settings(mode="file"), ScriptedDetector(walking(10)), FlatLifter())
    with pytest.raises(SourceError, match="cable"):
        run(broken(), stages, [sink], StageTimers())
    assert [result.frame.stamp.index for result in sink.results] == list(range(10))


@pytest.mark.parametrize("mode", ["live", "file"])
@pytest.mark.parametrize("smooth", ["off", "balanced"])
def test_bones_hold_after_the_first_seconds_in_both_modes(mode, smooth):
    settings = Settings(mode=mode, smooth=smooth)
    poses = poses_m(settings, walking(120), RubberLifter())
    lengths_m = bone_lengths(poses[95:], H36M17)
    # Lengths are differences of float32 positions within metres.
    assert (lengths_m.std(axis=0) / lengths_m.mean(axis=0)).max() < 1e-6
    children = [child for _, child in H36M17.bones]
    for left, right in H36M17.left_right_pairs:
        np.testing.assert_allclose(lengths_m[0, children.index(left)], lengths_m[0, children.index(right)], rtol=1e-5)
    free = bone_lengths(poses_m(Settings(mode=mode, smooth="off", bones="free"), walking(120), RubberLifter()), H36M17)
    assert (free.std(axis=0) / free.mean(axis=0)).max() > 0.05


def test_height_scales_the_person():
    small, tall = (
        poses_m(Settings(mode="live", smooth="off", height_cm=height), walking(40), RubberLifter())[-1]
        for height in (150.0, 190.0)
    )
    sums_m = [bone_lengths(pose, H36M17).sum() for pose in (small, tall)]
    np.testing.assert_allclose(sums_m, [CANONICAL_BONE_SUM_M * 1.5 / 1.7, CANONICAL_BONE_SUM_M * 1.9 / 1.7], rtol=1e-5)


def test_height_without_fixed_bones_is_refused():
    with pytest.raises(ConfigError, match="height"):
        check_posing(Settings(height_cm=180.0, bones="free"))


@pytest.mark.parametrize("mode", ["live", "file"])
def test_joint_that_is_not_in_the_picture_is_unknown_and_those_beyond_it_are_not(mode):
    lost = range(20, 26)
    poses = poses_m(Settings(mode=mode), walking(60, lost=lost), RubberLifter())
    assert np.isnan(poses[lost.start : lost.stop, WRIST]).all()
    assert np.isnan(poses).any(axis=-1).sum() == len(lost)


def test_poses_fit_the_picture_better_refitted_and_the_error_is_in_pixels():
    script = walking(40)
    free, fixed = (
        [result.people[0].reprojection_px for result in results(Settings(smooth="off", bones=bones), script)]
        for bones in ("free", "fixed")
    )
    # The flat lifter only scales the picture: its poses fit to the rounding of float32. Fixed bones do not quite.
    assert max(free) < 1e-3
    assert 0 < np.mean(fixed) < 0.1 * 40, "a tenth of a person of 40 pixels"


def test_refitted_poses_lie_nearer_to_what_the_camera_saw(monkeypatch):
    settings, script = Settings(smooth="off"), walking(40)
    refitted = [result.people[0].reprojection_px for result in results(settings, script, WaveringLifter())]
    monkeypatch.setattr("posedemo.refit.GAIN", 0.0)
    as_lifted = [result.people[0].reprojection_px for result in results(settings, script, WaveringLifter())]
    # A third of the way for all joints, of which bones that are held give some back.
    assert np.mean(refitted) < 0.9 * np.mean(as_lifted)


def test_joints_that_nobody_is_sure_of_do_not_count_as_errors_in_the_picture():
    sure, unsure = walking(40), walking(40)
    for people in unsure:
        keypoints = people[0]
        xy_px, confidence = keypoints.xy_px.copy(), keypoints.confidence.copy()
        xy_px[WRIST] += 60
        confidence[WRIST] = 0.3
        people[0] = Keypoints2D(xy_px, confidence)
    for script in (sure, unsure):
        errors_px = [result.people[0].reprojection_px for result in results(Settings(smooth="off"), script)]
        assert np.mean(errors_px[5:]) < 4


@pytest.mark.parametrize("mode", ["live", "file"])
def test_a_hand_whose_elbow_is_not_seen_is_no_farther_than_an_arm_is_long(mode):
    elbow, shoulder = H36M17.index("left_elbow"), H36M17.index("left_shoulder")
    script = walking(60)
    for people in script[20:]:
        xy_px, confidence = people[0].xy_px.copy(), people[0].confidence.copy()
        xy_px[elbow], confidence[elbow] = np.nan, 0
        people[0] = Keypoints2D(xy_px, confidence)
    poses = poses_m(Settings(mode=mode), script, RubberLifter())
    bones = dict(zip(H36M17.bones, bone_lengths(poses[10], H36M17), strict=True))
    arm_m = bones[shoulder, elbow] + bones[elbow, WRIST]
    assert np.isnan(poses[25:, elbow]).all()
    assert np.linalg.norm(poses[25:, WRIST] - poses[25:, shoulder], axis=-1).max() < 1.02 * arm_m


def test_two_people_come_and_go_without_touching_each_other():
    """The second one is there for a while only; both come out as they do alone."""
    alone = walking(60)
    guests = [standing_keypoints(200 + 0.2 * index) for index in range(60)]
    script = [[*people, guests[index]] if 15 <= index < 40 else people for index, people in enumerate(alone)]
    settings = Settings(mode="file", max_people=2)
    both = results(settings, script)
    # Three frames of thirty a second go by before somebody more counts.
    assert [len(result.people) for result in both] == [1] * 18 + [2] * 22 + [1] * 20
    np.testing.assert_allclose([result.people[0].pose.xyz_m for result in both], poses_m(settings, alone), atol=1e-6)
    assert all(first.frame.stamp.index + 1 == second.frame.stamp.index for first, second in pairwise(both))


def test_ghost_has_the_persons_bones_is_not_filtered_and_leaves_the_pose_alone():
    """A second lifter whose poses are a third larger: what comes out is the first one's pose before any filter."""

    class Larger(FlatLifter):
        def lift(self, windows):
            return tuple(replace(pose, xyz_m=pose.xyz_m * np.float32(4 / 3)) for pose in super().lift(windows))

    script, calm = walking(40), Settings(mode="live", smooth="calm")
    sink, stages = ListSink(), make_stages(calm, ScriptedDetector(script), FlatLifter())
    run([make_frame(index) for index in range(len(script))], replace(stages, ghost=Larger()), [sink], StageTimers())
    people = [result.people[0] for result in sink.results]
    np.testing.assert_array_equal([person.pose.xyz_m for person in people], poses_m(calm, script))
    # Float32, through a refit that starts from another size.
    unfiltered_m = poses_m(replace(calm, smooth="off"), script)
    np.testing.assert_allclose([person.ghost.xyz_m for person in people], unfiltered_m, atol=1e-3)


def test_ghost_does_not_know_joints_that_are_not_seen():
    sink, script = ListSink(), walking(10, lost=range(9, 10))
    stages = make_stages(Settings(mode="live"), ScriptedDetector(script), FlatLifter())
    run([make_frame(index) for index in range(10)], replace(stages, ghost=FlatLifter()), [sink], StageTimers())
    assert np.isnan(sink.results[9].people[0].ghost.xyz_m[WRIST]).all()
    assert np.isfinite(sink.results[8].people[0].ghost.xyz_m).all()
