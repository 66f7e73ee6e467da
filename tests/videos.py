"""Makes small video files for tests: from the demo clip, or of plain pictures, with any defect that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np

CLIP = Path(__file__).resolve().parent.parent / "assets" / "demo.mp4"


def clip_pictures(start: int, stop: int, *, size_wh: tuple[int, int] = (640, 360)) -> list[np.ndarray]:
    """Pictures of the demo clip, (H, W, 3) BGR, scaled."""
    with av.open(str(CLIP)) as container:
        frames = islice(container.decode(video=0), start, stop)
        return [frame.reformat(*size_wh, format="bgr24").to_ndarray() for frame in frames]


def grey_pictures(count: int, *, size_wh: tuple[int, int] = (320, 240)) -> list[np.ndarray]:
    """Pictures with nobody in them."""
    return [np.full((size_wh[1], size_wh[0], 3), 60 + index % 9, np.uint8) for index in range(count)]


def write_video(
    path: Path,
    pictures: Iterable[np.ndarray],
    *,
    fps: Fraction | int = 30,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    audio_s: float = 0.0,
    audio_codec: str = "aac",
    faststart: bool = False,
    colours: Mapping[str, int] | None = None,
) -> Path:
    """Write pictures as a video; ``pts`` in ``time_base`` makes a variable frame rate, ``audio_s`` adds a tone, and
    ``colours`` are what the file says of them, such as ``color_trc``, by the numbers of ITU-T H.273."""
    options = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream(codec, rate=fps)
        video.pix_fmt = pixels
        if codec.startswith("libvpx"):
            # Its threads spin while they wait for each other: on a busy machine, for minutes.
            video.codec_context.thread_count = 1
        if time_base is not None:
            video.codec_context.time_base = time_base
        for name, number in (colours or {}).items():
            setattr(video.codec_context, name, number)
        audio = container.add_stream(audio_codec, rate=44_100, layout="mono") if audio_s else None
        for index, picture in enumerate(pictures):
            if index == 0:
                video.height, video.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixels)
            frame.pts = index if pts is None else pts[index]
            frame.time_base = 1 / Fraction(fps) if time_base is None else time_base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            _write_tone(container, audio, audio_s)
    return path


def _write_tone(container: av.container.OutputContainer, stream: av.AudioStream, duration_s: float) -> None:
    samples = np.sin(np.arange(int(44_100 * duration_s)) * 2 * np.pi * 440 / 44_100) * 0.3
    resampler = av.AudioResampler(stream.format.name, "mono", 44_100)
    for start in range(0, len(samples), 1024):
        block = (samples[None, start : start + 1024] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44_100, start, Fraction(1, 44_100)
        for resampled in resampler.resample(frame):
            container.mux(stream.encode(resampled))
    container.mux(stream.encode(None))


def turn_flag(path: Path, degrees_clockwise: int) -> None:
    """Set an MP4's rotation flag, as phones do: the matrix in the track header, here its last 36 bytes but 8."""
    matrices = {
        90: (0, 1, -1, 0),
        180: (-1, 0, 0, -1),
        270: (0, -1, 1, 0),
    }
    content = bytearray(path.read_bytes())
    a, b, c, d = (int(value * 65536).to_bytes(4, "big", signed=True) for value in matrices[degrees_clockwise])
    zero, one = bytes(4), (1 << 30).to_bytes(4, "big")
    box = content.index(b"tkhd")
    matrix = box + 4 + 4 + 20 + 8 + 8  # type, version and flags, times and ids, reserved, layer to reserved
    content[matrix : matrix + 36] = a + b + zero + c + d + zero + zero + zero + one
    path.write_bytes(content)


def describe(path: Path) -> dict[str, object]:
    """What a player sees in a file: codec, pixel format, size, rate, number of frames, their times, sound."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return {
            "codec": stream.codec_context.name,
            "pixels": stream.codec_context.pix_fmt,
            "size_wh": (stream.width, stream.height),
            "rate": stream.average_rate,
            "num_frames": len(frames),
            "times_s": [frame.time for frame in frames],
            "first_bgr": frames[0].to_ndarray(format="bgr24") if frames else None,
            "last_bgr": frames[-1].to_ndarray(format="bgr24") if frames else None,
            "audio": [audio.codec_context.name for audio in container.streams.audio],
        }


def audio_duration_s(path: Path) -> float:
    """Length of the sound that can really be decoded."""
    with av.open(str(path)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
