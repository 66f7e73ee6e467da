"""The outputs of a run, opened together and closed together."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ..capture.source import SourceInfo, is_session
from ..datatypes import LifterSpec, Result
from ..modes import choose_mode, posing_facts
from ..outputs import PartialFile
from ..sessions.header import make_header
from ..settings import Settings
from .journal import Journal
from .pose_file import PoseFile, file_facts

logger = logging.getLogger(__name__)

_CHECK_EVERY_S = 1.0
"""So soon a run ends whose folder was removed, and not when its hour is over."""


class FileSink(Protocol):
    """A sink behind which there is a file."""

    def write(self, result: Result) -> None:
        """Take one result."""
        ...

    def check(self) -> None:
        """Raise OutputError where the file is gone already."""
        ...

    def close(self) -> None:
        """Finish what was written so that it is complete and valid; where that fails, nothing has its final name."""
        ...

    def abandon(self) -> None:
        """Leave what was written so far under its temporary name, at once."""
        ...

    def discard(self) -> None:
        """Leave nothing behind."""
        ...


class SinkSet:
    """Writes each result to all outputs. A context manager: on the way out, whatever the reason, every output that
    got at least one frame is finished so that it is complete and valid, and the others leave nothing behind.

    Args:
        settings: says which outputs.
        info: the source.
        spec: of the lifter, for the files' headers.
        tell: is given a few words about what no longer works, but does not end the run.
        is_over: whether the source has ended, and the run was not stopped before.

    Attributes:
        journal: is to be given what the detector sees, where there is one.

    Raises:
        OutputError: one of them cannot be opened; nothing is left behind.
    """

    def __init__(
        self,
        settings: Settings,
        info: SourceInfo,
        spec: LifterSpec,
        *,
        tell: Callable[[str], None],
        is_over: Callable[[], bool],
    ) -> None:
        self._sinks: list[FileSink] = []
        self._num_written = 0
        self._checked_s = time.monotonic()
        self.journal: Journal | None = None
        with ExitStack() as undo:
            undo.callback(self._discard)
            facts = file_facts(
                fps=None if info.fps is None else float(info.fps),
                size_wh=info.size_wh,
                detector=Path(settings.detector).name,
                lifter=Path(settings.lifter).name,
                posing=posing_facts(spec, settings, choose_mode(settings)),
            )
            for path in settings.exports:
                self._sinks.append(PoseFile(path, facts))
            if settings.output is not None:
                self._sinks.append(_annotated_video(settings, info, is_over))
            is_recorded = settings.record is not None or is_session(settings.video)
            if settings.exports and not is_recorded:
                self.journal = Journal(settings.exports[0], make_header(settings, info), tell=tell)
            undo.pop_all()

    def write(self, result: Result) -> None:
        """Write one result to all outputs.

        Raises:
            OutputError: one of them cannot be written any more.
        """
        for sink in self._sinks:
            sink.write(result)
        self._num_written += 1
        now_s = time.monotonic()
        if now_s - self._checked_s > _CHECK_EVERY_S:
            self._checked_s = now_s
            for sink in self._sinks:
                sink.check()

    def close(self) -> None:
        """Finish all outputs, or discard them where no frame came.

        Raises:
            PosedemoError: the first that failed; the others are finished all the same.
        """
        sinks, self._sinks = self._sinks, []
        journal, self.journal = self.journal, None
        failures: list[Exception] = []
        unwritten = [sink for sink in sinks if isinstance(sink, PoseFile)] if self._num_written else []
        try:
            while sinks:
                sink = sinks[0]
                try:
                    if self._num_written:
                        sink.close()
                    else:
                        sink.discard()
                    unwritten = [other for other in unwritten if other is not sink]
                except Exception as error:  # noqa: BLE001  the other outputs must be finished first
                    failures.append(error)
                sinks.pop(0)
        finally:
            # Whoever interrupts this wants to leave.
            for sink in sinks:
                sink.abandon()
            if journal is not None:
                journal.close(is_needed=bool(unwritten))
        for failure in failures[1:]:
            logger.warning("%s", failure)
        if failures:
            raise failures[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except Exception as failure:
            if error is None:
                raise
            # What ended the run is the news, and often what the sink that raised it fails with again.
            if str(failure) != str(error):
                logger.warning("%s", failure)

    def _discard(self) -> None:
        for sink in self._sinks:
            sink.discard()


def _annotated_video(settings: Settings, info: SourceInfo, is_over: Callable[[], bool]) -> FileSink:
    from ..viewer.offscreen import RoomRenderer
    from .annotated_video import AnnotatedVideo, pane_sizes

    assert settings.output is not None
    with ExitStack() as undo:
        file = PartialFile(settings.output)
        undo.callback(file.discard)
        renderer = RoomRenderer(pane_sizes(info.size_wh)[1], max_people=settings.max_people, mirror=settings.mirror)
        undo.callback(renderer.close)
        video = AnnotatedVideo(file, info, renderer, mirror=settings.mirror, is_over=is_over)
        undo.pop_all()
        return video
