"""Video files as they come: rotated, variable in rate, odd in size, damaged."""

from fractions import Fraction

import av
import numpy as np
import pytest
from posedemo.capture.video import VideoFile
from posedemo.errors import SourceError
from videos import clip_pictures, grey_pictures, turn_flag, write_video


def read(path):
    source = VideoFile(path)
    try:
        return list(source.frames()), source.info
    finally:
        source.close()


def corner_picture() -> np.ndarray:
    """Dark, with a bright top-left quarter."""
    picture = np.full((48, 96, 3), 20, np.uint8)
    picture[:24, :48] = 230
    return picture


def test_demo_clip(demo_clip):
    frames, info = read(demo_clip)
    assert (len(frames), info.num_frames, info.fps, info.size_wh) == (230, 230, 30, (1768, 994))
    assert not info.is_live
    times_s = np.array([frame.stamp.time_s for frame in frames])
    np.testing.assert_allclose(times_s, np.arange(230) / 30, atol=1e-6)
    assert [frame.stamp.index for frame in frames] == list(range(230))


def test_matroska_states_its_own_length_and_no_streams(tmp_path):
    frames, info = read(write_video(tmp_path / "a.mkv", [corner_picture()] * 45))
    assert (len(frames), info.num_frames) == (45, 45)


@pytest.mark.parametrize(
    ("turn", "bright"), [(90, (slice(None, 48), slice(24, None))), (180, (slice(24, None), slice(48, None))),
                         (270, (slice(48, None), slice(None, 24)))]
)  # fmt: skip
def test_rotation_flag_turns_the_picture_upright(tmp_path, turn, bright):
    path = write_video(tmp_path / "phone.mp4", [corner_picture()] * 3)
    turn_flag(path, turn)
    frames, info = read(path)
    image = frames[0].image_bgr
    assert info.size_wh == ((48, 96) if turn != 180 else (96, 48))
    assert (image.shape[1], image.shape[0]) == info.size_wh
    assert image[bright].mean() > 180
    assert image.mean() < 100


def test_variable_frame_rate_keeps_each_frames_own_time(tmp_path):
    ticks = [0, 40, 45, 300, 1000]
    path = write_video(tmp_path / "vfr.mp4", grey_pictures(5), pts=ticks, time_base=Fraction(1, 1000))
    frames, _ = read(path)
    np.testing.assert_allclose([frame.stamp.time_s for frame in frames], np.array(ticks) / 1000, atol=1e-4)


def test_a_last_picture_that_stays_for_long_is_no_damage(tmp_path):
    """As screen recorders and slide shows end. A file that was cut off is told all the same."""
    path = tmp_path / "stays.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.max_b_frames = 0
        packets = []
        for index, picture in enumerate(grey_pictures(30, size_wh=(64, 48))):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        packets[-1].duration = round(4 / packets[-1].time_base)
        container.mux(packets)
    frames, _ = read(path)
    assert len(frames) == 30


def test_times_start_at_zero_and_the_offset_is_known(tmp_path):
    path = write_video(tmp_path / "late.mkv", grey_pictures(3), pts=[500, 533, 566], time_base=Fraction(1, 1000))
    frames, info = read(path)
    assert [round(frame.stamp.time_s, 3) for frame in frames] == [0, 0.033, 0.066]
    assert info.start_s == pytest.approx(0.5)


@pytest.mark.parametrize("size_wh", [(33, 17), (2, 2), (1, 1), (101, 3)])
def test_odd_sizes(tmp_path, size_wh):
    path = write_video(tmp_path / "odd.avi", grey_pictures(3, size_wh=size_wh), codec="ffv1", pixels="bgr0")
    frames, info = read(path)
    assert (len(frames), info.size_wh, frames[0].size_wh) == (3, size_wh, size_wh)


@pytest.mark.parametrize("pixels", ["gray", "yuv420p10le", "yuv444p"])
def test_other_pixel_formats(tmp_path, pixels):
    path = write_video(tmp_path / "deep.mkv", grey_pictures(3), codec="ffv1", pixels=pixels)
    frames, _ = read(path)
    # The grey of the first picture, give or take a rounding in limited range.
    assert abs(float(frames[0].image_bgr.mean()) - 60) < 2


def test_times_that_repeat_still_rise(tmp_path):
    path = write_video(tmp_path / "same.avi", grey_pictures(4), codec="mjpeg", pixels="yuvj420p")
    frames, _ = read(path)
    assert (np.diff([frame.stamp.time_s for frame in frames]) > 0).all()


def test_file_cut_in_the_middle_gives_its_frames_then_says_so(tmp_path):
    path = write_video(tmp_path / "cut.mp4", clip_pictures(0, 60), faststart=True)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    source = VideoFile(path)
    taken = []
    with pytest.raises(SourceError, match="damaged: it ends after"):
        for frame in source.frames():
            taken.append(frame)
    assert 5 < len(taken) < 60


@pytest.mark.parametrize(
    ("content", "says"), [(b"just some words\n" * 50, "not a video"), (b"", "not a video"), (None, "does not exist")]
)
def test_what_is_no_video(tmp_path, content, says):
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=says):
        VideoFile(path)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44_100), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(SourceError, match="no picture"):
        VideoFile(path)


def test_folder_is_no_video(tmp_path):
    with pytest.raises(SourceError, match="is a folder"):
        VideoFile(tmp_path)
