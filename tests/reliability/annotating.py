"""Annotated videos without the 3D room, which has nothing to do with files and would take ten times as long."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
from posedemo.arrays import ImageArray
from posedemo.capture.video import VideoFile
from posedemo.datatypes import Result
from posedemo.outputs import PartialFile
from posedemo.sinks.annotated_video import AnnotatedVideo, pane_sizes
from posedemo.viewer.offscreen import RoomRenderer


class BlankRoom:
    """A 3D pane in which there is nothing."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self._picture = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)

    def submit(self, people: object, time_s: float) -> None:
        del people, time_s

    def receive(self) -> ImageArray:
        return self._picture

    def close(self) -> None:
        pass


def open_annotated_video(path: Path, source: VideoFile) -> AnnotatedVideo:
    """The sink that writes annotated videos, for a source."""
    room = cast(RoomRenderer, BlankRoom(pane_sizes(source.info.size_wh)[1]))
    return AnnotatedVideo(PartialFile(path), source.info, room, mirror=False)


def annotate_file(path: Path, output: Path) -> None:
    """Write a video again, with nobody in it."""
    source = VideoFile(path)
    sink = open_annotated_video(output, source)
    try:
        for frame in source.frames():
            sink.write(Result(frame, ()))
    finally:
        source.close()
        sink.close()
