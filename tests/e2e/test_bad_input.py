"""Bad input: one sentence, its exit code, no traceback, nothing half-written."""

import os
import subprocess

import numpy as np
import pytest
from command_line import COMMAND, assert_one_sentence, without_display
from videos import grey_pictures, write_video

CONFIG, SOURCE, MODEL, OUTPUT = 2, 3, 4, 5


@pytest.fixture
def video(tmp_path):
    """A short good video, so that only what the test breaks is wrong."""
    return write_video(tmp_path / "good.mp4", grey_pictures(5))


@pytest.fixture
def refused(posedemo, tmp_path):
    """Run, and assert a refusal that leaves the folder as it was."""

    def run(code: int, words: tuple[str, ...], *arguments: object) -> None:
        before = sorted(path.name for path in tmp_path.iterdir())
        assert_one_sentence(posedemo(*arguments), code, *words)
        assert sorted(path.name for path in tmp_path.iterdir()) == before

    return run


def test_missing_file(refused):
    refused(SOURCE, ("nowhere.mp4", "does not exist"), "--video", "nowhere.mp4", "--headless", "--output", "o.mp4")


@pytest.mark.parametrize(
    "arguments",
    [("--video", "", "--headless"), ("--video", "x.mp4", "--output", ""), ("--video", "x.mp4", "--export", "")],
    ids=" ".join,
)
def test_a_word_that_is_empty_names_no_file(refused, arguments):
    """As a script passes where a variable of its own is empty; pathlib would take it for the folder."""
    refused(CONFIG, ("names no file",), *arguments)


def test_text_called_mp4(refused, tmp_path):
    (tmp_path / "notes.mp4").write_text("these are my notes\n" * 100)
    refused(SOURCE, ("notes.mp4", "not a video"), "--video", "notes.mp4", "--headless", "--output", "o.mp4")


def test_mp4_without_its_end(refused, tmp_path, video):
    """A recording that was cut off: the index at the end is missing, so not one frame can be read."""
    video.write_bytes(video.read_bytes()[:-200])
    refused(SOURCE, ("good.mp4",), "--video", video, "--headless", "--output", "o.mp4", "--export", "o.npz")


def test_video_without_frames(refused, tmp_path):
    write_video(tmp_path / "none.avi", [], codec="mjpeg", pixels="yuvj420p")
    refused(SOURCE, ("none.avi",), "--video", "none.avi", "--headless", "--export", "o.csv")


def test_camera_that_does_not_exist(refused):
    refused(SOURCE, ("camera 63", "cannot be opened"), "--camera", 63, "--headless", "--export", "o.npz")


def test_stream_that_nobody_sends(refused):
    refused(SOURCE, ("127.0.0.1:9",), "--camera", "http://127.0.0.1:9/stream", "--headless")


def test_camera_that_is_neither_number_nor_address(refused):
    refused(CONFIG, ("front", "--camera 0"), "--camera", "front", "--headless")


def test_names_that_no_file_can_have(refused, video):
    refused(CONFIG, ("name too long",), "x" * 300)
    refused(CONFIG, ("name too long",), "evaluate", "--video", video, "--pictures", "x" * 300)
    refused(CONFIG, ("name too long",), "pack", "x" * 300)
    refused(MODEL, ("~nosuchuser/own.onnx",), "--video", video, "--headless", "--lifter", "~nosuchuser/own.onnx")


def test_camera_of_a_number_that_no_camera_has(refused):
    refused(CONFIG, ("no camera 99999999",), "--camera", "99999999", "--headless", "--export", "o.npz")


def test_address_that_is_none(refused):
    refused(CONFIG, ("address", "--camera"), "--camera", "rtsp://[abc/stream", "--headless", "--export", "o.npz")


def test_address_of_a_file(refused, video):
    words = ("is a video file and no stream", "--video")
    refused(CONFIG, words, "--camera", f"file://{video}", "--headless", "--export", "o.npz")
    refused(SOURCE, ("does not exist", "--camera"), "--video", "http://127.0.0.1:9/a.mp4", "--headless")


def test_fallback_is_an_input(refused, video):
    before = video.read_bytes()
    arguments = ("--camera", "udp://127.0.0.1:9", "--fallback", video, "--headless", "--output", video, "--overwrite")
    refused(OUTPUT, (video.name, "is the input itself"), *arguments)
    assert video.read_bytes() == before


def test_output_that_is_a_link_to_nothing(refused, tmp_path, video):
    (tmp_path / "o.npz").symlink_to(tmp_path / "gone.npz")
    refused(OUTPUT, ("o.npz", "link"), "--video", video, "--headless", "--export", "o.npz", "--overwrite")


