"""What imitated detections do to true points, rule by rule: each with the others put out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from posedemo.datatypes import Keypoints2D
from posedemo.models import detections
from posedemo.models.cameras import draw_places, draw_rotations, misjudge_field_of_view, to_camera_axes
from posedemo.models.chance import Chance
from posedemo.models.corpus import read_corpus
from posedemo.models.detections import derive, detect, observed_points, person_size
from posedemo.models.detector_noise import DETECTOR_SHARES, measured_noise
from posedemo.models.windows import draw_windows, load_motion
from posedemo.remap import remap
from posedemo.skeleton import COCO17, H36M17
from torch import Tensor

AT = H36M17.index
UNSEEN_NOISE = detections._UNSEEN_NOISE_MEDIAN


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A detector that errs in nothing and misses nobody; a test puts one fault back."""
    for name in ("MEASURED_NOISE", "UNSEEN_NOISE_MEDIAN", "MEASURED_SWAPS", "LASTING_SWAPS", "MISSING_PROBABILITY"):
        monkeypatch.setattr(detections, f"_{name}", 0.0)
    monkeypatch.setattr(detections, "_missing_ears", lambda count, chance: torch.ones(count, 1, 1, dtype=torch.bool))
    monkeypatch.setattr(detections, "_RETURNING_PROBABILITY", 0.0)
    return monkeypatch


def guess_the_legs(monkeypatch: pytest.MonkeyPatch, *, hanging: float) -> None:
    """Nobody's legs are seen, and all are guessed."""
    monkeypatch.setattr(detections, "_MISSING", (("left_knee", "left_ankle", "right_knee", "right_ankle"),))
    monkeypatch.setattr(detections, "_MISSING_PROBABILITY", 1.0)
    monkeypatch.setattr(detections, "_MISSING_KINDS", torch.tensor([1.0, 0.0, 0.0]))
    monkeypatch.setattr(detections, "_HANGING_PROBABILITY", hanging)
    monkeypatch.setattr(detections, "_since_when", lambda xy, chance: torch.ones(*xy.shape[:2], 1, dtype=torch.bool))


def people(count: int, num_frames: int = 2) -> Tensor:
    return Chance(7).normal(count, num_frames, 17, 2)


def test_an_exact_detector_finds_the_points_and_derives_the_rest(exact: pytest.MonkeyPatch) -> None:
    points = people(50)
    torch.testing.assert_close(detect(points, Chance(0)), derive(points[:, 1:]))


@pytest.mark.parametrize("ears", [True, False])
def test_heads_are_those_of_the_run_time(ears: bool) -> None:
    random = np.random.default_rng(0)
    xy_px, confidence = random.normal(300, 100, (17, 2)).astype(np.float32), np.ones(17, np.float32)
    hidden = [joint for joint in COCO17.joints if joint.endswith("_eye") or (joint.endswith("_ear") and not ears)]
    confidence[[COCO17.index(joint) for joint in hidden]] = 0
    run_time = remap(Keypoints2D(xy_px, confidence, COCO17)).xy_px
    points = torch.zeros(1, 1, 17, 2)
    for joint in set(H36M17.joints) & set(COCO17.joints):
        points[0, 0, AT(joint)] = torch.from_numpy(xy_px[COCO17.index(joint)])
    points[0, 0, AT("head")] = torch.from_numpy(xy_px[[COCO17.index("left_ear"), COCO17.index("right_ear")]].mean(0))
    joints = derive(points, has_ears=torch.full((1, 1, 1), ears))
    np.testing.assert_allclose(joints[0, 0, AT("head")].numpy(), run_time[AT("head")], rtol=1e-5)


def test_true_ears_lie_where_the_head_follows_from_them() -> None:
    """Motion capture has heads and no ears: those it is given must lead back to the same head."""
    xyz_m = Chance(3).normal(20, 2, 17, 3)
    for left, right in H36M17.left_right_pairs:  # the thorax is between shoulders and nose, as the run time makes it
        xyz_m[:, :, right] = -xyz_m[:, :, left]
    xyz_m[:, :, AT("thorax")] = detections.NECK_TO_NOSE * xyz_m[:, :, AT("nose")]
    xy = observed_points(xyz_m, None)[..., :2]  # from infinitely far away
    torch.testing.assert_close(derive(xy)[:, :, AT("head")], xyz_m[:, :, AT("head"), :2], atol=1e-5, rtol=0)


