"""Who of the people in a frame is who of those before, by place and pose alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .datatypes import Keypoints2D, Stamp
from .plausibility import body_size_px, distance, known_joints
from .track import SAME_PERSON, Track

_OFF_CENTRE = 0.5
"""What being in a corner of the picture takes off a newcomer's size when one is chosen."""

Match = tuple[Track, Keypoints2D]
"""Somebody, and their joints in a frame."""


def match(
    tracks: Sequence[Track], people: Sequence[Keypoints2D], stamp: Stamp, slack: float = 1.0
) -> tuple[list[Match], list[Keypoints2D]]:
    """Pair tracks with people who can be them, nearest first.

    Args:
        tracks: those who were there.
        people: H36M-17 joints of everybody in the frame.
        stamp: of the frame.
        slack: factor of how far off somebody may be.

    Returns:
        Pairs, with left and right as the track knows them, and the strangers, who are left over.
    """
    candidates: list[tuple[float, int, int, Keypoints2D]] = []
    for number, track in enumerate(tracks):
        expected_px = track.past.expected_px(stamp.time_s)
        for position, keypoints in enumerate(people):
            own = track.with_own_sides(keypoints, stamp)
            if track.can_be(own, stamp, slack=slack):
                candidates.append((distance(track.keypoints, own, expected_px), number, position, own))
    matches: dict[int, tuple[int, Keypoints2D]] = {}
    for _, number, position, own in sorted(candidates, key=lambda candidate: candidate[:3]):
        if number not in matches and position not in (taken for taken, _ in matches.values()):
            matches[number] = (position, own)
    taken_positions = {position for position, _ in matches.values()}
    strangers = [keypoints for position, keypoints in enumerate(people) if position not in taken_positions]
    return [(tracks[number], own) for number, (_, own) in matches.items()], strangers


def middle_px(keypoints: Keypoints2D) -> float:
    """Where somebody stands from left to right."""
    return float(keypoints.xy_px[known_joints(keypoints), 0].mean())


def is_seen_twice(stranger: Keypoints2D, matches: list[Match], within: float = SAME_PERSON) -> bool:
    """Whether somebody who was matched was found once more.

    Args:
        stranger: whoever was found.
        matches: of the same frame.
        within: mean distance of the joints in body sizes.
    """
    return any(distance(stranger, keypoints) < within for _, keypoints in matches)


def prominence(keypoints: Keypoints2D, size_wh: tuple[int, int] | None) -> float:
    """How much somebody is in front: their size, less for those who stand aside."""
    size_px, known = body_size_px(keypoints), known_joints(keypoints)
    if size_wh is None or not known.any():
        return size_px
    half, own_px = np.array(size_wh) / 2, keypoints.xy_px[known].mean(axis=0)
    off_centre = float(np.linalg.norm(own_px - half) / np.linalg.norm(half))
    return size_px * (1 - _OFF_CENTRE * min(1.0, off_centre))