@pytest.mark.parametrize("number", ["0", "abc", "9" * 25])
def test_numbers_of_frames_that_nobody_means(posedemo, tmp_path, video, number):
    done = posedemo("--video", video, "--headless", "--export", "o.npz", "--max-frames", number)
    assert done.returncode == 2
    assert f"'{number}' is not a whole number from 1 on" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_source_and_two_sources(refused, video):
    refused(CONFIG, ("a camera or a video",))
    refused(CONFIG, ("a camera or a video",), "--camera", 0, "--video", video)


@pytest.mark.parametrize("option", ["--output o.mp4", "--export o.npz", "--export o.json", "--stats o.json"])
def test_output_that_exists(posedemo, tmp_path, video, option):
    existing = tmp_path / option.split()[1]
    existing.write_bytes(b"precious")
    assert_one_sentence(
        posedemo("--video", video, "--headless", *option.split()), OUTPUT, existing.name, "exists", "--overwrite"
    )
    assert existing.read_bytes() == b"precious"
    assert posedemo("--video", video, "--headless", *option.split(), "--overwrite").returncode == 0
    assert existing.read_bytes() != b"precious"


def test_folder_that_cannot_be_written(refused, video):
    refused(OUTPUT, ("/proc", "another folder"), "--video", video, "--headless", "--export", "/proc/o.npz")
    refused(OUTPUT, ("missing", "create it"), "--video", video, "--headless", "--output", "missing/o.mp4")


def test_format_that_cannot_be_written(refused, video):
    refused(CONFIG, ("o.gif", ".mp4"), "--video", video, "--headless", "--output", "o.gif")
    refused(CONFIG, ("o.txt", ".npz", ".csv"), "--video", video, "--headless", "--export", "o.txt")


def test_unknown_models_list_the_known(refused, video):
    refused(
        CONFIG, ("posenet", "mediapipe-full", "mediapipe-lite"), "--video", video, "--headless", "--detector", "posenet"
    )
    refused(CONFIG, ("transformer", "semgcn"), "--video", video, "--headless", "--lifter", "transformer")


@pytest.mark.parametrize(("option", "name"), [("--lifter", "broken.onnx"), ("--detector", "broken.task")])
def test_damaged_model_file(refused, tmp_path, video, option, name):
    (tmp_path / name).write_bytes(os.urandom(5000))
    refused(MODEL, (name,), "--video", video, "--headless", option, name, "--output", "o.mp4")
    (tmp_path / name).write_bytes(b"")
    refused(MODEL, (name,), "--video", video, "--headless", option, name, "--export", "o.npz")


def test_model_file_that_is_missing(refused, video):
    refused(MODEL, ("gone.onnx",), "--video", video, "--headless", "--lifter", "gone.onnx")


def test_provider_that_is_not_there(refused, video):
    """Asked for by name, a provider that does not run is an error, never a silent fallback."""
    refused(CONFIG, ("tensorrt", "--provider auto"), "--video", video, "--headless", "--provider", "tensorrt")


def test_no_display_says_how_to_do_without(posedemo, video, tmp_path):
    assert_one_sentence(posedemo("--video", video), CONFIG, "no display", "--headless")
    done = posedemo("--video", video, "--export", "o.npz")
    assert done.returncode == 0, done.stderr
    assert "without a window" in done.stderr


