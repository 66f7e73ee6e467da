"""A video file: every frame, on the file's own timeline, upright. Decoded with FFmpeg through PyAV."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path

import av
import cv2
import numpy as np

from ..arrays import ImageArray
from ..datatypes import MAX_PIXELS, Frame, Stamp
from ..errors import SourceError
from ..priority import done_behind
from .container import DECODER_OPTIONS, open_container
from .decoding import Losses, decode
from .dynamic_range import curve_of
from .picture_change import fitted
from .source import LIVE_TIME_BASE, USUAL_FPS, SourceInfo
from .timeline import Timeline
from .upright import Matrix, display_matrix, photo, square_pixels_wh, upright

logger = logging.getLogger(__name__)

_TRUNCATED_BY_S = 0.5
"""A file that ends so much before its own header says is damaged; less is rounding of the last frame's duration."""

_FINE_TIME_BASE = 1e-3
_WEBP = "webp_pipe"
_JPEG = "jpeg_pipe"
_MATROSKA = "matroska,webm"


class VideoFile:
    """Decodes a file from its first to its last frame.

    A frame is upright and has square pixels, as in a player, and pictures that change their size are fitted into that
    of the first. Times are the file's, starting at 0; where they are missing or do not rise they are made up
    (``Timeline``).

    Raises:
        SourceError: the file is missing, is no video, or holds no frame.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = open_container(path)
        try:
            self._stream = self._find_stream()
            self._stream.thread_type = "AUTO"
            self._stream.codec_context.options = DECODER_OPTIONS
            self._pixel_aspect = self._stream.sample_aspect_ratio
            self._matrices: dict[int, Matrix] = {}
            self._losses = Losses()
            self._decoder = decode(self._container, self._stream, self._losses)
            # The decoder starts its threads with the first picture.
            first = done_behind(lambda: next(self._decoder, None))
            if first is None:
                raise self._nothing_in_it()
            self._first = first
            self._curve = curve_of(self._stream.codec_context.color_trc)
            self._photo = photo(path) if self._container.format.name == _JPEG else None
            self.info = self._describe(first)
        except BaseException:
            self._container.close()
            raise

    def frames(self) -> Iterator[Frame]:
        """Yield all frames. What could not be read is said at the end.

        Raises:
            SourceError: the file is shorter than its header says.
        """
        fps = self.info.fps or USUAL_FPS
        step_s = float(1 / fps)
        timeline = Timeline(self._duration_s() or self._container_duration_s())
        end_s = 0.0
        pictures = pairwise(chain([self._first], self._decoder, [None]))
        for index, (picture, following) in enumerate(pictures):
            assert picture is not None, "only the last of all is None, and it has no successor"
            time_s = timeline.place(self._since_start_s(picture), self._since_start_s(following), step_s)
            end_s = time_s + step_s
            frame = Frame(image_bgr=self._upright(picture), stamp=Stamp(index=index, time_s=time_s))
            yield fitted(frame, self.info.size_wh)
        self._say_what_was_lost()
        self._check_complete(self.info.start_s + end_s)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _find_stream(self) -> av.VideoStream:
        streams = [
            stream
            for stream in self._container.streams.video
            if stream.codec_context is not None and not stream.disposition & av.stream.Disposition.attached_pic
        ]
        if streams:
            stream = max(streams, key=lambda stream: bool(stream.disposition & av.stream.Disposition.default))
            self._check_size(stream)
            return stream
        raise SourceError(f"{self._path} has no picture to read", "give a video file")

    def _check_size(self, stream: av.VideoStream) -> None:
        width, height = square_pixels_wh((stream.width, stream.height), stream.sample_aspect_ratio)
        if width * height > MAX_PIXELS:
            raise SourceError(
                f"the pictures of {self._path} are {width}x{height} pixels large, and at most "
                f"{MAX_PIXELS / 1e6:.0f} megapixels are read",
                "make a smaller copy, of 1920x1080 for example: the detector needs no more",
            )

    def _nothing_in_it(self) -> SourceError:
        """Why there is no first picture."""
        if self._container.format.name == _WEBP:
            return SourceError(f"{self._path} is an animated WebP, which cannot be read", "save it as MP4 or GIF")
        if self._losses.num_unreadable:
            return SourceError(
                f"{self._path} is damaged: not one of its {self._losses.num_packets} pictures could be read",
                "get a complete copy",
            )
        return SourceError(f"{self._path} holds no frames", "check that the recording was finished")

    def _describe(self, first: av.VideoFrame) -> SourceInfo:
        height, width = self._upright(first).shape[:2]
        fps = self._stream.average_rate or self._stream.guessed_rate
        # Matroska states no stream's length, but its own.
        duration_s = self._duration_s() or self._container_duration_s()
        num_frames = self._stream.frames or (round(duration_s * fps) if duration_s and fps else None)
        time_base = self._stream.time_base
        return SourceInfo(
            name=self._path.name,
            size_wh=(width, height),
            fps=fps,
            is_live=False,
            # A coarser one would not hold the times that are made up.
            time_base=time_base if time_base is not None and time_base <= _FINE_TIME_BASE else LIVE_TIME_BASE,
            num_frames=num_frames,
            file=self._path,
            start_s=_media_time_s(first) or 0.0,
        )

    def _upright(self, picture: av.VideoFrame) -> ImageArray:
        if picture is self._first and self._photo is not None:
            return self._photo
        turn = picture.rotation
        if turn not in self._matrices:
            self._matrices[turn] = display_matrix(picture)
        image = upright(picture, self._matrices[turn], self._pixel_aspect)
        return image if self._curve is None else np.asarray(cv2.LUT(image, self._curve), np.uint8)

    def _since_start_s(self, picture: av.VideoFrame | None) -> float | None:
        media_s = None if picture is None else _media_time_s(picture)
        return None if media_s is None else media_s - self.info.start_s

    def _duration_s(self) -> float | None:
        """How long the pictures last, as the file says."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        return None

    def _say_what_was_lost(self) -> None:
        words = self._losses.words()
        if words is not None:
            logger.warning("%s is damaged: %s", self._path, words)

    def _check_complete(self, end_s: float) -> None:
        """Compare where the pictures ended with what the header says."""
        hint = "what could be read has been processed; get a complete copy for the rest"
        start_s = float((self._stream.start_time or 0) * (self._stream.time_base or 0))
        duration_s = self._duration_s()
        # The last picture may stay for long.
        end_s = max(end_s, self._losses.shown_until_s)
        if duration_s is None:
            # Matroska says it of all streams together. What FFmpeg says of other formats may be a guess.
            start_s, duration_s = 0.0, self._container_duration_s()
            end_s = max(end_s, self._losses.read_until_s)
        if duration_s is not None and start_s + duration_s - end_s > _TRUNCATED_BY_S:
            raise SourceError(
                f"{self._path} is damaged: it ends after {end_s - start_s:.1f} of {duration_s:.1f} seconds", hint
            )
        if self._losses.broke_off is None:
            return
        if duration_s is None:
            raise SourceError(
                f"{self._path} is damaged: it cannot be read beyond {end_s - start_s:.1f} seconds "
                f"({self._losses.broke_off})",
                hint,
            )
        logger.warning("%s: reading ended early: %s", self._path, self._losses.broke_off)

    def _container_duration_s(self) -> float | None:
        if self._container.format.name != _MATROSKA or self._container.duration is None:
            return None
        return self._container.duration / av.time_base


def _media_time_s(picture: av.VideoFrame) -> float | None:
    """The picture's time on the file's clock, where the file states one."""
    return None if picture.pts is None or picture.time_base is None else float(picture.pts * picture.time_base)
