"""Recorded sessions (`posedemo replay`)

Damaged as bytes; and with headers and frames that have sound checksums and say what cannot be.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from mutations import damaged, mutated_json
from posedemo import cli
from posedemo.sessions.header import HEADER_KIND, pack_header
from posedemo.sessions.records import FRAME_KIND, MAGIC, FrameRecord, pack_frame, pack_record
from posedemo.sessions.source import SessionSource
from sessions import header, shots, write_session
from trials import limited_memory, try_all

NUM_FRAMES = 40


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    return write_session(tmp_path_factory.mktemp("session") / "talk.pose", shots(NUM_FRAMES)).read_bytes()


def play(path: Path) -> None:
    """Every frame that is played is one that a detector could have seen, and later than the one before."""
    source = SessionSource(path)
    try:
        times_s = []
        for frame in source.frames():
            times_s.append(frame.stamp.time_s)
            for one in frame.detections.found:
                assert not np.isinf(one.xy_px).any()
                assert ((one.confidence >= 0) & (one.confidence <= 1)).all()
        assert (np.diff(times_s) > 0).all()
    finally:
        source.close()


def frame_payloads() -> list[bytes]:
    records = [FrameRecord(i, frame.stamp.time_s, frame.size_wh, seen) for i, (frame, seen) in enumerate(shots(4))]
    return [pack_frame(record) for record in records]


def test_damaged_bytes(tmp_path, content, tried):
    tally = try_all(play, damaged(content, 400), tmp_path / "talk.pose")
    assert tally.read > 50
    tried("bytes cut, flipped, spliced, overwritten: what is whole is played", tally.total, str(tally))


def test_headers_that_say_what_cannot_be(tmp_path, tried):
    stated = json.loads(pack_header(header())[1:])
    frames = b"".join(map(pack_record, frame_payloads()))
    contents = (MAGIC + pack_record(HEADER_KIND + text.encode()) + frames for text in mutated_json(stated, 400))
    tally = try_all(play, contents, tmp_path / "talk.pose")
    assert tally.refused > 100
    tried("headers with fields dropped, retyped or out of range, under sound checksums", tally.total, str(tally))


def test_frames_that_say_what_cannot_be(tmp_path, tried):
    begin = MAGIC + pack_record(pack_header(header()))
    sound, *rest = frame_payloads()
    contents = (
        begin + b"".join(pack_record(payload) for payload in (sound, FRAME_KIND + changed[:60_000], *rest))
        for changed in damaged(sound[1:], 400)
    )
    tally = try_all(play, contents, tmp_path / "talk.pose")
    assert tally.read == tally.total, "the other frames are whole"
    tried("frames with other numbers in them, under sound checksums: the others are played", tally.total, str(tally))


@pytest.mark.usefixtures("same_logging")
def test_replayed_by_the_program(tmp_path, content, capfd, monkeypatch, tried):
    """The whole run, of which a file of poses is the end, or a sentence and nothing."""
    monkeypatch.chdir(tmp_path)
    Path("talk").mkdir()
    codes = []
    with limited_memory():
        for changed in damaged(content, 40, seed=7):
            Path("talk/talk.pose").write_bytes(changed)
            codes.append(cli.main(["replay", "talk/talk.pose", "--headless", "--export", "poses.npz"]))
            assert Path("poses.npz").exists() == (codes[-1] == 0)
            Path("poses.npz").unlink(missing_ok=True)
            assert [path.name for path in Path().iterdir()] == ["talk"]
    said = capfd.readouterr().err
    assert set(codes) == {0, 3}
    assert "Traceback" not in said
    assert said.count("posedemo: error: ") == codes.count(3)
    tried(
        "the same through a whole run of the program",
        len(codes),
        f"{codes.count(3)} refused, {codes.count(0)} replayed",
    )
