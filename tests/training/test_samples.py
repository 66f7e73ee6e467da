"""The making of samples: bodies, cameras, imitated detections."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from posedemo.datatypes import Keypoints2D
from posedemo.geometry import bone_lengths
from posedemo.models import bodies, detections
from posedemo.models.bodies import face_forward, from_bones, to_bones, vary
from posedemo.models.cameras import draw_places, draw_rotations, project, to_camera_axes
from posedemo.models.chance import Chance
from posedemo.models.corpus import read_corpus
from posedemo.models.detections import derive, detect
from posedemo.models.rotations import Y_AXIS, about_axis, from_vector, turn
from posedemo.models.samples import SampleMaker
from posedemo.models.windows import Motion, draw_windows, load_motion
from posedemo.remap import remap
from posedemo.sight import turn_to_pelvis
from posedemo.skeleton import CANONICAL_BONE_SUM_M, COCO17, H36M17
from torch import Tensor

AT = H36M17.index


@pytest.fixture
def motion(corpus_path: Path) -> Motion:
    corpus = read_corpus(corpus_path)
    return load_motion(corpus, corpus.clips)


@pytest.fixture
def poses(motion: Motion) -> Tensor:
    """(64, 4, 17, 3) windows that face forward."""
    return face_forward(draw_windows(motion, Chance(1), 64, num_frames=3))


def test_rotations() -> None:
    quarter = torch.tensor(math.pi / 2)
    torch.testing.assert_close(turn(about_axis(Y_AXIS, quarter), torch.tensor([0.0, 0, 1])), torch.tensor([1.0, 0, 0]))
    matrices = from_vector(torch.randn(5, 3))
    torch.testing.assert_close(matrices @ matrices.transpose(1, 2), torch.eye(3).expand(5, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(5))
    torch.testing.assert_close(from_vector(torch.zeros(3)), torch.eye(3))


@pytest.mark.parametrize("look_ahead", [0, 2])
def test_windows_are_frames_of_one_clip_and_repeat_its_ends(motion: Motion, look_ahead: int) -> None:
    windows = draw_windows(motion, Chance(0), 200, num_frames=5, look_ahead=look_ahead)
    assert windows.shape == (200, 6, 17, 3)
    frame_of = {tuple(frame[AT("head")].tolist()): number for number, frame in enumerate(motion.xyz_m)}
    numbers = np.array([[frame_of[tuple(frame[AT("head")].tolist())] for frame in window] for window in windows])
    clip = np.searchsorted(motion.starts.numpy(), numbers, side="right")
    assert (clip == clip[:, :1]).all()
    steps = np.diff(numbers[:, 1:], axis=1)
    assert set(steps.ravel().tolist()) == {0, 1}
    assert (numbers[:, 0] <= numbers[:, 1]).all()
    ends = (motion.starts + motion.lengths - 1).numpy()
    is_last_repeated = (numbers[:, -1] == numbers[:, -2]) & np.isin(numbers[:, -1], ends)
    assert is_last_repeated.any() == bool(look_ahead), "a target near the end has no frames after it"


def test_repeated_actions_count_less(corpus_path: Path) -> None:
    corpus = read_corpus(corpus_path)
    often = load_motion(corpus, (*corpus.clips, *corpus.clips[:1] * 3))
    share_of_first = often.weights[[0, 4, 5, 6]].sum() / often.weights.sum()
    assert 1 / 4 < share_of_first < 4 / 7


def test_bones_and_joints_are_inverse(poses: Tensor) -> None:
    relative = poses - poses[:, :, AT("pelvis"), None]
    torch.testing.assert_close(from_bones(to_bones(poses)), relative, atol=1e-5, rtol=0)


def test_facing_forward(poses: Tensor) -> None:
    last = poses[:, -1]
    across = last[:, AT("left_hip")] - last[:, AT("right_hip")]
    assert (across[:, 0] > 0.1).all()
    assert last[:, AT("pelvis")].abs().max() == 0
    assert (poses[:, 0, AT("pelvis")].norm(dim=-1) > 0.01).any(), "the path of the pelvis is kept"


def test_about_half_of_the_people_are_mirrored(poses: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXCHANGE_ARM", "EXCHANGE_LEGS", "REACHING", "SEATED", "BENT", "TWISTED", "TILTED", "TURNED"):
        monkeypatch.setattr(bodies, f"_{name}_PROBABILITY", 0.0)
    monkeypatch.setattr(bodies, "_LENGTH_SPREADS", ())
    varied = vary(poses, Chance(2))
    mirrored = poses[:, :, list(H36M17.flip_order)] * torch.tensor([-1.0, 1.0, 1.0])
    # Joints are put together from bones in float32.
    as_before, as_in_a_mirror = ((varied - other).abs().amax(dim=(1, 2, 3)) < 1e-5 for other in (poses, mirrored))
    assert (as_before ^ as_in_a_mirror).all()
    assert 0.3 < as_in_a_mirror.float().mean() < 0.7


def test_varied_bodies_keep_their_bones_through_a_window(poses: Tensor) -> None:
    varied = vary(poses, Chance(2)).numpy()
    assert np.isfinite(varied).all()
    lengths = bone_lengths(varied, H36M17)
    own = bone_lengths(poses.numpy(), H36M17)
    # Limbs are exchanged between people here of the same build, so every length varies by its own factor only.
    factors = lengths / own
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-3)
    assert factors.std() > 0.05
    bones = [child for _, child in H36M17.bones]
    for left, right in H36M17.left_right_pairs:
        np.testing.assert_allclose(factors[..., bones.index(left)], factors[..., bones.index(right)], rtol=1e-3)


STANDING = torch.zeros(17, 3)
"""Bones of somebody who faces +z: thighs and shins down, the trunk up."""
for name, direction in (("knee", -0.45), ("ankle", -0.45)):
    STANDING[[AT(f"left_{name}"), AT(f"right_{name}")], 1] = direction
STANDING[[AT("spine"), AT("thorax"), AT("nose"), AT("head")], 1] = 0.25


def test_seated_people_have_their_thighs_in_front_and_their_feet_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SEATED_PROBABILITY", 1.0)
    monkeypatch.setattr(bodies, "_FOLDED_PROBABILITY", 0.0)
    matrices = bodies._seat_some(torch.eye(3).repeat(500, 17, 1, 1), Chance(3))
    bones = (matrices @ STANDING[..., None])[..., 0]
    for side, outward in (("left", 1), ("right", -1)):
        thigh, shin = bones[:, AT(f"{side}_knee")], bones[:, AT(f"{side}_ankle")]
        # Raised by 55 to 115 degrees, and by 11 more or less for each: none points back, nearly all to the front.
        assert (thigh[:, 2] > 0.2).float().mean() > 0.95
        assert (shin[:, 1] < -0.3).float().mean() > 0.95
        assert thigh[:, 0].mean() * outward > 0.02, "knees are apart"
    folded = torch.eye(3).repeat(500, 17, 1, 1)
    monkeypatch.setattr(bodies, "_FOLDED_PROBABILITY", 1.0)
    shins = (bodies._seat_some(folded, Chance(3)) @ STANDING[..., None])[:, AT("left_ankle"), :, 0]
    assert shins[:, 2].mean() < -0.2, "shins fold back"


def test_bent_people_lean_to_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_BENT_PROBABILITY", 1.0)
    matrices = bodies._bend_some(torch.eye(3).repeat(200, 17, 1, 1), Chance(3))
    bones = (matrices @ STANDING[..., None])[..., 0]
    assert (bones[:, AT("thorax"), 2] > 0).all()
    assert (bones[:, AT("thorax"), 2] >= bones[:, AT("spine"), 2] - 0.12).all()
    assert (bones[:, AT("left_knee"), 2] == 0).all()


def test_errors_of_a_detector_grow_with_the_person(poses: Tensor) -> None:
    xyz_m = poses + torch.tensor([0.0, 0, 4.0])
    points = detections.observed_points(xyz_m, None)
    xy = points[..., :2] / points[..., 2:]
    near, far = (detect(scale * xy, Chance(5)) / scale for scale in (1.0, 0.25))
    unchanged = (near - far).abs().amax(dim=(1, 2, 3)) < 1e-4
    # Where joints are missing, or a limb is, a guess may be of other numbers.
    assert unchanged.float().mean() > 0.9
    assert ((near - xy[:, 1:]).abs().mean(dim=(1, 2, 3)) > 1e-4).all()


def test_every_step_of_a_run_has_samples_of_its_own_and_always_the_same(motion: Motion) -> None:
    maker = SampleMaker(motion, 3)
    first, second, again, other = (maker.take(seed, number, 8).xy for seed, number in ((1, 0), (1, 1), (1, 0), (2, 0)))
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test_projection_by_hand() -> None:
    torch.testing.assert_close(project(torch.tensor([1.0, -0.5, 2.0])), torch.tensor([0.5, -0.25]))
    assert torch.isfinite(project(torch.tensor([1.0, 1.0, -3.0]))).all()


def test_who_faces_the_camera_has_their_left_on_the_right_of_the_picture() -> None:
    # 1 m to the person's left, 2 m up and 0.5 m in front of them.
    point = torch.tensor([[1.0, 2.0, 0.5]])
    torch.testing.assert_close(to_camera_axes(point, torch.eye(3)[None]), torch.tensor([[1.0, -2.0, -0.5]]))


def test_cameras_stand_where_they_should() -> None:
    rotations, places_m = draw_rotations(Chance(0), 4000), draw_places(Chance(1), 4000)
    assert torch.linalg.det(rotations).sub(1).abs().max() < 1e-4
    assert places_m[:, 2].min() >= 1.2
    assert places_m[:, 2].max() <= 8
    up_in_camera = to_camera_axes(torch.tensor([[[0.0, 1.0, 0.0]]]).expand(4000, 1, 3), rotations)[:, 0]
    roll_deg = torch.rad2deg(torch.atan2(up_in_camera[:, 0], -up_in_camera[:, 1]))
    assert roll_deg.abs().max() <= 30.01
    assert 8 < roll_deg.std() < 14


def test_derived_joints_agree_with_the_run_time() -> None:
    random = np.random.default_rng(0)
    xy_px = random.normal(300, 100, (17, 2)).astype(np.float32)
    run_time = remap(Keypoints2D(xy_px, np.ones(17, np.float32), COCO17)).xy_px
    points = torch.zeros(1, 1, 17, 2)
    for joint in H36M17.joints:
        if joint in COCO17.joints:
            points[0, 0, AT(joint)] = torch.from_numpy(xy_px[COCO17.index(joint)])
    ears = xy_px[[COCO17.index("left_ear"), COCO17.index("right_ear")]].mean(axis=0)
    points[0, 0, AT("head")] = torch.from_numpy(ears)
    np.testing.assert_allclose(derive(points)[0, 0].numpy(), run_time, rtol=1e-5)


@pytest.mark.parametrize("kind", ["guessed", "held", "collapsed"])
def test_missing_joints_are_replaced_and_the_others_left(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = torch.zeros(3)
    kinds[["guessed", "held", "collapsed"].index(kind)] = 1
    monkeypatch.setattr(detections, "_MISSING", (("left_elbow", "left_wrist"),))
    monkeypatch.setattr(detections, "_MISSING_PROBABILITY", 1.0)
    monkeypatch.setattr(detections, "_MISSING_KINDS", kinds)
    monkeypatch.setattr(detections, "_RETURNING_PROBABILITY", 0.0)
    monkeypatch.setattr(detections, "_MEASURED_NOISE", 0.0)
    monkeypatch.setattr(detections, "_UNSEEN_NOISE_MEDIAN", 0.0)
    monkeypatch.setattr(detections, "_MEASURED_SWAPS", 0.0)
    monkeypatch.setattr(detections, "_LASTING_SWAPS", 0.0)
    points = torch.randn(40, 2, 17, 2)
    xy = detect(points, Chance(0))
    assert torch.isfinite(xy).all()
    torch.testing.assert_close(xy[:, 0, AT("right_wrist")], points[:, 1, AT("right_wrist")])
    wrist = xy[:, 0, AT("left_wrist")]
    if kind == "held":
        torch.testing.assert_close(wrist, points[:, 0, AT("left_wrist")])
    elif kind == "collapsed":
        torch.testing.assert_close(wrist, points[:, 1, AT("left_shoulder")])
    else:
        assert (wrist - points[:, 1, AT("left_wrist")]).norm(dim=-1).mean() > 0.1


@pytest.mark.parametrize("num_frames", [1, 9])
def test_samples(motion: Motion, num_frames: int) -> None:
    samples = SampleMaker(motion, num_frames).draw(Chance(3), 300)
    assert samples.xy.shape == (300, num_frames, 17, 2)
    assert samples.xyz_m.shape == (300, num_frames, 17, 3)
    assert torch.isfinite(samples.xy).all()
    assert samples.xyz_m[:, :, AT("pelvis")].abs().max() == 0
    bone_sums_m = bone_lengths(samples.xyz_m.numpy(), H36M17).sum(-1).mean(1)
    np.testing.assert_allclose(bone_sums_m, CANONICAL_BONE_SUM_M, rtol=1e-4)
    again = SampleMaker(motion, num_frames).draw(Chance(3), 300)
    assert torch.equal(again.xy, samples.xy)
    assert not torch.equal(SampleMaker(motion, num_frames).draw(Chance(4), 300).xy, samples.xy)


def test_share_of_the_windows_is_exact_in_every_part_of_a_batch(motion: Motion) -> None:
    still = Motion(motion.xyz_m[:1].expand(40, -1, -1), torch.tensor([0]), torch.tensor([40]), torch.ones(1))

    def exact(share: float) -> Tensor:
        xy = SampleMaker(still, 3, vary_motion=False, exact_share=share).draw(Chance(3), 400).xy
        # Whoever stands still does not tremble, but for a detector's errors; hips are never lost.
        return (xy == xy[:, :1])[:, :, [AT("left_hip"), AT("right_hip")]].all(dim=(1, 2, 3))

    assert [exact(share).sum().item() for share in (0.0, 0.3, 1.0)] == [0, 120, 400]
    # Twelve are expected in each tenth, with a standard deviation of 2.8.
    tenths = exact(0.3).reshape(10, 40).sum(dim=1)
    assert tenths.min() > 1
    assert tenths.max() < 23


def test_turned_samples_are_those_of_the_run_time(motion: Motion) -> None:
    def samples(*, turned: bool) -> tuple[np.ndarray, np.ndarray]:
        maker = SampleMaker(motion, 9, vary_motion=False, detector_errors=False, turned=turned)
        drawn = maker.draw(Chance(3), 50)
        return drawn.xy.numpy(), drawn.xyz_m.numpy()

    (plain_xy, plain_m), (turned_xy, turned_m) = samples(turned=False), samples(turned=True)
    expected_xy, rotations = turn_to_pelvis(plain_xy)
    np.testing.assert_allclose(turned_xy, expected_xy, atol=1e-6)
    np.testing.assert_allclose(turned_m @ rotations, plain_m, atol=1e-6)
    assert np.abs(turned_m - plain_m).max() > 0.05


def test_field_of_view_is_misjudged_only_with_a_detector(motion: Motion) -> None:
    plain, turned = (SampleMaker(motion, 1, turned=one).draw(Chance(3), 200) for one in (False, True))
    exact_xy, _ = turn_to_pelvis(plain.xy.numpy())
    assert np.abs(turned.xy.numpy() - exact_xy).max() > 0.01
    # By so much the poses are turned wrongly, and no more: they keep their shape.
    shape_m = turned.xyz_m.norm(dim=-1) - plain.xyz_m.norm(dim=-1)
    assert shape_m.abs().max() < 1e-5


def test_clean_samples_are_projections_of_their_targets(motion: Motion) -> None:
    samples = SampleMaker(motion, 1, vary_motion=False, detector_errors=False).draw(Chance(3), 50)
    xy, xyz_m = samples.xy[:, 0], samples.xyz_m[:, 0]
    hips = [AT("left_hip"), AT("right_hip")]
    # A pinhole: where the depth is known, the camera's distance follows from the size, and the same for every joint.
    joints = [AT(name) for name in ("left_knee", "right_ankle", "left_wrist", "right_elbow", "left_shoulder")]
    middle = xy[:, hips].mean(dim=1)
    offsets_m = xyz_m[:, joints]
    for sample in range(50):
        # x = (X + X0) / (Z + Z0) is linear in X0 and Z0; the same with y and Y0.
        rows, values = [], []
        for place in range(len(joints)):
            x, y = xy[sample, joints[place]].tolist()
            dx, dy, dz = offsets_m[sample, place].tolist()
            rows += [[1, 0, -x], [0, 1, -y]]
            values += [x * dz - dx, y * dz - dy]
        root, residual, *_ = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)
        assert residual.max() < 1e-6
        np.testing.assert_allclose(root[:2] / root[2], middle[sample].numpy(), atol=0.02)
