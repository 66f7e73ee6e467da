"""``posedemo bench``: one short real run whose numbers hang together, and what it refuses. No time is asserted."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from command_line import COMMAND, TIMEOUT_S, assert_one_sentence, without_display
from posedemo.bench.advice import advise
from posedemo.bench.clip import SIZE_WH, write_clip
from posedemo.capture.video import VideoFile
from posedemo.manifest import manifest
from posedemo.settings import Settings
from videos import clip_pictures, write_video

NUM_PICTURES = 12
DETECTORS = {"mediapipe-full", "mediapipe-lite"}
"""Those that ship; an empty cache keeps the third from being there."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run of one round over a few small pictures, and its JSON file."""
    folder = tmp_path_factory.mktemp("bench")
    clip = write_video(folder / "clip.mp4", clip_pictures(40, 40 + NUM_PICTURES))
    done = subprocess.run(
        [COMMAND, "bench", "--video", clip, "--rounds", "1", "--json", folder / "bench.json"],
        cwd=folder,
        env=without_display() | {"POSEDEMO_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=4 * TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "bench.json").read_text())


def test_every_detector_is_compared_with_the_bare_loop(measured):
    _, results = measured
    rows = results["comparisons"]
    failed = {row["name"] for row in results["unavailable"]}
    outputs = {"poses", "annotated video"} - failed
    assert "poses" in outputs
    assert {(row["detector"], row["output"]) for row in rows} == {(name, out) for name in DETECTORS for out in outputs}
    for row in rows:
        assert row["ratios"] == [row["ratio"]]
        # Both rates and their ratio are rounded to two and three places.
        assert row["ratio"] == pytest.approx(row["frames_per_second"] / row["bare_fps"], rel=0.02)
        assert 0 < row["rest_percent"] < 100
        assert row["detect_percent"] + row["rest_percent"] == pytest.approx(100)
        if sys.platform != "win32":
            assert row["peak_memory_mb"] > 0
            assert row["bare_peak_memory_mb"] > 0


def test_every_pair_runs_on_the_processor_or_says_why_not(measured):
    _, results = measured
    lifters = {entry.name for entry in manifest() if entry.kind == "lifter" and not entry.is_untrained}
    on_cpu = [(pair["detector"], pair["lifter"]) for pair in results["pairs"] if pair["provider"] == "cpu"]
    assert sorted(on_cpu) == sorted((detector, lifter) for detector in DETECTORS for lifter in lifters)
    for pair in results["pairs"]:
        # The median frame of a stage is a part of what a frame takes; half again, since means and medians differ.
        assert 0 < pair["lift_ms"] < 1.5e3 / pair["frames_per_second"]
        assert pair["detect_ms"] > 0


def test_what_is_said_of_the_run_is_true(measured):
    text, results = measured
    assert results["clip"] == {"name": "clip.mp4", "num_frames": NUM_PICTURES, "size_wh": [640, 360]}
    assert results["rounds"] == 1
    assert results["start_up"]["first_pose_s"] > results["start_up"]["help_s"] > 0
    assert results["recommendation"] == advise(results["pairs"])
    assert text.splitlines()[-1] == results["recommendation"]
    assert all(name in text for name in DETECTORS)


def test_the_clip_that_ships_is_full_hd(tmp_path):
    num_frames = 64  # the packaged pictures are fewer, so some come again
    write_clip(tmp_path / "clip.mp4", num_frames)
    video = VideoFile(tmp_path / "clip.mp4")
    try:
        assert video.info.size_wh == SIZE_WH
        assert sum(1 for _ in video.frames()) == num_frames
    finally:
        video.close()


def pair(detector: str, rate: float, *, provider: str = "cpu", lifter: str = Settings.lifter) -> dict[str, object]:
    return {"detector": detector, "lifter": lifter, "provider": provider, "frames_per_second": rate}


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([pair("mediapipe-full", 41), pair("mediapipe-lite", 60)], ["--detector mediapipe-full", "41 frames"]),
        ([pair("mediapipe-full", 29), pair("mediapipe-lite", 33)], ["--detector mediapipe-lite", "33 frames"]),
        ([pair("mediapipe-full", 9), pair("mediapipe-lite", 14)], ["mediapipe-lite", "14 frames", "dropped"]),
        ([pair("mediapipe-full", 41), pair("mediapipe-full", 50, provider="cuda")], ["50 frames", "--provider cuda"]),
    ],
    ids=["most accurate that keeps up", "lighter one keeps up", "none keeps up", "faster provider"],
)
def test_advice_is_the_most_accurate_detector_that_keeps_up(pairs, words):
    sentence = advise([*pairs, pair("mediapipe-heavy", 500, lifter="semgcn")])
    assert all(word in sentence for word in words), sentence


def test_providers_as_fast_as_each_other_are_not_named():
    sentence = advise([pair("mediapipe-full", 40), pair("mediapipe-full", 41, provider="cuda")])
    assert "--provider" not in sentence


def test_where_the_default_lifter_cannot_run_another_is_named():
    assert "--lifter dg-net" in advise([pair("mediapipe-full", 40, lifter="dg-net")])


def test_bad_input_is_refused_in_a_sentence(posedemo, tmp_path):
    (tmp_path / "notes.mp4").write_text("not a video")
    (tmp_path / "there.json").write_text("{}")
    assert_one_sentence(posedemo("bench", "--video", "nowhere.mp4"), 3, "nowhere.mp4", "does not exist")
    assert_one_sentence(posedemo("bench", "--video", "notes.mp4"), 3, "notes.mp4")
    assert_one_sentence(posedemo("bench", "--json", "there.json"), 5, "there.json exists already", "--overwrite")
    assert_one_sentence(posedemo("bench", "--json", "numbers.txt"), 2, "numbers.txt")
    for rounds in ("0", "many"):
        done = posedemo("bench", "--rounds", rounds)
        assert done.returncode == 2
        assert "whole number" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.mp4", "there.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at SIGTERM, and it can take nobody along")
def test_terminated_bench_takes_the_run_along_that_it_measures(start_posedemo, tmp_path):
    clip = write_video(tmp_path / "clip.mp4", clip_pictures(40, 90))
    process = start_posedemo("bench", "--video", clip, "--json", "bench.json", POSEDEMO_CACHE=str(tmp_path / "cache"))
    deadline_s = time.monotonic() + TIMEOUT_S
    while not (measured := running_commands(tmp_path)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert "Traceback" not in errors
    assert not measured & running_commands(tmp_path)
    assert not (tmp_path / "bench.json").exists()


def running_commands(folder: Path) -> set[int]:
    """Numbers of the processes, other than the bench itself, whose arguments name something in a folder."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        arguments = process.info["cmdline"] or []
        if "bench" not in arguments and any(str(folder) in one for one in arguments):
            found.add(process.pid)
    return found
