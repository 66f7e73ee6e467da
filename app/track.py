"""One person over time: where they were, what belongs to them, and what can be theirs.

Distances without a unit are in body sizes (``plausibility``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .body import BodyModel
from .clothes import Clothes, worn_colors
from .datatypes import Frame, Keypoints2D, Stamp
from .focus import Focus
from .plausibility import Past, body_size_px, distance, fault, known_joints
from .side_choice import SideChoice
from .sides import swap_sides, swapped_parts
from .smoothing import Smoother
from .window import PoseWindow

SAME_PERSON = 0.3
"""Somebody new who is nearer than this to a known person, in body sizes, is that person, detected twice. MediaPipe's
doubles in the demo clip are 0.03 to 0.27 apart, its two people more than 1. Two tracks may come nearer."""

CONFIRMED = 0.1
"""A refused pose that is so near to what the second look found was the person's after all."""

_BACK_AT_ONCE, _BACK_PER_S = 0.5, 2.5
_BACK_SIZE = 1.8
"""How far somebody comes until they are back, and the factor that their size in the picture may change by: who falls
off a wall unseen, and crouches, comes two sizes far in 0.7 s."""

_PROBATION_S = 0.09
"""Somebody new counts once they were seen for so long without a miss, where others are followed already: a detector
that looks for one more finds one now and then, in a tangle of limbs and shadows. In the demo clip such a one lasts two
frames. Whoever is alone counts at once."""

_ALERT_S = 0.5
"""So long after a refused pose its place stays covered, and limits are tight: who was mistaken once is still near."""
_RESCUES, _CLOSE_S = 3, 1.0
"""After so many frames in which only a second look found a person, and for so long, the detector is shown only their
surroundings, where they are larger and nobody else is."""

_TIGHT = 0.7
_NEAR = 1.0
"""But only for poses that are no further from that one than so many body sizes: what is, is not a blend of both."""
_MAX_BYSTANDERS = 3

_WAITING = 1 / 3
"""Who is looked for behind somebody else is taken to have gone as far as in so much of the time: most wait there, and
in a larger part of the picture MediaPipe finds others first."""

_CONVINCED_S = 0.1
_AROUND = 0.6
"""A person is whoever stands within so many body sizes of their place for so long although refused, while a second look
with that one covered finds nobody else: what was impossible was the detector's pose before."""

_USUAL_S = 2.0
"""So long a size that somebody had is remembered."""

_TURNED_S = 0.4
"""Sides that stay swapped for so long are believed. In the demo clip the detector comes back to itself within 0.3 s."""

_SETTLED_S = 0.3
"""So long after somebody was found a second look at them is taken where the detector is not sure, until it agrees: the
first poses of MediaPipe are its worst, a third of a body off in the demo clip, and each starts from the one before."""
_SURE, _SURER = 0.85, 0.1
"""Mean confidence of a pose that needs no second look, and by how much another one's must be higher to be taken for it.
In the demo clip the detector begins at 0.72, a closer look at the same frames has 0.98."""


