"""A session file as a source of frames: dark pictures of the recorded size, with the people that were seen in them."""

from __future__ import annotations

import logging
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from ..arrays import ImageArray
from ..capture.source import SourceInfo
from ..datatypes import Frame, InUse, Stamp
from ..errors import SourceError
from .header import SessionHeader, unpack_header
from .records import CHANGE_KIND, FRAME_KIND, MAGIC, Damage, read_record, records, unpack_change, unpack_frame

logger = logging.getLogger(__name__)

_DARK_BGR = (30, 27, 26)
_WORDS_BGR = (112, 106, 104)
_WORDS = "recorded session - no picture"
_LARGEST_LETTERS = 40.0
"""OpenCV's scale: fit for pictures of 36,000 px, and it crashes where letters are thousands of times as large."""
_DAMAGE_HINT = "copy it again from where it was recorded; what was written after this place cannot be used"


class SessionSource:
    """Plays a session from its first to its last frame, as it was recorded.

    Opening it reads it once, to find out which of its records are whole: what is damaged or cut off is left out with a
    warning. Frames are read again when they are played, so that an evening's recording needs no memory.

    Args:
        path: of a ``.pose`` file.

    Raises:
        SourceError: the file is missing, is no session, or holds no whole frame.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        try:
            self._places, self._times_s, self._indices = array("q"), array("d"), array("q")
            self._changed_at, self._in_use = array("q"), list[InUse]()
            self.header = self._scan()
        except OSError as error:
            self._file.close()
            raise SourceError(f"cannot read {path}: {error.strerror}", "check the path and the disk") from error
        except BaseException:
            self._file.close()
            raise
        self.info = SourceInfo(
            name=path.name,
            size_wh=self.header.size_wh,
            fps=self.header.fps,
            is_live=False,
            time_base=self.header.time_base,
            num_frames=len(self._places),
        )

    @property
    def times_s(self) -> array[float]:
        """Of all frames, rising, on the recorded source's clock."""
        return self._times_s

    @property
    def in_use(self) -> tuple[InUse, ...]:
        """What was used one after the other."""
        return tuple(self._in_use)

    @property
    def duration_s(self) -> float:
        """From the first to the last frame."""
        return self._times_s[-1] - self._times_s[0]

    def position_s(self, index: int) -> float:
        """When a frame was, since the first; ``index`` is that of its stamp."""
        number = min(bisect_left(self._indices, index), len(self._indices) - 1)
        return self._times_s[number] - self._times_s[0]

    def frames(self) -> Iterator[Frame]:
        """Yield all frames with their own times."""
        for number in range(len(self._places)):
            yield self.frame(number)

    def frame(self, number: int, *, shift_s: float = 0.0) -> Frame:
        """One frame.

        Args:
            number: counts the session's frames from 0.
            shift_s: how much later than it was recorded it shall seem to be.

        Raises:
            SourceError: the file has changed since it was opened.
        """
        try:
            payload = read_record(self._file, self._places[number])
            record = unpack_frame(payload or b"")
        except (OSError, ValueError) as error:
            raise SourceError(f"{self._path} has changed while it was played", "start again") from error
        stamp = Stamp(index=record.index, time_s=record.time_s + shift_s if shift_s else record.time_s)
        in_use = self._in_use[bisect_right(self._changed_at, number) - 1]
        is_last = number + 1 == len(self._places)
        return Frame(_dark_picture(record.size_wh), stamp, record.detections, in_use, is_last=is_last)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _scan(self) -> SessionHeader:
        """Find all whole records; returns the header."""
        damage = Damage()
        header: SessionHeader | None = None
        for place, payload in records(self._file, damage):
            if header is None:
                header = _header(payload, self._path)
                self._note(InUse(header.detector, header.lifter, header.settings["smooth"]))
            elif payload[:1] == FRAME_KIND:
                damage.num_places += not self._add(place, payload)
            elif payload[:1] == CHANGE_KIND:
                damage.num_places += not self._change(payload)
        if header is None:
            raise SourceError(f"{self._path} is damaged at its very beginning", _DAMAGE_HINT)
        if not self._places:
            raise SourceError(f"{self._path} holds no whole frame", "record for longer")
        self._warn(damage)
        return header

    def _add(self, place: int, payload: bytes) -> bool:
        """Remember where a frame is; False where it cannot be used."""
        try:
            record = unpack_frame(payload)
        except ValueError:
            return False
        if self._places and not (record.time_s > self._times_s[-1] and record.index > self._indices[-1]):
            return False
        self._places.append(place)
        self._times_s.append(record.time_s)
        self._indices.append(record.index)
        return True

    def _change(self, payload: bytes) -> bool:
        """Remember what is used from the next frame on; False where nothing can."""
        try:
            changes = unpack_change(payload)
        except ValueError:
            return False
        self._note(replace(self._in_use[-1], **changes))
        return True

    def _note(self, in_use: InUse) -> None:
        if self._changed_at and self._changed_at[-1] == len(self._places):
            # No frame came in between: nobody will ask for what was used before.
            self._in_use[-1] = in_use
        elif not self._in_use or in_use != self._in_use[-1]:
            self._changed_at.append(len(self._places))
            self._in_use.append(in_use)

    def _warn(self, damage: Damage) -> None:
        if damage.num_places:
            logger.warning("%s is damaged: %d places were left out", self._path, damage.num_places)
        if damage.num_cut_bytes:
            logger.warning(
                "%s breaks off: the last %d bytes were left out, the %.1f s before them are whole",
                self._path, damage.num_cut_bytes, self.duration_s,
            )  # fmt: skip


def read_header(path: Path) -> SessionHeader:
    """What a session says first.

    Raises:
        SourceError: the file is missing, or is no session.
    """
    try:
        with _open(path) as file:
            for _, payload in records(file, Damage()):
                return _header(payload, path)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}", "check the disk") from error
    raise SourceError(f"{path} is damaged at its very beginning", _DAMAGE_HINT)


def _open(path: Path) -> BinaryIO:
    """A file that begins as a session does."""
    try:
        file = path.open("rb")
        if file.read(len(MAGIC)) == MAGIC:
            return file
        file.close()
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist", "check the path") from error
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}", "check the path") from error
    raise SourceError(f"{path} is not a recorded session", "give a file that --record wrote")


def _header(payload: bytes, path: Path) -> SessionHeader:
    try:
        return unpack_header(payload)
    except ValueError as error:
        raise SourceError(f"{path} cannot be played: {error}", "record it again") from error


@lru_cache(maxsize=4)
def _dark_picture(size_wh: tuple[int, int]) -> ImageArray:
    """(H, W, 3) uint8 BGR: nothing but what it is, at the bottom."""
    width, height = size_wh
    image = np.full((height, width, 3), _DARK_BGR, np.uint8)
    scale = min(width / 900, _LARGEST_LETTERS)
    thickness = max(1, int(scale))
    (text_width, _), _ = cv2.getTextSize(_WORDS, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    place = ((width - text_width) // 2, height - height // 20)
    cv2.putText(image, _WORDS, place, cv2.FONT_HERSHEY_SIMPLEX, scale, _WORDS_BGR, thickness, cv2.LINE_AA)
    image.flags.writeable = False
    return image
