"""Snapshots and recordings: whole files under names of their own, however things end."""

import time

import av
import cv2
import numpy as np
import pytest
from posedemo.errors import OutputError
from posedemo.viewer.recorder import Recorder
from posedemo.viewer.screen_recording import ScreenRecording
from posedemo.viewer.snapshot import claim, save_snapshot


def picture(value: int, size_wh: tuple[int, int] = (322, 240)) -> np.ndarray:
    image = np.full((size_wh[1], size_wh[0], 4), value, np.uint8)
    image[:60, :60] = 255
    return image


def frames_of(path):
    with av.open(str(path)) as container:
        return [(float(frame.time), frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def test_snapshot_is_written_once_and_told(tmp_path):
    told: list[str] = []
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    save_snapshot(image, tmp_path, told.append).join()
    (path,) = tmp_path.iterdir()
    assert told == [f"snapshot {path.name}"]
    np.testing.assert_array_equal(cv2.imread(str(path)), image)


def test_names_never_meet(tmp_path):
    paths = [claim(tmp_path, ".png") for _ in range(5)]
    assert len(set(paths)) == 5
    assert all(path.suffix == ".png" for path in paths)


def test_folder_that_is_not_there_is_told_and_ends_nothing(tmp_path):
    told: list[str] = []
    save_snapshot(picture(0), tmp_path / "gone", told.append).join()
    assert "cannot write" in told[0]
    with pytest.raises(OutputError, match="cannot write"):
        claim(tmp_path / "gone", ".mp4")


def test_recording_keeps_times_and_pictures(tmp_path):
    told: list[str] = []
    recording = ScreenRecording(claim(tmp_path, ".mp4"), (322, 240), told.append)
    for index, value in enumerate((40, 80, 120)):
        recording.add(picture(value), 100.0 + 0.5 * index)
        time.sleep(0.05)
    recording.close(102.0)
    (path,) = tmp_path.iterdir()
    assert told == [f"recorded {path.name}"]
    frames = frames_of(path)
    # The last picture is there until the end.
    assert [time_s for time_s, _ in frames] == pytest.approx([0.0, 0.5, 1.0, 2.0], abs=0.002)
    assert [int(image[200, 200].mean()) for _, image in frames] == pytest.approx([40, 80, 120, 120], abs=3)
    assert frames[0][1].shape == (240, 322, 3)


def test_window_of_another_size_is_fitted_in(tmp_path):
    recording = ScreenRecording(claim(tmp_path, ".mp4"), (320, 240), lambda _: None)
    recording.add(picture(90, (320, 240)), 0.0)
    time.sleep(0.05)
    recording.add(picture(90, (640, 240)), 1.0)
    recording.close(2.0)
    frames = frames_of(next(tmp_path.iterdir()))
    assert {image.shape for _, image in frames} == {(240, 320, 3)}


def test_nothing_seen_leaves_nothing(tmp_path):
    told: list[str] = []
    ScreenRecording(claim(tmp_path, ".mp4"), (320, 240), told.append).close(1.0)
    assert told == ["nothing was recorded"]
    assert not list(tmp_path.iterdir())


def test_more_than_thirty_a_second_are_not_due(tmp_path):
    recording = ScreenRecording(claim(tmp_path, ".mp4"), (320, 240), lambda _: None)
    assert recording.is_due(5.0)
    recording.add(picture(1), 5.0)
    assert not recording.is_due(5.01)
    assert recording.is_due(5.034)
    recording.close(6.0)


def test_recordings_one_after_the_other_are_all_complete_and_told(tmp_path):
    told: list[str] = []
    recorder = Recorder(tmp_path, told.append)
    paths = []
    for value in (60, 120):
        paths.append(recorder.begin((322, 240)))
        assert recorder.is_recording
        recorder.add_if_due(lambda value=value: picture(value))
        recorder.add_if_due(lambda: pytest.fail("a second picture at once is not due"))
        recorder.end()
        assert not recorder.is_recording
        recorder.add_if_due(lambda: pytest.fail("nothing is recorded"))
    recorder.close()
    assert sorted(told) == sorted(f"recorded {path.name}" for path in paths)
    assert [int(frames_of(path)[0][1][200, 200].mean()) for path in paths] == pytest.approx([60, 120], abs=3)


def test_a_recording_that_fails_is_over(tmp_path):
    told: list[str] = []
    recorder = Recorder(tmp_path, told.append)
    recorder.begin((322, 240))
    recorder.add_if_due(lambda: np.zeros((0, 0, 4), np.uint8))
    deadline_s = time.monotonic() + 20
    while recorder.is_recording and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert not recorder.is_recording
    recorder.close()
    assert told[0].startswith("recording ended: ")
    assert not list(tmp_path.iterdir())
