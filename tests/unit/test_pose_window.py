"""The sliding window: lengths, time base, edges, gaps, unknown joints."""

import numpy as np
import pytest
from posedemo.datatypes import LifterSpec, Window
from posedemo.skeleton import H36M17
from posedemo.window import MAX_GAP_S, PoseWindow, fill_unknown

CONFIDENT = np.ones(17, np.float32)
WRIST, HEAD = H36M17.index("left_wrist"), H36M17.index("head")


def at(value: float) -> np.ndarray:
    return np.full((17, 2), value, np.float32)


def push(poses: PoseWindow, time_s: float, xy: np.ndarray) -> Window:
    """Add a frame and look at the window around it at once, as for a causal lifter."""
    poses.push(time_s, xy, CONFIDENT)
    return poses.at(time_s)


def test_one_frame_window_is_the_frame():
    window = push(PoseWindow(num_frames=1, rate_hz=30), 0.0, at(3))
    np.testing.assert_array_equal(window.xy, at(3)[None])


def test_start_is_filled_by_repeating_the_first_frame():
    window = push(PoseWindow(num_frames=9, rate_hz=30), 5.0, at(3))
    np.testing.assert_array_equal(window.xy[:, 0, 0], np.full(9, 3))


@pytest.mark.parametrize("source_fps", [10, 15, 29.97, 60, 240])
def test_any_frame_rate_gives_the_same_time_base(source_fps):
    """A joint that moves by one unit a second is 1/30 apart in neighbouring window frames, whatever the camera."""
    poses = PoseWindow(num_frames=9, rate_hz=30)
    for index in range(int(source_fps * 2)):
        window = push(poses, index / source_fps, at(index / source_fps))
    # float32 positions around 2.
    np.testing.assert_allclose(np.diff(window.xy[:, 0, 0]), 1 / 30, atol=1e-5)
    assert window.xy[-1, 0, 0] == pytest.approx((int(source_fps * 2) - 1) / source_fps)


def test_long_gap_starts_the_window_anew_and_a_short_one_is_interpolated():
    poses = PoseWindow(num_frames=3, rate_hz=30)
    push(poses, 0.0, at(0))
    short = push(poses, 0.1, at(3))
    np.testing.assert_allclose(short.xy[:, 0, 0], [1, 2, 3], atol=1e-5)
    after = push(poses, 0.1 + MAX_GAP_S + 0.01, at(9))
    np.testing.assert_array_equal(after.xy[:, 0, 0], [9, 9, 9])


def test_three_frames_of_a_slow_webcam_may_be_missing_and_half_a_second_may_not():
    for gap_s, expected in ((0.3, [7, 8, 9]), (0.5, [9, 9, 9])):
        poses = PoseWindow(num_frames=3, rate_hz=30)
        push(poses, 0.0, at(9 - 30 * gap_s))
        np.testing.assert_allclose(push(poses, gap_s, at(9)).xy[:, 0, 0], expected, atol=1e-5)


def test_time_that_does_not_rise_starts_the_window_anew():
    poses = PoseWindow(num_frames=3, rate_hz=30)
    push(poses, 1.0, at(0))
    np.testing.assert_array_equal(push(poses, 0.5, at(7)).xy[:, 0, 0], [7, 7, 7])


def test_memory_is_bounded_by_the_windows_span():
    poses = PoseWindow(num_frames=27, rate_hz=30)
    for index in range(1000):
        push(poses, index / 240, at(0))
    assert len(poses._samples) <= 27 / 30 * 240 + 2


def test_unknown_joint_is_held_where_it_was_last_seen():
    poses = PoseWindow(num_frames=1, rate_hz=30)
    push(poses, 0.0, at(1))
    gone = at(2)
    gone[H36M17.index("left_wrist")] = np.nan
    window = push(poses, 1 / 30, gone)
    assert window.xy[0, H36M17.index("left_wrist"), 0] == 1
    assert window.xy[0, H36M17.index("left_elbow"), 0] == 2


def test_joint_that_was_never_seen_collapses_onto_its_nearest_known_ancestor():
    xy = np.arange(34, dtype=np.float32).reshape(17, 2)
    for name in ("right_knee", "right_ankle"):
        xy[H36M17.index(name)] = np.nan
    filled = fill_unknown(xy)
    np.testing.assert_array_equal(filled[H36M17.index("right_ankle")], xy[H36M17.index("right_hip")])


