"""The small parts of a live source: what a camera is asked for, what it is called, pictures that replace others."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from fakes import make_frame, standing_keypoints
from posedemo.capture.address import public_address
from posedemo.capture.camera import _cannot_open
from posedemo.capture.device_format import DeviceFormat, agreed, ask, backends
from posedemo.capture.montage import Montage
from posedemo.capture.picture_change import FADE_S, Fade, fitted
from posedemo.capture.rate import RateMeter
from posedemo.datatypes import Detections, Frame, Stamp

FOURCC, WIDTH, HEIGHT, FPS = (
    cv2.CAP_PROP_FOURCC,
    cv2.CAP_PROP_FRAME_WIDTH,
    cv2.CAP_PROP_FRAME_HEIGHT,
    cv2.CAP_PROP_FPS,
)


class ForgetfulDriver:
    """Behaves as a driver does, which no camera is needed for: a new format or size resets what depends on it."""

    def __init__(self, forgets: dict[int, tuple[int, ...]]) -> None:
        self._forgets = forgets
        self._defaults = {FOURCC: cv2.VideoWriter.fourcc(*"YUYV"), WIDTH: 640, HEIGHT: 480, FPS: 10}
        self._values = dict(self._defaults)

    def set(self, name: int, value: float) -> bool:
        self._values[name] = value
        for other in self._forgets.get(name, ()):
            self._values[other] = self._defaults[other]
        return True

    def get(self, name: int) -> float:
        return self._values[name]


@pytest.mark.parametrize(
    ("backend", "forgets"),
    [
        (cv2.CAP_V4L2, {FOURCC: (WIDTH, HEIGHT, FPS), WIDTH: (FPS,), HEIGHT: (FPS,)}),
        (cv2.CAP_MSMF, {FOURCC: (WIDTH, HEIGHT, FPS), WIDTH: (FPS,), HEIGHT: (FPS,)}),
        (cv2.CAP_DSHOW, {FPS: (FOURCC, WIDTH, HEIGHT)}),
    ],
)
def test_driver_ends_up_with_all_that_was_asked_for(backend, forgets):
    driver = ForgetfulDriver(forgets)
    ask(driver, DeviceFormat((1920, 1080), fps=60), backend)
    assert agreed(driver, (1920, 1080)) == "1920x1080 at 60 frames a second, MJPG"


def test_what_a_driver_does_not_know_is_not_said():
    class Silent(ForgetfulDriver):
        def get(self, name: int) -> float:
            return -1.0

    assert agreed(Silent({}), (320, 240)) == "320x240"


def test_backends_of_each_system():
    assert backends(DeviceFormat(), "linux") == (cv2.CAP_V4L2,)
    assert backends(DeviceFormat(), "darwin") == (cv2.CAP_AVFOUNDATION,)
    assert backends(DeviceFormat(), "win32") == (cv2.CAP_MSMF, cv2.CAP_DSHOW)
    assert backends(DeviceFormat(), "freebsd14") == (cv2.CAP_ANY,)
    assert backends(DeviceFormat(backend="dshow"), "win32") == (cv2.CAP_DSHOW,)


def test_opencv_is_told_in_time():
    """Importing the package is enough, and comes before anything that could load OpenCV."""
    code = (
        "import os, posedemo, sys; print(os.environ['OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS'], 'cv2' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV_")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("rtsp://ann:secret@10.0.0.7:554/live?token=1", "rtsp://10.0.0.7:554/live"),
        ("rtsp://ann:se/cret@10.0.0.7/live", "rtsp://10.0.0.7/live"),
        ("rtsp://ann:se#c?ret@10.0.0.7/live", "rtsp://10.0.0.7/live"),
        ("udp://127.0.0.1:5000", "udp://127.0.0.1:5000"),
        ("http://host/a.mjpg#x", "http://host/a.mjpg"),
    ],
)
def test_passwords_are_not_shown_on_stage(address, name):
    assert public_address(address) == name


def test_why_a_camera_cannot_be_opened(tmp_path):
    wanted = DeviceFormat()
    nothing = _cannot_open(2, wanted, tmp_path, "linux")
    assert "camera 2 cannot be opened: there is no" in nothing.message
    assert "plug one in" in nothing.hint
    for number in (0, 1):
        (tmp_path / f"video{number}").touch()
    assert "use one of 0, 1" in _cannot_open(2, wanted, tmp_path, "linux").hint
    assert "other programs" in _cannot_open(0, wanted, tmp_path, "linux").hint
    assert "Privacy & Security" in _cannot_open(0, wanted, tmp_path, "darwin").hint
    assert "desktop apps" in _cannot_open(0, wanted, tmp_path, "win32").hint
    assert "leave out --backend" in _cannot_open(0, DeviceFormat(backend="gstreamer"), tmp_path, "linux").hint


def test_rate_is_measured_over_one_second_and_said_once():
    meter = RateMeter()
    stamps = [Stamp(index=5 + index, time_s=100 + index / 20) for index in range(60)]
    # Every other frame was dropped on the way, which is not the camera's fault.
    rates = [rate for stamp in stamps[::2] if (rate := meter.tick(stamp)) is not None]
    assert rates == [pytest.approx(20)]


def test_fitted_people_stay_where_they_are_in_the_picture():
    person = standing_keypoints(x_px=50, height_px=80)
    image = np.zeros((100, 100, 3), np.uint8)
    x, y = (int(value) for value in person.xy_px[0])
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    frame = Frame(image, Stamp(0, 0.0), Detections((person,), (person,)))
    wide = fitted(frame, (400, 200))
    assert wide.size_wh == (400, 200)
    for moved in (*wide.detections.found, *wide.detections.again):
        column, row = (round(float(value)) for value in moved.xy_px[0])
        assert wide.image_bgr[row, column].min() > 200
    assert wide.image_bgr[:, :100].max() == wide.image_bgr[:, 300:].max() == 0


def test_frame_that_fits_is_left_alone():
    frame = make_frame()
    assert fitted(frame, frame.size_wh) is frame


def test_fade_goes_from_one_picture_to_the_other():
    before, after = (np.full((4, 6, 3), value, np.uint8) for value in (0, 200))
    fade = Fade(before, 10.0)
    assert fade.mixed(after, 10.0).max() == 0
    assert fade.mixed(after, 10.0 + FADE_S / 2).mean() == pytest.approx(100, abs=1)
    assert fade.mixed(after, 10.0 + FADE_S) is after


def test_montage_counts_on_and_never_goes_back_in_time():
    montage = Montage((64, 48))
    first = [montage.live(make_frame(index, time_s), time_s) for index, time_s in ((7, 1.0), (8, 1.1), (11, 1.2))]
    montage.fade(1.3)
    between = [montage.recorded(make_frame(0, 0.0, size_wh=(32, 48)), 1.3), montage.recorded(make_frame(1, 0.1), 1.3)]
    montage.fade(1.4)
    # The camera's clock is the run's, but its first picture may be older than what was shown last.
    last = [montage.live(make_frame(0, 1.25), 1.4)]
    frames = [*first, *between, *last]
    assert [frame.stamp.index for frame in frames] == [0, 1, 4, 5, 6, 7]
    assert (np.diff([frame.stamp.time_s for frame in frames]) > 0).all()
    assert [frame.is_recorded for frame in frames] == [False] * 3 + [True] * 2 + [False]
    assert {frame.size_wh for frame in frames} == {(64, 48)}