@dataclass(slots=True, eq=False)
class Track:
    """One person over time.

    Attributes:
        track_id: counts up from 0, never reused.
        window: their 2D joints.
        smoother: filter of their 3D joints.
        sides: tells left from right by what follows; None where nothing may be waited for.
        body: lengths of their bones; None where they are left as the lifter gives them.
        past: where they were last seen.
        bystanders: whom the detector took them for of late.
        refused_s: when it last did.
        rescued_s: when only a second look found them last.
        num_rescues: how often it did in the last frames, one after the other.
        usual_px: larger side of the box around them, as it was at most in the last seconds.
        swapped_s: since when left and right of them are exchanged; None while they are as the detector gives them.
        doubted_s: since when every pose was refused and nobody else was found; None while they are seen.
        came_s: when they were first seen.
        new_since_s: when they were first seen, as long as it is not sure that they are there; None once it is.
        is_confirmed: a second look has agreed with the detector since they were found.
        distrusted_s: when another detector came; None where there was none since they were found.
        is_held: the detector itself followed them in the last frame.
        is_back: since it does not, they were found all the same.
        clothes: what they wear.
    """

    track_id: int
    window: PoseWindow
    smoother: Smoother
    sides: SideChoice | None = None
    body: BodyModel | None = None
    past: Past = field(init=False)
    bystanders: tuple[Keypoints2D, ...] = field(init=False, default=())
    refused_s: float = field(init=False, default=float("-inf"))
    rescued_s: float = field(init=False, default=float("-inf"))
    num_rescues: int = field(init=False, default=0)
    usual_px: float = field(init=False, default=0.0)
    swapped_s: float | None = field(init=False, default=None)
    doubted_s: float | None = field(init=False, default=None)
    came_s: float = field(init=False, default=float("-inf"))
    new_since_s: float | None = field(init=False, default=None)
    is_confirmed: bool = field(init=False, default=False)
    distrusted_s: float | None = field(init=False, default=None)
    is_held: bool = field(init=False, default=True)
    is_back: bool = field(init=False, default=True)
    clothes: Clothes = field(init=False, default_factory=Clothes)

    @property
    def keypoints(self) -> Keypoints2D:
        """Their joints when they were last seen."""
        return self.past.keypoints

    @property
    def seen_s(self) -> float:
        """When that was."""
        return self.past.seen_s

    def with_own_sides(self, keypoints: Keypoints2D, stamp: Stamp) -> Keypoints2D:
        """The pose with left and right as they were, where the detector has exchanged them; itself elsewhere."""
        elapsed_s = stamp.time_s - self.seen_s
        return swap_sides(keypoints, swapped_parts(self.past.expected_px(stamp.time_s), keypoints, elapsed_s))

    def can_return_as(self, keypoints: Keypoints2D, stamp: Stamp) -> bool:
        """Whether somebody new can be this person, who was lost a moment ago."""
        is_known = any(distance(other, keypoints) < _AROUND for other in self.bystanders)
        return not is_known and _can_come(self.keypoints, keypoints, stamp.time_s - self.seen_s)

    def doubt(self, time_s: float) -> Focus | None:
        """Where they should be, if it is time to look there: whoever is taken for them wears something else."""
        clothes = self.clothes
        if clothes.keypoints is None or not clothes.is_time_to_look(time_s):
            return None
        missing_s = _WAITING * (time_s - clothes.seen_s)
        return Focus(clothes.keypoints.xy_px, missing_s=missing_s, usual_px=self.usual_px)

    def is_really(self, keypoints: Keypoints2D, frame: Frame) -> bool:
        """Whether they are doubted, and this is somebody near where they were last seen who wears their clothes."""
        clothes = self.clothes
        if not clothes.are_doubted or clothes.keypoints is None or not known_joints(keypoints).any():
            return False
        is_near = _can_come(clothes.keypoints, keypoints, frame.stamp.time_s - clothes.seen_s)
        return is_near and clothes.fit(worn_colors(frame.image_bgr, keypoints))

    def start_again(self, keypoints: Keypoints2D, stamp: Stamp) -> None:
        """Be seen for the first time since they were lost."""
        self.past, self.bystanders = Past.first(keypoints, stamp.time_s), ()
        self.refused_s = self.rescued_s = float("-inf")
        self.num_rescues = 0
        self.swapped_s = self.doubted_s = None
        self.is_held = self.is_back = True
        self.distrusted_s = None

    def see(self, keypoints: Keypoints2D, stamp: Stamp) -> None:
        """Go on from where they are now; sides that were exchanged for long are believed from here on."""
        elapsed_s = stamp.time_s - self.seen_s
        if self.swapped_s is not None and stamp.time_s - self.swapped_s >= _TURNED_S:
            keypoints, self.swapped_s = keypoints.as_detected, None
        self.past = self.past.then(keypoints, stamp.time_s)
        if self.new_since_s is not None and stamp.time_s - self.new_since_s >= _PROBATION_S:
            self.new_since_s = None
        side_px = float(np.ptp(keypoints.xy_px[known_joints(keypoints)], axis=0).max(initial=0.0))
        self.usual_px = max(side_px, self.usual_px * math.exp(-elapsed_s / _USUAL_S))

    def note_sides(self, *, is_swapped: bool, stamp: Stamp) -> None:
        """Remember since when left and right are not as the detector gives them."""
        if not is_swapped:
            self.swapped_s = None
        elif self.swapped_s is None:
            self.swapped_s = stamp.time_s

    def can_be(self, keypoints: Keypoints2D, stamp: Stamp, *, slack: float = 1.0) -> bool:
        """Whether a pose can be theirs; limits are tight beside somebody whom the detector took for them of late."""
        is_beside = any(distance(other, keypoints) < _NEAR for other in self.near(stamp))
        slack = slack * _TIGHT if is_beside else slack
        return fault(self.past, keypoints, stamp.time_s, slack=slack) is None

    def is_alert(self, stamp: Stamp) -> bool:
        """Whether the detector took somebody else for them a moment ago."""
        return stamp.time_s - self.refused_s <= _ALERT_S

    def is_unsettled(self, stamp: Stamp) -> bool:
        """Whether they were found a moment ago, and no second look has agreed with the detector yet."""
        since_s = self.past.since_s if self.distrusted_s is None else self.distrusted_s
        return not self.is_confirmed and stamp.time_s - since_s <= _SETTLED_S

    def distrust(self) -> None:
        """Have the detector's next poses compared, however sure it is: it is another one, and has just found them."""
        self.is_confirmed, self.distrusted_s = False, self.seen_s

    def surest(self, keypoints: Keypoints2D, again: Sequence[Keypoints2D], stamp: Stamp) -> Keypoints2D:
        """Their pose, or what a second look found in its place.

        That is taken where it is surer of itself by far, or, of another detector, nearer to where they were.
        """
        around = [one for one in again if distance(keypoints, one) < _AROUND]
        best = max(around, key=lambda one: float(one.confidence.mean()), default=keypoints)
        if self.distrusted_s is not None:
            # For as long as it takes: it may be right in one frame and off in the next.
            expected_px = self.past.expected_px(stamp.time_s)
            return min((keypoints, best), key=lambda one: distance(self.keypoints, one, expected_px))
        self.is_confirmed = best is not keypoints and distance(keypoints, best) < CONFIRMED
        return best if best.confidence.mean() > keypoints.confidence.mean() + _SURER else keypoints

    def is_elusive(self, stamp: Stamp) -> bool:
        """Whether the detector did not find them without help, again and again, until a moment ago."""
        return self.num_rescues >= _RESCUES and stamp.time_s - self.rescued_s <= _CLOSE_S

    def near(self, stamp: Stamp) -> tuple[Keypoints2D, ...]:
        """The bystanders who must still be near."""
        return self.bystanders if self.is_alert(stamp) else ()

    def convinced_by(self, strangers: Sequence[Keypoints2D], stamp: Stamp) -> Keypoints2D | None:
        """The refused pose that must be theirs after all, if any."""
        if not strangers:
            return None
        self.doubted_s = stamp.time_s if self.doubted_s is None else self.doubted_s
        if stamp.time_s - self.doubted_s < _CONVINCED_S:
            return None
        apart, number = min((distance(self.keypoints, one), number) for number, one in enumerate(strangers))
        return strangers[number] if apart < _AROUND else None

    def refuse(self, strangers: Sequence[Keypoints2D], stamp: Stamp) -> None:
        """Remember whom the detector took them for."""
        others = [old for old in self.near(stamp) if all(distance(old, new) >= SAME_PERSON for new in strangers)]
        self.bystanders, self.refused_s = (*strangers, *others)[:_MAX_BYSTANDERS], stamp.time_s


def is_sure(keypoints: Keypoints2D) -> bool:
    """Whether a pose needs no second look."""
    return float(keypoints.confidence.mean()) >= _SURE


def _can_come(before: Keypoints2D, now: Keypoints2D, elapsed_s: float) -> bool:
    """Whether somebody can be where they are now, coming from where they were."""
    ratio = body_size_px(now) / body_size_px(before)
    reach = _BACK_AT_ONCE + _BACK_PER_S * elapsed_s
    return 1 / _BACK_SIZE < ratio < _BACK_SIZE and distance(before, now) < reach
