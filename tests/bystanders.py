"""Pastes people into pictures: somebody cut out of a frame along their bones, standing or walking beside the person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from posedemo.skeleton import MEDIAPIPE33

_BONES = (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "index"), ("hip", "knee"), ("knee", "ankle"),
          ("ankle", "heel"), ("ankle", "foot_index"))  # fmt: skip
_CORNERS = ("left_shoulder", "right_shoulder", "right_hip", "left_hip")


@dataclass(frozen=True)
class CutOut:
    """Somebody to paste.

    Attributes:
        picture: the frame that they are in.
        mask: (H, W) from 0 to 1, 1 where they are.
        hips_px: where their hips are in it.
    """

    picture: np.ndarray
    mask: np.ndarray
    hips_px: np.ndarray


def joint(xy_px: np.ndarray, name: str) -> np.ndarray:
    """A joint of MEDIAPIPE33, or the middle of a left and a right one."""
    if name in MEDIAPIPE33.joints:
        return xy_px[MEDIAPIPE33.index(name)]
    return (joint(xy_px, f"left_{name}") + joint(xy_px, f"right_{name}")) / 2


def body_mask(xy_px: np.ndarray, size_wh: tuple[int, int], *, width: float = 0.28) -> np.ndarray:
    """A soft shape of a body, (H, W) from 0 to 1; ``width`` is that of a limb, as a share of the trunk's length."""
    mask = np.zeros(size_wh[::-1], np.uint8)
    trunk_px = np.linalg.norm(joint(xy_px, "shoulder") - joint(xy_px, "hip"))
    thick = max(2, round(trunk_px * width))

    def line(start: np.ndarray, end: np.ndarray, times: float = 1.0) -> None:
        cv2.line(mask, start.round().astype(int).tolist(), end.round().astype(int).tolist(), 255, round(thick * times))

    for side in ("left", "right"):
        for start, end in _BONES:
            line(joint(xy_px, f"{side}_{start}"), joint(xy_px, f"{side}_{end}"), 1.5 if start == "hip" else 1.0)
    corners = np.array([joint(xy_px, name) for name in _CORNERS])
    cv2.fillConvexPoly(mask, cv2.convexHull(corners.round().astype(np.int32)), 255)
    for start, end in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        line(start, end, 1.4)
    head = joint(xy_px, "ear")
    line(head, joint(xy_px, "shoulder"))
    cv2.circle(mask, head.round().astype(int).tolist(), round(trunk_px * width * 1.1), 255, -1)
    return cv2.GaussianBlur(mask, (0, 0), max(1.0, trunk_px * 0.03)).astype(np.float32) / 255


def cut_out(picture: np.ndarray, xy_px: np.ndarray) -> CutOut:
    """Cut the person with these MEDIAPIPE33 joints out of a frame."""
    size_wh = (picture.shape[1], picture.shape[0])
    return CutOut(picture, body_mask(xy_px, size_wh), joint(xy_px, "hip"))


def paste(
    picture: np.ndarray,
    who: CutOut,
    hips_px: Sequence[float],
    *,
    mirror: bool = False,
    behind: np.ndarray | None = None,
) -> np.ndarray:
    """A copy of a frame with somebody in it; ``behind`` are the joints of the person who hides part of them."""
    size_wh = (picture.shape[1], picture.shape[0])
    turn = -1.0 if mirror else 1.0
    move = np.array([[turn, 0, hips_px[0] - turn * who.hips_px[0]], [0, 1, hips_px[1] - who.hips_px[1]]])
    pasted = cv2.warpAffine(who.picture, move, size_wh)
    mask = cv2.warpAffine(who.mask, move, size_wh)
    if behind is not None:
        mask = mask * (1 - body_mask(behind, size_wh, width=0.22))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return picture
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    copy, alpha = picture.copy(), mask[part][..., None]
    copy[part] = (picture[part] * (1 - alpha) + pasted[part] * alpha).astype(np.uint8)
    return copy
