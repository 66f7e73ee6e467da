"""Annotated video: the picture with its 2D overlay on the left, the 3D room on the right, as H.264 with sound.

Composition and encoding run on a thread of their own and the room is drawn in a process of its own, so that the
detector does not wait for either.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from ..arrays import ImageArray
from ..capture.handoff import BlockingQueue
from ..capture.source import USUAL_FPS, SourceInfo
from ..datatypes import Result
from ..errors import OutputError
from ..h264 import VideoWriter, to_planes
from ..letterbox import letterbox, place_within
from ..outputs import PartialFile, writing
from ..priority import step_back
from ..viewer.offscreen import RoomRenderer
from ..viewer.overlay import draw_people
from ..viewer.wardrobe import Wardrobe
from .audio_track import AudioTrack

logger = logging.getLogger(__name__)

MAX_CANVAS_WH = (1920, 1080)
MIN_CANVAS_HEIGHT = 240
ROOM_ASPECT = 0.8
"""Width of the 3D pane over its height: a standing person with outstretched arms fits."""

_QUEUE_FRAMES = 3
_ENCODER = {"preset": "ultrafast", "crf": "23"}
"""The detector needs the cores more: ``veryfast`` makes files a third of the size but halves the frame rate."""

_RECOVERABLE = {"movflags": "+hybrid_fragmented", "frag_duration": "1000000", "flush_packets": "1"}
"""What is on the disk can be played up to the last second, whatever ends the program."""

_JOIN_TIMEOUT_S = 60.0


class AnnotatedVideo:
    """Writes results as an annotated MP4, one frame for each result, at the source's own times.

    Args:
        file: where to write.
        info: the source.
        renderer: draws the 3D pane; as large as ``pane_sizes`` says. Closed by this sink.
        mirror: mirror the picture; the renderer mirrors the room by itself.
        is_over: asked at the end, whether the source has ended: sound that outlasts its pictures is kept then.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(
        self,
        file: PartialFile,
        info: SourceInfo,
        renderer: RoomRenderer,
        *,
        mirror: bool,
        is_over: Callable[[], bool] = lambda: True,
    ) -> None:
        self._file = file
        self._is_over = is_over
        self._renderer = renderer
        self._mirror = mirror
        self._wardrobe = Wardrobe()
        self._encoder = _Encoder(file, info)
        self._queue: BlockingQueue[Result] = BlockingQueue(_QUEUE_FRAMES)
        self._error: BaseException | None = None
        # Detector, encoder and room use all cores already; OpenCV's own threads would only spin while they wait.
        cv2.setNumThreads(1)
        self._thread = threading.Thread(target=self._work, name="annotate", daemon=True)
        self._thread.start()

    def write(self, result: Result) -> None:
        """Hand a result over.

        Raises:
            OutputError: an earlier result could not be written.
        """
        if not self._queue.put(result):
            self._join()
            raise self._error or OutputError(f"cannot write {self._file.path}", "see the messages above")

    def check(self) -> None:
        """Raise OutputError where the file was removed."""
        self._file.check()

    def close(self) -> None:
        """Finish the file with what was handed over, and give it its name.

        Raises:
            OutputError: it cannot be written; what there is of it is left under its temporary name.
            ModelError: the room could not be drawn; the file is complete up to there. Where nothing was, there is none.
        """
        try:
            self._queue.close()
            self._join()
            self._renderer.close()
            if isinstance(self._error, OutputError) or (self._error is not None and not self._encoder.num_written):
                raise self._error
            self._finish_file()
        except BaseException:
            self.abandon()
            raise
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """Leave what was written under its temporary name, where it can be played."""
        self._queue.stop()
        self._renderer.close()
        if self._encoder.num_written:
            self._file.keep()
        else:
            self._file.discard()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._queue.stop()
        self._thread.join(_JOIN_TIMEOUT_S)
        self._renderer.close()
        self._file.discard()

    def _finish_file(self) -> None:
        try:
            self._encoder.close(with_all_sound=self._is_over())
            self._file.check()
        except OutputError as error:
            raise self._with_rest(error) from error
        try:
            put_index_first(self._file.partial)
        finally:
            self._file.commit()

    def _with_rest(self, error: OutputError) -> OutputError:
        """The same error, and where to find what was written before."""
        if not self._encoder.num_written or not self._file.partial.exists():
            return error
        return OutputError(error.message, f"{error.hint}; {self._file.partial} can be played up to there")

    def _join(self) -> None:
        self._thread.join(_JOIN_TIMEOUT_S)
        if self._thread.is_alive():
            raise OutputError(
                f"the disk has taken nothing of {self._file.path} for {_JOIN_TIMEOUT_S:.0f} s",
                "write to another folder",
            )

    def _work(self) -> None:
        """Draw and encode until the queue ends. The room of the next frame is drawn while this one is encoded."""
        step_back()
        waiting: Result | None = None
        try:
            for result in self._queue:
                self._renderer.submit(result.people, result.frame.stamp.time_s)
                if waiting is not None:
                    self._finish(waiting)
                waiting = result
            if waiting is not None:
                self._finish(waiting)
        except OutputError as error:
            self._error = self._with_rest(error)
            self._queue.stop()
        except BaseException as error:  # noqa: BLE001  carried to the thread that writes
            self._error = error
            self._queue.stop()

    def _finish(self, result: Result) -> None:
        room = self._renderer.receive()
        self._encoder.write(self._compose(result, room), result.frame.stamp.time_s)

    def _compose(self, result: Result, room: ImageArray) -> ImageArray:
        picture_wh, room_wh = self._encoder.panes
        # A wardrobe that sees what the room's sees gives out the same colours.
        slots = self._wardrobe.dress([person.track_id for person in result.people], result.frame.stamp.time_s)
        picture = annotate(result, picture_wh, mirror=self._mirror, slots=slots)
        return np.hstack([picture, letterbox(room, room_wh)])


