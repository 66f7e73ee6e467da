"""Who runs where: opens everything, starts the threads, brings errors home, and closes everything.

The capture thread feeds a hand-off and the pipeline empties it: on the main thread without a window, on a worker with
one, because window systems want the main thread for themselves. The end of the source, a closed window, Ctrl-C and
an error anywhere take the same way out: close the hand-off, join, close the outputs.
"""

from __future__ import annotations

import dataclasses
import gc
import logging
import math
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tqdm import tqdm

from . import heaps, pipeline, registry
from .body import BodyModel
from .capture.opening import check_camera_settings, open_run_source
from .capture.source import SESSION_SUFFIX, SourceInfo, Watchful, is_session
from .capture.thread import Capture
from .datatypes import Frame, LifterSpec
from .errors import ConfigError, ModelError
from .live.shared import Shared
from .live.status import Status, tell
from .live.status_sink import StatusSink
from .live.steering import Steering, Workshop
from .live.turnstile import Turnstile
from .live.wishes import Wishes
from .lookout import Lookout
from .manifest import manifest
from .modes import (
    Mode,
    choose_mode,
    lifter_in_mode,
    look_ahead_s,
    posing_facts,
    sides_look_ahead_s,
    smoothing_look_ahead_s,
)
from .outputs import POSE_SUFFIXES, VIDEO_SUFFIXES, check_outputs, check_suffix
from .sessions.header import make_header
from .sessions.playback import LONGEST_HOLE_S, NoDetector, PositionSink, SessionPlayback
from .sessions.source import SessionSource
from .settings import Settings
from .side_choice import SideChoice
from .signals import stop_on_signals
from .sinks.session_file import SessionFile
from .sinks.sink_set import SinkSet
from .sinks.viewer_sink import ViewerSink
from .smoothing import OneEuro, OneEuroParameters, make_smoother
from .stages import Detector, Lifter, Sink, Stages
from .statistics import RunStatistics, write_statistics
from .timing import StageTimers
from .track import Track
from .tracking import Tracker
from .viewer.choices import find_choices
from .window import PoseWindow

if TYPE_CHECKING:
    from .lifters.onnx_gcn import OnnxLifter
    from .lifters.world_landmarks import WorldLandmarks
    from .viewer.window import RoomWindow

logger = logging.getLogger(__name__)

MAX_LOOK_AHEAD_S = 1.5
"""Of a lifter. 81 frames at 30 a second, centred, are 1.33 s: 250 MB of pictures in full HD. What sides and filters
look ahead, 0.6 s at most, comes on top."""

MANIFEST_RATE_HZ = 30.0
"""At which all lifters of the manifest were trained."""

_ROOT_SMOOTHING = OneEuroParameters(min_cutoff_hz=0.7, beta_per_m=1.5)
"""A place in the room is a guess that jitters along the line of sight; it is smoothed harder than the pose."""


class Observer(Sink, Protocol):
    """Watches a run from within, as a benchmark does: a sink that also hears what is wished for and said."""

    def begin(self, wishes: Shared[Wishes], status: Shared[Status]) -> None:
        """Called once, before the first frame."""
        ...


