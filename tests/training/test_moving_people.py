"""People who move, come near and are hidden in part: training sees of them what the run time would feed in."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from posedemo.geometry import to_pixels, to_screen
from posedemo.models import bodies, detections
from posedemo.models.bodies import face_forward, to_adult_size, to_bones, vary
from posedemo.models.chance import Chance
from posedemo.models.corpus import read_corpus
from posedemo.models.detections import derive, hide_legs, observed_points, seen_by_slow_camera
from posedemo.models.samples import SampleMaker
from posedemo.models.windows import Motion, draw_windows, load_motion
from posedemo.skeleton import H36M17
from posedemo.window import PoseWindow

AT = H36M17.index
RATE_HZ = 30.0
SIZE_WH = (1280, 720)
LIMBS = [AT(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee", "ankle", "elbow", "wrist")]


@pytest.fixture
def motion(corpus_path: Path) -> Motion:
    corpus = read_corpus(corpus_path)
    return load_motion(corpus, corpus.clips)


def run_time_window(xy: np.ndarray, frames: list[int], *, look_ahead: int = 0) -> np.ndarray:
    """(T, 17, 2) what a lifter is fed, who has seen some frames at 30 a second, by way of pixels."""
    window = PoseWindow(num_frames=len(xy), rate_hz=RATE_HZ, look_ahead=look_ahead)
    for frame in frames:
        xy_px = to_pixels(xy[frame], SIZE_WH).astype(np.float32)
        window.push(frame / RATE_HZ, to_screen(xy_px, SIZE_WH), np.ones(17, np.float32))
    return window.at((len(xy) - 1 - look_ahead) / RATE_HZ).xy


def solve_camera(world_m: np.ndarray, xyz_m: np.ndarray, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and place of the camera that turned points (17, 3) to xyz, pelvis at the origin, and saw limbs at xy."""
    relative = world_m - world_m[AT("pelvis")]
    u, _, vt = np.linalg.svd(xyz_m.T @ relative)
    rotation = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
    # x = (X + X0) / (Z + Z0) is linear in the place, and so is y.
    rows, values = [], []
    for joint in LIMBS:
        point, (x, y) = rotation @ world_m[joint], xy[joint]
        rows += [[1, 0, -x], [0, 1, -y]]
        values += [x * point[2] - point[0], y * point[2] - point[1]]
    place, *_ = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)
    return rotation, place


@pytest.mark.parametrize("speed_m", [0.0, 0.15], ids=["walks", "runs"])
def test_windows_of_moving_people_are_what_the_run_time_feeds_in(motion: Motion, speed_m: float) -> None:
    """A fixed camera is solved from the last frame alone; all earlier ones must be where it saw the person then."""
    travel_m = torch.zeros(len(motion.xyz_m), 1, 3)
    for start, length in zip(motion.starts.tolist(), motion.lengths.tolist(), strict=True):
        travel_m[start : start + length, 0, 0] = speed_m * torch.arange(length)
    motion = dataclasses.replace(motion, xyz_m=motion.xyz_m + travel_m)
    count, num_frames = 40, 27
    samples = SampleMaker(motion, num_frames, vary_motion=False, detector_errors=False).draw(Chance(7), count)
    # The same first numbers draw the same windows.
    world_m = to_adult_size(face_forward(draw_windows(motion, Chance(7), count, num_frames=num_frames)))[:, 1:]
    seen_m = observed_points(world_m, None).double().numpy()
    compared, farthest = 0, 0.0
    for true_m, points_m, xyz_m, xy in zip(
        world_m.double().numpy(), seen_m, samples.xyz_m.double().numpy(), samples.xy.double().numpy(), strict=True
    ):
        rotation, place = solve_camera(true_m[-1], xyz_m[-1], xy[-1])
        in_camera_m = points_m @ rotation.T + place
        if in_camera_m[..., 2].min() < 0.5:  # through the camera, or nearly: no picture
            continue
        expected = derive(torch.from_numpy(in_camera_m[None, ..., :2] / in_camera_m[None, ..., 2:]))[0].numpy()
        fed = run_time_window(expected, list(range(num_frames)))
        # float32, and the camera is solved from rounded numbers.
        np.testing.assert_allclose(fed, xy, atol=2e-3 * max(1.0, np.abs(xy).max()))
        compared += 1
        farthest = max(farthest, float(np.linalg.norm(xy[0, AT("pelvis")] - xy[-1, AT("pelvis")])))
    assert compared > count // 2
    assert farthest > (0.8 if speed_m else 0.2), "nobody goes anywhere"


