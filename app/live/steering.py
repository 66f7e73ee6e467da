"""Follows the wishes of whoever sits at the keys, between two frames: lifter, ghost, detector, smoothing, hand-over.

What takes long is opened in a thread of its own while the run goes on with what it has, is swapped in once it is there,
and is kept. Windows, filters, bodies and ids belong to the tracks and live on, so nothing freezes and nothing jumps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from ..datatypes import Frame, InUse
from ..errors import PosedemoError
from ..smoothing import Causal
from ..stages import Detector, Lifter, Stages
from ..track import Track
from .background import Stock
from .shared import Shared
from .status import KEPT_DETECTOR, Status, tell
from .wishes import Wishes

logger = logging.getLogger(__name__)

_TOLERANCE_S = 1e-3
_BOUND = "the file that is being written"
_PATIENCE_S = 2.0
"""So long the end of a run waits for what is being opened."""


Role = Literal["lifter", "ghost", "detector", "smooth"]


class OpenLifter(Lifter, Protocol):
    """A lifter as the registry makes it."""

    provider: str

    def close(self) -> None:
        """Free what the lifter holds."""
        ...


@dataclass(frozen=True)
class Workshop:
    """What steering makes new stages with. Everything is opened warm: it has run once.

    Attributes:
        open_lifter: by name.
        open_detector: by name; None where nothing is detected, as in a recorded session.
        tracks_with: makes the maker of newcomers' tracks for a smoothing preset; None where filters look ahead, since
            results already wait for them.
        is_bound: by files that say once for all how their poses were made, so that nothing of it may change.
        follows: fields of ``InUse`` that change where they changed when a session was recorded.
        lifter_here: what a lifter that a session names is in this run, whose mode may be another.
    """

    open_lifter: Callable[[str], OpenLifter]
    open_detector: Callable[[str], Detector] | None = None
    tracks_with: Callable[[str], Callable[[int], Track]] | None = None
    is_bound: bool = False
    follows: Collection[str] = ()
    lifter_here: Callable[[str], str] = str


class Steering:
    """Says before every frame which stages it goes through. Ask it in the pipeline's thread only.

    It closes all detectors in the end, and all lifters but the first.

    Args:
        stages: the first ones.
        lifter: of these, which whoever opened it closes.
        wishes: to be followed.
        status: says what is in use; of the first stages, to begin with.
        workshop: makes what is wished for.
    """

    def __init__(
        self, stages: Stages, lifter: OpenLifter, wishes: Shared[Wishes], status: Shared[Status], workshop: Workshop
    ) -> None:
        self._wishes = wishes
        self._status = status
        self._workshop = workshop
        self._look_ahead_s = lifter.spec.look_ahead_s
        self._followed = wishes.value
        self._first = lifter
        self._refused: set[tuple[Role, str]] = set()
        self._lifters: Stock[OpenLifter] = Stock(workshop.open_lifter, {status.value.lifter: lifter})
        self._detectors: Stock[Detector] = Stock(
            workshop.open_detector or _open_nothing, {status.value.detector: stages.detector}
        )
        self._num_refused_hand_overs = 0
        now = status.value
        self._recorded = InUse(now.detector, now.lifter, now.smooth)
        self._stated: InUse | None = None
        self.lifters_used = [status.value.lifter]
        self.detectors_used = [status.value.detector]

    def __call__(self, stages: Stages, frame: Frame) -> Stages:
        """The stages to use from this frame on, of those that were used up to it."""
        if frame.in_use is not None and frame.in_use is not self._stated:
            self._stated = frame.in_use
            in_use = replace(frame.in_use, lifter=self._workshop.lifter_here(frame.in_use.lifter))
            if in_use != self._recorded:
                if in_use.detector != self._recorded.detector:
                    stages.tracker.distrust()
                self._follow_recording(in_use)
        wishes, followed = self._wishes.value, self._followed
        if wishes != followed:
            self._followed = wishes
            # What was refused once may be asked for again.
            self._refused -= _asked_anew(wishes, followed)
            self._tell_refused()
            if wishes.smooth != followed.smooth:
                self._change_smoothing(stages, wishes.smooth)
            if wishes.num_handovers != followed.num_handovers and not stages.tracker.hand_over():
                is_crowd = bool(stages.tracker.tracks)
                tell(
                    self._status, "everybody is followed already" if is_crowd else "nobody is in view to hand over from"
                )
        num_refused = stages.tracker.counts.refused_hand_overs
        if num_refused != self._num_refused_hand_overs:
            self._num_refused_hand_overs = num_refused
            tell(self._status, "nobody else is in the picture")
        return self._with_detector(self._with_ghost(self._with_lifter(stages, wishes), wishes), wishes)

    def open_ahead(self, *, lifters: Sequence[str] = (), detectors: Sequence[str] = ()) -> None:
        """Begin to open what may be wished for. To open something takes the processor time of several frames: before
        the show begins, nobody misses it."""
        self._lifters.order(*lifters)
        if self._workshop.open_detector is not None:
            self._detectors.order(*detectors)

    def close(self) -> None:
        """Close all detectors, and whatever was opened besides the first lifter."""
        for lifter in self._lifters.close(_PATIENCE_S).values():
            if lifter is not self._first:
                lifter.close()
        for detector in self._detectors.close(_PATIENCE_S).values():
            detector.close()

    def _follow_recording(self, in_use: InUse) -> None:
        """Wish for what changed when the session was recorded, unless a key has asked for something else."""
        before, self._recorded = self._recorded, in_use
        wished = self._wishes.value
        changed = {
            name: getattr(in_use, name)
            for name in self._workshop.follows
            if getattr(wished, name) == getattr(before, name) != getattr(in_use, name)
        }
        if "lifter" in changed:
            # Its poses begin with this very frame.
            lifter = self._lifters.wait_for(in_use.lifter)
            if isinstance(lifter, Exception):
                logger.warning("%s; the replay goes on with %s", _words(in_use.lifter, lifter), wished.lifter)
                del changed["lifter"]
        if "detector" in changed:
            self._status.change(detector=in_use.detector)
            self.detectors_used.append(in_use.detector)
        if changed:
            self._wishes.change(**changed)

    def _record_change(self, stages: Stages, **in_use: str) -> None:
        if stages.recorder is not None:
            stages.recorder.change(**in_use)

    def _with_lifter(self, stages: Stages, wishes: Wishes) -> Stages:
        name = wishes.lifter
        if name == self._status.value.lifter:
            return stages
        lifter = self._lifter("lifter", name)
        if lifter is None:
            return stages
        self._status.change(lifter=name, provider=lifter.provider)
        self.lifters_used.append(name)
        tell(self._status, f"lifter: {name}")
        self._record_change(stages, lifter=name)
        return replace(stages, lifter=lifter)

    def _with_ghost(self, stages: Stages, wishes: Wishes) -> Stages:
        name = wishes.ghost
        # Lifter and ghost may be about to change places: until they do, or where they may not, both stay.
        if name in (self._status.value.ghost, self._status.value.lifter):
            return stages
        if name is None:
            self._status.change(ghost=None)
            return replace(stages, ghost=None)
        lifter = self._lifter("ghost", name)
        if lifter is None:
            return stages
        self._status.change(ghost=name)
        return replace(stages, ghost=lifter)

    def _lifter(self, role: Role, name: str) -> OpenLifter | None:
        """A lifter if it is there and may be used; it is asked for if it is not there, and told why if it may not."""
        if (role, name) in self._refused:
            return None
        if self._workshop.is_bound and role == "lifter":
            self._refuse(role, name, f"{_BOUND} is made with {self._status.value.lifter}")
            return None
        lifter = self._lifters.take(name)
        if lifter is None:
            self._lifters.order(name)
            return None
        if isinstance(lifter, Exception):
            self._refuse(role, name, _words(name, lifter))
            return None
        if lifter.spec.look_ahead_s > self._look_ahead_s + _TOLERANCE_S:
            late_ms = lifter.spec.look_ahead_s * 1e3
            self._refuse(role, name, f"{name} looks {late_ms:.0f} ms ahead: start with --lifter {name}")
            return None
        return lifter

    def _with_detector(self, stages: Stages, wishes: Wishes) -> Stages:
        name = wishes.detector
        if name == self._status.value.detector or ("detector", name) in self._refused:
            return stages
        if self._workshop.open_detector is None:
            self._refuse("detector", name, KEPT_DETECTOR)
            return stages
        if self._workshop.is_bound:
            self._refuse("detector", name, f"{_BOUND} is made with {self._status.value.detector}")
            return stages
        detector = self._detectors.take(name)
        if detector is None:
            self._detectors.order(name)
            return stages
        if isinstance(detector, Exception):
            self._refuse("detector", name, _words(name, detector))
            return stages
        # It may have been in use before, and whom it saw then are elsewhere now.
        detector.forget()
        stages.tracker.distrust()
        self._status.change(detector=name)
        self.detectors_used.append(name)
        tell(self._status, f"detector: {name}")
        self._record_change(stages, detector=name)
        return replace(stages, detector=detector)

    def _change_smoothing(self, stages: Stages, preset: str) -> None:
        """Give everybody another filter that goes on from where the old one is."""
        make = self._workshop.tracks_with
        if make is None or self._workshop.is_bound:
            whose = _BOUND if self._workshop.is_bound else "--mode file, whose filters look ahead,"
            self._refuse("smooth", preset, f"{whose} keeps its smoothing")
            return
        stages.tracker.change_maker(make(preset))
        for track in stages.tracker.remembered:
            if isinstance(track.smoother, Causal):
                track.smoother.tune(preset)
        self._status.change(smooth=preset)
        self._record_change(stages, smooth=preset)

    def _refuse(self, role: Role, name: str, reason: str) -> None:
        self._refused.add((role, name))
        self._tell_refused()
        tell(self._status, reason)

    def _tell_refused(self) -> None:
        """The wish stays, so that the same key goes on from it to the next; but nobody shall wait for it."""
        self._status.change(refused=frozenset(self._refused))


def _asked_anew(wishes: Wishes, followed: Wishes) -> set[tuple[Role, str]]:
    """What was not wished for a moment ago, with what it is wished for."""
    roles: tuple[Role, ...] = ("lifter", "ghost", "detector", "smooth")
    return {(role, getattr(wishes, role)) for role in roles if getattr(wishes, role) != getattr(followed, role)}


def _open_nothing(name: str) -> Detector:
    raise AssertionError(f"nobody can open {name}")


def _words(name: str, error: Exception) -> str:
    """Why something could not be opened, for the window."""
    if isinstance(error, PosedemoError):
        return error.message
    logger.debug("%s", name, exc_info=error)
    return f"{name} cannot be used: {error}"
