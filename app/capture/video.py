"""A video file: every frame, on the file's own timeline, upright. Decoded with FFmpeg through PyAV."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np

from ..datatypes import Frame, ImageArray, Stamp
from ..errors import SourceError
from .source import SourceInfo

logger = logging.getLogger(__name__)

_TRUNCATED_BY_S = 0.5
"""A file that ends so much before its own header says is damaged; less is rounding of the last frame's duration."""

_QUARTER_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    -90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    -180: cv2.ROTATE_180,
}


class VideoFile:
    """Decodes a file from its first to its last frame.

    Rotation flags are applied, so a frame is upright as in a player. Times are the file's, starting
    at 0; where they are missing or do not rise they are made up from the nominal rate.

    Raises:
        SourceError: the file is missing, is no video, or holds no frame.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = _open_container(path)
        try:
            self._stream = self._find_stream()
            self._stream.thread_type = "AUTO"
            self._num_damaged = 0
            self._decoder = self._decode()
            first = next(self._decoder, None)
            if first is None:
                raise SourceError(f"{path} holds no frames", "check that the recording was finished")
        except BaseException:
            self._container.close()
            raise
        self._first = first
        self.info = self._describe(first)

    def frames(self) -> Iterator[Frame]:
        """Yield all frames. Raises SourceError at the end where the file is shorter than its header says."""
        step_s = float(1 / self.info.fps) if self.info.fps else 1 / 30
        time_s = -step_s
        for index, picture in enumerate(chain([self._first], self._decoder)):
            media_s = _media_time_s(picture)
            since_start_s = time_s if media_s is None else media_s - self.info.start_s
            time_s = since_start_s if since_start_s > time_s else time_s + step_s
            yield Frame(image_bgr=_upright(picture), stamp=Stamp(index=index, time_s=time_s))
        if self._num_damaged:
            logger.warning("%s: %d damaged packets were skipped", self._path, self._num_damaged)
        self._check_complete(self.info.start_s + time_s + step_s)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _find_stream(self) -> av.VideoStream:
        for stream in self._container.streams.video:
            if stream.codec_context is not None and not stream.disposition & av.stream.Disposition.attached_pic:
                return stream
        raise SourceError(f"{self._path} has no picture to read", "give a video file")

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Yield pictures; damaged packets cost their own frames only."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                logger.warning("%s: reading ended early: %s", self._path, error.strerror)
                return
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self._num_damaged += 1

    def _describe(self, first: av.VideoFrame) -> SourceInfo:
        height, width = _upright(first).shape[:2]
        fps = self._stream.average_rate or self._stream.guessed_rate
        duration_s = self._duration_s()
        num_frames = self._stream.frames or (round(duration_s * fps) if duration_s and fps else None)
        return SourceInfo(
            name=self._path.name,
            size_wh=(width, height),
            fps=fps,
            is_live=False,
            time_base=self._stream.time_base or SourceInfo.time_base,
            num_frames=num_frames,
            file=self._path,
            start_s=_media_time_s(first) or 0.0,
        )

    def _duration_s(self) -> float | None:
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        return None

    def _check_complete(self, end_s: float) -> None:
        start_s = float((self._stream.start_time or 0) * (self._stream.time_base or 0))
        duration_s = self._duration_s()
        if duration_s is not None and start_s + duration_s - end_s > _TRUNCATED_BY_S:
            raise SourceError(
                f"{self._path} is damaged: it ends after {end_s - start_s:.1f} of {duration_s:.1f} seconds",
                "what could be read has been processed; get a complete copy for the rest",
            )


def _open_container(path: Path) -> av.container.InputContainer:
    if not path.exists():
        raise SourceError(f"{path} does not exist", "check the path")
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        reason = "is a folder" if path.is_dir() else "is not a video that can be read"
        raise SourceError(f"{path} {reason} ({error.strerror})", "check that it plays in a video player") from error


def _media_time_s(picture: av.VideoFrame) -> float | None:
    """The picture's time on the file's clock, where the file states one."""
    return None if picture.pts is None or picture.time_base is None else float(picture.pts * picture.time_base)


def _upright(picture: av.VideoFrame) -> ImageArray:
    """The picture as a player shows it, (H, W, 3) uint8 BGR."""
    image = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
    # FFmpeg states the counter-clockwise turn that the display needs, from -180 to 180 degrees.
    turn = _QUARTER_TURNS.get(round(picture.rotation / 90) * 90)
    return image if turn is None else np.asarray(cv2.rotate(image, turn), np.uint8)
