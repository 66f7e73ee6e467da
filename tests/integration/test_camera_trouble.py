"""A camera that freezes, is unplugged, comes back, and changes: a real stream over loopback, read as in a run."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
from camera_server import CameraServer
from fakes import make_frame
from posedemo.capture import opening, steady
from posedemo.capture.device_format import DeviceFormat
from posedemo.capture.opening import open_run_source
from posedemo.capture.reader import Reader
from posedemo.capture.source import SourceInfo, open_source
from posedemo.capture.standby import Standby
from posedemo.capture.steady import Endurance, SteadyCamera
from posedemo.capture.thread import Capture
from posedemo.datatypes import Frame
from posedemo.errors import SourceError
from posedemo.live.shared import Shared
from posedemo.live.status import Status
from posedemo.settings import Settings
from sessions import shots, write_session
from videos import write_video

PATIENCE_S = 60
CLIP_GREY = 230
"""Of the recording that stands in; the camera's pictures are darker than half of that."""


@pytest.fixture
def camera() -> Iterator[CameraServer]:
    with CameraServer() as server:
        yield server


@pytest.fixture
def clip(tmp_path):
    """Half a second of bright pictures, of another size than the camera's."""
    return write_video(tmp_path / "clip.mp4", [np.full((100, 200, 3), CLIP_GREY, np.uint8)] * 15)


