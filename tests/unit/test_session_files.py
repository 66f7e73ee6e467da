"""Session files: what goes in comes out bit for bit, damage costs what it hit, and nothing that is in them can hurt."""

import logging
import os
import struct
import threading
import time
import zlib
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from fakes import make_frame
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from posedemo.capture.source import SourceInfo, open_source
from posedemo.datatypes import Detections, InUse, Stamp
from posedemo.errors import OutputError, PosedemoError, SourceError
from posedemo.sessions.header import make_header, pack_header, unpack_header
from posedemo.sessions.records import MAGIC, FrameRecord, pack_frame, pack_record
from posedemo.sessions.source import SessionSource, read_header
from posedemo.settings import Settings
from posedemo.sinks.session_file import SessionFile
from sessions import header, shots, walking, write_session

PATIENCE_S = 30.0
NUM_FRAMES = 12


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    """Of a small session."""
    return write_session(tmp_path_factory.mktemp("session") / "talk.pose", shots(NUM_FRAMES)).read_bytes()


def same(first: Detections, second: Detections) -> bool:
    """Bit for bit, unknown joints included."""

    def as_bytes(people):
        arrays = [(one.xy_px, one.confidence, one.world_xyz_m) for one in people]
        return [tuple(None if array is None else array.tobytes() for array in person) for person in arrays]

    return as_bytes(first.found) == as_bytes(second.found) and as_bytes(first.again) == as_bytes(second.again)


def play(path) -> list:
    source = SessionSource(path)
    frames = list(source.frames())
    source.close()
    return frames


@pytest.mark.parametrize("has_world", [True, False])
def test_what_was_recorded_comes_back_bit_for_bit(tmp_path, has_world):
    taken = shots(NUM_FRAMES, has_world=has_world)
    frames = play(write_session(tmp_path / "talk.pose", taken))
    assert len(frames) == NUM_FRAMES
    for played, (frame, detections) in zip(frames, taken, strict=True):
        assert (played.stamp.index, played.stamp.time_s) == (frame.stamp.index, frame.stamp.time_s)
        assert played.size_wh == frame.size_wh
        assert same(played.detections, detections)
    assert (frames[0].image_bgr < 100).all(), "the pictures are not in the file, and what stands for them is dark"


def test_header_tells_how_poses_are_made_and_keeps_secrets():
    info = SourceInfo(name="rtsp://user:secret@host/door?key=abc", size_wh=(1280, 720), fps=None, is_live=True)
    made = make_header(Settings(mode="live", smooth="calm", height_cm=178.0, lifter="/home/somebody/own.onnx"), info)
    text = pack_header(made).decode()
    assert unpack_header(text.encode()) == made
    assert made.source == "rtsp://host/door"
    assert not [word for word in ("secret", "abc", "somebody", "user") if word in text]
    assert (made.settings["smooth"], made.settings["height_cm"], made.lifter) == ("calm", 178.0, "own.onnx")
    assert made.sha256["lifter"] == "", "the file is not there"
    assert len(made.sha256["detector"]) == 64


@pytest.mark.parametrize("name", ["a:b.onnx", "/home/somebody/c\\\\d.onnx", "x.onnx", "gla-gcn"])
def test_session_made_with_any_name_can_be_read(name):
    """A colon and a backslash are letters here, and lead elsewhere on Windows."""
    made = make_header(Settings(mode="live", lifter=name), SourceInfo("a", (64, 48), fps=None, is_live=True))
    assert unpack_header(pack_header(made)).lifter in ("b.onnx", "d.onnx", "x.onnx", "gla-gcn")


def test_rates_of_long_clips_of_uneven_frames_can_be_read_again():
    """18,013 frames of a phone at 90,000 ticks a second, as FFmpeg gives their mean rate."""
    fps = Fraction(1_621_170_000, 54_064_057)
    info = SourceInfo(name="phone.mp4", size_wh=(1280, 720), fps=fps, is_live=False, time_base=Fraction(1, 90_000))
    assert unpack_header(pack_header(make_header(Settings(mode="file"), info))).fps == fps


@pytest.mark.parametrize(("fps", "size_wh"), [(Fraction(2000), (1280, 720)), (Fraction(30), (20_000, 1000))])
def test_what_a_clip_can_be_a_session_can_be_read_of(fps, size_wh):
    made = make_header(Settings(mode="file"), SourceInfo(name="a.mp4", size_wh=size_wh, fps=fps, is_live=False))
    assert unpack_header(pack_header(made)).size_wh == size_wh


@pytest.mark.parametrize("size_wh", [(2**26, 1), (29_000_000, 2), (1, 2**26)])
def test_shapes_of_no_camera_are_shown_too(tmp_path, size_wh):
    """OpenCV ends the whole program where it is to write letters of a million pixels."""
    record = pack_record(pack_frame(FrameRecord(0, 1.0, size_wh, Detections(()))))
    (tmp_path / "wide.pose").write_bytes(MAGIC + pack_record(pack_header(header())) + record)
    (frame,) = play(tmp_path / "wide.pose")
    assert frame.size_wh == size_wh