@pytest.mark.parametrize("look_ahead", [0, 13], ids=["last", "centre"])
def test_a_slow_camera_is_interpolated_as_at_run_time(monkeypatch: pytest.MonkeyPatch, look_ahead: int) -> None:
    monkeypatch.setattr(detections, "_SLOW_CAMERA_PROBABILITY", 1.0)
    xy = torch.randn(40, 27, 17, 2)
    slow = seen_by_slow_camera(xy, Chance(0), look_ahead=look_ahead)
    rates = set()
    for true, seen in zip(xy.numpy(), slow.numpy(), strict=True):
        frames = [frame for frame in range(27) if np.array_equal(true[frame], seen[frame])]
        assert 26 - look_ahead in frames
        rates.add(len(frames))
        fed = run_time_window(true, frames, look_ahead=look_ahead)
        # Beyond its first and last frame the run time repeats those, where training knows the next one's.
        known = slice(frames[0], frames[-1] + 1)
        np.testing.assert_allclose(seen[known], fed[known], atol=1e-4)
    assert min(rates) <= 11
    assert max(rates) >= 22


def test_most_cameras_are_fast_enough() -> None:
    xy = torch.randn(1000, 9, 17, 2)
    is_changed = (seen_by_slow_camera(xy, Chance(0)) != xy).flatten(1).any(dim=1)
    assert 0.15 < is_changed.float().mean() < 0.3


def test_hidden_legs(motion: Motion) -> None:
    xy = SampleMaker(motion, 5, vary_motion=False, detector_errors=False).draw(Chance(3), 60).xy
    hidden = hide_legs(xy, Chance(0))
    legs = [AT(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle")]
    others = [joint for joint in range(H36M17.num_joints) if joint not in legs]
    assert torch.equal(hidden[:, :, others], xy[:, :, others])
    ankle, hip = (hidden[:, :, AT(f"left_{part}")] for part in ("ankle", "hip"))
    assert (hidden[:, :, legs] - xy[:, :, legs]).norm(dim=-1).mean() > 0.02
    trunk = xy[:, :, AT("pelvis")] - xy[:, :, AT("thorax")]
    # They hang from the hips, along the trunk and about as long as it.
    along = ((ankle - hip) * trunk).sum(-1) / trunk.square().sum(-1)
    assert 0.8 < along.median() < 1.5


def test_limbs_come_back_at_times() -> None:
    lost = detections._since_when(torch.zeros(3000, 27, 17, 2), Chance(0))[:, :, 0]
    assert lost.any(dim=1).float().mean() > 0.85
    at_the_end, throughout = lost[:, -1].float().mean(), lost.all(dim=1).float().mean()
    assert 0.75 < at_the_end < 0.9
    assert 0.35 < throughout < 0.5


def test_reaching_arms_keep_to_what_elbows_can_do(motion: Motion, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXCHANGE_ARM", "EXCHANGE_LEGS", "SEATED", "BENT", "TWISTED", "TILTED", "TURNED"):
        monkeypatch.setattr(bodies, f"_{name}_PROBABILITY", 0.0)
    monkeypatch.setattr(bodies, "_REACHING_PROBABILITY", 1.0)
    poses = face_forward(draw_windows(motion, Chance(1), 400, num_frames=1))
    bones = to_bones(vary(poses, Chance(2)))[:, -1]
    upper, fore = bones[:, AT("left_elbow")], bones[:, AT("left_wrist")]
    cosine = torch.nn.functional.cosine_similarity(upper, fore, dim=-1)
    assert cosine.min() > np.cos(np.deg2rad(146))
    assert cosine.median() < 0.6, "elbows are bent"
    height = torch.nn.functional.normalize(upper, dim=-1)[:, 1]
    assert (height > 0.5).float().mean() > 0.1, "some arms are raised"
    assert (height < -0.5).float().mean() > 0.1
    backward = torch.nn.functional.normalize(upper, dim=-1)[:, 2].min()
    assert backward > -0.7, "no upper arm points straight back"
