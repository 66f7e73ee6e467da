"""Carries the sound of a video file over into an annotated video, in step with the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import av

if TYPE_CHECKING:
    Packet = av.Packet[av.AudioStream]

_COPIED_CODECS = {"aac", "mp3"}
"""What every browser and PowerPoint plays from an MP4; anything else is encoded again as AAC."""

_LEAD_S = 0.5
"""How far the sound may be written ahead of the pictures, so that players find both close together."""


class AudioTrack:
    """Copies or re-encodes one file's first audio stream.

    Args:
        container: the output, before anything was written to it.
        path: the file with the sound.
        start_s: time of the first picture in that file, which becomes time 0.
    """

    def __init__(self, container: av.container.OutputContainer, path: Path, *, start_s: float) -> None:
        self._output = container
        self._input = av.open(str(path))
        self._start_s = start_s
        self._source = self._input.streams.audio[0]
        self._is_copied = self._source.codec_context.name in _COPIED_CODECS
        if self._is_copied:
            self._stream: av.AudioStream = container.add_stream_from_template(self._source)
        else:
            rate = self._source.codec_context.sample_rate
            self._stream = container.add_stream("aac", rate=rate, layout="stereo")
            self._resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
        self._packets = self._copied() if self._is_copied else self._encoded()
        self._waiting: Packet | None = None

    @classmethod
    def of(cls, container: av.container.OutputContainer, path: Path, *, start_s: float) -> Self | None:
        """The sound of a file, or None where it has none that can be decoded."""
        with av.open(str(path)) as probe:
            audible = bool(probe.streams.audio) and probe.streams.audio[0].codec_context is not None
        return cls(container, path, start_s=start_s) if audible else None

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
            self._output.mux(packet)

    def close(self) -> None:
        """Close the input."""
        self._input.close()

    def _copied(self) -> Iterator[Packet]:
        assert self._source.time_base is not None, "FFmpeg gives every stream one"
        shift = round(self._start_s / self._source.time_base)
        for packet in self._demux():
            if packet.pts is None or packet.dts is None or packet.pts < shift:
                continue
            packet.pts -= shift
            packet.dts -= shift
            packet.stream = self._stream
            yield packet

    def _encoded(self) -> Iterator[Packet]:
        for packet in self._demux():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                if frame.pts is None or frame.time_base is None or frame.pts * frame.time_base < self._start_s:
                    continue
                frame.pts -= round(self._start_s / frame.time_base)
                for resampled in self._resampler.resample(frame):
                    yield from self._stream.encode(resampled)
        yield from self._stream.encode(None)

    def _demux(self) -> Iterator[Packet]:
        """Packets until the end or the first place that cannot be read."""
        packets = self._input.demux(self._source)
        while True:
            try:
                yield next(packets)
            except (StopIteration, av.FFmpegError):
                return
