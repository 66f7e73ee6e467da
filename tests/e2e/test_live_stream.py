"""A paced UDP stream on loopback stands in for a camera: the live path with real network, real drops, real ends."""

import json
import multiprocessing
import signal
import socket
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from videos import clip_pictures, describe

STREAM_FPS = 25


def send(port: int, duration_s: float, ready) -> None:
    """Send the demo clip, over and over, as MPEG-TS in real time; runs in a process of its own."""
    pictures = clip_pictures(40, 90)
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": "12"}
    with av.open(f"udp://127.0.0.1:{port}?pkt_size=1316", "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=STREAM_FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        started_s = time.monotonic()
        index = 0
        while index / STREAM_FPS < duration_s:
            frame = av.VideoFrame.from_ndarray(pictures[index % len(pictures)], format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, STREAM_FPS)
            container.mux(stream.encode(frame))
            index += 1
            ready.set()
            time.sleep(max(0, started_s + index / STREAM_FPS - time.monotonic()))


@pytest.fixture
def sender():
    """Starts a stream and returns its address."""
    processes = []

    def start(duration_s: float) -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        context = multiprocessing.get_context("spawn")
        ready = context.Event()
        process = context.Process(target=send, args=(port, duration_s, ready), daemon=True)
        process.start()
        processes.append(process)
        assert ready.wait(60)
        return f"udp://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.kill()
        process.join()


def test_stream_is_lifted_live_and_its_end_ends_the_run(posedemo, sender, tmp_path):
    started_s = time.monotonic()
    done = posedemo(
        "--camera", sender(14), "--headless", "--detector", "mediapipe-lite",
        "--export", "live.npz", "--output", "live.mp4", "--stats", "live.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started_s < 90
    assert "no more pictures" in done.stderr
    stats = json.loads((tmp_path / "live.json").read_text())
    assert stats["frames_processed"] > 20
    assert stats["frames_in"] == stats["frames_processed"] + stats["frames_dropped"]
    with np.load(tmp_path / "live.npz") as file:
        times_s, index = file["time_s"], file["frame_index"]
        assert len(np.unique(file["frame_index"])) > 10
    assert (np.diff(times_s) > 0).all()
    # Gaps in the index are the frames that were dropped; none is counted twice.
    assert (np.diff(index) >= 1).all()
    assert describe(tmp_path / "live.mp4")["num_frames"] == stats["frames_processed"]


def test_results_are_fresh_although_the_detector_is_slower_than_the_stream(posedemo, sender, tmp_path):
    """The newest frame wins: however far the detector falls behind, a result is never older than a few frames."""
    done = posedemo("--camera", sender(40), "--headless", "--max-frames", 60, "--stats", "live.json")
    assert done.returncode == 0, done.stderr
    stats = json.loads((tmp_path / "live.json").read_text())
    detect_ms = stats["stages_ms"]["detect"]["p95"]
    # At worst a frame waits for the one before it and then goes through itself, give or take a busy machine.
    assert stats["age_ms"]["p50"] < 2 * detect_ms + 100
    assert stats["frames_processed"] == 60


def test_ctrl_c_works_while_the_stream_stalls(start_posedemo, sender, tmp_path):
    """The capture thread is inside a read that has seconds to go; the program does not wait for it."""
    process = start_posedemo("--camera", sender(12), "--headless", "--export", "live.npz", "--stats", "live.json")
    time.sleep(14)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert json.loads((tmp_path / "live.json").read_text())["frames_processed"] > 0


def test_ctrl_c_ends_a_live_run_with_complete_files(start_posedemo, sender, tmp_path):
    process = start_posedemo("--camera", sender(60), "--headless", "--export", "live.npz", "--output", "live.mp4")
    deadline_s = time.monotonic() + 60
    while not any(path.stat().st_size > 20_000 for path in tmp_path.glob(".posedemo-*.mp4")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert describe(tmp_path / "live.mp4")["num_frames"] > 0
    with np.load(tmp_path / "live.npz") as file:
        assert file["poses_3d"].shape[1:] == (17, 3)
