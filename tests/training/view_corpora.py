"""Small corpora with real views of both data sets' kinds, made in memory."""

from __future__ import annotations

import numpy as np
from posedemo.models.corpus import Clip, Corpus, View
from posedemo.skeleton import H36M17, HUMANEVA15, Skeleton

H36M_ACTIONS = ("Directions", "Sitting", "SittingDown 1")
HUMANEVA_ACTIONS = ("Walking 1 chunk0", "Jog 1 chunk2")

_WIDTH_PX, _HEIGHT_PX, _DISTANCE_M = 1000, 800, 5.0
_LOOKING_ALONG_Z = (0.0, 1.0, 0.0, 0.0)
"""Half a turn about x: the camera's y points down and its z to minus z of the world."""


def h36m_corpus(skeleton: Skeleton = H36M17) -> Corpus:
    """Two subjects to train on and one to test on."""
    return _corpus(skeleton, "h36m", ("S1", "S5", "S9"), H36M_ACTIONS, rate_hz=50)


def humaneva_corpus() -> Corpus:
    """One subject of each part."""
    return _corpus(HUMANEVA15, "humaneva", ("Train/S1", "Validate/S1"), HUMANEVA_ACTIONS, rate_hz=60)


def _corpus(
    skeleton: Skeleton, family: str, people: tuple[str, ...], actions: tuple[str, ...], *, rate_hz: float
) -> Corpus:
    random = np.random.default_rng(3)
    stance = random.normal(0, 0.35, (skeleton.num_joints, 3))
    detector = "cpn_ft_h36m_dbb" if family == "h36m" else "detectron_pt_coco"
    clips, joints_m, pictures_px, start = [], [], [], 0
    for person in people:
        for number, action in enumerate(actions):
            length = 24 + 3 * number
            sway = np.sin(0.3 * np.arange(length) + random.uniform(0, 6))[:, None, None]
            world_m = stance + sway * random.normal(0, 0.08, stance.shape)
            views = []
            for camera, turn_rad in (("C1", 0.0), ("C2", 0.7)):
                rows = sum(map(len, pictures_px))
                views.append(_view(camera, turn_rad, {"gt": rows, detector: rows}))
                pictures_px.append(_project(world_m, turn_rad))
            clip = Clip(f"{person} {action}", start, length, rate_hz, f"{family}/{person}", action, family)
            clips.append(Clip(**{**vars(clip), "views": tuple(views)}))
            joints_m.append(world_m)
            start += length
    xy_px = np.concatenate(pictures_px).astype(np.float32)
    noisy_px = xy_px + random.normal(0, 4, xy_px.shape).astype(np.float32)
    return Corpus(
        np.concatenate(joints_m).astype(np.float32), tuple(clips), skeleton, {"gt": xy_px, detector: noisy_px}
    )


def _view(camera: str, turn_rad: float, starts: dict[str, int]) -> View:
    # About the world's vertical, then the half turn: (cos, 0, sin, 0) * (0, 1, 0, 0).
    orientation = (0.0, np.cos(turn_rad / 2), 0.0, -np.sin(turn_rad / 2))
    place_m = _turn(turn_rad) @ np.array([0.0, 0.0, _DISTANCE_M])
    return View(camera, _WIDTH_PX, _HEIGHT_PX, orientation, tuple(place_m), starts)


def _project(world_m: np.ndarray, turn_rad: float) -> np.ndarray:
    """Pixels of joints (F, J, 3), without a lens."""
    seen_m = world_m @ _turn(turn_rad)  # world axes turned like the camera, which stands at z = distance
    depth_m = _DISTANCE_M - seen_m[..., 2]
    centre_px = np.array([_WIDTH_PX / 2, _HEIGHT_PX / 2])
    return centre_px + 1100 * np.stack([seen_m[..., 0], -seen_m[..., 1]], axis=-1) / depth_m[..., None]


def _turn(turn_rad: float) -> np.ndarray:
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
