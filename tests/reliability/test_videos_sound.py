"""Sound of annotated videos

Each video flashes and beeps at the same moments; so must what is written of it.
"""

from __future__ import annotations

from contextlib import ExitStack

import av
import numpy as np
import pytest
from annotating import annotate_file
from flashes import assert_in_step, heard_s, seen_s, write_flashes
from videos import audio_duration_s

STEADY_S = np.arange(75) / 30
FLASHES_S = (0.5, 1.5, 2.2)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("aac.mp4", {}),
        ("aac.ts", {}),
        ("mp3.avi", {"audio_codec": "libmp3lame", "codec": "mjpeg", "pixels": "yuvj420p"}),
        ("mp3-stereo.avi", {"audio_codec": "libmp3lame", "layout": "stereo", "codec": "mjpeg", "pixels": "yuvj420p"}),
        ("ac3-stereo.avi", {"audio_codec": "ac3", "layout": "stereo", "codec": "mjpeg", "pixels": "yuvj420p"}),
        ("mp3-slow.mkv", {"audio_codec": "libmp3lame", "rate_hz": 8000}),
        ("pcm.mov", {"audio_codec": "pcm_s16le", "codec": "prores_ks", "pixels": "yuv422p10le"}),
        ("studio.mkv", {"audio_codec": "pcm_s24le", "rate_hz": 192_000}),
        ("ac3.mkv", {"audio_codec": "ac3"}),
        ("flac.mkv", {"audio_codec": "flac", "rate_hz": 96_000}),
        ("opus.webm", {"audio_codec": "libopus", "rate_hz": 48_000, "codec": "libvpx"}),
        ("mp2.ts", {"audio_codec": "mp2"}),
        ("starts-late.mkv", {"beeps_from_s": 0.4}),
        ("clock-not-at-zero.mkv", {"pictures_from_s": 7.25}),
    ],
)
def test_every_sound_stays_in_step(tmp_path, caplog, tried, name, options):
    source = write_flashes(tmp_path / name, STEADY_S, FLASHES_S, **options)
    annotate_file(source, tmp_path / "out.mp4")
    assert_in_step(tmp_path / "out.mp4", FLASHES_S)
    assert "pieces of its sound" not in caplog.text
    tried(f"sound: {name.split('.')[0]} in {name.split('.')[1]}", 1, "in step with the picture, to 50 ms")


def test_of_several_sounds_the_default_one_is_taken(tmp_path, tried):
    """As players do: a second language or a commentary may come first in the file."""
    one = write_flashes(tmp_path / "one.mkv", STEADY_S, (0.2,))
    other = write_flashes(tmp_path / "other.mkv", STEADY_S, FLASHES_S, codec="mjpeg", pixels="yuvj420p")
    parts = ((other, "video", True), (one, "audio", False), (other, "audio", True))
    with av.open(str(tmp_path / "both.mkv"), "w") as both, ExitStack() as opened:
        packets = []
        for path, kind, is_default in parts:
            stream = getattr(opened.enter_context(av.open(str(path))).streams, kind)[0]
            copy = both.add_stream_from_template(stream)
            copy.disposition = av.stream.Disposition.default if is_default else 0
            packets += [(packet, copy) for packet in stream.container.demux(stream) if packet.dts is not None]
        for packet, copy in sorted(packets, key=lambda item: item[0].dts * item[0].time_base):
            packet.stream = copy
            both.mux(packet)
    annotate_file(tmp_path / "both.mkv", tmp_path / "out.mp4")
    assert_in_step(tmp_path / "out.mp4", FLASHES_S)
    tried("two sounds in one file", 1, "the one that players play")


def test_variable_rate_does_not_drift(tmp_path, tried):
    """60 frames in the first second, 10 in each of the next two: at their mean rate, flashes would be 0.8 s off."""
    times_s = np.concatenate([np.arange(60) / 60, 1 + np.arange(20) / 10])
    source = write_flashes(tmp_path / "phone.mp4", times_s, (0.5, 1.5, 2.5))
    annotate_file(source, tmp_path / "out.mp4")
    assert_in_step(tmp_path / "out.mp4", (0.5, 1.5, 2.5), frame_s=0.1)
    tried("video of variable rate with sound", 1, "in step with the picture until the end")