def test_heavy_detector_offline(tmp_path, video):
    """No proxy answers, so the model cannot be fetched; the hint names address and place."""
    cache = tmp_path / "cache"
    environment = without_display() | {"POSEDEMO_CACHE": str(cache), "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [COMMAND, "--video", video, "--headless", "--detector", "mediapipe-heavy", "--export", tmp_path / "o.npz"],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert_one_sentence(done, MODEL, "mediapipe-heavy", "offline", "https://storage.googleapis.com", str(cache))
    assert not (tmp_path / "o.npz").exists()


def keypoints(**changes: object) -> dict[str, object]:
    table = np.random.default_rng(0).uniform(0, 400, (4, 17, 3)).astype(np.float32)
    table[..., 2] = 1
    return {"keypoints_2d": table, "image_size": [640, 480], "fps": 30.0} | changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keypoints_2d": np.zeros((4, 12, 2))}, ("12 joints",)),
        ({"keypoints_2d": np.zeros((4, 17))}, ("shape",)),
        ({"fps": 0.0}, ("fps",)),
        ({"fps": float("nan")}, ("fps",)),
        ({"image_size": [0, 480]}, ("image_size",)),
        ({"image_size": [640]}, ("image_size", "1 numbers")),
        ({"image_size": [640, 480, 3]}, ("image_size", "3 numbers")),
        ({"image_size": [640, np.nan]}, ("not numbers",)),
        ({"track_id": np.full(4, 2**64 - 1, np.uint64)}, ("track_id", "beyond reason")),
        ({"layout": "openpose25"}, ("openpose25", "mediapipe33")),
        ({"layout": "mediapipe33"}, ("17 joints",)),
        ({"time_s": np.zeros(3)}, ("time_s",)),
        ({"time_s": np.full(4, np.nan)}, ("time_s",)),
        ({"frame_index": np.array([0, 0, 1, 1])}, ("two rows of person 0 at 0 seconds", "track_id")),
        ({"keypoints_2d": np.array([["a", "b"]])}, ("not numbers",)),
        ({"sides_look_ahead_ms": float("nan")}, ("sides_look_ahead_ms", "milliseconds")),
        ({"sides_look_ahead_ms": "long"}, ("sides_look_ahead_ms", "milliseconds")),
        ({"sides_look_ahead_ms": [200.0, 200.0]}, ("sides_look_ahead_ms", "milliseconds")),
        ({"posedemo_version": "1", "fov_deg": 400.0}, ("fov_deg", "10 to 150")),
        ({"posedemo_version": "1", "height_cm": "tall"}, ("height_cm", "50 to 250")),
    ],
)
def test_lift_refuses_keypoints_that_do_not_fit(refused, tmp_path, changes, words):
    np.savez(tmp_path / "in.npz", **keypoints(**changes))
    refused(SOURCE, ("in.npz", *words), "lift", "in.npz", "--output", "o.npz")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keypoints_2d": np.random.default_rng(0).uniform(0, 1, (4, 17, 2))}, "look like shares of the picture"),
        ({"time_s": np.arange(4) * 1000 / 30}, "must be in seconds"),
    ],
)
def test_lift_warns_of_other_units(posedemo, tmp_path, changes, words):
    np.savez(tmp_path / "in.npz", **keypoints(**changes))
    done = posedemo("lift", "in.npz", "--output", "o.npz")
    assert done.returncode == 0
    assert words in done.stderr
    np.savez(tmp_path / "in.npz", **keypoints())
    assert words not in posedemo("lift", "in.npz", "--output", "o.npz", "--overwrite").stderr


def test_lift_warns_of_two_people_in_one(posedemo, tmp_path):
    """Both in every frame, and no column that says who is who."""
    walk = np.random.default_rng(0).uniform(0, 200, (17, 2)) + 2.0 * np.arange(20)[:, None, None]
    both = np.stack([walk, walk + (600.0, 0.0)], axis=1).reshape(40, 17, 2)
    facts = {"image_size": (1280, 720), "fps": 30.0}
    words = "give everybody a number in track_id"
    np.savez(tmp_path / "in.npz", keypoints_2d=both, **facts)
    assert words in posedemo("lift", "in.npz", "--output", "o.npz").stderr
    who = {"track_id": np.arange(40) % 2, "frame_index": np.arange(40) // 2}
    np.savez(tmp_path / "in.npz", keypoints_2d=both, **facts, **who)
    assert words not in posedemo("lift", "in.npz", "--output", "o.npz", "--overwrite").stderr
    np.savez(tmp_path / "in.npz", keypoints_2d=walk, **facts)
    assert words not in posedemo("lift", "in.npz", "--output", "o.npz", "--overwrite").stderr


def test_lift_refuses_bvh_of_more_frames_than_anybody_films(refused, tmp_path):
    np.savez(tmp_path / "in.npz", **keypoints(time_s=np.arange(4) * 1e9 / 30))
    refused(OUTPUT, ("3000000001 frames", "in seconds"), "lift", "in.npz", "--output", "o.bvh")


def test_lift_refuses_what_is_no_npz_or_needs_pickle(refused, tmp_path):
    refused(SOURCE, ("nowhere.npz",), "lift", "nowhere.npz", "--output", "o.npz")
    (tmp_path / "in.npz").write_bytes(b"PK\x03\x04 not really")
    refused(SOURCE, ("in.npz",), "lift", "in.npz", "--output", "o.npz")
    np.savez(tmp_path / "in.npz", **keypoints(keypoints_2d=np.array([{"x": 1}], dtype=object)))
    refused(SOURCE, ("in.npz", "plain arrays"), "lift", "in.npz", "--output", "o.npz")
    np.savez(tmp_path / "in.npz", keypoints_2d=np.zeros((1, 17, 2)))
    refused(SOURCE, ("image_size",), "lift", "in.npz", "--output", "o.npz")
