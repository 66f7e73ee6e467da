"""Cameras and streams"""

from __future__ import annotations

import json
import signal

import numpy as np
from camera_server import CameraServer
from command_line import assert_one_sentence
from reliability.faulty_posedemo import FAULTY_FRAME
from reliability.remains import ended, frames_in, names_in, num_pictures


def test_stream_with_every_fault_that_a_stream_can_have(start_faulty, tmp_path, tried):
    with CameraServer(size_wh=(160, 120), fps=15) as camera:
        process = start_faulty(
            "none", "--camera", camera.address, "--headless", "--export", "a.npz", "--output", "a.mp4",
            "--stats", "stats.json",
        )  # fmt: skip
        words = iter(process.stderr)

        def is_said(what: str) -> bool:
            return any(what in line for line in words)

        for fault in ("freeze", "rubbish"):
            camera.send_more(8)
            camera.behaviour = fault
            assert is_said("no picture from")
            camera.behaviour = "send"
            assert is_said("gives pictures again")
        camera.send_more(8)
        camera.unplug()
        assert is_said("no picture from")
        camera.size_wh = (200, 100)
        camera.plug_in()
        assert is_said("gives 200x100 now: its pictures are fitted")
        camera.send_more(8)
        camera.unplug()
        done = ended(process)
    assert done.returncode == 0, done.stderr
    assert "no more pictures came for 5 s" in done.stderr
    assert "Traceback" not in done.stderr
    num_frames = json.loads((tmp_path / "stats.json").read_text())["frames_processed"]
    assert names_in(tmp_path) == ["a.mp4", "a.npz", "stats.json"]
    assert num_pictures(tmp_path / "a.mp4") == num_frames
    assert len(frames_in(tmp_path / "a.npz")) == num_frames
    with np.load(tmp_path / "a.npz") as file:
        gaps_s = np.diff(file["time_s"])
    assert (gaps_s > 0).all()
    assert (gaps_s > 0.6).sum() >= 3, "there are poses before and after every fault"
    tried("a stream that stalls, sends garbage, is cut and comes back with another size", 3, "it goes on each time")
    tried("a stream that ends", 1, "exit 0 after 5 s; files hold all that was seen")


def test_camera_whose_read_never_returns(faulty, tmp_path, tried):
    done = faulty("camera-hangs", "--camera", 0, "--headless", "--export", "a.npz", "--output", "a.mp4")
    assert_one_sentence(done, 3, "camera 0 stopped giving pictures", "what was seen until then is written")
    num_frames = num_pictures(tmp_path / "a.mp4")
    assert 0 < num_frames <= FAULTY_FRAME
    assert len(frames_in(tmp_path / "a.npz")) == num_frames
    tried("a camera whose read never returns, without a window", 1, "exit 3 after 60 s; files hold all that was seen")


def test_ctrl_c_while_a_camera_hangs(start_faulty, tmp_path, tried, heeded):
    process = start_faulty("camera-hangs-for-long", "--camera", 0, "--headless", "--export", "a.npz")
    assert any("no picture from" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    assert "does not answer; leaving without closing it" in done.stderr
    assert len(frames_in(tmp_path / "a.npz")) > 0
    tried("Ctrl-C while a camera's read does not return", 1, "exit 130; files hold all that was seen")