def test_240_frames_a_second(tmp_path, tried):
    source = write_flashes(tmp_path / "slow-motion.mp4", np.arange(480) / 240, (0.5, 1.5), fps=240)
    annotate_file(source, tmp_path / "out.mp4")
    assert_in_step(tmp_path / "out.mp4", (0.5, 1.5), frame_s=1 / 240)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].average_rate == 240
        assert sum(1 for _ in container.decode(video=0)) == 480
        assert container.duration / av.time_base == pytest.approx(2.0, abs=0.03)
    tried("video of 240 frames a second", 1, "every frame, the right length, sound in step")


def test_joined_recordings_whose_clock_is_set_back(tmp_path, tried):
    """Transport streams may simply be written one after the other, as recorders do."""
    part = write_flashes(tmp_path / "part.ts", STEADY_S, FLASHES_S).read_bytes()
    (tmp_path / "joined.ts").write_bytes(part * 3)
    annotate_file(tmp_path / "joined.ts", tmp_path / "out.mp4")
    seen, heard = seen_s(tmp_path / "out.mp4"), heard_s(tmp_path / "out.mp4")
    assert len(seen) == len(heard) == 9
    # Sound and picture of a part end up to a frame of either apart, and twice that at the third.
    np.testing.assert_allclose(heard, seen, atol=0.1)
    np.testing.assert_allclose(np.diff(seen[::3]), 2.5, atol=0.1)
    tried("three recordings in one file, each with its own clock", 1, "one after the other, sound in step")


def test_stretch_without_sound_stays_silent_and_shifts_nothing(tmp_path, tried):
    """Half a second of packets is damaged in the middle."""
    for codec in ("aac", "ac3"):
        path = write_flashes(tmp_path / f"{codec}.mkv", STEADY_S, (0.5, 2.2), audio_codec=codec)
        spoil_sound(path, 0.9, 1.4)
        annotate_file(path, tmp_path / "out.mp4")
        assert_in_step(tmp_path / "out.mp4", (0.5, 2.2))
    tried("sound that is damaged in the middle", 2, "that stretch is silent, the rest in step")


def spoil_sound(path, begin_s, end_s):
    """Overwrite the sound's packets of a time with 0xff, which no decoder takes."""
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        times_s = [float(packet.pts * packet.time_base) for packet in packets]
        spoilt = [bytes(packet) for packet, time_s in zip(packets, times_s, strict=True) if begin_s <= time_s < end_s]
    at = 0
    for packet in spoilt:
        at = content.index(packet, at)
        content[at : at + len(packet)] = b"\xff" * len(packet)
    path.write_bytes(content)


def test_sound_that_nobody_knows_is_told_and_left_out(tmp_path, caplog, tried):
    path = write_flashes(tmp_path / "strange.mkv", STEADY_S[:5], (), audio_codec="pcm_s16le")
    path.write_bytes(path.read_bytes().replace(b"A_PCM/INT/LIT", b"A_STRANGE/ONE"))
    annotate_file(path, tmp_path / "out.mp4")
    assert "the sound of" in caplog.text
    assert "left out" in caplog.text
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio
        assert sum(1 for _ in container.decode(video=0)) == 5
    tried("sound in a format that nobody knows", 1, "left out, and the user is told")


def test_sound_longer_than_the_pictures_is_kept(tmp_path, tried):
    path = write_flashes(tmp_path / "long.mkv", [*STEADY_S[:30], 2.5], (0.5,))
    annotate_file(path, tmp_path / "out.mp4")
    assert audio_duration_s(tmp_path / "out.mp4") == pytest.approx(audio_duration_s(path), abs=0.05)
    tried("one picture held for long, under sound that goes on", 1, "sound complete")