class Watched:
    """A source that is captured, and everything that came of it."""

    def __init__(self, source: SteadyCamera) -> None:
        self.status = Shared(Status(detector="d", lifter="l"))
        self.frames: list[Frame] = []
        self.source = source
        source.report_to(self.status)
        self.capture = Capture(source)
        self.capture.start()

    def until(self, condition: Callable[[], object]) -> None:
        """Take frames until a condition holds."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline_s, f"it never came: {self.status.value}, {len(self.frames)} frames"
            frame = self.capture.frames.take(0.02)
            if frame is not None:
                self.frames.append(frame)

    def more(self, count: int) -> list[Frame]:
        """Take so many frames more."""
        start = len(self.frames)
        self.until(lambda: len(self.frames) >= start + count)
        return self.frames[start:]

    @property
    def trouble(self) -> str:
        return self.status.value.source_trouble

    def check_order(self) -> None:
        assert (np.diff([frame.stamp.index for frame in self.frames]) > 0).all()
        assert (np.diff([frame.stamp.time_s for frame in self.frames]) > 0).all()
        assert len({frame.size_wh for frame in self.frames}) == 1


@pytest.fixture
def watch() -> Iterator[Callable[[SteadyCamera], Watched]]:
    running: list[Watched] = []

    def start(source: SteadyCamera) -> Watched:
        running.append(Watched(source))
        return running[-1]

    yield start
    for watched in running:
        watched.capture.stop()


def shown(frame: Frame) -> float:
    """Brightness in the middle of a picture."""
    height, width = frame.image_bgr.shape[:2]
    return float(frame.image_bgr[height // 2, width // 2].mean())


def test_frozen_stream_is_noticed_and_opened_anew(camera, watch):
    watched = watch(open_run_source(Settings(camera=camera.address), is_watched=True))
    watched.more(5)
    assert watched.trouble == ""
    camera.behaviour = "freeze"
    watched.until(lambda: watched.trouble)
    assert watched.trouble.startswith("no picture from the stream for")
    watched.until(lambda: "next try in" in watched.trouble)
    camera.behaviour = "send"
    watched.until(lambda: not watched.trouble)
    watched.more(5)
    assert camera.num_connections >= 2
    watched.check_order()


def test_an_outage_in_the_first_second_is_no_slow_camera(camera, watch, caplog):
    """The rate is measured for a second, and a camera that is opened again counts from 0 again."""
    watched = watch(open_run_source(Settings(camera=camera.address, camera_fps=15), is_watched=True))
    watched.more(5)
    camera.unplug()
    watched.until(lambda: watched.trouble)
    camera.plug_in()
    watched.until(lambda: not watched.trouble)
    watched.more(25)
    assert "frames a second instead of" not in caplog.text


def test_unplugged_camera_comes_back_with_another_size(camera, watch, caplog):
    caplog.set_level(logging.INFO, "posedemo")
    watched = watch(open_run_source(Settings(camera=camera.address), is_watched=True))
    watched.more(5)
    camera.unplug()
    watched.until(lambda: watched.trouble)
    camera.size_wh = (320, 120)
    camera.plug_in()
    watched.until(lambda: not watched.trouble)
    picture = watched.more(5)[-1].image_bgr
    watched.check_order()
    assert picture.shape == (120, 160, 3)
    # Twice as wide as before, so half as high, in the middle of black: JPEG's black is not quite 0.
    assert picture[:28].max() < 16 < picture[32:88].min()
    assert "gives 320x120 now: its pictures are fitted" in caplog.text
    assert "gives pictures again, after" in caplog.text


def test_rubbish_on_the_line_ends_nothing(camera, watch):
    watched = watch(open_run_source(Settings(camera=camera.address), is_watched=True))
    watched.more(5)
    camera.behaviour = "rubbish"
    watched.until(lambda: watched.trouble)
    camera.behaviour = "send"
    watched.until(lambda: not watched.trouble)
    watched.more(3)
    watched.check_order()


def test_recording_stands_in_and_fades_out_again(camera, watch, clip):
    watched = watch(open_run_source(Settings(camera=camera.address, fallback=clip), is_watched=True))
    assert not any(frame.is_recorded for frame in watched.more(5))
    camera.unplug()
    watched.until(lambda: watched.frames[-1].is_recorded)
    assert watched.status.value.is_recorded
    assert watched.trouble.startswith("recorded: no picture from the stream")
    # More than the clip has: it goes round. The first picture is still half the camera's, then the clip's alone.
    recorded = [watched.frames[-1], *watched.more(25)]
    assert all(frame.is_recorded for frame in recorded)
    assert shown(recorded[0]) < CLIP_GREY - 30
    assert abs(shown(recorded[-1]) - CLIP_GREY) < 8
    camera.plug_in()
    watched.until(lambda: not watched.frames[-1].is_recorded)
    assert not watched.status.value.is_recorded
    assert shown(watched.frames[-1]) > 140, "the first picture of the camera is still half the recording's"
    watched.until(lambda: shown(watched.frames[-1]) < 140)
    watched.check_order()


def test_show_begins_with_the_recording_where_the_camera_is_not_there_yet(camera, watch, clip):
    camera.unplug()
    source = open_run_source(Settings(camera=camera.address, fallback=clip), is_watched=True)
    assert source.info.fps is None, "the recording's rate is not the camera's"
    watched = watch(source)
    assert all(frame.is_recorded for frame in watched.more(5))
    camera.plug_in()
    watched.until(lambda: not watched.frames[-1].is_recorded)
    watched.check_order()


def test_failure_is_rehearsed(camera, watch, clip):
    settings = Settings(camera=camera.address, fallback=clip, simulated_failure_s=(0.5, 3.0))
    watched = watch(open_run_source(settings, is_watched=True))
    watched.until(lambda: watched.trouble)
    watched.until(lambda: watched.frames and watched.frames[-1].is_recorded)
    watched.until(lambda: not watched.trouble)
    assert not watched.more(1)[-1].is_recorded
    assert camera.num_connections >= 2
    watched.check_order()


def test_camera_that_is_slower_than_asked_is_told_once(camera, watch, caplog):
    camera.fps = 8
    watched = watch(open_run_source(Settings(camera=camera.address, camera_fps=60), is_watched=True))
    watched.until(lambda: watched.status.value.notice)
    assert "frames a second instead of 60" in watched.status.value.notice
    watched.more(20)
    assert watched.status.value.num_notices == 1
    assert caplog.text.count("instead of 60") == 1


def test_run_that_nobody_watches_ends_when_the_sender_has_ended(camera, watch, monkeypatch, caplog):
    monkeypatch.setattr(opening, "GIVES_UP_STREAM_AFTER_S", 1.5)
    watched = watch(open_run_source(Settings(camera=camera.address), is_watched=False))
    watched.more(5)
    camera.unplug()
    watched.until(lambda: watched.capture.frames.closed)
    watched.capture.frames.raise_error()
    assert "no more pictures came for 1.5 s" in caplog.text


class Scripted:
    """A camera of which the n-th opening does what the script's n-th word says: the things that no stream can do.

    ``picture`` gives one and ends, ``fail`` cannot be opened, ``hang`` gives a picture and then nothing, for ever,
    and the same for ``hang-open``; ``slow`` takes a second to open and then half a second for every picture; the last
    word counts for all that follow.
    """

    def __init__(self, *script: str) -> None:
        self._script = script
        self.opened_s: list[float] = []
        self.never = threading.Event()
        self.info = SourceInfo(name="camera 7", size_wh=(64, 48), fps=None, is_live=True)

    def open(self) -> "ScriptedCamera":
        word = self._script[min(len(self.opened_s), len(self._script) - 1)]
        self.opened_s.append(time.monotonic())
        if word == "fail":
            raise SourceError("camera 7 cannot be opened")
        if word == "hang-open":
            self.never.wait()
        if word == "slow":
            time.sleep(1.0)
        return ScriptedCamera(self, word)


class ScriptedCamera:
    def __init__(self, script: Scripted, word: str) -> None:
        self.info = script.info
        self._never = script.never
        self._word = word

    def frames(self) -> Iterator[Frame]:
        for index in range(100 if self._word == "slow" else 0):
            time.sleep(0.5)
            yield make_frame(index, time.monotonic())
        yield make_frame(0, time.monotonic())
        if self._word == "hang":
            self._never.wait()
        for index in range(1, 1000 if self._word == "send" else 1):
            time.sleep(0.02)
            yield make_frame(index, time.monotonic())

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    made: list[Scripted] = []

    def make(*script: str) -> Scripted:
        made.append(Scripted(*script))
        return made[-1]

    yield make
    for script in made:
        script.never.set()


def steady_camera(script: Scripted, **options) -> SteadyCamera:
    first = Reader(script.open)
    first.opened.exception(timeout=PATIENCE_S)
    return SteadyCamera("camera 7", first, script.open, **options)


def test_camera_is_asked_less_and_less_often(watch, scripted, monkeypatch):
    monkeypatch.setattr(steady, "FIRST_DELAY_S", 0.1)
    monkeypatch.setattr(steady, "LONGEST_DELAY_S", 0.4)
    script = scripted("picture", "fail")
    watched = watch(steady_camera(script))
    watched.until(lambda: len(script.opened_s) >= 6)
    pauses_s = np.diff(script.opened_s)
    # Never sooner than planned; how much later depends on the machine.
    assert (pauses_s[:5] > [0.1, 0.2, 0.4, 0.4, 0.4]).all()
    assert "camera 7" in watched.trouble


def test_read_that_never_returns_is_left_behind(watch, scripted, monkeypatch):
    monkeypatch.setattr(steady, "_LEFT_AFTER_S", 0.8)
    script = scripted("hang", "send")
    watched = watch(steady_camera(script))
    watched.more(1)
    watched.until(lambda: watched.trouble)
    watched.until(lambda: not watched.trouble)
    watched.more(3)
    watched.check_order()
    watched.capture.stop()
    assert not watched.capture._thread.is_alive()


def test_camera_that_takes_long_to_open_is_waited_for(watch, scripted, monkeypatch):
    """From when it is open: it has had no time for a picture before."""
    monkeypatch.setattr(steady, "_LEFT_AFTER_S", 0.8)
    monkeypatch.setattr(steady, "FIRST_DELAY_S", 0.1)
    script = scripted("picture", "slow")
    watched = watch(steady_camera(script))
    watched.more(3)
    assert len(script.opened_s) == 2


def test_camera_that_hangs_does_not_hang_the_end(watch, scripted, caplog):
    watched = watch(steady_camera(scripted("hang")))
    watched.more(1)
    watched.capture.stop()
    assert not watched.capture._thread.is_alive()
    assert "camera 7 does not answer; leaving without closing it" in caplog.text


def test_driver_that_never_comes_back_is_not_asked_for_ever(watch, scripted, monkeypatch):
    monkeypatch.setattr(steady, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(steady, "LONGEST_DELAY_S", 0.02)
    monkeypatch.setattr(steady, "_OPENING_GIVEN_UP_AFTER_S", 0.05)
    script = scripted("picture", "hang-open")
    watched = watch(steady_camera(script))
    watched.until(lambda: len(script.opened_s) > 3)
    num_hanging = len(script.opened_s)
    deadline_s = time.monotonic() + 1.5
    watched.until(lambda: time.monotonic() > deadline_s)
    assert len(script.opened_s) <= max(num_hanging, 6)


def test_camera_that_stays_away_from_a_run_alone_is_a_failure(watch, scripted):
    failure = SourceError("camera 7 stopped giving pictures", "check its cable")
    watched = watch(steady_camera(scripted("picture", "fail"), endurance=Endurance(1.0, failure)))
    with pytest.raises(SourceError, match="stopped giving pictures"):
        watched.until(lambda: False)


def test_mistake_of_ours_is_not_taken_for_a_broken_cable(watch):
    def broken() -> ScriptedCamera:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        SteadyCamera("camera 7", _finished(Reader(broken)), broken)


def _finished(reader: Reader) -> Reader:
    reader.opened.exception(timeout=PATIENCE_S)
    return reader


def test_slow_opening_says_how_long_it_takes(scripted, monkeypatch, caplog):
    monkeypatch.setattr(opening, "_WORD_EVERY_S", 0.05)
    monkeypatch.setattr(opening, "_OPENING_GIVEN_UP_AFTER_S", 0.4)
    caplog.set_level(logging.INFO, "posedemo")
    with pytest.raises(SourceError, match="camera 7 has not opened within"):
        opening._wait(Reader(scripted("hang-open").open), "camera 7", has_standby=False)
    assert caplog.text.count("opening camera 7: 0 s") > 1


def test_macos_asks_for_leave_on_the_main_thread(scripted, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    script, threads = scripted("send"), []

    def open_device(number: int, wanted: DeviceFormat) -> ScriptedCamera:
        threads.append(threading.current_thread())
        return script.open()

    monkeypatch.setattr(opening, "_open_device", open_device)
    camera = open_run_source(Settings(camera="7"), is_watched=True)
    camera.close()
    assert threads == [threading.main_thread()]
    monkeypatch.setattr(opening, "_open_device", lambda *_: scripted("fail").open())
    with pytest.raises(SourceError, match="camera 7 cannot be opened"):
        open_run_source(Settings(camera="7"), is_watched=True)


def test_standby_that_cannot_be_played_is_told_before_the_show(tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        Standby(partial(open_source, camera=None, video=tmp_path / "none.mp4"))


def test_recorded_session_stands_in_with_its_people(camera, watch, tmp_path):
    session = write_session(tmp_path / "talk.pose", shots(9))
    watched = watch(open_run_source(Settings(camera=camera.address, fallback=session), is_watched=True))
    watched.more(3)
    camera.unplug()
    watched.until(lambda: watched.frames[-1].is_recorded)
    recorded = watched.more(12)
    assert all(len(frame.detections.found) == 1 for frame in recorded)
    watched.check_order()


def test_standby_goes_round_at_its_own_pace(clip):
    standby = Standby(partial(open_source, camera=None, video=clip))
    standby.play(100.0)
    times_s: list[float] = []
    deadline_s = time.monotonic() + PATIENCE_S
    now_s = 100.0
    while len(times_s) < 33:
        assert time.monotonic() < deadline_s
        frame = standby.frame(now_s)
        if frame is not None:
            times_s.append(now_s)
        now_s = max(now_s, standby.due_s)
        time.sleep(0.001)
    standby.close()
    assert np.allclose(np.diff(times_s), 1 / 30, atol=1e-3)


def test_standby_that_could_not_be_opened_once_is_tried_again(clip):
    num_opened = 0

    def open_clip():
        nonlocal num_opened
        num_opened += 1
        if num_opened in (2, 3):  # the first and the second round; before, it was looked at
            raise SourceError("the disk of the network is away")
        return open_source(camera=None, video=clip)

    standby = Standby(open_clip)
    standby.play(time.monotonic())
    deadline_s = time.monotonic() + PATIENCE_S
    while standby.frame(time.monotonic()) is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    standby.close()
    assert num_opened <= 6, "and not all the time"