def test_definitions_of_joints_differ_by_centimetres_and_mostly_alike_left_and_right() -> None:
    differences_m = observed_points(torch.zeros(4000, 2, 17, 3), Chance(1))
    assert torch.equal(differences_m[:, 0], differences_m[:, 1]), "they last for the window"
    # 3 cm for hips and 1.2 for knees, of which 0.9 and 0.4 are put together; 4000 windows are known to 2 percent.
    expected_m = {"left_hip": 0.03, "right_knee": 0.012, "left_wrist": 0.02, "spine": 0.0}
    for joint, spread_m in expected_m.items():
        assert differences_m[:, 0, AT(joint)].std().item() == pytest.approx(spread_m * math.hypot(0.9, 0.4), rel=0.06)
    left, right = differences_m[:, 0, AT("left_hip")], differences_m[:, 0, AT("right_hip")]
    together = [float(torch.corrcoef(torch.stack([left[:, axis], right[:, axis]]))[0, 1]) for axis in range(3)]
    assert together == pytest.approx([-0.83, 0.83, 0.83], abs=0.05), "0.81 of 0.97 parts, and x in a mirror"


def test_unmeasured_errors_are_as_large_as_is_said_and_last_for_the_window(exact: pytest.MonkeyPatch) -> None:
    exact.setattr(detections, "_UNSEEN_NOISE_MEDIAN", UNSEEN_NOISE)
    points = people(1, 3).expand(4000, -1, -1, -1)
    errors = (detect(points, Chance(2)) - derive(points[:, 1:])) / person_size(points)
    torch.testing.assert_close(errors[:, 0], errors[:, 1], atol=1e-5, rtol=0)
    # The median of |x| for a normal x of a log-normal size, found by drawing: 0.656 of the median size.
    for joint, factor in (("left_elbow", 1.0), ("left_wrist", 1.5), ("right_shoulder", 0.7)):
        middle = errors[:, 0, AT(joint)].abs().median().item()
        assert middle == pytest.approx(0.656 * 0.022 * factor, rel=0.06)


def test_hips_without_knees_are_unsure_and_move_together(exact: pytest.MonkeyPatch) -> None:
    guess_the_legs(exact, hanging=1.0)
    points = people(1).expand(4000, -1, -1, -1)
    shifts = (detect(points, Chance(2)) - derive(points[:, 1:]))[:, 0] / person_size(points)[:, 0]
    torch.testing.assert_close(shifts[:, AT("left_hip")], shifts[:, AT("right_hip")], atol=1e-5, rtol=0)
    assert shifts[:, AT("left_hip")].std().item() == pytest.approx(0.12, rel=0.05)
    assert shifts[:, AT("left_shoulder")].abs().max() < 1e-5


def test_guessed_legs_hang_down_from_the_trunk(exact: pytest.MonkeyPatch) -> None:
    exact.setattr(detections, "_UNSURE_HIPS", 0.0)
    guess_the_legs(exact, hanging=1.0)
    points = torch.zeros(500, 2, 17, 2)
    points[:, :, [AT("left_shoulder"), AT("right_shoulder"), AT("nose"), AT("head")], 1] = -1.0
    points[:, :, [AT("left_knee"), AT("right_knee")], 0] = 1.0  # what the legs really do
    xy = detect(points, Chance(0))[:, 0]
    assert xy[:, AT("left_knee"), 1].mean().item() == pytest.approx(0.5, abs=0.03)
    assert xy[:, AT("left_ankle"), 1].mean().item() == pytest.approx(0.5 + 0.55, abs=0.05)
    assert xy[:, AT("left_knee"), 0].abs().mean() < 0.15


def test_other_guesses_are_the_legs_of_others_at_the_own_size(exact: pytest.MonkeyPatch) -> None:
    exact.setattr(detections, "_UNSURE_HIPS", 0.0)
    guess_the_legs(exact, hanging=0.0)
    pose = people(1, 2)
    sizes = torch.linspace(0.5, 2, 40)[:, None, None, None]
    points = pose * sizes
    # All stand alike, far and near: whoever lends their legs, they are the own ones.
    torch.testing.assert_close(detect(points, Chance(0)), derive(points[:, 1:]), atol=1e-4, rtol=1e-4)
    guess_the_legs(exact, hanging=0.7)
    is_own = (detect(points, Chance(0)) - derive(points[:, 1:])).abs().amax(dim=(1, 2, 3)) < 1e-3
    assert 0.1 < is_own.float().mean() < 0.5, "of 40, three in ten"