def test_a_crowd_is_kept_up_to_as_many_as_a_record_holds(tmp_path):
    """The most that fit, with a second look at each and the detector's 3D, are a whole record still."""
    ((frame, _),) = shots(1)
    crowd = tuple(walking(index, has_world=True) for index in range(40))
    (played,) = play(write_session(tmp_path / "talk.pose", [(frame, Detections(crowd, crowd))]))
    assert same(played.detections, Detections(crowd[:32], crowd[:32]))


def test_pictures_that_stand_in_for_the_camera_are_nobodys_to_record(tmp_path):
    taken = shots(6)
    taken[2:4] = [(replace(frame, is_recorded=True), detections) for frame, detections in taken[2:4]]
    frames = play(write_session(tmp_path / "talk.pose", taken))
    assert [frame.stamp.index for frame in frames] == [0, 1, 4, 5]


def test_frames_may_change_size_and_indices_may_have_gaps(tmp_path):
    taken = [
        (make_frame(3, 1.0, (64, 48)), Detections(())),
        (make_frame(7, 9.0, (32, 20)), Detections((walking(0),))),
    ]
    frames = play(write_session(tmp_path / "talk.pose", taken))
    assert [(frame.stamp.index, frame.size_wh) for frame in frames] == [(3, (64, 48)), (7, (32, 20))]


@pytest.mark.parametrize("lost", [1, 7, 100, 200])
def test_cut_off_tail_is_left_out_with_a_warning(tmp_path, content, caplog, lost):
    path = tmp_path / "cut.pose"
    path.write_bytes(content[:-lost])
    with caplog.at_level(logging.WARNING, "posedemo"):
        frames = play(path)
    assert len(frames) == NUM_FRAMES - 1, "less than a record is missing, which costs that record"
    assert "breaks off" in caplog.text


def test_damage_in_the_middle_costs_that_frame_only(tmp_path, content, caplog):
    first = content.index(b"\xf5pos", len(MAGIC) + 1)
    for inside in (0, 5, 30):  # the marker, the length, the numbers of the second frame
        second = content.index(b"\xf5pos", first + 1)
        broken = bytearray(content)
        broken[second + inside] ^= 0x40
        path = tmp_path / f"{inside}.pose"
        path.write_bytes(broken)
        with caplog.at_level(logging.WARNING, "posedemo"):
            assert [frame.stamp.index for frame in play(path)] == [0, *range(2, NUM_FRAMES)]
        assert "is damaged" in caplog.text


def outcome(path) -> int | str:
    """How many frames can be played, or the sentence that says why there are none."""
    try:
        return len(play(path))
    except PosedemoError as error:
        return error.message


