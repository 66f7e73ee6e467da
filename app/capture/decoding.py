"""Decodes one stream of a video file and counts what could not be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av


@dataclass
class Losses:
    """What was met on the way through a file.

    Attributes:
        num_packets: of the pictures' stream.
        num_unreadable: packets that could not be decoded.
        num_patched: pictures that the decoder has filled up, as far as it knows.
        broke_off: why the file could not be read on, though it had not ended.
        read_until_s: the latest time that was met in any stream, on the file's clock.
        shown_until_s: the same in the pictures' stream.
    """

    num_packets: int = 0
    num_unreadable: int = 0
    num_patched: int = 0
    broke_off: str | None = None
    read_until_s: float = 0.0
    shown_until_s: float = 0.0

    def words(self) -> str | None:
        """What was lost, for people; None where nothing was."""
        parts = []
        if self.num_unreadable:
            share = 100 * self.num_unreadable / self.num_packets
            parts.append(f"{self.num_unreadable} of {self.num_packets} pictures ({share:.2g} %) could not be read")
        if self.num_patched:
            parts.append(f"{self.num_patched} pictures are shown as far as they could be read")
        return ", ".join(parts) or None


def decode(container: av.container.InputContainer, stream: av.VideoStream, losses: Losses) -> Iterator[av.VideoFrame]:
    """Yield the pictures of a stream; packets that cannot be decoded cost their own pictures only.

    Args:
        container: at its beginning.
        stream: of that container.
        losses: counts while pictures are taken.
    """
    for packet in _packets(container, losses):
        if packet.pts is not None and packet.time_base is not None:
            end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            losses.read_until_s = max(losses.read_until_s, end_s)
            if packet.stream is stream:
                losses.shown_until_s = max(losses.shown_until_s, end_s)
        if packet.stream is not stream:
            continue
        losses.num_packets += packet.size > 0
        try:
            for picture in packet.decode():
                losses.num_patched += picture.is_corrupt
                yield picture
        except av.FFmpegError:
            losses.num_unreadable += 1


def _packets(container: av.container.InputContainer, losses: Losses) -> Iterator[av.Packet[Any]]:
    """Packets of all streams, until the end or the first place that cannot be read."""
    packets = container.demux()
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except av.FFmpegError as error:
            losses.broke_off = error.strerror
            return
