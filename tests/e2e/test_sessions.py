"""``--record`` and ``replay``: what was recorded is lifted again bit for bit, and whatever goes wrong is a sentence."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command_line import COMMAND, TIMEOUT_S, assert_one_sentence, without_display
from fakes import ListSink
from posedemo.runner import run
from posedemo.sessions.source import SessionSource
from posedemo.settings import Settings
from posedemo.sinks.session_file import SessionFile
from sessions import header, shots, write_session
from videos import clip_pictures, write_video


def columns(path) -> dict[str, bytes]:
    """Everything in a pose file, as bytes."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].tobytes() for name in file.files}


def sightings(path) -> list[tuple[int, int]]:
    """How many people the first and the second look found, frame by frame."""
    source = SessionSource(path)
    found = [(len(frame.detections.found), len(frame.detections.again)) for frame in source.frames()]
    source.close()
    return found


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    """A folder with a clip of two people, and a live run over it that was recorded and exported."""
    folder = tmp_path_factory.mktemp("recorded")
    # In pictures of this size MediaPipe's small model loses and finds the walker, and takes them for two now and then.
    write_video(folder / "in.mp4", clip_pictures(140, 164, size_wh=(884, 498)))
    done = subprocess.run(
        [
            COMMAND, "--video", "in.mp4", "--headless", "--mode", "live", "--max-people", "2", "--smooth", "calm",
            "--detector", "mediapipe-lite", "--lifter", "dg-net", "--height", "180", "--fov", "70",
            "--record", "talk.pose", "--export", "live.npz",
        ],
        cwd=folder, env=without_display(), capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "wrote talk.pose" in done.stderr
    return folder


def test_replay_has_the_very_poses_of_the_run(posedemo, recorded, tmp_path):
    seen = sightings(recorded / "talk.pose")
    assert len(seen) == 24
    assert max(found for found, _ in seen) == 2
    assert any(again for _, again in seen), "no second look was needed: the clip does not show what it should"
    done = posedemo("replay", recorded / "talk.pose", "--headless", "--export", "again.npz")
    assert done.returncode == 0, done.stderr
    live, again = columns(recorded / "live.npz"), columns(tmp_path / "again.npz")
    assert len(set(np.frombuffer(live["track_id"], np.int64))) >= 2
    assert live == again


def test_replay_of_one_person_in_file_mode(posedemo, tmp_path):
    write_video(tmp_path / "in.mp4", clip_pictures(40, 58))
    done = posedemo(
        "--video", "in.mp4", "--headless", "--detector", "mediapipe-lite", "--record", "a.pose", "--export", "a.npz"
    )
    assert done.returncode == 0, done.stderr
    done = posedemo("replay", "a.pose", "--headless", "--export", "b.npz", "--stats", "s.json")
    assert done.returncode == 0, done.stderr
    assert sum(again for _, again in sightings(tmp_path / "a.pose")) >= 1
    assert columns(tmp_path / "a.npz") == columns(tmp_path / "b.npz")
    statistics = json.loads((tmp_path / "s.json").read_text())
    assert (statistics["mode"], statistics["frames_processed"]) == ("file", 18)
    assert statistics["lifter"] == "gla-gcn-centred"
    done = posedemo("replay", "a.pose", "--headless", "--mode", "live", "--stats", "live.json")
    assert done.returncode == 0, done.stderr
    statistics = json.loads((tmp_path / "live.json").read_text())
    assert (statistics["lifter"], statistics["look_ahead_ms"]) == ("gla-gcn", 0), "live, nothing is waited for"


@pytest.mark.parametrize(("lifter", "recorded_in", "mode", "used"), [
    ("gla-gcn", "live", "file", "gla-gcn-centred"), ("gla-gcn-centred", "file", "live", "gla-gcn"),
    ("gla-gcn-centred", "live", "live", "gla-gcn-centred"),
])  # fmt: skip
def test_the_twin_in_the_other_mode_is_no_other_lifter(posedemo, tmp_path, lifter, recorded_in, mode, used):
    write_session(tmp_path / "a.pose", shots(5), mode=recorded_in, lifter=lifter)
    done = posedemo("replay", "a.pose", "--headless", "--mode", mode, "--stats", "s.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "s.json").read_text())["lifters_used"] == [used]


@pytest.mark.parametrize("writes", [True, False])
def test_what_is_written_goes_through_the_session_once(tmp_path, writes):
    """Arrow keys would put frames of other times into the file."""
    said = []

    class Listener(ListSink):
        def begin(self, wishes, status):
            said.append(status.value)

    session = write_session(tmp_path / "a.pose", shots(5))
    run(Settings(video=session, headless=True, exports=(tmp_path / "a.npz",) if writes else ()), Listener())
    assert (said[0].can_seek, said[0].is_live) == (not writes, False)


def test_replay_with_another_lifter_and_a_video(posedemo, recorded, tmp_path):
    done = posedemo(
        "replay", recorded / "talk.pose", "--lifter", "mediapipe", "--smooth", "off", "--max-people", 1,
        "--export", "other.npz", "--output", "other.mp4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "other.npz") as other, np.load(recorded / "live.npz") as live:
        assert (str(other["lifter"]), str(other["smooth"]), str(other["mode"])) == ("mediapipe", "off", "live")
        assert float(other["height_cm"]) == 180
        assert len(set(other["track_id"])) < len(set(live["track_id"]))
        assert np.isfinite(other["poses_3d"]).all(), "the detector's own 3D is in the session"
    assert (tmp_path / "other.mp4").stat().st_size > 10_000


def test_replay_follows_changes_unless_a_file_is_made_or_something_is_asked_for(posedemo, tmp_path):
    path = tmp_path / "talk.pose"
    with SessionFile(path, header(), on_failure=print) as file:
        for number, (frame, detections) in enumerate(shots(20)):
            if number == 10:
                file.change(lifter="gla-gcn")
            file.record(frame, detections)
    for options, used in (([], ["semgcn", "gla-gcn"]), (["--lifter", "semgcn"], ["semgcn"])):
        done = posedemo("replay", path, "--headless", "--stats", "s.json", "--overwrite", *options)
        assert done.returncode == 0, done.stderr
        assert json.loads((tmp_path / "s.json").read_text())["lifters_used"] == used
    done = posedemo("replay", path, "--headless", "--export", "poses.npz")
    assert done.returncode == 0, done.stderr
    assert "recorded with --lifter semgcn and gla-gcn" in done.stderr
    with np.load(tmp_path / "poses.npz") as poses:
        assert str(poses["lifter"]) == "semgcn"
        assert len(poses["track_id"]) == 20


def test_bad_sessions_are_one_sentence(posedemo, tmp_path):
    talk = write_session(tmp_path / "talk.pose", shots(5))
    write_session(tmp_path / "own.pose", shots(5), lifter="gone.onnx")
    (tmp_path / "empty.pose").write_bytes(b"")
    (tmp_path / "cut.pose").write_bytes(talk.read_bytes()[:200])
    (tmp_path / "x.npz").touch()
    assert_one_sentence(posedemo("replay", "missing.pose", "--headless"), 3, "missing.pose does not exist")
    assert_one_sentence(posedemo("replay", "empty.pose", "--headless"), 3, "not a recorded session")
    assert_one_sentence(posedemo("replay", "cut.pose", "--headless"), 3, "damaged at its very beginning")
    assert_one_sentence(posedemo("replay", "own.pose", "--headless"), 2, "gone.onnx", "--lifter")
    assert_one_sentence(posedemo("replay", "talk.pose", "--headless", "--export", "x.npz"), 5, "exists already")
    assert_one_sentence(posedemo("--video", "talk.pose", "--record", "b.pose", "--headless"), 2, "a recording already")
    assert_one_sentence(posedemo("--camera", "0", "--record", "b.mp4", "--headless"), 2, "--record cannot write")
    no_3d = posedemo("replay", "talk.pose", "--headless", "--lifter", "mediapipe")
    assert_one_sentence(no_3d, 2, "the detector's own 3D")
