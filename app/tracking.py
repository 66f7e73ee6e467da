"""Who is who: gives each person of a frame a stable track id, keeps what belongs to a track, and stays with the person.

A detector may go over from the person to a bystander, and come back or not. A pose that cannot be the person's
(``plausibility``) is refused: the person then counts as not seen, their place stays theirs for a while, and the tracker
says where to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from .clothes import worn_colors
from .datatypes import Frame, Keypoints2D, Stamp
from .focus import Focus
from .hand_over import HandOver
from .matching import Match, is_seen_twice, match
from .plausibility import distance
from .roster import Roster
from .second_look import at_missing, at_unsure
from .track import CONFIRMED, SAME_PERSON, Track

_SLACK = 2.0
"""What a second look finds may be further off: it sees neither the frames before nor the others, who are covered. So
somebody who really moves as nobody is expected to is not refused for long."""

_BESIDE = 0.15
"""Nearer to the one who hides them, in body sizes, it is that one who was found again, in spite of the cover."""


@dataclass(slots=True)
class LockCounts:
    """How often the tracker had to hold on.

    Attributes:
        rejected_jumps: times the detector left a person for something that cannot be them.
        looks_again: frames that were looked at twice.
        recoveries: times a person who was left or not found was found again, before they counted as lost.
        taken_back: times somebody else in other clothes had taken a person's place without a jump.
        hand_overs: times somebody else took over when that was asked for.
        refused_hand_overs: times nobody else was found who could.
    """

    rejected_jumps: int = 0
    looks_again: int = 0
    recoveries: int = 0
    taken_back: int = 0
    hand_overs: int = 0
    refused_hand_overs: int = 0


LookAgain = Callable[[Focus], Sequence[Keypoints2D]]
"""A second look at a frame: whom it finds in some place of it."""


class TakenBack(NamedTuple):
    """Somebody whose place was taken.

    Attributes:
        own: where they are.
        taker: who had taken it.
    """

    own: Keypoints2D
    taker: Keypoints2D


class Tracker:
    """Matches the people of each frame with the tracks of the frames before.

    Args:
        max_people: how many tracks one frame may show.
        new_track: makes a track for an id; called when somebody new comes in.
    """

    def __init__(self, *, max_people: int, new_track: Callable[[int], Track]) -> None:
        self._roster = Roster(max_people=max_people, new_track=new_track)
        self._hand_over = HandOver()
        self._matched: tuple[list[Match], list[Keypoints2D]] | None = None
        self._matched_people: Sequence[Keypoints2D] = ()
        self.counts = LockCounts()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Everybody who is followed, also while they are not seen for a moment."""
        return tuple(self._roster.tracks)

    @property
    def remembered(self) -> tuple[Track, ...]:
        """Everybody who is followed, and who would be again if they came back now."""
        return tuple(self._roster.remembered)

    @property
    def is_asked_to_leave(self) -> bool:
        """Whether a hand-over was asked for since the last frame."""
        return self._hand_over.is_new

    def change_maker(self, new_track: Callable[[int], Track]) -> None:
        """Make the tracks of newcomers with this from now on."""
        self._roster.change_maker(new_track)

    def forget(self) -> None:
        """Whoever is seen next is somebody new. Ids go on counting."""
        self._roster.forget()
        self._hand_over.end()
        self._matched = None

    def distrust(self) -> None:
        """Another detector gives what comes: have its first poses confirmed."""
        for track in self._roster.tracks:
            track.distrust()

    def hand_over(self) -> bool:
        """Leave the only person who is followed for the next one to their right in the picture, or the leftmost.

        The person stays until somebody else is found, and for good where nobody is.

        Returns:
            False where nobody is followed, or several may be: there is nobody to be left.
        """
        if self._roster.max_people > 1 or not self._roster.tracks:
            return False
        self._hand_over.ask()
        return True

    def focus(self, people: Sequence[Keypoints2D], stamp: Stamp, size_wh: tuple[int, int]) -> Focus | None:
        """Where to look again, if anywhere: ask before ``update``, and give it what the second look found.

        Where somebody is missing who was there a moment ago, or was just found and the detector is not sure of them,
        their place; where the first person is about to be chosen, the whole picture, for MediaPipe gives the first it
        finds and not the one in front; and where another person shall take over, the whole picture without the present
        one.

        Args:
            people: as of ``update``.
            stamp: as of ``update``.
            size_wh: of the picture; who left it is not looked for.
        """
        tracks = self._roster.alive(stamp)
        matches, strangers = self._match_once(tracks, people, stamp)
        if not tracks:
            focus = Focus() if people else None
        elif self._hand_over.is_going_on:
            focus = Focus(others=tuple(keypoints for _, keypoints in matches) or (tracks[0].keypoints,))
        else:
            focus = at_missing(tracks, matches, strangers, stamp, size_wh) or at_unsure(matches, strangers, stamp)
        self.counts.looks_again += focus is not None
        return focus

    def look_at_clothes(self, frame: Frame, people: Sequence[Keypoints2D]) -> None:
        """See what everybody wears. Ask it first of every frame that has a picture.

        Args:
            frame: with its picture.
            people: as of ``update``.
        """
        matches, _ = self._match_once(self._roster.alive(frame.stamp), people, frame.stamp)
        for track, keypoints in matches:
            # Where a first pose is wrong there are other colours.
            if not track.is_unsettled(frame.stamp):
                track.clothes.see(worn_colors(frame.image_bgr, keypoints), keypoints, frame.stamp.time_s)

    def taken_back(
        self, frame: Frame, people: Sequence[Keypoints2D], again: Sequence[Keypoints2D] = ()
    ) -> TakenBack | None:
        """Somebody whose place was taken without a jump and who was found all the same, if anybody was.

        Ask it before ``focus``: whoever the detector comes back to by itself is far from the one who had taken their
        place, and would be refused.

        Args:
            frame: as ``look_at_clothes`` was given it.
            people: as ``look_at_clothes`` was given them.
            again: what a second look for somebody else found.
        """
        tracks = self._roster.alive(frame.stamp)
        matches, strangers = self._match_once(tracks, people, frame.stamp)
        # Who is about to be left need not be found again.
        for track in [track for track in tracks if track.clothes.are_doubted and not self._hand_over.is_going_on]:
            # Somebody else who is where they were known to be is not taken for the person, however alike they dress.
            mistaken = (
                keypoints
                for other, keypoints in matches
                if other is not track and (other.clothes.are_doubted or other.came_s > track.clothes.seen_s)
            )
            own = next((one for one in (*strangers, *mistaken, *again) if track.is_really(one, frame)), None)
            if own is not None:
                return TakenBack(own, dict(matches).get(track, track.keypoints))
        return None

    def looked_for(self, frame: Frame, people: Sequence[Keypoints2D], look_again: LookAgain) -> TakenBack | None:
        """The same by a second look where they should be: ask it where ``focus`` has said nothing.

        Args:
            frame: as ``look_at_clothes`` was given it.
            people: as ``look_at_clothes`` was given them.
            look_again: takes a second look at the frame.
        """
        matches, strangers = self._match_once(self._roster.alive(frame.stamp), people, frame.stamp)
        # One a frame: whoever is not asked now is asked in the next.
        doubts = ((*match, focus) for match in matches if (focus := match[0].doubt(frame.stamp.time_s)) is not None)
        for track, taker, focus in islice(doubts, 1):
            others = (*(keypoints for _, keypoints in matches), *strangers)
            self.counts.looks_again += 1
            again = look_again(replace(focus, others=others))
            new = (one for one in again if all(distance(one, other) >= _BESIDE for other in others))
            own = next((one for one in new if track.is_really(one, frame)), None)
            if own is not None:
                return TakenBack(own, taker)
        return None

    def watched(self, stamp: Stamp) -> Focus | None:
        """Where the only person who is followed should be by now, and who was mistaken for them a moment ago.

        None where more people may be followed, or the detector holds them: the usual picture is shown as it is.
        """
        tracks = self._roster.alive(stamp)
        if self._roster.max_people > 1 or not tracks:
            return None
        track = tracks[0]
        is_elusive, others = track.is_elusive(stamp) and not self._hand_over.is_going_on, track.near(stamp)
        if not is_elusive and not others:
            return None
        missing_s = stamp.time_s - track.seen_s
        return Focus(track.past.expected_px(stamp.time_s), others, missing_s, track.usual_px, is_close=is_elusive)

    def update(
        self,
        people: Sequence[Keypoints2D],
        stamp: Stamp,
        *,
        again: Sequence[Keypoints2D] = (),
        is_taken_back: bool = False,
        size_wh: tuple[int, int] | None = None,
    ) -> tuple[Track, ...]:
        """Assign the people of one frame to tracks. Call it for every frame, also when nobody was found.

        Args:
            people: H36M-17 joints of each person in the picture.
            stamp: when the frame was taken.
            again: what a second look at the same frame found.
            is_taken_back: ``again`` is a ``TakenBack``. Sessions of one person that were recorded without the taker
                mean whoever is followed.
            size_wh: of the picture; newcomers in its middle go before others.

        Returns:
            The tracks that are in the picture, oldest first, at most ``max_people``; their ``keypoints`` are this
            frame's.
        """
        self._roster.retire(stamp)
        matches, strangers = self._match_once(self._roster.tracks, people, stamp)
        self._matched = None
        regained = self._take_back(again, matches, strangers, stamp) if is_taken_back else []
        again = () if is_taken_back else again
        if self._hand_over.is_going_on and (successor := self._successor([*strangers, *again], stamp)) is not None:
            return (successor,)
        held = [track for track, _ in matches]
        matches += regained
        # Who is about to be left is not looked for: what a second look found is somebody else.
        present = [track for track, _ in matches]
        missing = (
            [] if self._hand_over.is_going_on else [track for track in self._roster.tracks if track not in present]
        )
        matches = _surest(matches, again, stamp)
        # Where one of two people is looked for, the other may be found again in spite of the cover.
        others = [one for one in again if not is_seen_twice(one, matches)]
        rescued, more_strangers = match(missing, others, stamp, slack=_SLACK)
        matches += rescued
        found = [track for track, _ in rescued]
        believed = self._answer(strangers, missing, found, matches, stamp)
        strangers = [one for one in strangers if all(one is not own for _, own in believed)]
        matches += believed
        self._count_rescues(missing, found, held, stamp)
        for track, keypoints in matches:
            self.counts.recoveries += not track.is_back
            track.is_back, track.doubted_s = True, None
            track.note_sides(is_swapped=keypoints.detected is not None, stamp=stamp)
            track.see(keypoints, stamp)
        for track in self._roster.tracks:
            track.is_held = track in held
        matches += self._roster.admit([*strangers, *more_strangers], matches, stamp, size_wh, again)
        seen = [track for track, _ in matches]
        self._roster.drop(
            [track for track in self._roster.tracks if track.new_since_s is not None and track not in seen]
        )
        return tuple(sorted((one for one in seen if one.new_since_s is None), key=lambda track: track.track_id))

    def _answer(
        self,
        strangers: Sequence[Keypoints2D],
        missing: Sequence[Track],
        found: Sequence[Track],
        matches: list[Match],
        stamp: Stamp,
    ) -> list[Match]:
        """Let those who are missing refuse whom the detector took for them, or believe that it is them after all.

        Returns:
            The matches of those who believe it.
        """
        bystanders = [stranger for stranger in strangers if not is_seen_twice(stranger, matches, CONFIRMED)]
        believed: list[Match] = []
        for track in missing if bystanders else ():
            self.counts.rejected_jumps += track.is_held
            own = None if track in found else track.convinced_by(bystanders, stamp)
            if own is None:
                track.refuse(bystanders, stamp)
            else:
                track.start_again(own, stamp)
                bystanders = [one for one in bystanders if one is not own]
                believed.append((track, own))
        return believed

    def _count_rescues(
        self, missing: Sequence[Track], found: Sequence[Track], held: Sequence[Track], stamp: Stamp
    ) -> None:
        """Keep the number of frames, one after the other, in which only a second look found somebody."""
        for track in missing:
            if track in found:
                track.num_rescues, track.rescued_s = track.num_rescues + 1, stamp.time_s
            else:
                track.num_rescues = 0
            track.is_back = track.is_back and not track.is_held
        for track in held:
            track.num_rescues *= track.is_elusive(stamp)

    def _take_back(
        self, again: Sequence[Keypoints2D], matches: list[Match], strangers: list[Keypoints2D], stamp: Stamp
    ) -> list[Match]:
        """Give somebody their place back, in ``matches`` and ``strangers``; the match of who is there again, if any."""
        own, *takers = again
        if not takers and self._roster.max_people > 1:
            return []
        places = dict(matches)
        candidates = [(track, places.get(track, track.keypoints)) for track in self._roster.tracks]
        if takers:
            candidates = [one for one in candidates if distance(takers[0], one[1]) < SAME_PERSON]
        if not candidates:
            return []
        track, taker = min(candidates, key=lambda one: distance(takers[0], one[1]) if takers else 0.0)
        strangers[:] = [one for one in strangers if distance(own, one) >= CONFIRMED]
        # Whoever was found where the person is, and taken for somebody new, is the one who had taken their place.
        mistaken = next(
            (other for other, one in matches if other is not track and distance(own, one) < CONFIRMED), None
        )
        if mistaken is not None:
            mistaken.start_again(taker, stamp)
        elif track in places:
            strangers.append(taker)
        matches[:] = [(other, taker if other is mistaken else one) for other, one in matches if other is not track]
        track.start_again(own, stamp)
        track.clothes.regain()
        # The detector goes on following them, unless they are covered.
        track.refuse([taker], stamp)
        self.counts.taken_back += 1
        return [(track, own)]

    def _successor(self, others: Sequence[Keypoints2D], stamp: Stamp) -> Track | None:
        """A new track of whoever takes over from the only person, if anybody does."""
        if not self._roster.tracks:
            self._hand_over.end()
            return None
        leaving = self._roster.tracks[0]
        following = self._hand_over.successor(leaving, others, stamp)
        if following is None:
            self.counts.refused_hand_overs += not self._hand_over.is_going_on
            return None
        successor = self._roster.succeed(following, stamp)
        # The detector goes on following the one who was left, unless they are covered.
        successor.refuse([leaving.keypoints], stamp)
        self.counts.hand_overs += 1
        return successor

    def _match_once(
        self, tracks: Sequence[Track], people: Sequence[Keypoints2D], stamp: Stamp
    ) -> tuple[list[Match], list[Keypoints2D]]:
        """The same people of one frame matched once: each time would cost as much again."""
        if self._matched is None or self._matched_people is not people:
            self._matched, self._matched_people = match(tracks, people, stamp), people
        return self._matched


def _surest(matches: list[Match], again: Sequence[Keypoints2D], stamp: Stamp) -> list[Match]:
    """Matches with what a second look found in the place of what is not sure yet, unless that is somebody else."""
    matches = list(matches)
    for place, (track, keypoints) in enumerate(matches):
        if track.is_unsettled(stamp):
            company = [*matches[:place], *matches[place + 1 :]]
            free = [one for one in again if not is_seen_twice(one, company)]
            matches[place] = track, track.surest(keypoints, free, stamp)
    return matches
