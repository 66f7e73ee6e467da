"""Draws 2D skeletons over the camera picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..arrays import Float32Array, ImageArray
from ..datatypes import Keypoints2D, Person
from .theme import DARK, PersonColors, Theme, bgr_bytes

_FAINT_CONFIDENCE = 0.35
"""Joints below are drawn thin, without outline and half transparent: they are guesses."""

_HIDDEN_CONFIDENCE = 0.05
Point = Sequence[int]
"""x, y in sixteenths of a pixel."""

_THICKNESS_PER_BODY = 1 / 70
_SUBPIXEL_BITS = 4
_FIXED_POINT = 1 << _SUBPIXEL_BITS
_FARTHEST_PX = 20_000.0
"""Beyond this, OpenCV's fixed-point coordinates overflow."""

_FAINT_OPACITY = 0.45


def draw_people(
    image_bgr: ImageArray,
    people: Sequence[Person],
    theme: Theme = DARK,
    *,
    scale: float = 1.0,
    slots: Mapping[int, int] | None = None,
) -> None:
    """Draw the 2D skeletons of people into a picture, in place.

    Args:
        image_bgr: (H, W, 3) uint8, writable; any size.
        people: keypoints in pixels of the original picture.
        theme: colours.
        scale: size of this picture over the original's.
        slots: which set of colours each person wears, by track id (``wardrobe``); without it all wear the first.
    """
    for person in people:
        wears = theme.person((slots or {}).get(person.track_id, 0))
        _draw_person(image_bgr, person.keypoints, theme, wears, scale)


def _draw_person(
    image_bgr: ImageArray, keypoints: Keypoints2D, theme: Theme, wears: PersonColors, scale: float
) -> None:
    xy_px = keypoints.xy_px * np.float32(scale)
    with np.errstate(invalid="ignore"):
        is_drawn = (np.abs(xy_px) < _FARTHEST_PX).all(axis=-1) & (keypoints.confidence >= _HIDDEN_CONFIDENCE)
    if not is_drawn.any():
        return
    is_sure = is_drawn & (keypoints.confidence >= _FAINT_CONFIDENCE)
    thickness_px = _thickness(xy_px[is_drawn], image_bgr.shape[:2])
    points = np.rint(np.where(is_drawn[:, None], xy_px, 0) * _FIXED_POINT).astype(int).tolist()
    bones = [(start, end) for start, end in keypoints.skeleton.bones if is_drawn[start] and is_drawn[end]]
    sure = [(start, end) for start, end in bones if is_sure[start] and is_sure[end]]
    joints = np.flatnonzero(is_sure).tolist()
    colors = [bgr_bytes(wears.side(keypoints.skeleton.side(joint))) for joint in range(len(points))]
    if len(sure) < len(bones):
        faint = [bone for bone in bones if bone not in sure]
        _draw_faint(image_bgr, points, faint, colors, max(1, round(thickness_px / 2)))
    # Outlines of all first: none may cut through a neighbour's colour.
    outline = bgr_bytes(theme.outline)
    line_px, outline_px = max(1, round(thickness_px)), round(thickness_px) + max(2, round(thickness_px * 0.8))
    for start, end in sure:
        _line(image_bgr, points[start], points[end], outline, outline_px)
    for joint in joints:
        _dot(image_bgr, points[joint], thickness_px * 1.05 + 1, outline)
    for start, end in sure:
        _line(image_bgr, points[start], points[end], colors[end], line_px)
    for joint in joints:
        _dot(image_bgr, points[joint], thickness_px * 0.85, bgr_bytes(theme.joints))


def _thickness(xy_px: Float32Array, size_hw: tuple[int, ...]) -> float:
    """Bones as thick as suits the body's size, and visible in a small picture of a distant body."""
    body_px = float(np.ptp(xy_px, axis=0).max())
    picture_px = float(min(size_hw))
    return float(np.clip(body_px * _THICKNESS_PER_BODY, max(1.0, picture_px / 400), max(1.0, picture_px / 90)))


def _draw_faint(
    image_bgr: ImageArray,
    points: Sequence[Point],
    bones: Sequence[tuple[int, int]],
    colors: Sequence[tuple[int, int, int]],
    thickness_px: int,
) -> None:
    """Draw unsure bones half transparent, blending only the part of the picture that they touch."""
    ends = np.asarray([points[joint] for bone in bones for joint in bone]) // _FIXED_POINT
    height, width = image_bgr.shape[:2]
    left, top = np.clip(ends.min(axis=0) - 2 * thickness_px, 0, (width, height)).tolist()
    right, bottom = np.clip(ends.max(axis=0) + 2 * thickness_px + 1, 0, (width, height)).tolist()
    part = image_bgr[top:bottom, left:right]
    if part.size == 0:
        return
    drawn = part.copy()
    moved = [[x - left * _FIXED_POINT, y - top * _FIXED_POINT] for x, y in points]
    for start, end in bones:
        _line(drawn, moved[start], moved[end], colors[end], thickness_px)
    part[:] = cv2.addWeighted(drawn, _FAINT_OPACITY, part, 1 - _FAINT_OPACITY, 0)


def _line(image_bgr: ImageArray, start: Point, end: Point, color: tuple[int, int, int], thickness_px: int) -> None:
    cv2.line(image_bgr, start, end, color, thickness_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def _dot(image_bgr: ImageArray, centre: Point, radius_px: float, color: tuple[int, int, int]) -> None:
    radius = max(1, round(radius_px * _FIXED_POINT))
    cv2.circle(image_bgr, centre, radius, color, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
