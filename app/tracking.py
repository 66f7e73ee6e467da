"""Who is who: gives each person of a frame a stable track id, and keeps what belongs to a track."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .datatypes import Keypoints2D, Stamp
from .smoothing import OneEuro
from .window import PoseWindow

LOST_AFTER_S = 0.5
"""A person who is away for longer comes back as somebody new: their window and filter would be stale."""

_STILL_REACH = 0.6
_REACH_PER_S = 3.0
"""A joint may be this many body sizes (per second away) from where it was and still be the same person's. The fastest
sprint moves a body by about five of its heights a second; a bystander stands at least half a body aside."""

_SAME_PERSON = 0.3
"""Somebody new who is nearer than this to a known person, in body sizes, is that person, detected twice. MediaPipe's
doubles in the demo clip are 0.03 to 0.27 apart, its two people more than 1. Two tracks may come nearer."""

_MIN_CONFIDENCE = 0.3


@dataclass(slots=True)
class Track:
    """One person over time.

    Attributes:
        track_id: counts up from 0, never reused.
        window: their 2D joints.
        smoother: filter of their 3D joints.
        root_smoother: filter of their place in the room.
    """

    track_id: int
    window: PoseWindow
    smoother: OneEuro
    root_smoother: OneEuro
    keypoints: Keypoints2D = field(init=False)
    seen_s: float = field(init=False)


class Tracker:
    """Matches the people of each frame with the tracks of the frames before.

    Args:
        max_people: how many tracks one frame may show.
        new_track: makes a track for an id; called when somebody new comes in.
    """

    def __init__(self, *, max_people: int, new_track: Callable[[int], Track]) -> None:
        self._max_people = max_people
        self._new_track = new_track
        self._tracks: list[Track] = []
        self._num_made = 0

    def update(self, people: Sequence[Keypoints2D], stamp: Stamp) -> tuple[Track, ...]:
        """Assign the people of one frame to tracks. Call it for every frame, also when nobody was found.

        Args:
            people: H36M-17 joints of each person in the picture.
            stamp: when the frame was taken.

        Returns:
            The tracks that are in the picture, oldest first, at most ``max_people``; their ``keypoints`` are this
            frame's.
        """
        self._tracks = [track for track in self._tracks if stamp.time_s - track.seen_s <= LOST_AFTER_S]
        matches, strangers = self._match(people, stamp)
        for keypoints in strangers:
            is_seen_twice = any(_distance(keypoints, known) < _SAME_PERSON for _, known in matches)
            if is_seen_twice or len(matches) >= self._max_people:
                continue
            track = self._new_track(self._num_made)
            self._num_made += 1
            self._tracks.append(track)
            matches.append((track, keypoints))
        for track, keypoints in matches:
            track.keypoints, track.seen_s = keypoints, stamp.time_s
        return tuple(sorted((track for track, _ in matches), key=lambda track: track.track_id))

    def _match(
        self, people: Sequence[Keypoints2D], stamp: Stamp
    ) -> tuple[list[tuple[Track, Keypoints2D]], list[Keypoints2D]]:
        """Pair tracks with people, nearest first; the people left over are strangers, largest first."""
        candidates = sorted(
            (
                (_distance(track.keypoints, keypoints), number, position)
                for number, track in enumerate(self._tracks)
                for position, keypoints in enumerate(people)
            ),
        )
        matches: dict[int, int] = {}
        for distance, number, position in candidates:
            reach = _STILL_REACH + _REACH_PER_S * (stamp.time_s - self._tracks[number].seen_s)
            if number not in matches and position not in matches.values() and distance <= reach:
                matches[number] = position
        strangers = [keypoints for position, keypoints in enumerate(people) if position not in matches.values()]
        strangers.sort(key=_body_size_px, reverse=True)
        return [(self._tracks[number], people[position]) for number, position in matches.items()], strangers


def _confident(keypoints: Keypoints2D) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    sure: np.ndarray[tuple[int], np.dtype[np.bool_]] = keypoints.confidence >= _MIN_CONFIDENCE
    return sure if sure.any() else keypoints.confidence > 0


def _body_size_px(keypoints: Keypoints2D) -> float:
    """Diagonal of the box around a person's confident joints; at least one pixel."""
    xy_px = keypoints.xy_px[_confident(keypoints)]
    return max(1.0, float(np.linalg.norm(np.ptp(xy_px, axis=0)))) if len(xy_px) else 1.0


def _distance(before: Keypoints2D, now: Keypoints2D) -> float:
    """Mean distance between the joints of two frames that both know, in body sizes; infinite without any."""
    both = _confident(before) & _confident(now)
    if not both.any():
        return float("inf")
    distance_px = np.linalg.norm(before.xy_px[both] - now.xy_px[both], axis=-1).mean()
    return float(distance_px) / max(_body_size_px(before), _body_size_px(now))
