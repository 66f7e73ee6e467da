"""Look at a clip once and lift it often: what was seen of the people is kept, and played back to every lifter."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from tqdm import tqdm

from . import pipeline, registry
from .arrays import ImageArray
from .assembly import make_stages, open_stages
from .capture.source import Source, open_source
from .datatypes import Detections, Frame, Pose3D, Result, Window
from .errors import SourceError
from .manifest import manifest
from .sessions.playback import NoDetector
from .settings import Settings
from .stages import Lifter
from .timing import StageTimers

logger = logging.getLogger(__name__)

BASELINE = next(entry.name for entry in manifest() if entry.kind == "lifter" and entry.file is None)
"""The lifter that shows the detector's own 3D."""


@dataclass(frozen=True)
class Recording:
    """What was seen of a clip.

    Attributes:
        name: of the clip.
        fps: nominal frames a second; None where nobody knows.
        results: one a frame, without its picture but with all that the detector saw in it, also when it looked again;
            the poses are the detector's own 3D as it is.
    """

    name: str
    fps: float | None
    results: tuple[Result, ...]


@dataclass(frozen=True)
class Lifted:
    """A recording through a lifter.

    Attributes:
        results: one a frame, without its picture.
        lifter_ms: wall time of the lifter itself in the median frame with people.
    """

    results: tuple[Result, ...]
    lifter_ms: float


def record(settings: Settings) -> Recording:
    """Run the program on a clip as far as its 2D joints.

    Args:
        settings: ``video``, and what is to see it.

    Raises:
        SourceError: there is no such clip, nothing of it can be read, or nobody is in it. Of a damaged one, what can be
            read is taken, and a warning says so.
        ConfigError: unknown detector.
        ModelError: the detector's file is missing or damaged.
    """
    with ExitStack() as stack:
        source = open_source(camera=None, video=settings.video)
        stack.callback(source.close)
        lifter = registry.create_lifter(BASELINE, provider="auto")
        # Live: left and right are told apart by what follows when the recording is lifted, and not twice.
        as_seen = replace(settings, lifter=BASELINE, smooth="off", bones="free", mode="live")
        kept = _Results()
        stages = replace(stack.enter_context(open_stages(as_seen, lifter)), recorder=kept)
        try:
            pipeline.run(_frames(source, settings.max_frames), stages, [kept], StageTimers())
        except SourceError as error:
            if not kept.results:
                raise
            logger.warning("%s", error.message)
    if not any(result.people for result in kept.results):
        raise SourceError(
            f"nobody was found in {source.info.name}", "give a clip that shows a person, or another --detector"
        )
    fps = source.info.fps
    return Recording(source.info.name, float(fps) if fps else None, tuple(kept.results))


def lift(recording: Recording, lifter: Lifter, settings: Settings) -> Lifted:
    """Lift a recording.

    Args:
        recording: what was seen.
        lifter: what lifts.
        settings: what is done to its poses.
    """
    kept, timed = _Results(), _Timed(lifter)
    stages = make_stages(settings, NoDetector(), timed)
    pipeline.run((result.frame for result in recording.results), stages, [kept], StageTimers())
    return Lifted(tuple(kept.results), float(np.median(timed.milliseconds)))


def _frames(source: Source, max_frames: int | None) -> Iterator[Frame]:
    """The frames of a clip, with a progress bar on a terminal."""
    num_frames = source.info.num_frames
    total = max_frames if num_frames is None else min(num_frames, max_frames or num_frames)
    frames = islice(source.frames(), max_frames)
    yield from tqdm(frames, desc=source.info.name, total=total, unit=" frames", disable=None, dynamic_ncols=True)


class _Results:
    """Keeps results without their pictures, which would fill the memory, and what the detector saw."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._detections: dict[int, Detections] = {}

    def record(self, frame: Frame, detections: Detections) -> None:
        self._detections[frame.stamp.index] = detections

    def change(self, **in_use: str) -> None:
        """Nothing is changed on the way."""

    def write(self, result: Result) -> None:
        frame = result.frame
        seen = self._detections.pop(frame.stamp.index, frame.detections)
        kept = replace(frame, image_bgr=_blank(frame.size_wh), detections=seen)
        self.results.append(replace(result, frame=kept))

    def close(self) -> None:
        """Nothing to finish."""


def _blank(size_wh: tuple[int, int]) -> ImageArray:
    """A black picture of any size in three bytes."""
    width, height = size_wh
    return np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))


class _Timed:
    """A lifter with a stop-watch."""

    def __init__(self, lifter: Lifter) -> None:
        self._lifter = lifter
        self.spec = lifter.spec
        self.milliseconds: list[float] = []

    def lift(self, windows: Sequence[Window]) -> tuple[Pose3D, ...]:
        start_s = time.perf_counter()
        poses = self._lifter.lift(windows)
        self.milliseconds.append((time.perf_counter() - start_s) * 1e3)
        return poses
