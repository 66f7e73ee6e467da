"""Unusual videos

Codecs, sizes, colours, rates and times as cameras, phones and programs write them, read by the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from annotating import annotate_file
from posedemo.capture.video import VideoFile
from posedemo.datatypes import MAX_PIXELS, Frame
from posedemo.errors import SourceError
from videos import clip_pictures, describe, grey_pictures, write_video

HDR = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
"""BT.2020, perceptual quantiser, as ITU-T H.273 numbers them."""


def read(path) -> list[Frame]:
    source = VideoFile(path)
    try:
        return list(source.frames())
    finally:
        source.close()


@pytest.fixture(scope="module")
def pictures():
    return clip_pictures(0, 5, size_wh=(320, 180))


def as_pq(picture: np.ndarray) -> np.ndarray:
    """Code values of BT.2100's PQ for a picture of a display whose white has 203 candela per square metre."""
    light = 203 * (picture / 255) ** 2.4 / 10_000
    power = light ** (2610 / 16384)
    signal = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    return np.round(255 * signal).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "colours"),
    [
        ("hevc.mp4", "libx265", "yuv420p", {}),
        ("hevc-10-bit.mov", "libx265", "yuv420p10le", {}),
        ("hdr.mp4", "libx265", "yuv420p10le", HDR),
        ("hdr.mkv", "libsvtav1", "yuv420p10le", HDR),
        ("vp8.webm", "libvpx", "yuv420p", {}),
        ("vp9.mkv", "libvpx-vp9", "yuv420p", {}),
        ("av1.mp4", "libsvtav1", "yuv420p", {}),
        ("mjpeg.avi", "mjpeg", "yuvj420p", {}),
        ("prores.mov", "prores_ks", "yuv422p10le", {}),
        ("prores-4444.mov", "prores_ks", "yuva444p10le", {}),
        ("h264-4-4-4.mkv", "libx264", "yuv444p", {}),
        ("h264-10-bit.mp4", "libx264", "yuv420p10le", {}),
        ("mpeg2.ts", "mpeg2video", "yuv420p", {}),
        ("mpeg4.avi", "mpeg4", "yuv420p", {}),
        ("grey.mkv", "ffv1", "gray", {}),
        ("grey-16-bit.mkv", "ffv1", "gray16le", {}),
        ("transparent.mov", "png", "rgba", {}),
        ("raw.avi", "rawvideo", "yuv420p", {}),
    ],
)
def test_every_codec_gives_its_pictures(tmp_path, tried, pictures, name, codec, pixels, colours):
    coded = [as_pq(picture) for picture in pictures] if colours else pictures
    path = write_video(tmp_path / name, coded, codec=codec, pixels=pixels, fps=25, colours=colours)
    frames = read(path)
    assert len(frames) == len(pictures)
    for frame, picture in zip(frames, pictures, strict=True):
        seen, shown = (image.mean(axis=-1).ravel() for image in (frame.image_bgr, picture))
        # Compressed to some tens of kilobits a picture; a wrong picture has 0.
        assert np.corrcoef(seen, shown)[0, 1] > 0.95
        # As bright as it was, with a tenth of the range for ways to and from YUV; PQ as it is would be off by 60.
        assert abs(seen.mean() - shown.mean()) < 25
    tried(f"{codec}, {pixels}, {name.rsplit('.', 1)[1]}{', HDR' if colours else ''}", 1, "every picture")


@pytest.mark.parametrize("size_wh", [(1, 1), (4000, 1), (1, 4000), (161, 91), (7680, 4320)])
def test_every_size_is_read_and_annotated(tmp_path, tried, size_wh):
    path = write_video(tmp_path / "odd.mov", grey_pictures(1, size_wh=size_wh), codec="png", pixels="rgb24")
    frames = read(path)
    assert [frame.size_wh for frame in frames] == [size_wh]
    annotate_file(path, tmp_path / "out.mp4")
    width, height = describe(tmp_path / "out.mp4")["size_wh"]
    assert width <= 1920
    assert height <= 1080
    tried("pictures of {}x{}".format(*size_wh), 1, "read, annotated, playable")


