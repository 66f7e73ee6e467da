"""Videos through the command

One of each kind through ``posedemo --video``, as users start it: exit code, sentence, and what is written.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from command_line import TIMEOUT_S, assert_one_sentence, wait_for_video
from command_runs import run_commands
from flashes import assert_in_step, write_flashes
from videos import clip_pictures, grey_pictures, turn_flag, write_video

SOURCE, OUTPUT = 3, 5
TURNS = {90: 1, 180: 2, 270: 3}
"""What a phone says, clockwise, and how many quarter turns counter-clockwise it has held the pictures."""

NASTY = "two\nlines %03d ünï-日本 \x1b[31m"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("commands")


@pytest.fixture(scope="module")
def runs(folder):
    """All runs that are no refusals, in one process: they differ in what they read, not in how they start."""
    pictures = clip_pictures(60, 64, size_wh=(320, 180))
    lossless = {"codec": "png", "pixels": "rgb24"}
    write_video(folder / "upright.mov", pictures, **lossless)
    for degrees, quarters in TURNS.items():
        turned = [np.ascontiguousarray(np.rot90(picture, quarters)) for picture in pictures]
        turn_flag(write_video(folder / f"{degrees}.mov", turned, **lossless), degrees)
    write_video(folder / "8k.mov", grey_pictures(1, size_wh=(7680, 4320)), **lossless)
    write_video(folder / "line.mov", grey_pictures(2, size_wh=(4000, 1)), **lossless)
    times_s = np.concatenate([np.arange(30) / 60, 0.5 + np.arange(15) / 10])
    write_flashes(folder / f"{NASTY}.mp4", times_s, (0.2, 1.0, 1.6), size_wh=(90, 161), pixels="yuv444p")
    turn_flag(folder / f"{NASTY}.mp4", 270)
    exports = ["upright", *map(str, TURNS), "8k", "line"]
    arguments = [["--video", f"{name}.mov", "--headless", "--export", f"{name}.npz"] for name in exports]
    arguments.append(
        [
            f"--video={NASTY}.mp4",
            "--headless",
            f"--output={NASTY}-3d.mp4",
            f"--export={NASTY}.csv",
            f"--stats={NASTY}.json",
        ]
    )
    return dict(zip([*exports, NASTY], run_commands(folder, arguments), strict=True))


def poses(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize("degrees", TURNS)
def test_turned_video_has_the_very_poses_of_the_upright_one(folder, runs, tried, degrees):
    assert runs[str(degrees)].returncode == 0, runs[str(degrees)].stderr
    upright, turned = poses(folder / "upright.npz"), poses(folder / f"{degrees}.npz")
    assert len(upright["frame_index"]) == 4
    for name in ("image_size", "keypoints_2d", "poses_3d"):
        np.testing.assert_array_equal(turned[name], upright[name])
    tried(f"pictures that a phone held turned by {degrees} degrees", 1, "the very poses of the upright video")


@pytest.mark.parametrize("name", ["8k", "line"])
def test_largest_and_flattest_pictures(runs, tried, name):
    assert runs[name].returncode == 0, runs[name].stderr
    assert "nobody was found" in runs[name].stderr
    tried("a video of {}".format({"8k": "7680x4320", "line": "4000x1"}[name]), 1, "processed to the end")


def test_odd_size_variable_rate_turned_with_a_nasty_name(folder, runs, tried):
    """The annotated video plays, stands upright and keeps picture and sound together."""
    done = runs[NASTY]
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("posedemo: ") for line in done.stderr.splitlines()), done.stderr
    assert "\x1b" not in done.stderr
    assert_in_step(folder / f"{NASTY}-3d.mp4", (0.2, 1.0, 1.6), frame_s=0.1)
    assert {path.name for path in folder.glob("*ünï*")} == {
        f"{NASTY}.mp4", f"{NASTY}-3d.mp4", f"{NASTY}.csv", f"{NASTY}.json",
    }  # fmt: skip
    tried(
        "odd size, variable rate, turned, sound, a name with a line feed and a terminal command", 1, "all outputs right"
    )


@pytest.fixture
def dead_address():
    """A server that takes calls and never answers, and how many it took."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        calls: list[socket.socket] = []

        def take_calls() -> None:
            with contextlib.suppress(OSError):
                while True:
                    calls.append(server.accept()[0])

        threading.Thread(target=take_calls, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/part.ts", calls
        for call in calls:
            call.close()


def test_what_is_no_video_is_refused_in_one_sentence(tmp_path, tried, dead_address):
    address, calls = dead_address
    good = write_video(tmp_path / "good.mp4", grey_pictures(3), audio_s=0.2).read_bytes()
    os.mkfifo(tmp_path / "pipe.mp4")
    contents = {
        "empty.mp4": b"",
        "text.mp4": b"these are my notes\n" * 100,
        "zeros.mp4": bytes(10_000_000),
        "noise.avi": np.random.default_rng(0).bytes(100_000),
        "head.mp4": good[:200],
        "playlist.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n".encode(),
        "list.txt": f"ffconcat version 1.0\nfile {address}\n".encode(),
        "call.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        b"a=rtpmap:96 H264/90000\n",
        "line\nfeed.mp4": b"no video",
        "\x1b[31mred.mp4": b"no video",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    write_video(tmp_path / "none.avi", [], codec="mjpeg", pixels="yuvj420p")
    write_video(tmp_path / "silent.mp4", [], audio_s=0.5)
    sources = [
        *contents,
        "none.avi",
        "silent.mp4",
        "pipe.mp4",
        "/dev/zero",
        ".",
        "gone.mp4",
        "good.mp4/in-it.mp4",
        "y" * 300,
    ]
    before = sorted(tmp_path.iterdir())
    outputs = ["--headless", "--output", "o.mp4", "--export", "o.npz"]
    for name, done in zip(
        sources, run_commands(tmp_path, [["--video", name, *outputs] for name in sources]), strict=True
    ):
        assert_one_sentence(done, SOURCE, name.splitlines()[-1].removeprefix("\x1b"))
    assert sorted(tmp_path.iterdir()) == before
    assert not calls, "a file does not make the program call anybody"
    tried(
        "what is no video: empty, text, zeros, noise, sound alone, playlists, a pipe, a device", len(sources), "refused"
    )


def test_output_name_that_is_too_long(tmp_path, tried):
    write_video(tmp_path / "good.mp4", grey_pictures(3))
    outputs = [("--output", ".mp4"), ("--export", ".csv"), ("--stats", ".json"), ("--record", ".pose")]
    runs = [["--video", "good.mp4", "--headless", option, "y" * 300 + suffix] for option, suffix in outputs]
    for done in run_commands(tmp_path, runs):
        assert_one_sentence(done, OUTPUT, "too long", "another name")
    tried("output names of 300 characters", len(runs), "refused before anything starts")


def test_no_process_is_left_behind(start_posedemo, demo_clip, tmp_path, tried):
    """The 3D room is drawn by a process of its own, which must end with its parent, whatever ends that one."""
    process = start_posedemo("--video", demo_clip, "--headless", "--output", "out.mp4")
    wait_for_video(tmp_path)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.kill()
    process.communicate(timeout=TIMEOUT_S)
    _, alive = psutil.wait_procs(children, timeout=TIMEOUT_S)
    assert not alive
    tried("a run that is killed while it writes a video", 1, "no process is left behind")