def annotate(
    result: Result, size_wh: tuple[int, int], *, mirror: bool, slots: Mapping[int, int] | None = None
) -> ImageArray:
    """The picture of a result with its 2D overlay, scaled into ``size_wh`` without distortion; (h, w, 3) BGR."""
    place = place_within(result.frame.size_wh, size_wh)
    picture = letterbox(result.frame.image_bgr, (place.width, place.height))
    if result.frame.image_bgr is picture:
        picture = picture.copy()
    draw_people(picture, result.people, scale=place.width / result.frame.size_wh[0], slots=slots)
    picture = letterbox(picture, size_wh)
    return np.asarray(cv2.flip(picture, 1), np.uint8) if mirror else picture


def pane_sizes(size_wh: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Sizes of the picture pane and of the room pane, of the same height, all even as H.264 wants it.

    The picture is never enlarged, unless it is too small to watch, and both panes together fit ``MAX_CANVAS_WH``.
    """
    width, height = size_wh
    aspect = width / height
    tallest = min(MAX_CANVAS_WH[1], MAX_CANVAS_WH[0] / (aspect + ROOM_ASPECT))
    pane_height = min(tallest, max(height, MIN_CANVAS_HEIGHT))
    room_wh = _even(pane_height * ROOM_ASPECT), _even(pane_height)
    return (min(_even(pane_height * aspect), MAX_CANVAS_WH[0] - room_wh[0]), room_wh[1]), room_wh


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


@contextmanager
def _encoding(path: Path) -> Iterator[None]:
    """Turn what disk and encoder refuse while writing ``path`` into an OutputError that names it."""
    try:
        with writing(path):
            yield
    except av.FFmpegError as error:
        raise OutputError(
            f"cannot write {path}: the encoder says {error.strerror!r}", "leave out --output; --export writes the poses"
        ) from error


class _Encoder:
    """A video and, for a file with sound, its audio."""

    def __init__(self, file: PartialFile, info: SourceInfo) -> None:
        self.panes = pane_sizes(info.size_wh)
        self._file = file
        self._start_s: float | None = None
        self.num_written = 0
        (picture_width, height), (room_width, _) = self.panes
        with _encoding(file.path):
            self._video = VideoWriter(
                file.partial,
                (picture_width + room_width, height),
                rate=info.fps or Fraction(USUAL_FPS),
                time_base=info.time_base,
                encoder=_ENCODER,
                container=_RECOVERABLE,
            )
            try:
                self._audio = (
                    None if info.file is None else AudioTrack.of(self._video.container, info.file, start_s=info.start_s)
                )
            except BaseException:
                self._video.close()
                raise

    def write(self, image_bgr: ImageArray, time_s: float) -> None:
        """Encode one canvas at its time."""
        if self._start_s is None:
            self._start_s = time_s
        with _encoding(self._file.path):
            self._video.write(to_planes(image_bgr), time_s - self._start_s)
            if self._audio is not None:
                self._audio.write_until(time_s - self._start_s)
        self.num_written += 1

    def close(self, *, with_all_sound: bool) -> None:
        """Flush and close the file; sound beyond the pictures only where it is wanted."""
        with _encoding(self._file.path):
            self._video.flush()
            if self._audio is not None:
                if with_all_sound:
                    self._audio.write_until(float("inf"))
                self._audio.close()
            self._video.close()


def put_index_first(path: Path) -> None:
    """Move an MP4's index to its front, without encoding it again, so that browsers play it before they have all of it.

    Where that cannot be done, for want of space or time, the file stays as complete as it is.
    """
    moved = path.with_name(f"posedemo-{os.getpid()}.partial{path.suffix}")
    try:
        with (
            av.open(str(path)) as source,
            av.open(str(moved), "w", format="mp4", options={"movflags": "+faststart"}) as target,
        ):
            streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    target.mux(packet)
        moved.replace(path)
    except (OSError, av.FFmpegError) as error:
        logger.debug("%s keeps its index at the end: %s", path, error)
    finally:
        moved.unlink(missing_ok=True)