def run(settings: Settings, observer: Observer | None = None, *, follows: Collection[str] = ()) -> int:
    """Do one run, from opening the source to closing the outputs.

    Args:
        settings: of the run.
        observer: gets every result after all others.
        follows: fields of ``InUse`` that change in a recorded session's replay where they changed in the run.

    Returns:
        0, or 128 plus the number of the signal that stopped it.

    Raises:
        PosedemoError: what went wrong; what was finished before that is on disk.
    """
    check_settings(settings)
    has_window = _wants_window(settings)
    mode = choose_mode(settings, has_window=has_window)
    settings = replace(settings, mode=mode, lifter=lifter_in_mode(settings.lifter, mode))
    heaps.limit()
    statistics, timers = RunStatistics(), StageTimers()
    with ExitStack() as stack:
        source = open_run_source(settings, is_watched=has_window)
        wishes = _first_wishes(settings)
        # Only the window shows it, so its pace is that of whoever watches.
        is_watched = has_window and not settings.writes_files
        session = source if isinstance(source, SessionSource) else None
        capture = Capture(source) if session is None else SessionPlayback(session, wishes, stays=is_watched)
        stack.callback(capture.stop)
        # Entered before the outputs: a Ctrl-C must not break into their closing.
        interruption = stack.enter_context(stop_on_signals(capture.frames.stop))
        lifter = registry.create_lifter(settings.lifter, provider=settings.provider)
        stack.callback(lifter.close)
        _check_look_ahead(lifter.spec, settings)
        status = _first_status(settings, lifter, source.info)
        outputs = stack.enter_context(SinkSet(settings, source.info, lifter.spec, tell=partial(tell, status)))
        stages = replace(open_stages(settings, lifter), recorder=outputs.journal)
        workshop = _workshop(settings, lifter.spec, session, follows)
        steering = Steering(stages, lifter, wishes, status, workshop)
        lookout = Lookout(partial(tell, status))
        stack.callback(lookout.close, steering.close)
        if settings.record is not None:
            recording = SessionFile(
                settings.record, make_header(settings, source.info), on_failure=partial(_stop_recording, status)
            )
            stages = replace(stages, recorder=stack.enter_context(recording))
            status.change(is_recording=True)
        # The libraries leave half a million objects that live as long as the run. MediaPipe makes enough small ones a
        # frame to set off full collections, each of which would visit them all.
        gc.collect()
        gc.freeze()
        if isinstance(source, Watchful):
            source.report_to(status)
        capture.start()
        is_paced = is_watched and not source.info.is_live
        longest_hole_s = math.inf if session is None else LONGEST_HOLE_S
        turnstile = Turnstile(capture.frames, wishes, is_paced=is_paced, longest_hole_s=longest_hole_s)
        counter = StatusSink(
            status,
            num_frames_in=lambda: capture.num_frames_in,
            num_dropped=lambda: capture.frames.num_dropped - turnstile.num_passed_by,
        )
        viewer = ViewerSink() if has_window else None
        position = [] if session is None else [PositionSink(session, status)]
        sinks: list[Sink] = [outputs, counter, *position, *([viewer] if viewer else []), statistics]
        if observer is not None:
            observer.begin(wishes, status)
            sinks.append(observer)
        frames = _progress(_limited(turnstile, settings), source.info, settings)
        if has_window and source.info.is_live:
            choices = find_choices(lifter=settings.lifter, detector=settings.detector)
            steering.open_ahead(lifters=choices.lifters, detectors=choices.detectors)

        def work() -> None:
            pipeline.run(frames, stages, sinks, timers, steering, lookout.look, is_next_there=turnstile.is_next_there)

        if viewer is None:
            work()
        else:
            window = _open_window(settings, wishes, status, title=source.info.name)
            _run_with_window(work, capture, viewer, window)
    if settings.stats is not None:
        summary = statistics.summary(
            timers,
            num_frames_in=capture.num_frames_in,
            num_dropped=capture.frames.num_dropped,
            source=source.info.name,
            detector=settings.detector,
            lifter=settings.lifter,
            provider=lifter.provider,
            detectors_used=steering.detectors_used,
            lifters_used=steering.lifters_used,
            size_wh=source.info.size_wh,
            **posing_facts(lifter.spec, settings, mode),
            lock_on=dataclasses.asdict(stages.tracker.counts),
        )
        write_statistics(settings.stats, summary)
    _report(settings, source.info, statistics)
    return interruption.exit_code


def check_settings(settings: Settings) -> None:
    """Refuse what cannot work before anything is opened.

    Raises:
        ConfigError: settings that contradict each other or name unknown formats.
        OutputError: an output that cannot be written.
    """
    check_posing(settings)
    check_camera_settings(settings)
    if (settings.camera is None) == (settings.video is None):
        raise ConfigError(
            "give one source: a camera or a video",
            "`posedemo --camera 0` for the first camera, `posedemo --video FILE` for a file",
        )
    if settings.output is not None:
        check_suffix(settings.output, VIDEO_SUFFIXES, "--output")
    for path in settings.exports:
        check_suffix(path, POSE_SUFFIXES, "--export")
    if settings.stats is not None:
        check_suffix(settings.stats, (".json",), "--stats")
    if settings.record is not None:
        check_suffix(settings.record, (SESSION_SUFFIX,), "--record")
        if is_session(settings.video):
            raise ConfigError(f"{settings.video} is a recording already", "copy it, or --record from a camera or video")
    inputs = [settings.video] if settings.video else []
    check_outputs(output_paths(settings), inputs=inputs, overwrite=settings.overwrite)


def check_posing(settings: Settings) -> None:
    """Refuse a height that nothing would be made of.

    Raises:
        ConfigError: a height, but no body to give it to.
    """
    if settings.height_cm is not None and settings.bones == "free":
        raise ConfigError("a height needs bones of fixed length", "leave out --bones free, or --height")


def output_paths(settings: Settings) -> list[Path]:
    """All files that a run writes."""
    paths = (settings.output, settings.stats, settings.record, *settings.exports)
    return [path for path in paths if path is not None]


def _wants_window(settings: Settings) -> bool:
    """A run opens a window unless it is told not to; one that writes files does without where there is no display."""
    if settings.headless:
        return False
    from .viewer.window import check_display

    try:
        check_display()
    except ConfigError:
        if not output_paths(settings):
            raise
        logger.info("no display: running without a window")
        return False
    return True


