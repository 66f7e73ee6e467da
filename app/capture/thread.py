"""The thread that reads a source and feeds the pipeline."""

from __future__ import annotations

import logging
import threading

from ..colors import prepare
from ..datatypes import Frame
from ..priority import step_back
from .handoff import BlockingQueue, Handoff, LatestSlot
from .source import Source, SourceInfo, Watchful

logger = logging.getLogger(__name__)

_QUEUE_FRAMES = 4
_QUEUE_BYTES = 96 * 2**20
_JOIN_TIMEOUT_S = 2.0


class Capture:
    """The thread that reads a source. Only that thread touches the source once it runs, and it closes it.

    Args:
        source: open; closed by the thread, or by ``stop`` when the thread was never started.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._thread = threading.Thread(target=self._work, name="capture", daemon=True)
        self.frames: Handoff[Frame] = _handoff(source.info)
        self.num_frames_in = 0

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the hand-off and wait for the thread; one that is stuck in a camera is left behind with a warning."""
        self.frames.stop()
        if isinstance(self._source, Watchful):
            self._source.stop()
        if self._thread.ident is None:
            self._source.close()
            return
        self._thread.join(_JOIN_TIMEOUT_S)
        if self._thread.is_alive():
            logger.warning("%s does not answer; leaving without closing it", self._source.info.name)

    def _work(self) -> None:
        if not self._source.info.is_live:
            step_back()
        try:
            last: int | None = None
            for frame in self._source.frames():
                # What is missing between two indices was dropped on the way from the camera to here.
                num_missing = 0 if last is None else frame.stamp.index - last - 1
                self.frames.miss(num_missing)
                self.num_frames_in += 1 + num_missing
                last = frame.stamp.index
                if not self._source.info.is_live:
                    # This thread has time, and the detector's has not.
                    prepare(frame)
                if not self.frames.put(frame):
                    break
            self.frames.close()
        except Exception as error:  # noqa: BLE001  raised again in the thread that takes the frames
            self.frames.close(error)
        finally:
            self._source.close()


def _handoff(info: SourceInfo) -> Handoff[Frame]:
    """Newest frame only for live sources; a few frames, bounded in bytes too, for files."""
    if info.is_live:
        return LatestSlot()
    frame_bytes = 2 * 3 * info.size_wh[0] * info.size_wh[1]  # for whoever draws, and for the detector
    return BlockingQueue(max(2, min(_QUEUE_FRAMES, _QUEUE_BYTES // frame_bytes)))
