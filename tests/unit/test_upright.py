"""Pictures are as a player shows them: turned, mirrored, with square pixels, from the stream that it would play."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from posedemo.capture.upright import square_pixels_wh
from posedemo.capture.video import VideoFile
from videos import write_video

UPRIGHT = np.zeros((64, 96, 3), np.uint8)
UPRIGHT[:32, :48] = (0, 0, 255)  # red above on the left
UPRIGHT[:32, 48:] = (0, 255, 0)
UPRIGHT[32:, :48] = (255, 0, 0)

_TURNED = UPRIGHT.transpose(1, 0, 2)
STORED = {
    1: (UPRIGHT, (1, 0, 0, 1)),
    2: (UPRIGHT[:, ::-1], (-1, 0, 0, 1)),
    3: (UPRIGHT[::-1, ::-1], (-1, 0, 0, -1)),
    4: (UPRIGHT[::-1], (1, 0, 0, -1)),
    5: (_TURNED, (0, 1, 1, 0)),
    6: (_TURNED[::-1], (0, 1, -1, 0)),
    7: (_TURNED[::-1, ::-1], (0, -1, -1, 0)),
    8: (_TURNED[:, ::-1], (0, -1, 1, 0)),
}
"""How a camera stores the picture, by EXIF's number of the orientation, that is where row 0 and column 0 are; and how
x and y of the stored picture make x and y of the upright one: a, b, c, d of an MP4's matrix."""


def write_photo(path: Path, picture: np.ndarray, orientation: int) -> Path:
    """A JPEG with nothing in its EXIF but the orientation."""
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0" + struct.pack("<2sHIH", b"II", 42, 8, 1) + entry + b"\0\0\0\0"
    path.write_bytes(jpeg[:2] + struct.pack(">HH", 0xFFE1, len(exif) + 2) + exif + jpeg[2:])
    return path


def write_turned(path: Path, picture: np.ndarray, turn: tuple[int, int, int, int]) -> Path:
    """A video whose track header says how to show it."""
    content = bytearray(write_video(path, [picture] * 3).read_bytes())
    # ISO/IEC 14496-12, 8.3.2: the matrix comes 40 bytes after the box's version.
    at = content.index(b"tkhd") + 4 + 40
    a, b, c, d = (number << 16 for number in turn)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def pictures(path: Path) -> list[np.ndarray]:
    video = VideoFile(path)
    try:
        return [frame.image_bgr for frame in video.frames()]
    finally:
        video.close()


def assert_upright(picture: np.ndarray) -> None:
    assert picture.shape == UPRIGHT.shape
    # Neither codec is exact where colours meet.
    far = np.abs(picture.astype(int) - UPRIGHT)
    assert np.median(far) <= 3
    assert (far > 60).mean() < 0.05


@pytest.mark.parametrize("orientation", STORED)
def test_videos_are_turned_and_mirrored_as_they_say(orientation, tmp_path):
    for picture in pictures(write_turned(tmp_path / "a.mp4", *STORED[orientation])):
        assert_upright(picture)


@pytest.mark.parametrize("orientation", STORED)
def test_photos_are_turned_and_mirrored_as_they_say(orientation, tmp_path):
    (picture,) = pictures(write_photo(tmp_path / "a.jpg", STORED[orientation][0], orientation))
    assert_upright(picture)


@pytest.mark.parametrize(
    ("aspect", "size_wh"), [(Fraction(4, 3), (128, 64)), (Fraction(1, 2), (96, 128)), (Fraction(1), (96, 64))]
)
def test_pixels_become_square(aspect, size_wh, tmp_path):
    path = write_video(tmp_path / "a.mp4", [UPRIGHT] * 3, colours={"sample_aspect_ratio": aspect})
    found = pictures(path)
    assert [picture.shape[1::-1] for picture in found] == [size_wh] * 3
    assert VideoFile(path).info.size_wh == size_wh
    half = found[0][: size_wh[1] // 2, : size_wh[0] // 2].reshape(-1, 3)
    assert np.median(half, axis=0) == pytest.approx((0, 0, 255), abs=6), "the quarter is where it was"


def test_pixels_of_no_sensible_shape_are_taken_for_square():
    assert square_pixels_wh((96, 64), Fraction(1, 1000)) == (96, 64)
    assert square_pixels_wh((96, 64), None) == (96, 64)


def test_the_stream_that_a_player_would_play_is_read(tmp_path):
    """A small preview first, and the picture that is marked as the default after it."""
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=30, width=w, height=h) for w, h in ((32, 16), (96, 64))]
        streams[1].disposition = av.stream.Disposition.default
        streams[0].disposition = av.stream.Disposition(0)
        for stream in streams:
            stream.pix_fmt = "yuv420p"
        for stream in streams:
            frame = av.VideoFrame.from_ndarray(np.zeros((stream.height, stream.width, 3), np.uint8), format="bgr24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
            container.mux(stream.encode(None))
    assert VideoFile(path).info.size_wh == (96, 64)
