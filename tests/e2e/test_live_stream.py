"""A paced UDP stream on loopback stands in for a camera: the live path with real network, real drops, real ends."""

import json
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from camera_server import CameraServer
from posedemo.sessions.records import FRAME_KIND, Damage, records, unpack_frame
from videos import clip_pictures, describe

STREAM_FPS = 25
PATIENCE_S = 300


def send(port: int, ready) -> None:
    """Send the demo clip, over and over, as MPEG-TS in real time; runs in a process of its own."""
    pictures = clip_pictures(40, 90)
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": "12"}
    with av.open(f"udp://127.0.0.1:{port}?pkt_size=1316", "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=STREAM_FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        started_s = time.monotonic()
        index = 0
        while True:
            frame = av.VideoFrame.from_ndarray(pictures[index % len(pictures)], format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, STREAM_FPS)
            container.mux(stream.encode(frame))
            index += 1
            ready.set()
            time.sleep(max(0, started_s + index / STREAM_FPS - time.monotonic()))


class Sender:
    """A stream that goes on until it is told to end."""

    def __init__(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        context = multiprocessing.get_context("spawn")
        ready = context.Event()
        self._process = context.Process(target=send, args=(port, ready), daemon=True)
        self._process.start()
        self.address = f"udp://127.0.0.1:{port}"
        assert ready.wait(60)

    def end(self) -> None:
        self._process.kill()
        self._process.join()


@pytest.fixture
def sender():
    sender = Sender()
    yield sender
    sender.end()


def wait_for(condition: Callable[[], bool], process) -> None:
    """Wait until the running command has done something."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def has_grown(folder: Path, pattern: str, num_bytes: int) -> Callable[[], bool]:
    return lambda: any(path.stat().st_size > num_bytes for path in folder.glob(pattern))


def has_seen_somebody(journal: Path, num_frames: int) -> Callable[[], bool]:
    """Whether so many frames with somebody in them are kept for a pose file; their number depends on the machine."""

    def seen() -> bool:
        if not journal.exists():
            return False
        with journal.open("rb") as file:
            frames = [unpack_frame(payload) for _, payload in records(file, Damage()) if payload[:1] == FRAME_KIND]
        return sum(bool(frame.detections.found) for frame in frames) >= num_frames

    return seen


def test_stream_is_lifted_live_and_its_end_ends_the_run(start_posedemo, sender, tmp_path):
    process = start_posedemo(
        "--camera", sender.address, "--headless", "--detector", "mediapipe-lite",
        "--export", "live.npz", "--output", "live.mp4", "--stats", "live.json",
    )  # fmt: skip
    wait_for(has_seen_somebody(tmp_path / "live.partial.pose", 15), process)
    sender.end()
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "no more pictures" in errors
    stats = json.loads((tmp_path / "live.json").read_text())
    assert stats["frames_processed"] > 5
    assert stats["frames_in"] == stats["frames_processed"] + stats["frames_dropped"]
    with np.load(tmp_path / "live.npz") as file:
        times_s, index = file["time_s"], file["frame_index"]
        assert len(np.unique(file["frame_index"])) > 5
    assert (np.diff(times_s) > 0).all()
    # Gaps in the index are the frames that were dropped; none is counted twice.
    assert (np.diff(index) >= 1).all()
    assert describe(tmp_path / "live.mp4")["num_frames"] == stats["frames_processed"]


def test_results_are_fresh_although_the_detector_is_slower_than_the_stream(posedemo, sender, tmp_path):
    """The newest frame wins: however far the detector falls behind, a result is never older than a few frames."""
    done = posedemo("--camera", sender.address, "--headless", "--max-frames", 25, "--stats", "live.json")
    assert done.returncode == 0, done.stderr
    stats = json.loads((tmp_path / "live.json").read_text())
    detect_ms = stats["stages_ms"]["detect"]["p95"]
    # At worst a frame waits for the one before it and then goes through itself, give or take a busy machine.
    assert stats["age_ms"]["p50"] < 2 * detect_ms + 100
    assert stats["frames_processed"] == 25


def test_ctrl_c_works_while_the_stream_stalls(start_posedemo, sender, tmp_path):
    """The camera's thread is inside a read that has seconds to go; the program does not wait for it."""
    process = start_posedemo("--camera", sender.address, "--headless", "--record", "live.pose", "--stats", "live.json")
    wait_for(has_grown(tmp_path, "*live.pose*", 2000), process)
    sender.end()
    assert any("no picture from" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert json.loads((tmp_path / "live.json").read_text())["frames_processed"] > 0


def test_ctrl_c_ends_a_live_run_with_complete_files(start_posedemo, sender, tmp_path):
    process = start_posedemo("--camera", sender.address, "--headless", "--export", "live.npz", "--output", "live.mp4")
    wait_for(has_grown(tmp_path, "*.partial.mp4", 20_000), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert describe(tmp_path / "live.mp4")["num_frames"] > 0
    with np.load(tmp_path / "live.npz") as file:
        assert file["poses_3d"].shape[1:] == (17, 3)


def test_stream_that_comes_back_in_time_goes_on(start_posedemo, tmp_path):
    """A failure that is over soon is no end, also where nobody watches."""
    with CameraServer(size_wh=(320, 240), fps=10) as camera:
        process = start_posedemo(
            "--camera", camera.address, "--headless", "--detector", "mediapipe-lite", "--record", "live.pose",
            "--stats", "live.json", "--simulate-failure", "2:1",
        )  # fmt: skip
        lines = iter(process.stderr)
        assert any("no picture from" in line for line in lines)
        assert any("gives pictures again" in line for line in lines)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert json.loads((tmp_path / "live.json").read_text())["frames_processed"] > 0


def test_sender_that_says_nothing_is_left_at_once(start_posedemo):
    """Opening it takes as long as it takes; how long is said, and Ctrl-C does not wait for it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = start_posedemo("--camera", f"http://127.0.0.1:{listener.getsockname()[1]}/camera", "--headless")
        assert any("opening http://127.0.0.1" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
