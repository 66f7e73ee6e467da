"""The outputs of a run, opened together and closed together."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ..capture.source import SourceInfo
from ..datatypes import LifterSpec, Result
from ..modes import choose_mode, posing_facts
from ..outputs import PartialFile
from ..settings import Settings
from .pose_file import PoseFile, file_facts

logger = logging.getLogger(__name__)


class FileSink(Protocol):
    """A sink behind which there is a file."""

    def write(self, result: Result) -> None:
        """Take one result."""
        ...

    def close(self) -> None:
        """Finish what was written so that it is complete and valid, or leave nothing behind and raise."""
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

    Raises:
        OutputError: one of them cannot be opened; nothing is left behind.
    """

    def __init__(self, settings: Settings, info: SourceInfo, spec: LifterSpec) -> None:
        self._sinks: list[FileSink] = []
        self._num_written = 0
        with ExitStack() as undo:
            undo.callback(self._discard)
            facts = file_facts(
                fps=None if info.fps is None else float(info.fps),
                size_wh=info.size_wh,
                detector=Path(settings.detector).name,
                lifter=Path(settings.lifter).name,
                posing=posing_facts(spec, settings, choose_mode(settings)),
            )
            self._sinks += [PoseFile(path, facts) for path in settings.exports]
            if settings.output is not None:
                self._sinks.append(_annotated_video(settings, info))
            undo.pop_all()

    def write(self, result: Result) -> None:
        """Write one result to all outputs."""
        for sink in self._sinks:
            sink.write(result)
        self._num_written += 1

    def close(self) -> None:
        """Finish all outputs, or discard them where no frame came.

        Raises:
            OutputError: the first that failed; the others are finished all the same.
        """
        sinks, self._sinks = self._sinks, []
        failures: list[Exception] = []
        for sink in sinks:
            try:
                if self._num_written:
                    sink.close()
                else:
                    sink.discard()
            except Exception as error:  # noqa: BLE001  the other outputs must be finished first
                failures.append(error)
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
            # What ended the run is the news; a sink that fails in its wake mostly fails for the same reason.
            logger.debug("while closing outputs: %s", failure)

    def _discard(self) -> None:
        for sink in self._sinks:
            sink.discard()


def _annotated_video(settings: Settings, info: SourceInfo) -> FileSink:
    from ..viewer.offscreen import RoomRenderer
    from .annotated_video import AnnotatedVideo, pane_sizes

    assert settings.output is not None
    file = PartialFile(settings.output)
    try:
        renderer = RoomRenderer(pane_sizes(info.size_wh)[1], max_people=settings.max_people, mirror=settings.mirror)
        return AnnotatedVideo(file, info, renderer, mirror=settings.mirror)
    except BaseException:
        file.discard()
        raise