def test_larger_pictures_are_refused_before_memory_is_taken(tmp_path, tried):
    size_wh = (MAX_PIXELS // 4000 + 1, 4000)
    path = write_video(tmp_path / "huge.mov", grey_pictures(1, size_wh=size_wh), codec="png", pixels="rgb24")
    with pytest.raises(SourceError, match="at most 67 megapixels"):
        VideoFile(path)
    tried("pictures of {}x{}".format(*size_wh), 1, "refused in one sentence")


def test_pictures_that_change_their_size_are_fitted_into_the_first(tmp_path, tried):
    first = write_video(tmp_path / "a.ts", grey_pictures(5, size_wh=(320, 180)), codec="mpeg2video").read_bytes()
    second = write_video(tmp_path / "b.ts", grey_pictures(5, size_wh=(180, 320)), codec="mpeg2video").read_bytes()
    (tmp_path / "both.ts").write_bytes(first + second)
    frames = read(tmp_path / "both.ts")
    assert len(frames) >= 9
    assert {frame.size_wh for frame in frames} == {(320, 180)}
    upright = frames[-1].image_bgr.mean(axis=(0, 2))
    assert upright[160] > 50, "the picture, in the middle"
    assert upright[[0, -1]].max() < 5, "black beside it"
    tried("pictures that change from 320x180 to 180x320", 1, "fitted into the first size")


@pytest.mark.parametrize("fps", [Fraction(1), Fraction(24_000, 1001), Fraction(240), Fraction(1000)])
def test_every_rate(tmp_path, tried, fps):
    path = write_video(tmp_path / "rate.mp4", grey_pictures(6), fps=fps)
    times_s = [frame.stamp.time_s for frame in read(path)]
    np.testing.assert_allclose(times_s, np.arange(6) / float(fps), atol=1e-4)
    tried(f"{float(fps):.5g} frames a second", 1, "exact times")


@pytest.mark.parametrize(
    ("what", "pts", "expected"),
    [
        ("negative", [-200, -160, -120, -80, -40, 0], [0, 40, 80, 120, 160, 200]),
        ("repeated", [0, 40, 40, 80, 120, 120], [0, 40, 60, 80, 120, 140]),
        ("all the same", [0, 0, 0, 0, 0, 0], [0, 40, 80, 120, 160, 180]),
        ("swapped", [0, 40, 120, 80, 160, 200], [0, 40, 60, 80, 160, 200]),
        ("set back", [0, 40, 80, -9000, -8960, -8920], [0, 40, 80, 120, 160, 200]),
        ("far ahead for one picture", [0, 40, 5_000_000, 120, 160, 200], [0, 40, 80, 120, 160, 200]),
        ("uneven", [0, 10, 200, 210, 900, 1000], [0, 10, 200, 210, 900, 1000]),
    ],
)
def test_times_that_do_not_rise(tmp_path, tried, what, pts, expected):
    path = tmp_path / "times.ts"
    write_with_times(path, pts)
    source = VideoFile(path)
    times_s = [frame.stamp.time_s for frame in source.frames()]
    source.close()
    assert all(earlier < later for earlier, later in pairwise(times_s))
    np.testing.assert_allclose(np.array(times_s) * 1000, expected, atol=0.5)
    tried(f"times that are {what}", 1, "rise, and stay where they can")


def write_with_times(path: Path, pts_ms: Sequence[int]) -> None:
    """A video whose packets state these times as they are."""
    clock = Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.gop_size = 0
        pictures = [av.VideoFrame.from_ndarray(picture, format="bgr24") for picture in grey_pictures(len(pts_ms))]
        packets = [packet for picture in pictures for packet in stream.encode(picture.reformat(format="yuv420p"))]
        packets += stream.encode(None)
        earliest_ms = min(pts_ms) - 40 * len(pts_ms)
        for index, (packet, pts) in enumerate(zip(packets, pts_ms, strict=True)):
            packet.time_base, packet.pts, packet.dts = clock, pts, earliest_ms + 40 * index
            container.mux(packet)


def test_photos_are_videos_of_one_frame(tmp_path, tried):
    names = ["photo.png", "photo.jpg", "photo.bmp", "photo.webp", "photo.tiff", "frame%03d.png", "%d.jpg", "[1].png"]
    for name in names:
        (tmp_path / name).write_bytes(cv2.imencode(Path(name).suffix, grey_pictures(1)[0])[1].tobytes())
        (frame,) = read(tmp_path / name)
        assert frame.size_wh == (320, 240)
        assert abs(float(frame.image_bgr.mean()) - 60) < 2
    tried("photos, also with names such as frame%03d.png", len(names), "one frame each")


NAMES = [
    "with spaces.mp4", "line\nfeed.mp4", "ünï-日本-👋.mp4", "-dash.mp4", "100%.mp4", "frame%03d.mp4", "http:colon.mp4",
    "concat:a|b.mp4", "pipe:0", "~home.mp4", "$HOME;`id`.mp4", "\x1b[31mred.mp4", "\udcff.mp4", "no suffix", "text.txt",
    "list.m3u8", "picture.png", "x" * 246 + ".mp4",
]  # fmt: skip


def test_every_name_is_the_name_of_a_file(tmp_path, tried, monkeypatch):
    content = write_video(tmp_path / "good.mp4", grey_pictures(3), audio_s=0.1).read_bytes()
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        Path(name).write_bytes(content)
        assert len(read(Path(name))) == 3
        annotate_file(Path(name), Path("out.mp4"))
        assert describe(Path("out.mp4"))["audio"] == ["aac"]
    tried(
        "names with spaces, line feeds, any script, %, colons, commands, 250 characters", len(NAMES), "read with sound"
    )
