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
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from tqdm import tqdm

from . import heaps, pipeline, registry
from .assembly import make_workshop, open_stages
from .capture.opening import open_run_source
from .capture.source import Source, SourceInfo, Watchful
from .capture.thread import Capture
from .checks import check_look_ahead, check_settings, output_paths, wants_window
from .datatypes import Frame
from .errors import ModelError, SourceError
from .live.shared import Shared
from .live.status import Status, tell
from .live.status_sink import StatusSink
from .live.steering import OpenLifter, Steering
from .live.turnstile import Turnstile
from .live.wishes import Wishes
from .lookout import Lookout
from .modes import choose_mode, lifter_in_mode, look_ahead_s, posing_facts
from .sessions.header import make_header
from .sessions.playback import LONGEST_HOLE_S, PositionSink, SessionPlayback
from .sessions.source import SessionSource
from .settings import Settings
from .signals import Interruption, stop_on_signals
from .sinks.session_file import SessionFile
from .sinks.sink_set import SinkSet
from .sinks.viewer_sink import ViewerSink
from .stages import Sink, Stages
from .statistics import RunStatistics, write_statistics
from .timing import StageTimers
from .viewer.choices import find_choices

if TYPE_CHECKING:
    from .viewer.window import RoomWindow

logger = logging.getLogger(__name__)


class Observer(Sink, Protocol):
    """Watches a run from within, as a benchmark does: a sink that also hears what is wished for and said."""

    def begin(self, wishes: Shared[Wishes], status: Shared[Status]) -> None:
        """Called once, before the first frame."""
        ...


@dataclass(frozen=True)
class _Opened:
    """What a run holds open from its first frame to its last."""

    settings: Settings
    source: Source
    session: SessionSource | None
    capture: Capture | SessionPlayback
    interruption: Interruption
    wishes: Shared[Wishes]
    status: Shared[Status]
    lifter: OpenLifter
    outputs: SinkSet
    stages: Stages
    steering: Steering
    lookout: Lookout


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
    has_window = wants_window(settings)
    if not has_window and observer is None and not output_paths(settings):
        logger.warning(
            "nothing is shown and no file is written: leave out --headless, or give --output, --export, --stats "
            "or --record"
        )
    mode = choose_mode(settings, has_window=has_window)
    settings = replace(settings, mode=mode, lifter=lifter_in_mode(settings.lifter, mode))
    heaps.limit()
    statistics, timers = RunStatistics(), StageTimers()
    opened = None
    try:
        with ExitStack() as stack:
            opened = _open(settings, stack, has_window=has_window, follows=follows)
            _let_libraries_be()
            opened.capture.start()
            _process(opened, statistics, timers, observer, has_window=has_window)
    except SourceError:
        # One that breaks off has given frames, of which there are files.
        if opened is not None and statistics.num_frames:
            _tell_end(opened, statistics, timers)
        raise
    _tell_end(opened, statistics, timers)
    return opened.interruption.exit_code


def _open(settings: Settings, stack: ExitStack, *, has_window: bool, follows: Collection[str]) -> _Opened:
    """Open everything, from the source to the outputs; the stack closes it in the opposite order."""
    source = open_run_source(settings, is_watched=has_window)
    wishes = _first_wishes(settings)
    session = source if isinstance(source, SessionSource) else None
    stays = _is_only_watched(settings, has_window=has_window)
    capture = Capture(source) if session is None else SessionPlayback(session, wishes, stays=stays)
    stack.callback(capture.stop)
    # Entered before the outputs: a Ctrl-C must not break into their closing.
    interruption = stack.enter_context(stop_on_signals(capture.frames.stop))
    lifter = registry.create_lifter(settings.lifter, provider=settings.provider)
    stack.callback(lifter.close)
    check_look_ahead(lifter.spec, settings)
    status = _first_status(
        settings,
        lifter,
        source.info,
        # What is written goes through the session once.
        can_seek=session is not None and not settings.writes_files,
        is_paced=stays and not source.info.is_live,
        has_detector=session is None,
    )
    outputs = stack.enter_context(
        SinkSet(
            settings,
            source.info,
            lifter.spec,
            tell=partial(tell, status),
            is_over=lambda: capture.frames.is_over,
        )
    )
    stages = replace(open_stages(settings, lifter), recorder=outputs.journal)
    workshop = make_workshop(settings, lifter.spec, session, follows)
    steering = Steering(stages, lifter, wishes, status, workshop)
    lookout = Lookout(partial(tell, status))
    stack.callback(lookout.close, steering.close)
    if settings.record is not None:
        recording = SessionFile(
            settings.record, make_header(settings, source.info), on_failure=partial(_stop_recording, status)
        )
        stages = replace(stages, recorder=stack.enter_context(recording))
        status.change(is_recording=True)
    if isinstance(source, Watchful):
        source.report_to(status)
    return _Opened(
        settings, source, session, capture, interruption, wishes, status, lifter, outputs, stages, steering, lookout
    )


