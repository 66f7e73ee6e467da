"""Draws 2D skeletons over the camera picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..datatypes import Float32Array, ImageArray, Keypoints2D, Person
from .theme import DARK, Theme, bgr_bytes

_FAINT_CONFIDENCE = 0.35
"""Joints below are drawn thin, without outline and half transparent: they are guesses."""

_HIDDEN_CONFIDENCE = 0.05
_THICKNESS_PER_BODY = 1 / 70
_SUBPIXEL_BITS = 4
_FARTHEST_PX = 20_000.0
"""Beyond this, OpenCV's fixed-point coordinates overflow."""

_FAINT_OPACITY = 0.45


def draw_people(image_bgr: ImageArray, people: Sequence[Person], theme: Theme = DARK, *, scale: float = 1.0) -> None:
    """Draw the 2D skeletons of people into a picture, in place.

    Args:
        image_bgr: (H, W, 3) uint8, writable; any size.
        people: keypoints in pixels of the original picture.
        theme: colours.
        scale: size of this picture over the original's.
    """
    for person in people:
        _draw_person(image_bgr, person.keypoints, theme, scale)


def _draw_person(image_bgr: ImageArray, keypoints: Keypoints2D, theme: Theme, scale: float) -> None:
    xy_px = keypoints.xy_px * np.float32(scale)
    with np.errstate(invalid="ignore"):
        is_drawn = (np.abs(xy_px) < _FARTHEST_PX).all(axis=-1) & (keypoints.confidence >= _HIDDEN_CONFIDENCE)
    is_sure = is_drawn & (keypoints.confidence >= _FAINT_CONFIDENCE)
    if not is_drawn.any():
        return
    thickness_px = _thickness(xy_px[is_drawn], image_bgr.shape[:2])
    fixed = np.round(np.where(is_drawn[:, None], xy_px, 0) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    bones = [bone for bone in keypoints.skeleton.bones if is_drawn[list(bone)].all()]
    sure = [bone for bone in bones if is_sure[list(bone)].all()]
    faint = [bone for bone in bones if bone not in sure]
    _draw_faint(image_bgr, keypoints, fixed, faint, theme, max(1, round(thickness_px / 2)))
    # Outlines of all first: none may cut through a neighbour's colour.
    outline = bgr_bytes(theme.outline)
    for bone in sure:
        _line(image_bgr, fixed, bone, outline, round(thickness_px * 1.0) + max(2, round(thickness_px * 0.8)))
    for joint in np.flatnonzero(is_sure):
        _dot(image_bgr, fixed[joint], thickness_px * 1.05 + 1, outline)
    for bone in sure:
        _line(image_bgr, fixed, bone, _color(keypoints, bone, theme), max(1, round(thickness_px)))
    for joint in np.flatnonzero(is_sure):
        _dot(image_bgr, fixed[joint], thickness_px * 0.85, bgr_bytes(theme.joints))


def _thickness(xy_px: Float32Array, size_hw: tuple[int, ...]) -> float:
    """Bones as thick as suits the body's size, and visible in a small picture of a distant body."""
    body_px = float(np.ptp(xy_px, axis=0).max())
    picture_px = float(min(size_hw))
    return float(np.clip(body_px * _THICKNESS_PER_BODY, max(1.0, picture_px / 400), max(1.0, picture_px / 90)))


def _draw_faint(
    image_bgr: ImageArray,
    keypoints: Keypoints2D,
    fixed: np.ndarray,
    bones: Sequence[tuple[int, int]],
    theme: Theme,
    thickness_px: int,
) -> None:
    """Draw unsure bones half transparent, blending only the part of the picture that they touch."""
    if not bones:
        return
    ends = fixed[np.asarray(bones).ravel()] / (1 << _SUBPIXEL_BITS)
    height, width = image_bgr.shape[:2]
    left, top = np.clip(ends.min(axis=0).astype(int) - 2 * thickness_px, 0, (width, height))
    right, bottom = np.clip(ends.max(axis=0).astype(int) + 2 * thickness_px + 1, 0, (width, height))
    part = image_bgr[top:bottom, left:right]
    if part.size == 0:
        return
    drawn = part.copy()
    moved = fixed - np.int32([left, top]) * (1 << _SUBPIXEL_BITS)
    for bone in bones:
        _line(drawn, moved, bone, _color(keypoints, bone, theme), thickness_px)
    part[:] = cv2.addWeighted(drawn, _FAINT_OPACITY, part, 1 - _FAINT_OPACITY, 0)


def _color(keypoints: Keypoints2D, bone: tuple[int, int], theme: Theme) -> tuple[int, int, int]:
    return bgr_bytes(theme.side(keypoints.skeleton.side(bone[1])))


def _line(
    image_bgr: ImageArray, fixed: np.ndarray, bone: tuple[int, int], color: tuple[int, int, int], thickness_px: int
) -> None:
    start, end = (tuple(map(int, fixed[joint])) for joint in bone)
    cv2.line(image_bgr, start, end, color, thickness_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def _dot(image_bgr: ImageArray, centre: np.ndarray, radius_px: float, color: tuple[int, int, int]) -> None:
    radius = max(1, round(radius_px * (1 << _SUBPIXEL_BITS)))
    cv2.circle(image_bgr, tuple(map(int, centre)), radius, color, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
