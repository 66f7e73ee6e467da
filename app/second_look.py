"""Where a frame is worth a second look: at whoever is missing, or was just found and is not quite believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .arrays import Float32Array
from .datatypes import Keypoints2D, Stamp
from .focus import Focus
from .geometry import norms
from .matching import Match, prominence
from .plausibility import known_joints
from .track import Track, is_sure


def at_missing(
    tracks: Sequence[Track],
    matches: Sequence[Match],
    strangers: Sequence[Keypoints2D],
    stamp: Stamp,
    size_wh: tuple[int, int],
) -> Focus | None:
    """The place of somebody who is missing and should still be in the picture: who was seen last goes first.

    Args:
        tracks: everybody who is followed.
        matches: those of them who were found.
        strangers: who was found besides.
        stamp: when the frame was taken.
        size_wh: of the picture.
    """
    seen = [track for track, _ in matches]
    others = (*(keypoints for _, keypoints in matches), *strangers)
    for track in sorted(tracks, key=lambda track: track.seen_s, reverse=True):
        xy_px = track.past.expected_px(stamp.time_s)
        middle = np.nanmean(xy_px, axis=0)
        if track not in seen and track.new_since_s is None and (middle >= 0).all() and (middle < size_wh).all():
            missing_s = stamp.time_s - track.seen_s
            return Focus(xy_px, (*others, *track.near(stamp)), missing_s, track.usual_px)
    return None


def uncovered(focus: Focus) -> Focus | None:
    """Where to look once more where nobody was found: the same place without covers that may hide the one who is there.

    What the detector gives in the place of somebody who is missing can be a bystander in front of them, or a wrong pose
    of their own, and a cover of that shape leaves too little of them to be found.

    Args:
        focus: what was looked at.
    """
    if focus.xy_px is None or not focus.missing_s:
        return None
    apart = tuple(one for one in focus.others if not _is_over(one, focus.xy_px))
    return None if len(apart) == len(focus.others) else replace(focus, others=apart)


def _is_over(other: Keypoints2D, xy_px: Float32Array) -> bool:
    """Whether somebody is nearer to a place than the one who is expected there is large."""
    known = np.isfinite(xy_px).all(axis=-1) & known_joints(other)
    if not known.any():
        return False
    size_px = float(np.linalg.norm(np.ptp(xy_px[known], axis=0)))
    return float(norms(other.xy_px[known] - xy_px[known]).mean()) < size_px


def at_unsure(matches: Sequence[Match], strangers: Sequence[Keypoints2D], stamp: Stamp) -> Focus | None:
    """The place of somebody who was found a moment ago and of whose pose the detector is not sure.

    Args:
        matches: those who are followed and were found.
        strangers: who was found besides.
        stamp: when the frame was taken.
    """
    for track, keypoints in matches:
        if track.is_unsettled(stamp) and (track.distrusted_s is not None or not is_sure(keypoints)):
            others = (*(one for other, one in matches if other is not track), *strangers)
            return Focus(track.past.expected_px(stamp.time_s), others, usual_px=track.usual_px)
    return None


def closer(focus: Focus, people: Sequence[Keypoints2D], size_wh: tuple[int, int]) -> Focus | None:
    """Where to look once more after a look at the whole picture: at the one who will be chosen, unless it is sure.

    Args:
        focus: what was looked at.
        people: everybody who was found.
        size_wh: of the picture.
    """
    if focus.xy_px is not None or focus.others or not people:
        return None
    first = max(people, key=lambda one: prominence(one, size_wh))
    return None if not known_joints(first).any() or is_sure(first) else Focus(first.xy_px)
