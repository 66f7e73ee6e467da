"""What is measured without a truth, against motion whose numbers can be worked out by hand."""

import numpy as np
import pytest
from posedemo import motion_quality as quality
from posedemo.skeleton import H36M17

FPS = 30.0


def standing() -> np.ndarray:
    """(17, 3) metres: somebody who stands upright, facing the camera, pelvis at the origin."""
    heights = {"hip": 0.0, "knee": 0.45, "ankle": 0.9, "spine": -0.25, "thorax": -0.5, "nose": -0.6, "head": -0.75,
               "shoulder": -0.5, "elbow": -0.25, "wrist": 0.0, "pelvis": 0.0}  # fmt: skip
    sides = {"left": 1.0, "right": -1.0, "centre": 0.0}
    widths = {"hip": 0.13, "knee": 0.13, "ankle": 0.13, "shoulder": 0.18, "elbow": 0.22, "wrist": 0.25}
    rows = []
    for index, name in enumerate(H36M17.joints):
        part = name.split("_")[-1]
        rows.append((sides[H36M17.side(index)] * widths.get(part, 0.0), heights[part], 0.0))
    return np.array(rows)


def times(count: int, fps: float = FPS) -> np.ndarray:
    return np.arange(count) / fps


def walking(count: int) -> np.ndarray:
    """(count, 17, 3): limbs that swing as in a brisk walk, two steps a second, at ``FPS``."""
    poses = np.repeat(standing()[None], count, axis=0)
    phase = 2 * np.pi * times(count)
    for side, sign in (("left", 1), ("right", -1)):
        for part, reach_m in (("knee", 0.15), ("ankle", 0.35), ("elbow", -0.1), ("wrist", -0.25)):
            poses[:, H36M17.index(f"{side}_{part}"), 2] += sign * reach_m * np.sin(phase)
    return poses


def exchanged(poses: np.ndarray, parts: tuple[str, ...]) -> np.ndarray:
    """The poses with left and right of some joints exchanged."""
    order = list(range(H36M17.num_joints))
    for part in parts:
        left, right = H36M17.index(f"left_{part}"), H36M17.index(f"right_{part}")
        order[left], order[right] = right, left
    return poses[..., order, :]


ARMS, LEGS = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")


def test_scaled_bones_have_a_known_spread():
    """Bones that are 10 % too short in half of the frames and 10 % too long in the others: 10 % about their mean."""
    poses = np.stack([standing() * scale for scale in (0.9, 1.1, 0.9, 1.1)])
    np.testing.assert_allclose(quality.bone_spread(poses), 0.1)


def test_turned_bones_have_no_spread():
    angles = np.linspace(0, 2, 7)
    turns = np.array([[[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]] for a in angles])
    np.testing.assert_allclose(quality.bone_spread(standing() @ turns), 0, atol=1e-12)


def test_spread_leaves_out_frames_that_do_not_know_a_bone():
    poses = np.stack([standing(), standing() * 5, standing()])
    poses[1, H36M17.index("left_wrist")] = np.nan
    ends = [child for _, child in H36M17.bones]
    spread = quality.bone_spread(poses)
    assert spread[ends.index(H36M17.index("left_wrist"))] == 0
    assert spread[ends.index(H36M17.index("right_wrist"))] > 0.5
    poses[:, H36M17.index("left_wrist")] = np.nan
    assert np.isnan(quality.bone_spread(poses)[ends.index(H36M17.index("left_wrist"))])


def test_asymmetry_of_one_longer_shin():
    """A left shin of 0.55 m and a right one of 0.45 m differ by 0.1 m, 20 % of their mean; the rest is symmetric."""
    poses = standing()[None]
    poses[:, H36M17.index("left_ankle"), 1] += 0.1
    names = [H36M17.joints[left] for left, _ in H36M17.left_right_pairs]
    shares = dict(zip(names, quality.asymmetry(poses)[0], strict=True))
    assert shares.pop("left_ankle") == pytest.approx(0.2)
    assert max(shares.values()) == pytest.approx(0, abs=1e-12)


def test_what_goes_straight_on_has_no_jitter():
    drift = np.arange(5)[:, None, None] * np.array([0.01, 0.02, -0.03])
    np.testing.assert_allclose(quality.jitter(standing() + drift), 0, atol=1e-12)
    assert quality.jitter(standing()[None].repeat(2, axis=0)).shape == (0, 17)


def test_jitter_of_a_joint_that_shakes():
    """To and fro by 1 cm: each frame lies 1 cm beside the line from the frame before to the frame after, twice over."""
    poses = np.repeat(standing()[None], 6, axis=0)
    wrist = H36M17.index("left_wrist")
    poses[1::2, wrist, 0] += 0.01
    found = quality.jitter(poses)
    np.testing.assert_allclose(found[:, wrist], 0.02)
    np.testing.assert_allclose(np.delete(found, wrist, axis=1), 0)
    # 2 cm a frame squared at 30 frames a second: 0.02 * 30 * 30.
    np.testing.assert_allclose(quality.accelerations(poses, times(6))[:, wrist], 18)