@pytest.mark.parametrize("num_bytes", [2**16 + shift for shift in range(-6, 3)])
def test_records_behind_a_hole_are_found_wherever_it_ends(tmp_path, content, num_bytes):
    """The file is searched in parts of 64 KiB: the mark of a record may lie across the border of two."""
    second = content.index(b"\xf5pos", content.index(b"\xf5pos", len(MAGIC) + 1) + 1)
    path = tmp_path / "hole.pose"
    path.write_bytes(content[:second] + bytes(num_bytes) + content[second:])
    assert [frame.stamp.index for frame in play(path)] == list(range(NUM_FRAMES))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_is_worse_than_a_sentence(tmp_path, content, data):
    broken = bytearray(content)
    for _ in range(data.draw(st.integers(0, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    del broken[data.draw(st.integers(0, len(broken))) :]
    path = tmp_path / "broken.pose"
    path.write_bytes(broken)
    result = outcome(path)
    assert isinstance(result, str) or 0 < result <= NUM_FRAMES


def with_checksum(payload: bytes) -> bytes:
    return struct.pack("<4sII", b"\xf5pos", len(payload), zlib.crc32(payload)) + payload


@pytest.mark.parametrize(
    "payload",
    [
        b"H",
        b"H[]",
        b"H" + b"[" * 60_000,
        b'H{"format": 99}',
        b"F" * 40,
        pack_header(header()).replace(b'"size_wh": [64, 48]', b'"size_wh": [64000, 48000]'),
        pack_header(header()).replace(b'"size_wh": [64, 48]', b'"size_wh": [1e999, 48]'),
        pack_header(header()).replace(b'"fps": [30, 1]', b'"fps": [30, 0]'),
        pack_header(header()).replace(b'"mode": "live"', b'"mode": "sideways"'),
        pack_header(header()).replace(b'"fov_deg": 60.0', b'"fov_deg": NaN'),
        pack_header(header()).replace(b'"max_people": 1', b'"max_people": 1000000'),
        pack_header(header()).replace(b'"max_people": 1', b'"max_people": 1.0'),
        pack_header(header()).replace(b'"lifter": "semgcn"', b'"lifter": "/tmp/own.onnx"'),
        pack_header(header()).replace(b'"lifter": "semgcn"', b'"lifter": "..\\\\share\\\\own.onnx"'),
        pack_header(header()).replace(b'"detector": "mediapipe-full"', b'"detector": ""'),
        pack_header(header()).replace(b'"skeleton": "h36m17"', b'"skeleton": "other"'),
    ],
    ids=lambda payload: payload[:12].decode() + f"..{zlib.crc32(payload)}",
)
def test_headers_that_are_whole_but_senseless_are_refused(tmp_path, payload):
    path = tmp_path / "senseless.pose"
    frame, detections = shots(1)[0]
    record = FrameRecord(0, frame.stamp.time_s, frame.size_wh, detections)
    assert payload != pack_header(header())
    path.write_bytes(MAGIC + with_checksum(payload) + pack_record(pack_frame(record)))
    assert "cannot be played" in outcome(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"time_s": float("nan")},
        {"time_s": float("inf")},
        {"time_s": 0.0},
        {"size_wh": (0, 48)},
        {"size_wh": (16_000, 16_000)},
        {"size_wh": (2**31, 1)},
        {"index": 0},
        {"index": -5},
    ],
    ids=str,
)
def test_frames_that_are_whole_but_senseless_are_left_out(tmp_path, changes):
    """The second of three; its time and its index have to rise, and its picture has to fit into memory."""
    taken = [FrameRecord(i, frame.stamp.time_s, frame.size_wh, seen) for i, (frame, seen) in enumerate(shots(3))]
    taken[1] = replace(taken[1], **changes)
    path = tmp_path / "senseless.pose"
    path.write_bytes(MAGIC + pack_record(pack_header(header())) + b"".join(pack_record(pack_frame(r)) for r in taken))
    assert [frame.stamp.index for frame in play(path)] == [0, 2]


def test_changes_hold_from_the_next_frame_on_and_names_have_no_folders(tmp_path):
    path = tmp_path / "talk.pose"
    with SessionFile(path, header(), on_failure=print) as file:
        for number, (frame, detections) in enumerate(shots(6)):
            if number == 2:
                file.change(lifter="/home/somebody/own.onnx")
                file.change(smooth="calm")
            if number == 4:
                file.change(detector="mediapipe-full")
            file.record(frame, detections)
    start, changed = InUse(header().detector, "semgcn", "balanced"), InUse(header().detector, "own.onnx", "calm")
    assert [frame.in_use for frame in play(path)] == (
        [start] * 2 + [changed] * 2 + [replace(changed, detector="mediapipe-full")] * 2
    )
    assert b"somebody" not in path.read_bytes()


def test_change_without_a_frame_leaves_nothing_behind(tmp_path):
    with SessionFile(tmp_path / "talk.pose", header(), on_failure=print) as file:
        file.change(smooth="calm")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        b"{",
        b"[" * 60_000,
        b"[]",
        b'{"lifter": 3}',
        b'{"lifter": ""}',
        b'{"lifter": "../../own.onnx"}',
        b'{"lifter": "%s"}' % (b"x" * 300),
        b'{"smooth": "very"}',
    ],
    ids=lambda change: change[:20].decode(),
)
def test_changes_that_are_whole_but_senseless_are_left_out(tmp_path, content, caplog, change):
    path = tmp_path / "senseless.pose"
    path.write_bytes(content[: content.index(b"\xf5pos", len(MAGIC) + 1)] + with_checksum(b"C" + change))
    with path.open("ab") as file:
        file.write(content[content.index(b"\xf5pos", len(MAGIC) + 1) :])
    with caplog.at_level(logging.WARNING, "posedemo"):
        frames = play(path)
    assert {frame.in_use for frame in frames} == {InUse(header().detector, "semgcn", "balanced")}
    assert len(frames) == NUM_FRAMES
    assert "is damaged" in caplog.text


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e9])
def test_joints_that_cannot_be_are_left_out(tmp_path, value):
    taken = shots(2)
    person = taken[1][1].found[0]
    xy_px = person.xy_px.copy()
    xy_px[4, 0] = value
    taken[1] = (taken[1][0], Detections((replace(person, xy_px=xy_px),)))
    assert outcome(write_session(tmp_path / "far.pose", taken)) == 1