def _check_look_ahead(spec: LifterSpec, settings: Settings) -> None:
    """Say how late a lifter that looks ahead makes the show, and refuse one that would fill the memory.

    Raises:
        ModelError: it looks further ahead than pictures can be kept.
    """
    if spec.look_ahead_s > MAX_LOOK_AHEAD_S:
        raise ModelError(
            f"{settings.lifter} looks {spec.look_ahead_s:.1f} s ahead, and every picture would have to wait in memory; "
            f"at most {MAX_LOOK_AHEAD_S:g} s are served",
            "export a causal lifter, or one with a shorter window",
        )
    late_s = look_ahead_s(spec, settings, choose_mode(settings))
    if spec.look_ahead:
        logger.info(
            "%s looks %d frames ahead: results come %.0f ms late", settings.lifter, spec.look_ahead, late_s * 1e3
        )


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
            root_smoother=OneEuro(_ROOT_SMOOTHING),
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


def _workshop(
    settings: Settings, spec: LifterSpec, session: SessionSource | None, follows: Collection[str]
) -> Workshop:
    """What the run's stages may be changed for."""
    mode = choose_mode(settings)
    if session is not None and settings.exports:
        _warn_of_changes(settings, session, follows)
        follows = ()

    def open_lifter(name: str) -> OnnxLifter | WorldLandmarks:
        return registry.create_lifter(lifter_in_mode(name, mode), provider=settings.provider)

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


def _stop_recording(status: Shared[Status], words: str) -> None:
    """A session cannot be recorded any more; the show goes on."""
    status.change(is_recording=False)
    tell(status, words)


def _first_wishes(settings: Settings) -> Shared[Wishes]:
    """What the command line asks for, until a key asks for something else."""
    return Shared(Wishes(lifter=settings.lifter, detector=settings.detector, smooth=settings.smooth))


def _first_status(settings: Settings, lifter: OnnxLifter | WorldLandmarks, info: SourceInfo) -> Shared[Status]:
    late_s = look_ahead_s(lifter.spec, settings, choose_mode(settings))
    return Shared(
        Status(
            detector=settings.detector,
            lifter=settings.lifter,
            provider=lifter.provider,
            smooth=settings.smooth,
            look_ahead_ms=late_s * 1e3,
            duration_s=float(info.num_frames / info.fps) if info.num_frames and info.fps else None,
        )
    )


def _limited(frames: Iterable[Frame], settings: Settings) -> Iterable[Frame]:
    return frames if settings.max_frames is None else islice(frames, settings.max_frames)


def _progress(frames: Iterable[Frame], info: SourceInfo, settings: Settings) -> Iterator[Frame]:
    """A progress bar with frame rate and time left, on a terminal only."""
    total = (
        settings.max_frames if info.num_frames is None else min(info.num_frames, settings.max_frames or info.num_frames)
    )
    with tqdm(frames, desc=info.name, total=total, unit=" frames", disable=None, dynamic_ncols=True) as progress:
        yield from progress


def _open_window(settings: Settings, wishes: Shared[Wishes], status: Shared[Status], *, title: str) -> RoomWindow:
    from .viewer.theme import THEMES
    from .viewer.window import RoomWindow

    return RoomWindow(
        title=title,
        max_people=settings.max_people,
        mirror=settings.mirror,
        theme=THEMES[settings.theme],
        is_fullscreen=settings.is_fullscreen,
        wishes=wishes,
        status=status,
    )


def _run_with_window(
    work: Callable[[], None], capture: Capture | SessionPlayback, viewer: ViewerSink, window: RoomWindow
) -> None:
    """Run the pipeline on a worker and the window here, until either ends."""

    def guarded() -> None:
        try:
            work()
            viewer.results.close()
        except BaseException as error:  # noqa: BLE001  raised again by the window loop on the main thread
            viewer.results.close(error)

    worker = threading.Thread(target=guarded, name="pipeline", daemon=True)
    worker.start()
    try:
        window.run(viewer.results)
    except Exception as error:
        # It raises again what the pipeline ended with, and that is no failure of the window's.
        viewer.results.raise_error()
        raise ModelError(f"the window failed: {error}", "run with --headless, or run `posedemo doctor`") from error
    finally:
        capture.frames.stop()
        # First, for the worker may have to wait for a detector that does not answer.
        window.close()
        worker.join()
    # A window that the user closed has not seen how the pipeline ended.
    viewer.results.raise_error()


def _report(settings: Settings, info: SourceInfo, statistics: RunStatistics) -> None:
    """Say what was done."""
    logger.info(
        "%s: %d frames in %.1f s (%.1f frames a second)",
        info.name, statistics.num_frames, statistics.wall_time_s, statistics.frames_per_second,
    )  # fmt: skip
    if statistics.num_frames and not statistics.num_frames_with_people:
        logger.warning("nobody was found in %s; pose files have no rows", info.name)
    for path in output_paths(settings):
        logger.info("wrote %s", path)