def test_acceleration_does_not_depend_on_the_frame_rate():
    """A fall, 9.81 m/s^2, at two rates and at times that are not evenly spaced; jitter does depend on it."""

    def falling(time_s: np.ndarray) -> np.ndarray:
        poses = np.repeat(standing()[None], len(time_s), axis=0)
        poses[..., 1] += (9.81 / 2 * time_s**2)[:, None]
        return poses

    for time_s in (times(9, 30), times(9, 60), np.array([0.0, 0.03, 0.1, 0.11, 0.2])):
        np.testing.assert_allclose(quality.accelerations(falling(time_s), time_s), 9.81)
    slow, fast = quality.jitter(falling(times(9, 30))), quality.jitter(falling(times(9, 60)))
    np.testing.assert_allclose(slow, 4 * fast)


def test_an_injected_jump_is_found_where_it_is():
    """The person turns by 100 degrees between two frames, as when a detector goes over to a bystander."""
    poses = walking(40)
    a = np.radians(100)
    poses[20:] = poses[20:] @ np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    assert np.flatnonzero(quality.find_jumps(poses, times(40))).tolist() == [20]


def test_a_pose_that_is_off_for_one_frame_jumps_there_and_back():
    poses = walking(40)
    poses[20, 1:] += 0.4
    assert np.flatnonzero(quality.find_jumps(poses, times(40))).tolist() == [20, 21]


def test_a_step_is_compared_with_what_is_around_it_and_not_with_the_whole_dance():
    """Somebody dashes about at 2.4 m/s, stands for 0.6 s, and is 8 cm elsewhere in the middle of that."""
    steps_m = np.full(90, 2.4 / FPS)
    steps_m[36:54] = 0
    steps_m[45] = 2.4 / FPS
    poses = standing() + np.concatenate([[0], np.cumsum(steps_m)])[:, None, None] * np.array([1.0, 0, 0])
    poses[:, 0] = 0
    assert np.flatnonzero(quality.find_jumps(poses, times(91))).tolist() == [46]


def test_many_jumps_in_a_row_do_not_hide_each_other():
    """Half a metre to and fro is beyond what anybody can do, whatever the neighbours do."""
    poses = np.repeat(standing()[None], 20, axis=0)
    poses[1::2, 1:] += 0.4
    assert quality.find_jumps(poses, times(20)).sum() == 19


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_a_walk_neither_jumps_nor_swaps(count):
    poses = walking(count)
    assert quality.find_jumps(poses, times(count)).tolist() == [False] * count
    assert quality.find_swaps(poses).tolist() == [False] * count


@pytest.mark.parametrize("parts", [LEGS, ARMS, LEGS + ARMS])
def test_an_injected_swap_is_counted_once(parts):
    poses = walking(40)
    poses[13:] = exchanged(poses[13:], parts)
    assert np.flatnonzero(quality.find_swaps(poses)).tolist() == [13]


def test_a_swap_for_one_frame_is_two():
    poses = walking(40)
    poses[13] = exchanged(poses[13], LEGS)
    assert np.flatnonzero(quality.find_swaps(poses)).tolist() == [13, 14]


def test_unknown_joints_make_no_jumps_and_no_swaps():
    """A person of whom little is known for a while: how they moved meanwhile, nobody knows."""
    poses = walking(40)
    poses[15:20, 1:] = np.nan
    poses[20:] = exchanged(poses[20:], LEGS + ARMS)
    assert not quality.find_jumps(poses, times(40)).any()
    assert not quality.find_swaps(poses).any()


def test_disagreement_ignores_place_size_and_heading_but_not_shape():
    poses = walking(10)
    a = 0.7
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    moved = 1.3 * poses @ turn + np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(quality.disagreement(poses, moved), 0, atol=1e-9)
    bent = moved.copy()
    bent[:, H36M17.index("left_ankle"), 2] += 0.17
    # 17 cm at one of 17 joints are 1 cm in the mean, of which no alignment of the other 16 can take much away.
    assert (quality.disagreement(bent, moved) > 0.005).all()
    bent[:, H36M17.index("left_ankle")] = np.nan
    assert np.isnan(quality.disagreement(bent, moved)).all()


def test_a_mirrored_pose_does_not_agree():
    """A reflection would bring it back; a rotation leaves it where the limbs swing, by 10 to 35 cm."""
    poses = walking(8)[2:3]
    assert quality.disagreement(poses * [1, 1, -1], poses)[0] > 0.02


def test_reprojection_is_a_mean_over_the_known_joints():
    seen = np.zeros((2, 17, 2))
    placed = np.full((2, 17, 2), [3.0, 4.0])
    placed[0, :3] = np.nan
    placed[1, :9] = np.nan
    # 3, 4, 5; the second frame knows too little.
    np.testing.assert_array_equal(quality.reprojection_px(placed, seen), [5, np.nan])


def test_body_size_is_the_diagonal_of_the_known_joints():
    xy_px = np.full((2, 17, 2), np.nan)
    xy_px[0, :2] = [[10, 20], [40, 60]]
    np.testing.assert_array_equal(quality.body_sizes_px(xy_px), [50, 1])