def _is_only_watched(settings: Settings, *, has_window: bool) -> bool:
    """Only the window shows it, so its pace is that of whoever watches."""
    return has_window and not settings.writes_files


def _let_libraries_be() -> None:
    """Keep what is there out of garbage collections.

    The libraries leave half a million objects that live as long as the run. MediaPipe makes enough small ones a frame
    to set off full collections, each of which would visit them all.
    """
    gc.collect()
    gc.freeze()


def _process(
    opened: _Opened, statistics: RunStatistics, timers: StageTimers, observer: Observer | None, *, has_window: bool
) -> None:
    """Lead the frames through the pipeline, with the window on this thread if there is one, until either ends."""
    settings, info = opened.settings, opened.source.info
    turnstile = Turnstile(
        opened.capture.frames,
        opened.wishes,
        is_paced=_is_only_watched(settings, has_window=has_window) and not info.is_live,
        longest_hole_s=math.inf if opened.session is None else LONGEST_HOLE_S,
    )
    viewer = ViewerSink() if has_window else None
    sinks = _sinks(opened, viewer, statistics, observer)
    frames = _progress(_limited(turnstile, settings), info, settings)
    steering, look = opened.steering, opened.lookout.look
    if has_window and info.is_live:
        choices = find_choices(lifter=settings.lifter, detector=settings.detector)
        steering.open_ahead(lifters=choices.lifters, detectors=choices.detectors)

    def work() -> None:
        pipeline.run(frames, opened.stages, sinks, timers, steering, look, is_next_there=turnstile.is_next_there)

    if viewer is None:
        work()
    else:
        window = _open_window(settings, opened.wishes, opened.status, title=info.name)
        # A photo is over as soon as it was seen. Only of JPEG does FFmpeg know beforehand that it is one picture.
        may_be_photo = info.num_frames in (None, 1) and not info.is_live and opened.session is None
        stays = may_be_photo and _is_only_watched(settings, has_window=has_window)
        _run_with_window(
            work,
            opened.capture,
            viewer,
            window,
            lingers=lambda: stays and statistics.num_frames == 1 and not opened.interruption.exit_code,
            cuts_files=settings.writes_files and not info.is_live,
        )


def _sinks(
    opened: _Opened,
    viewer: ViewerSink | None,
    statistics: RunStatistics,
    observer: Observer | None,
) -> list[Sink]:
    """Everything that takes results; who counts what was seen comes last, the observer after all others."""
    capture = opened.capture
    counter = StatusSink(
        opened.status,
        num_frames_in=lambda: capture.num_frames_in,
        num_dropped=lambda: capture.frames.num_dropped,
    )
    position = [] if opened.session is None else [PositionSink(opened.session, opened.status)]
    sinks: list[Sink] = [opened.outputs, counter, *position, *([viewer] if viewer else []), statistics]
    if observer is not None:
        observer.begin(opened.wishes, opened.status)
        sinks.append(observer)
    return sinks


