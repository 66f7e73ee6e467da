"""What a window says in words: notices, which go by themselves, and trouble, which stays as long as there is any."""

from __future__ import annotations

import logging
import time
from collections import deque

from ..live.shared import Shared
from ..live.status import Status

logger = logging.getLogger(__name__)

NOTICE_S = 4.0
"""A notice goes by itself after this long."""


class Notices:
    """One notice at a time, of the window's own or of the run's, and the run's trouble.

    Args:
        status: what the run says of itself; None where it says nothing.

    Attributes:
        text: the notice; empty where there is none.
        trouble: what is wrong with the source; empty where nothing is.
    """

    def __init__(self, status: Shared[Status] | None) -> None:
        self._status = status
        self._num_of_the_run = 0 if status is None else status.value.num_notices
        self._from_threads: deque[str] = deque()
        self._until_s = 0.0
        self._shown = ("", "")
        self.text = self.trouble = ""

    def tell(self, text: str) -> None:
        """Give notice of something. On the window's thread."""
        self.text, self._until_s = text, time.monotonic() + NOTICE_S

    def tell_of_file(self, text: str) -> None:
        """Give notice of a file that was written, or could not be, and note it in the log. On any thread."""
        logger.info("%s", text)
        self._from_threads.append(text)

    def update(self, now_s: float) -> bool:
        """Hear what was said since, and let a notice go when its time is over.

        Returns:
            Whether notice or trouble are other ones than at the last call.
        """
        while self._from_threads:
            self.tell(self._from_threads.popleft())
        if self._status is not None:
            status = self._status.value
            if status.num_notices != self._num_of_the_run:
                self._num_of_the_run = status.num_notices
                self.tell(status.notice)
            self.trouble = status.source_trouble
        if now_s >= self._until_s:
            self.text = ""
        before, self._shown = self._shown, (self.text, self.trouble)
        return self._shown != before
