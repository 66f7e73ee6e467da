"""Carries the sound of a video file over into an annotated video, in step with the pictures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, dropwhile, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import av

from ..capture.container import open_container
from ..capture.timeline import Timeline

if TYPE_CHECKING:
    Packet = av.Packet[av.AudioStream]

logger = logging.getLogger(__name__)

_COPIED_CODEC: Final = "aac"
"""What every browser and PowerPoint plays from an MP4; anything else is encoded again as such."""

_FALLBACK_RATE_HZ = 48_000
_STEP_S = 0.02
"""How long a packet lasts that does not say so."""

_LEAD_S = 0.5
"""How far the sound may be written ahead of the pictures, so that players find both close together."""


class AudioTrack:
    """Copies or re-encodes the audio stream of a file that players play. What of it cannot be decoded is left out: a
    browser would end the whole video there.

    Args:
        container: the output, before anything was written to it.
        source: the file with the sound, open; closed by ``close``.
        start_s: time of the first picture in that file, which becomes time 0.
    """

    def __init__(
        self, container: av.container.OutputContainer, source: av.container.InputContainer, *, start_s: float
    ) -> None:
        self._output = container
        self._input = source
        self._start_s = start_s
        self._source = _default_stream(source)
        codec = self._source.codec_context
        self._is_copied = codec.name == _COPIED_CODEC
        self._stream: av.AudioStream
        if self._is_copied:
            self._stream = container.add_stream_from_template(self._source)
        else:
            known_rates = av.Codec(_COPIED_CODEC, "w").audio_rates or ()
            rate = codec.sample_rate if codec.sample_rate in known_rates else _FALLBACK_RATE_HZ
            self._stream = container.add_stream(_COPIED_CODEC, rate=rate, layout="stereo")
        self._packets = self._copied() if self._is_copied else self._encoded()
        self._waiting: Packet | None = None
        self._num_lost = 0

    @classmethod
    def of(cls, container: av.container.OutputContainer, path: Path, *, start_s: float) -> Self | None:
        """The sound of a file, or None where it has none. One that cannot be decoded is told and left out."""
        source = open_container(path)
        if not source.streams.audio:
            source.close()
            return None
        try:
            # None where FFmpeg knows no such codec; a rate of 0 where a header is damaged.
            codec = _default_stream(source).codec_context
            if codec is not None and codec.sample_rate > 0:
                return cls(container, source, start_s=start_s)
        except BaseException:
            source.close()
            raise
        source.close()
        logger.warning("the sound of %s cannot be decoded and is left out", path)
        return None

    def write_until(self, time_s: float) -> None:
        """Write the sound up to a little after a picture's time."""
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = None
            if packet is None:
                return
            if packet.pts is not None and float(packet.pts * packet.time_base) > time_s + _LEAD_S:
                self._waiting = packet
                return
            try:
                self._output.mux(packet)
            except (av.error.InvalidDataError, av.error.ArgumentError):
                self._num_lost += 1

    def close(self) -> None:
        """Close the input, and say how much of it is missing."""
        if self._num_lost:
            name = self._input.name.removeprefix("file:")
            logger.warning("%s: %d pieces of its sound could not be taken over", name, self._num_lost)
        self._input.close()

    def _copied(self) -> Iterator[Packet]:
        for packet in self._placed():
            if self._decoded(packet) is not None:
                packet.stream = self._stream
                yield packet

    def _encoded(self) -> Iterator[Packet]:
        resampler, made_for = None, None
        for packet in self._placed():
            for frame in self._decoded(packet) or ():
                kind = (frame.format.name, frame.layout.name, frame.sample_rate)
                if resampler is None or kind != made_for:
                    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=self._stream.rate)
                    made_for = kind
                for resampled in resampler.resample(frame):
                    yield from self._since_the_first_picture(resampled)
        yield from self._since_the_first_picture(None)

    def _since_the_first_picture(self, frame: av.AudioFrame | None) -> Iterator[Packet]:
        """Encode, and leave out the silence that AAC begins with: a file that is written piece by piece has no list of
        what not to play, and everything would come later by as much."""
        if frame is not None and frame.pts is not None and frame.time_base is not None:
            # An AVI counts in pieces of its own codec: in those, two pieces of ours would come at the same time.
            frame.pts = round(frame.pts * frame.time_base * frame.sample_rate)
            frame.time_base = Fraction(1, frame.sample_rate)
        return (packet for packet in self._stream.encode(frame) if packet.pts is None or packet.pts >= 0)

    def _decoded(self, packet: Packet) -> list[av.AudioFrame] | None:
        """The sound in a packet; None where it is damaged."""
        try:
            return packet.decode()
        except av.FFmpegError:
            self._num_lost += 1
            return None

    def _placed(self) -> Iterator[Packet]:
        """Packets from the first picture on, with times that rise from there."""
        duration_us = self._input.duration
        timeline = Timeline(None if duration_us is None else duration_us / av.time_base)
        last = -1
        packets = dropwhile(lambda packet: (self._since_start_s(packet) or 0) < 0, self._demux())
        for packet, following in pairwise(chain(packets, [None])):
            assert packet is not None, "only the last of all is None, and it has no successor"
            assert packet.time_base is not None, "FFmpeg gives every stream one"
            step_s = float(packet.duration * packet.time_base) if packet.duration else _STEP_S
            time_s = timeline.place(self._since_start_s(packet), self._since_start_s(following), step_s)
            last = max(last + 1, round(time_s / packet.time_base))
            packet.pts = packet.dts = last
            yield packet

    def _since_start_s(self, packet: Packet | None) -> float | None:
        if packet is None or packet.pts is None or packet.time_base is None:
            return None
        return float(packet.pts * packet.time_base) - self._start_s

    def _demux(self) -> Iterator[Packet]:
        """Packets until the end or the first place that cannot be read."""
        packets = self._input.demux(self._source)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.FFmpegError):
                return
            if packet.size:
                yield packet


def _default_stream(source: av.container.InputContainer) -> av.AudioStream:
    """The one that players play: of those that are said to be the default, the first; else the first of all."""
    return max(source.streams.audio, key=lambda stream: bool(stream.disposition & av.stream.Disposition.default))