def _summary(opened: _Opened, statistics: RunStatistics, timers: StageTimers) -> dict[str, Any]:
    """What ``--stats`` says of a run that is over."""
    settings, info = opened.settings, opened.source.info
    return statistics.summary(
        timers,
        num_frames_in=opened.capture.num_frames_in,
        num_dropped=opened.capture.frames.num_dropped,
        source=info.name,
        detector=settings.detector,
        lifter=settings.lifter,
        provider=opened.lifter.provider,
        detectors_used=opened.steering.detectors_used,
        lifters_used=opened.steering.lifters_used,
        size_wh=info.size_wh,
        **posing_facts(opened.lifter.spec, settings, choose_mode(settings)),
        lock_on=dataclasses.asdict(opened.stages.tracker.counts),
    )


def _stop_recording(status: Shared[Status], words: str) -> None:
    """A session cannot be recorded any more; the show goes on."""
    status.change(is_recording=False)
    tell(status, words)


def _first_wishes(settings: Settings) -> Shared[Wishes]:
    """What the command line asks for, until a key asks for something else."""
    return Shared(Wishes(lifter=settings.lifter, detector=settings.detector, smooth=settings.smooth))


def _first_status(
    settings: Settings, lifter: OpenLifter, info: SourceInfo, *, can_seek: bool, is_paced: bool, has_detector: bool
) -> Shared[Status]:
    late_s = look_ahead_s(lifter.spec, settings, choose_mode(settings))
    return Shared(
        Status(
            detector=settings.detector,
            lifter=settings.lifter,
            is_live=info.is_live,
            provider=lifter.provider,
            smooth=settings.smooth,
            look_ahead_ms=late_s * 1e3,
            duration_s=float(info.num_frames / info.fps) if info.num_frames and info.fps else None,
            can_seek=can_seek,
            can_change_speed=is_paced,
            has_detector=has_detector,
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
        attracts=settings.attracts,
        wishes=wishes,
        status=status,
    )


def _run_with_window(
    work: Callable[[], None],
    capture: Capture | SessionPlayback,
    viewer: ViewerSink,
    window: RoomWindow,
    *,
    lingers: Callable[[], bool],
    cuts_files: bool,
) -> None:
    """Run the pipeline on a worker and the window here, until either ends, or only the window does if it lingers.

    Somebody who closes the window is told where files are not whole for that.
    """
    from .viewer.window import Ending

    def guarded() -> None:
        try:
            work()
            viewer.results.close()
        except BaseException as error:  # noqa: BLE001  raised again by the window loop on the main thread
            viewer.results.close(error)

    worker = threading.Thread(target=guarded, name="pipeline", daemon=True)
    worker.start()
    try:
        ending = window.run(viewer.results, lingers)
    except Exception as error:
        # It raises again what the pipeline ended with, and that is no failure of the window's.
        viewer.results.raise_error()
        raise ModelError(f"the window failed: {error}", "run with --headless, or run `posedemo doctor`") from error
    else:
        if ending is Ending.CLOSED_BY_USER and cuts_files:
            logger.warning("the window was closed before the end, and files end there; --headless writes without one")
    finally:
        capture.frames.stop()
        # First, for the worker may have to wait for a detector that does not answer.
        window.close()
        worker.join()
    # A window that the user closed has not seen how the pipeline ended.
    viewer.results.raise_error()


def _tell_end(opened: _Opened, statistics: RunStatistics, timers: StageTimers) -> None:
    """Write the statistics of a run that is over, and say what was done."""
    settings = opened.settings
    if settings.stats is not None:
        write_statistics(settings.stats, _summary(opened, statistics, timers))
    _report(settings, opened.source.info, statistics)


def _report(settings: Settings, info: SourceInfo, statistics: RunStatistics) -> None:
    """Say what was done."""
    logger.info(
        "%s: %d frame%s in %.1f s (%.1f frames a second)",
        info.name, statistics.num_frames, "" if statistics.num_frames == 1 else "s",
        statistics.span_s, statistics.frames_per_second,
    )  # fmt: skip
    if statistics.num_frames and not statistics.num_frames_with_people:
        words = "; pose files have no rows" if settings.exports else ""
        logger.warning("nobody was found in %s%s", info.name, words)
    for path in output_paths(settings):
        # A run that ended before its first frame has files without anything in them only where they were begun.
        if path.exists():
            logger.info("wrote %s", path)