@pytest.mark.parametrize("share", [1.0, 0.0])
def test_exchanged_sides_change_places(share: float, exact: pytest.MonkeyPatch) -> None:
    exact.setattr(detections, "_LASTING_SWAPS", 2 * share)  # each of four limbs in half of those
    exact.setattr(detections, "_since_when", lambda xy, chance: torch.ones(*xy.shape[:2], 1, dtype=torch.bool))
    points = people(20)
    xy = detect(points, Chance(0))[:, 0]
    own, other = derive(points[:, 1:])[:, 0], derive(points[:, 1:])[:, 0, list(H36M17.flip_order)]
    torch.testing.assert_close(xy, other if share else own)


def test_few_windows_have_sides_exchanged_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detections, "_MEASURED_SWAPS", 0.0)
    points = people(1).expand(20_000, -1, -1, -1)
    swapped = detections._swap_sides(points, measured_noise().choose(20_000, Chance(0)), Chance(1)) != points
    # One percent for the legs, from a random frame on in half of them.
    assert swapped[:, -1, AT("left_knee"), 0].float().mean().item() == pytest.approx(0.01, rel=0.25)
    assert swapped[:, -1, AT("left_hip"), 0].float().mean() < 0.007, "and in half of those without the hips"


def test_nearly_everybody_shows_an_ear() -> None:
    assert detections._missing_ears(5000, Chance(0)).float().mean().item() == pytest.approx(0.95, abs=0.01)


def test_windows_imitate_detectors_in_their_shares() -> None:
    noise = measured_noise()
    counts = np.bincount(noise.choose(20_000, Chance(0)), minlength=len(DETECTOR_SHARES)) / 20_000
    assert sorted(counts) == pytest.approx(sorted(DETECTOR_SHARES.values()), abs=0.02)


def test_outliers_are_as_far_as_is_stated_and_vary() -> None:
    noise, ankle = measured_noise(), AT("left_ankle")
    worst = int(noise.outlier_size[:, ankle].argmax())  # of the detector that loses ankles most
    errors = noise._outliers(torch.full((40_000,), worst), 1, Chance(0))[:, 0, ankle]
    distances = torch.linalg.vector_norm(errors, dim=-1)
    found = distances[distances > 0].log()
    assert len(found) > 1000
    assert found.median().exp().item() == pytest.approx(noise.outlier_size[worst, ankle].item(), rel=0.05)
    assert found.std().item() == pytest.approx(0.5, rel=0.05)


def test_cameras_look_down_a_little_from_all_distances() -> None:
    rotations, places_m = draw_rotations(Chance(0), 4000), draw_places(Chance(1), 4000)
    up = to_camera_axes(torch.tensor([[[0.0, 1.0, 0.0]]]).expand(4000, 1, 3), rotations)[:, 0]
    # Who is looked down on has the head nearer to the camera than the feet.
    pitch_deg = torch.rad2deg(torch.asin(-up[:, 2]))
    assert pitch_deg.mean().item() == pytest.approx(8, abs=1)
    assert pitch_deg.std().item() == pytest.approx(16, abs=1)
    depth_m = places_m[:, 2]
    assert depth_m.median().item() == pytest.approx(math.sqrt(1.2 * 8.0), rel=0.05), "all scales alike often"
    assert (places_m[:, 0] / depth_m).std().item() == pytest.approx(0.2, rel=0.1), "beside the axis"


def test_fields_of_view_are_misjudged_by_a_seventh() -> None:
    factors = misjudge_field_of_view(torch.ones(4000, 1, 1), Chance(0)).flatten().log()
    assert factors.std().item() == pytest.approx(0.15, rel=0.05)


def test_some_windows_are_of_people_twice_as_fast(corpus_path: Path) -> None:
    corpus = read_corpus(corpus_path)
    motion = load_motion(corpus, corpus.clips)
    frame_of = {tuple(frame[AT("head")].tolist()): number for number, frame in enumerate(motion.xyz_m)}
    windows = draw_windows(motion, Chance(0), 400, num_frames=5, double_step_probability=0.25)[:, 1:]
    numbers = np.array([[frame_of[tuple(frame[AT("head")].tolist())] for frame in window] for window in windows])
    steps = np.diff(numbers, axis=1).max(axis=1)
    assert set(steps.tolist()) <= {0, 1, 2}
    assert (steps == 2).mean() == pytest.approx(0.25, abs=0.07)
