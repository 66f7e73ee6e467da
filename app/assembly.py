"""Makes the stages of a run, and what belongs to each person in it, from the settings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from . import registry
from .body import BodyModel
from .capture.source import is_session
from .datatypes import LifterSpec
from .live.steering import OpenLifter, Workshop
from .manifest import manifest
from .modes import Mode, choose_mode, lifter_in_any_mode, lifter_in_mode, sides_look_ahead_s, smoothing_look_ahead_s
from .sessions.playback import NoDetector
from .sessions.source import SessionSource
from .settings import Settings
from .side_choice import SideChoice
from .smoothing import make_smoother
from .stages import Detector, Lifter, Stages
from .track import Track
from .tracking import Tracker
from .window import PoseWindow

logger = logging.getLogger(__name__)

MANIFEST_RATE_HZ = 30.0
"""At which all lifters of the manifest were trained."""


def open_stages(settings: Settings, lifter: Lifter) -> Stages:
    """Make detector and tracker, which take longest."""
    detector: Detector = (
        NoDetector()
        if is_session(settings.video)
        else registry.create_detector(settings.detector, max_people=settings.max_people)
    )
    return make_stages(settings, detector, lifter)


def make_stages(settings: Settings, detector: Detector, lifter: Lifter) -> Stages:
    """The stages around a detector and a lifter that are there."""
    mode = choose_mode(settings)
    new_track = _track_maker_with(settings, lifter.spec, settings.smooth)
    tracker = Tracker(max_people=settings.max_people, new_track=new_track)
    return Stages(
        detector,
        tracker,
        lifter,
        settings.fov_deg,
        sides_s=sides_look_ahead_s(mode),
        smoothing_s=smoothing_look_ahead_s(settings, mode),
    )


def track_maker(
    spec: LifterSpec,
    smooth: str,
    *,
    mode: Mode = "live",
    bones: str = "free",
    height_cm: float | None = None,
    keep_s: float = 0.0,
) -> Callable[[int], Track]:
    """What makes a track for a new person: an empty window, fresh filters, and a body that is still to be learned."""

    def make(track_id: int) -> Track:
        return Track(
            track_id=track_id,
            window=PoseWindow(
                num_frames=spec.num_frames, rate_hz=spec.rate_hz, look_ahead=spec.look_ahead, keep_s=keep_s
            ),
            smoother=make_smoother(smooth, zero_phase=mode == "file"),
            sides=SideChoice() if mode == "file" else None,
            body=None if bones == "free" else BodyModel(None if height_cm is None else height_cm / 100),
        )

    return make


def _track_maker_with(settings: Settings, spec: LifterSpec, smooth: str) -> Callable[[int], Track]:
    """A run's tracks: their windows suit every lifter of the manifest, so that each finds its own full at once."""
    longest = max(entry.num_frames or 1 for entry in manifest())
    return track_maker(
        spec,
        smooth,
        mode=choose_mode(settings),
        bones=settings.bones,
        height_cm=settings.height_cm,
        keep_s=longest / MANIFEST_RATE_HZ,
    )


def make_workshop(
    settings: Settings, spec: LifterSpec, session: SessionSource | None, follows: Collection[str]
) -> Workshop:
    """What the run's stages may be changed for."""
    mode = choose_mode(settings)
    if session is not None and settings.exports:
        _warn_of_changes(settings, session, follows)
        follows = ()

    def open_lifter(name: str) -> OpenLifter:
        return registry.create_lifter(lifter_in_mode(name, mode), provider=settings.provider)

    def lifter_here(name: str) -> str:
        is_same = session is None or session.header.settings["mode"] == mode
        return name if is_same else lifter_in_mode(lifter_in_any_mode(name), mode)

    def open_detector(name: str) -> Detector:
        return registry.create_detector(name, max_people=settings.max_people)

    def tracks_with(smooth: str) -> Callable[[int], Track]:
        return _track_maker_with(settings, spec, smooth)

    return Workshop(
        open_lifter=open_lifter,
        open_detector=open_detector if session is None else None,
        tracks_with=None if mode == "file" else tracks_with,
        is_bound=bool(settings.exports),
        follows=follows,
        lifter_here=lifter_here,
    )


def _warn_of_changes(settings: Settings, session: SessionSource, follows: Collection[str]) -> None:
    """Say so where a pose file, which is made with the same from its first row to its last, is not what was seen."""
    for name in ("lifter", "smooth"):
        used = dict.fromkeys(getattr(in_use, name) for in_use in session.in_use)
        if name in follows and len(used) > 1:
            logger.warning(
                "%s was recorded with --%s %s one after the other: %s is made with the first, or the one you give",
                session.info.name, name, " and ".join(used), settings.exports[0],
            )  # fmt: skip