def test_a_joint_that_was_never_known_goes_along_with_its_ancestor():
    """Somebody without feet in the data walks on; and a wrist that was known once stays where it was."""
    poses = PoseWindow(num_frames=1, rate_hz=30)
    ankle, knee = H36M17.index("left_ankle"), H36M17.index("left_knee")
    for index in range(10):
        xy = at(index)
        xy[ankle] = np.nan
        if index > 4:
            xy[WRIST] = np.nan
        window = push(poses, index / 30, xy)
    np.testing.assert_array_equal(window.xy[0, ankle], window.xy[0, knee])
    np.testing.assert_array_equal(window.xy[0, WRIST], [4, 4])
    # After a long hole nothing is known of before.
    xy = at(20)
    xy[WRIST] = np.nan
    np.testing.assert_array_equal(push(poses, 5.0, xy).xy[0, WRIST], [20, 20])


def test_without_hips_the_pelvis_is_in_the_middle_of_what_is_seen():
    xy = np.full((17, 2), np.nan, np.float32)
    xy[[WRIST, HEAD]] = [[2, 8], [6, 2]]
    filled = fill_unknown(xy)
    np.testing.assert_array_equal(filled[0], [4, 5])
    np.testing.assert_array_equal(filled[H36M17.index("left_ankle")], [4, 5])
    np.testing.assert_array_equal(filled[WRIST], [2, 8])


def test_nothing_known_gives_finite_numbers():
    assert np.isfinite(fill_unknown(np.full((17, 2), np.nan, np.float32))).all()


def test_window_that_looks_ahead_has_the_target_in_its_middle():
    poses = PoseWindow(num_frames=5, rate_hz=30, look_ahead=2)
    for index in range(10):
        poses.push(index / 30, at(index), CONFIDENT)
    for index in range(2, 8):
        window = poses.at(index / 30)
        # Times of index / 30 are not exact, and positions are index in size.
        np.testing.assert_allclose(window.xy[:, 0, 0], np.arange(index - 2, index + 3), atol=1e-4)
        assert window.xy[window.target, 0, 0] == pytest.approx(index, abs=1e-4)


def test_future_that_never_came_is_the_last_frame_repeated():
    poses = PoseWindow(num_frames=5, rate_hz=30, look_ahead=2)
    for index in range(4):
        poses.push(index / 30, at(index), CONFIDENT)
    np.testing.assert_allclose(poses.at(3 / 30).xy[:, 0, 0], [1, 2, 3, 3, 3], atol=1e-4)


def test_frame_before_a_long_hole_sees_nothing_behind_the_hole():
    """Pushed before it is asked for, the far side must not leak into the near one, nor the other way round."""
    poses = PoseWindow(num_frames=5, rate_hz=30, look_ahead=2)
    far_s = 1 / 30 + MAX_GAP_S + 0.01
    for time_s, value in ((0.0, 0), (1 / 30, 1), (far_s, 8), (far_s + 1 / 30, 9)):
        poses.push(time_s, at(value), CONFIDENT)
    np.testing.assert_allclose(poses.at(1 / 30).xy[:, 0, 0], [0, 0, 1, 1, 1], atol=1e-4)
    np.testing.assert_allclose(poses.at(far_s).xy[:, 0, 0], [8, 8, 8, 9, 9], atol=1e-4)


def test_lifter_that_comes_later_finds_its_window_full():
    """And sees exactly what it would have seen if the window had been made for it."""
    spec = LifterSpec(name="later", num_frames=9, rate_hz=30.0)
    shared = PoseWindow(num_frames=1, rate_hz=30, keep_s=0.5)
    own = PoseWindow(num_frames=9, rate_hz=30)
    for index in range(30):
        push(shared, index / 25, at(index))
        alone = push(own, index / 25, at(index))
    np.testing.assert_array_equal(shared.at(29 / 25, spec).xy, alone.xy)
    assert np.ptp(alone.xy[:, 0, 0]) > 5


def test_longer_window_than_was_kept_is_filled_like_a_start_and_kept_from_then_on():
    spec = LifterSpec(name="long", num_frames=9, rate_hz=30.0)
    poses = PoseWindow(num_frames=1, rate_hz=30)
    for index in range(20):
        push(poses, index / 30, at(index))
    assert poses.at(19 / 30, spec).xy[0, 0, 0] >= 18
    for index in range(20, 40):
        push(poses, index / 30, at(index))
    np.testing.assert_allclose(poses.at(39 / 30, spec).xy[:, 0, 0], np.arange(31, 40), atol=1e-3)
