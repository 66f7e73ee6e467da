"""Videos that flash and beep at the same moments, and what is left of that in another video."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FLASH_S = 0.1
IN_STEP_S = 0.05
"""How far picture and sound may be apart: people notice sound that is 40 ms early or 60 ms late (EBU R 37)."""


def write_flashes(
    path: Path,
    times_s: Sequence[float],
    flashes_s: Sequence[float],
    *,
    size_wh: tuple[int, int] = (160, 90),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    fps: int = 30,
    audio_codec: str = "aac",
    rate_hz: int = 44_100,
    layout: str = "mono",
    beeps_from_s: float = 0.0,
    pictures_from_s: float = 0.0,
) -> Path:
    """Write a video of dark pictures at given times, white for ``FLASH_S`` from each flash on, with a beep for each.

    Args:
        path: where.
        times_s: of the pictures.
        flashes_s: when they begin.
        size_wh: of the pictures.
        codec: of the pictures.
        pixels: their format.
        fps: what the file says.
        audio_codec: of the sound.
        rate_hz: of the sound.
        layout: of its channels.
        beeps_from_s: where the sound begins.
        pictures_from_s: the file's time of the first moment, of picture and sound.
    """
    end_s = times_s[-1] + 1 / fps
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = *size_wh, pixels
        video.codec_context.time_base = Fraction(1, 90_000)
        # The threads of libvpx spin while they wait for each other: on a busy machine, for minutes.
        video.codec_context.thread_count = 1
        audio = container.add_stream(audio_codec, rate=rate_hz, layout=layout)
        for time_s in times_s:
            is_white = any(start_s - 1e-6 <= time_s < start_s + FLASH_S - 1e-6 for start_s in flashes_s)
            picture = av.VideoFrame.from_ndarray(
                np.full((size_wh[1], size_wh[0], 3), 235 if is_white else 20, np.uint8), format="bgr24"
            ).reformat(format=pixels)
            picture.pts, picture.time_base = round((time_s + pictures_from_s) * 90_000), Fraction(1, 90_000)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        clock_s = np.arange(round(beeps_from_s * rate_hz), round(end_s * rate_hz)) / rate_hz
        beeps = np.zeros(len(clock_s), bool)
        for start_s in flashes_s:
            beeps |= (clock_s >= start_s) & (clock_s < start_s + FLASH_S)
        samples = np.where(beeps, 0.5 * np.sin(2 * np.pi * 1000 * clock_s), 0).astype(np.float32)
        resampler = av.AudioResampler(audio.format.name, layout, rate_hz)
        first = round((beeps_from_s + pictures_from_s) * rate_hz)
        for start in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, first + start, Fraction(1, rate_hz)
            for resampled in resampler.resample(frame):
                container.mux(audio.encode(resampled))
        container.mux(audio.encode(None))
    return path


def seen_s(path: Path) -> list[float]:
    """When the left part of the picture turns white."""
    with av.open(str(path)) as container:
        brightness = [
            (frame.time, frame.to_ndarray(format="gray")[:, : frame.height].mean())
            for frame in container.decode(video=0)
        ]
    return _beginnings([(time_s, mean > 128) for time_s, mean in brightness])


def heard_s(path: Path) -> list[float]:
    """When it begins to beep."""
    loud: list[tuple[float, bool]] = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono")
        for decoded in container.decode(audio=0):
            for frame in resampler.resample(decoded):
                samples = np.abs(frame.to_ndarray()[0])
                # The loudest of two milliseconds: a tone of 1 kHz has a crest in each.
                block = frame.sample_rate // 500
                for start in range(0, len(samples), block):
                    loud.append((frame.time + start / frame.sample_rate, samples[start : start + block].max() > 0.1))
    return _beginnings(loud)


def _beginnings(states: list[tuple[float, bool]]) -> list[float]:
    return [time_s for (time_s, is_on), (_, was_on) in zip(states[1:], states, strict=False) if is_on and not was_on]


def assert_in_step(path: Path, flashes_s: Sequence[float], *, frame_s: float = 1 / 30) -> None:
    """Flashes and beeps are all there, where they belong, and together.

    Args:
        path: an annotated video.
        flashes_s: when they should be.
        frame_s: how exact a flash can be.
    """
    seen, heard = seen_s(path), heard_s(path)
    np.testing.assert_allclose(seen, flashes_s, atol=frame_s + 1e-3)
    np.testing.assert_allclose(heard, seen, atol=IN_STEP_S)