def test_lengths_beyond_reason_cost_no_memory_and_no_time(tmp_path, content):
    """Markers without end, each with a length that asks for as much as a record may have."""
    path = tmp_path / "long.pose"
    path.write_bytes(content + struct.pack("<4sII", b"\xf5pos", 2**16, 1) * 200_000)
    assert outcome(path) == NUM_FRAMES
    path.write_bytes(content + struct.pack("<4sII", b"\xf5pos", 2**32 - 1, 1) * 200_000)
    assert outcome(path) == NUM_FRAMES


@pytest.mark.parametrize("text", [b"", b"posedemo", b"not a session at all, but some other file", MAGIC])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "other.pose"
    path.write_bytes(text)
    for read in (read_header, SessionSource):
        with pytest.raises(SourceError):
            read(path)
    with pytest.raises(SourceError, match="does not exist"):
        SessionSource(tmp_path / "missing.pose")
    with pytest.raises(SourceError, match="cannot read"):
        SessionSource(tmp_path)


def test_a_session_is_a_source_like_a_video(tmp_path):
    source = open_source(camera=None, video=write_session(tmp_path / "talk.pose", shots(NUM_FRAMES)))
    assert (source.info.size_wh, source.info.is_live, source.info.num_frames) == ((64, 48), False, NUM_FRAMES)
    assert float(source.info.fps) == 30
    source.close()


def test_file_that_changes_while_it_is_played_is_told(tmp_path, content):
    path = tmp_path / "talk.pose"
    path.write_bytes(content)
    source = SessionSource(path)
    with path.open("r+b") as file:
        file.truncate(len(content) // 2)
    with pytest.raises(SourceError, match="changed"):
        list(source.frames())
    source.close()


def test_recording_without_a_frame_leaves_nothing_behind(tmp_path):
    write_session(tmp_path / "talk.pose", [])
    assert not list(tmp_path.iterdir())


def test_disk_that_is_full_from_the_start_is_refused(tmp_path):
    (tmp_path / "full.pose").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left"):
        SessionFile(tmp_path / "full.pose", header(), on_failure=print)


def test_disk_that_takes_nothing_holds_nobody_up(tmp_path):
    """A pipe that nobody empties stands for it: it takes 64 KiB and then no more."""
    path = tmp_path / "slow.pose"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR)
    told: list[str] = []
    file = SessionFile(path, header(), on_failure=told.append)
    frame, detections = shots(1)[0]
    waiting = threading.Thread(target=lambda: [file.record(frame, detections) for _ in range(25_000)], daemon=True)
    waiting.start()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive(), "whoever records waits for the disk"
    assert file.num_lost > 2_000, "25,000 frames of a quarter kilobyte are more than it may keep in memory"
    emptied = threading.Thread(target=_empty, args=(reader,), daemon=True)
    emptied.start()
    file.close()
    os.close(reader)


def test_a_pipe_that_is_emptied_is_recorded_into(tmp_path, monkeypatch):
    """It cannot be brought to a disk, as a file is every few seconds."""
    monkeypatch.setattr("posedemo.sinks.session_file._SYNC_EVERY_S", 0.0)
    os.mkfifo(tmp_path / "pipe.pose")
    reader = os.open(tmp_path / "pipe.pose", os.O_RDWR)
    told: list[str] = []
    with SessionFile(tmp_path / "pipe.pose", header(), on_failure=told.append) as file:
        for frame, detections in shots(4):
            file.record(frame, detections)
            time.sleep(0.05)
    assert (told, file.num_recorded, file.num_lost) == ([], 4, 0)
    os.close(reader)


def test_frame_that_cannot_be_packed_ends_the_recording_and_not_the_show(tmp_path):
    """Its number has more digits than the format: nothing that is known gives one, and other faults end alike."""
    told: list[str] = []
    path = tmp_path / "talk.pose"
    taken = shots(4)
    (whole, detections), (_, odd_detections) = taken[0], taken[1]
    odd = replace(whole, stamp=Stamp(2**70, 1235.0))
    file = SessionFile(path, header(), on_failure=told.append)
    file.record(whole, detections)
    deadline_s = time.monotonic() + PATIENCE_S
    while file.num_recorded < 1:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    file.record(odd, odd_detections)
    while not told:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    for frame, seen in taken[2:]:
        file.record(frame, seen)
    file.close()
    assert told[0].startswith("recording stopped: ")
    assert file.num_lost == 3, "the odd one, and two after it"
    assert outcome(path) == 1


def _empty(reader: int) -> None:
    """Read until the descriptor is closed."""
    try:
        while os.read(reader, 2**16):
            pass
    except OSError:
        return


def test_what_was_recorded_is_in_the_file_at_once(tmp_path):
    """Not only when it is closed: a program that is killed closes nothing."""
    path = tmp_path / "talk.pose"
    file = SessionFile(path, header(), on_failure=print)
    for frame, detections in shots(3):
        file.record(frame, detections)
    deadline_s = time.monotonic() + PATIENCE_S
    while outcome(path) != 3:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    file.close()
