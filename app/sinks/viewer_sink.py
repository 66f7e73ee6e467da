"""Hands results to the viewer: the newest one wins, the viewer never holds the pipeline up."""

from __future__ import annotations

from ..capture.handoff import LatestSlot
from ..datatypes import Result


class ViewerSink:
    """Puts the newest result where the window takes it."""

    def __init__(self) -> None:
        self.results: LatestSlot[Result] = LatestSlot()

    def write(self, result: Result) -> None:
        """Show this one next."""
        self.results.put(result)

    def close(self) -> None:
        """Tell the window that nothing more comes."""
        self.results.close()
