"""A camera in a thread of its own, so that one that answers no more holds nobody else up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from ..datatypes import Frame
from .handoff import Handoff, LatestSlot
from .source import Source, SourceInfo

logger = logging.getLogger(__name__)


class Reader:
    """Opens a camera and reads it, each in a thread that can be left behind. Starts at once.

    Opening and reading may both take for ever, and nothing can interrupt them: who has waited for long enough calls
    ``leave`` and thinks of it no more. The thread lets go of the camera when it gets the chance.

    Args:
        open_camera: opens it.
        frames: where its frames go; by default, the newest is all that counts.
        name: of the thread.

    Attributes:
        started_s: when it began to open the camera.
        opened_s: when it was open; None before.
    """

    def __init__(
        self, open_camera: Callable[[], Source], *, frames: Handoff[Frame] | None = None, name: str = "camera"
    ) -> None:
        self._open_camera = open_camera
        self.frames: Handoff[Frame] = LatestSlot() if frames is None else frames
        self.opened: Future[SourceInfo] = Future()
        self.started_s = time.monotonic()
        self.opened_s: float | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Want nothing more of it."""
        self.frames.stop()

    def join(self, timeout_s: float) -> bool:
        """Wait for the camera to be let go; False when it was not."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            camera = self._open_camera()
        except Exception as error:  # noqa: BLE001  raised again where the frames are taken
            logger.debug("not opened: %s", error)
            self.opened.set_exception(error)
            self.frames.close(error)
            return
        try:
            self.opened_s = time.monotonic()
            self.opened.set_result(camera.info)
            for frame in camera.frames():
                if not self.frames.put(frame):
                    break
            self.frames.close()
        except Exception as error:  # noqa: BLE001  the same
            logger.debug("not read on: %s", error)
            self.frames.close(error)
        finally:
            camera.close()
