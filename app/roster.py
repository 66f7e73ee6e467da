"""Who is followed: tracks are made, kept for a while when nobody is seen any more, given back, and given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .datatypes import Keypoints2D, Stamp
from .matching import Match, is_seen_twice, prominence
from .plausibility import distance, known_joints
from .track import Track

LOST_AFTER_S = 0.5
"""For so long the place of a person who is away is theirs, and nobody else takes it."""
REMEMBERED_S = 1.0
"""And for so long whoever turns up near enough, and was not seen meanwhile, is that person and not somebody new."""


class Roster:
    """The tracks of everybody who has a place, and of those who lost theirs a moment ago.

    Args:
        max_people: how many places there are.
        new_track: makes a track for an id; called when somebody new comes in.

    Attributes:
        max_people: as it was made.
        tracks: everybody who has a place, also while they are not seen for a moment.
    """

    def __init__(self, *, max_people: int, new_track: Callable[[int], Track]) -> None:
        self.max_people = max_people
        self._new_track = new_track
        self._gone: list[Track] = []
        self._num_made = 0
        self.tracks: list[Track] = []

    @property
    def remembered(self) -> list[Track]:
        """Those who have a place, and those who would get theirs back."""
        return [*self.tracks, *self._gone]

    def change_maker(self, new_track: Callable[[int], Track]) -> None:
        """Make the tracks of newcomers with this from now on."""
        self._new_track = new_track

    def forget(self) -> None:
        """Whoever is seen next is somebody new. Ids go on counting."""
        self.tracks, self._gone = [], []

    def alive(self, stamp: Stamp) -> list[Track]:
        """Those whose place is still theirs at this time."""
        return [track for track in self.tracks if stamp.time_s - track.seen_s <= LOST_AFTER_S]

    def retire(self, stamp: Stamp) -> None:
        """Give up the places of those who are away for long, and remember them for a while."""
        gone = [*self._gone, *self.tracks]
        self.tracks = self.alive(stamp)
        self._gone = [
            track for track in gone if track not in self.tracks and stamp.time_s - track.seen_s <= REMEMBERED_S
        ]

    def drop(self, unsure: Sequence[Track]) -> None:
        """Give up newcomers who were there for a moment only; nobody has heard of them, so the next gets their id."""
        self.tracks = [track for track in self.tracks if track not in unsure]
        for track in sorted(unsure, key=lambda track: track.track_id, reverse=True):
            self._num_made -= track.track_id == self._num_made - 1

    def succeed(self, keypoints: Keypoints2D, stamp: Stamp) -> Track:
        """Give the only place to somebody else, whose new track it returns."""
        successor = self._make(keypoints, stamp)
        self.tracks = [successor]
        return successor

    def admit(
        self,
        strangers: Sequence[Keypoints2D],
        matches: Sequence[Match],
        stamp: Stamp,
        size_wh: tuple[int, int] | None,
        again: Sequence[Keypoints2D],
    ) -> list[Match]:
        """Tracks of newcomers, as far as there are places: who was lost a moment ago and is back has the old one.

        Args:
            strangers: who belongs to no track.
            matches: of the same frame; whoever is one of them, found once more, is nobody new.
            stamp: of the frame.
            size_wh: of the picture; newcomers in its middle go before others.
            again: what a second look found; taken for a newcomer's first pose where it is surer.
        """
        made: list[Match] = []
        is_first = not self.tracks
        back = {id(one): self._returning(one, stamp) for one in strangers}
        strangers = sorted(
            strangers, key=lambda one: (back[id(one)] is not None, prominence(one, size_wh)), reverse=True
        )
        for keypoints in strangers:
            if len(self.tracks) >= self.max_people:
                break
            if not known_joints(keypoints).any() or is_seen_twice(keypoints, [*matches, *made]):
                continue
            track = back[id(keypoints)]
            if track is None or track not in self._gone:
                track = self._make(keypoints, stamp)
                track.new_since_s = None if is_first else stamp.time_s
            else:
                self._gone.remove(track)
            free = [one for one in again if not is_seen_twice(one, [*matches, *made])]
            keypoints = track.surest(keypoints, free, stamp)
            track.start_again(keypoints, stamp)
            self.tracks.append(track)
            made.append((track, keypoints))
        return made

    def _returning(self, keypoints: Keypoints2D, stamp: Stamp) -> Track | None:
        """The person who was lost a moment ago and is back, if this is one."""
        lost = [track for track in self._gone if track.can_return_as(keypoints, stamp)]
        return min(lost, key=lambda track: distance(track.keypoints, keypoints), default=None)

    def _make(self, keypoints: Keypoints2D, stamp: Stamp) -> Track:
        track = self._new_track(self._num_made)
        track.came_s = stamp.time_s
        track.start_again(keypoints, stamp)
        self._num_made += 1
        return track
