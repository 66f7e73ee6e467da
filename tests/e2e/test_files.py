"""Video files in, pose files and annotated videos out."""

import json
import signal
from fractions import Fraction

import cv2
import numpy as np
import pytest
from bvh_joints import pose_joints_m
from command_line import wait_for_video
from posedemo.models.bvh import read_bvh
from posedemo.sinks.annotated_video import pane_sizes
from videos import audio_duration_s, clip_pictures, describe, grey_pictures, turn_flag, write_video


def poses(path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def leftovers(folder) -> list[str]:
    return [path.name for path in folder.iterdir() if ".partial" in path.name]


def test_demo_clip_to_poses_and_statistics(posedemo, demo_clip, tmp_path):
    done = posedemo(
        "--video", demo_clip, "--headless", "--max-frames", 60,
        "--export", "a.npz", "--export", "a.json", "--export", "a.csv", "--stats", "s.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "WARNING" not in done.stderr
    assert "W0000" not in done.stderr
    table = poses(tmp_path / "a.npz")
    assert table["frame_index"].max() == 59
    assert len(table["frame_index"]) > 50
    assert table["image_size"].tolist() == [1768, 994]
    assert (float(table["fps"]), str(table["lifter"])) == (30.0, "gla-gcn-centred")
    assert np.isfinite(table["poses_3d"]).all()
    np.testing.assert_array_equal(table["poses_3d"][:, 0], 0)
    assert json.loads((tmp_path / "a.json").read_text())["frame_index"] == table["frame_index"].tolist()
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 17 * len(table["frame_index"]) + 1
    stats = json.loads((tmp_path / "s.json").read_text())
    assert (stats["frames_in"] >= 60, stats["frames_processed"], stats["frames_dropped"]) == (True, 60, 0)
    assert set(stats["stages_ms"]["detect"]) == {"p50", "p95", "p99"}
    assert set(stats["age_ms"]) == {"p50", "p95"}
    assert stats["provider"] == "cpu"
    assert stats["wall_time_s"] > 0


def test_run_that_leaves_nothing_behind_says_so(posedemo, demo_clip):
    silent = posedemo("--video", demo_clip, "--headless", "--max-frames", 3)
    assert silent.returncode == 0
    assert "nothing is shown and no file is written: leave out --headless, or give --output" in silent.stderr
    assert (
        "nothing is shown"
        not in posedemo("--video", demo_clip, "--headless", "--max-frames", 3, "--stats", "s.json").stderr
    )


def test_bvh_moves_the_same_joints(posedemo, demo_clip, tmp_path):
    done = posedemo("--video", demo_clip, "--headless", "--max-frames", 60, "--export", "a.npz", "--export", "a.bvh")
    assert done.returncode == 0, done.stderr
    again = posedemo("lift", "a.npz", "--output", "b.bvh")
    assert again.returncode == 0, again.stderr
    table = poses(tmp_path / "a.npz")
    for name in ("a.bvh", "b.bvh"):
        motion = read_bvh(tmp_path / name)
        joints_m = pose_joints_m(motion)
        assert len(joints_m) == np.ptp(table["frame_index"]) + 1
        found_m = joints_m[table["frame_index"] - table["frame_index"][0]]
        room_m = table["poses_3d"] * [1, -1, -1]
        # Bones have one length in the whole file, as they have here; angles have four digits.
        np.testing.assert_allclose(found_m - found_m[:, :1], room_m, atol=1e-3)
        assert motion.frame_time_s == pytest.approx(1 / 30, abs=1e-6)
        # Somebody stands on the floor, and is where the clip has them, not at the edge of the world.
        assert 0 < joints_m[..., 1].min() < 0.1
        assert np.abs(joints_m[:, 0]).max() < 2


def test_exported_keypoints_lift_to_the_same_poses(posedemo, demo_clip, tmp_path):
    """All of the clip: somebody is lost for a while, a second one comes, and the lifter looks ahead of both."""
    how = ("--max-people", 2, "--fov", 75, "--height", 180)
    assert posedemo("--video", demo_clip, "--headless", *how, "--export", "a.npz").returncode == 0
    done = posedemo("lift", "a.npz", "--output", "b.npz")
    assert done.returncode == 0, done.stderr
    first, second = poses(tmp_path / "a.npz"), poses(tmp_path / "b.npz")
    for name in ("frame_index", "track_id"):
        np.testing.assert_array_equal(second[name], first[name])
    assert first["track_id"].max() > 0
    assert np.diff(first["frame_index"][first["track_id"] == 0]).max() > 1
    # One window at a time or 256 in a batch: the same sums in another order.
    np.testing.assert_allclose(second["poses_3d"], first["poses_3d"], atol=1e-5)
    np.testing.assert_array_equal(second["keypoints_2d"], first["keypoints_2d"])
    assert str(second["detector"]) == "mediapipe-full"
    assert (second["fov_deg"], second["height_cm"]) == (75, 180), "the file says with what it was made"


def test_annotated_video_has_both_views_the_same_times_and_the_sound(posedemo, tmp_path):
    """The clip begins with the jumper alone, facing the camera with outstretched arms."""
    pictures = clip_pictures(0, 25, size_wh=(1768, 994))
    write_video(tmp_path / "in.mp4", pictures, fps=Fraction(30_000, 1001), audio_s=0.9)
    done = posedemo("--video", "in.mp4", "--output", "out.mp4")
    assert done.returncode == 0, done.stderr
    before, after = describe(tmp_path / "in.mp4"), describe(tmp_path / "out.mp4")
    assert (after["codec"], after["pixels"], after["audio"]) == ("h264", "yuv420p", ["aac"])
    assert after["num_frames"] == before["num_frames"] == 25
    np.testing.assert_allclose(after["times_s"], before["times_s"], atol=1e-4)
    assert abs(after["rate"] - before["rate"]) < Fraction(1, 100)
    assert audio_duration_s(tmp_path / "out.mp4") == pytest.approx(audio_duration_s(tmp_path / "in.mp4"), abs=0.05)
    content = (tmp_path / "out.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "browsers start to play before the end is loaded"

    (width, height), _ = pane_sizes((1768, 994))
    picture, room = after["last_bgr"][:, :width], after["last_bgr"][:, width:]
    original = cv2.resize(before["last_bgr"], (width, height)).astype(int)
    changed = (np.abs(picture.astype(int) - original).max(axis=-1) > 60).mean()
    assert 0.0005 < changed < 0.05, "the overlay covers the person, not the picture"
    # Blue is the person's left and orange their right.
    blue = (room[..., 0].astype(int) - room[..., 2] > 60).nonzero()[1]
    orange = (room[..., 2].astype(int) - room[..., 0] > 60).nonzero()[1]
    assert min(len(blue), len(orange)) > 100
    assert np.median(orange) < np.median(blue)


def test_mirror_shows_a_mirror_image_and_measures_the_same(posedemo, tmp_path):
    write_video(tmp_path / "in.mp4", clip_pictures(60, 63))
    for name, option in (("plain", []), ("mirrored", ["--mirror"])):
        done = posedemo("--video", "in.mp4", "--output", f"{name}.mp4", "--export", f"{name}.npz", *option)
        assert done.returncode == 0, done.stderr
    plain, mirrored = (describe(tmp_path / f"{name}.mp4")["first_bgr"] for name in ("plain", "mirrored"))
    picture = slice(None), slice(0, 640)
    # Two encodings of mirrored pictures differ by a few grey levels.
    assert np.abs(plain[picture][:, ::-1].astype(int) - mirrored[picture]).mean() < 4
    np.testing.assert_array_equal(
        poses(tmp_path / "plain.npz")["poses_3d"], poses(tmp_path / "mirrored.npz")["poses_3d"]
    )


def test_portrait_phone_video_with_variable_rate(posedemo, tmp_path):
    ticks = [0, 33, 70, 140, 141, 300]
    write_video(tmp_path / "phone.mp4", clip_pictures(60, 66), pts=ticks, time_base=Fraction(1, 1000))
    turn_flag(tmp_path / "phone.mp4", 90)
    done = posedemo("--video", "phone.mp4", "--output", "out.mp4", "--headless")
    assert done.returncode == 0, done.stderr
    after = describe(tmp_path / "out.mp4")
    width, height = after["size_wh"]
    assert height == 640
    assert width > 360
    np.testing.assert_allclose(after["times_s"], np.array(ticks) / 1000, atol=2e-3)


@pytest.mark.parametrize("size_wh", [(33, 17), (1, 1)])
def test_odd_and_tiny_sizes(posedemo, tmp_path, size_wh):
    write_video(tmp_path / "tiny.avi", grey_pictures(3, size_wh=size_wh), codec="ffv1", pixels="bgr0")
    done = posedemo("--video", "tiny.avi", "--output", "out.mp4", "--headless")
    assert done.returncode == 0, done.stderr
    after = describe(tmp_path / "out.mp4")
    assert after["num_frames"] == 3
    assert all(length % 2 == 0 for length in after["size_wh"])


@pytest.mark.parametrize("name", ["in.mkv", "in.mp4"])
def test_sound_ends_where_a_run_is_stopped(posedemo, tmp_path, name):
    """Matroska does not say how many frames it holds."""
    write_video(tmp_path / name, grey_pictures(120), audio_s=4.0)
    done = posedemo("--video", name, "--headless", "--max-frames", 15, "--output", "out.mp4")
    assert done.returncode == 0, done.stderr
    # Half a second of pictures, and as much lead as players want.
    assert audio_duration_s(tmp_path / "out.mp4") < 1.1


def test_sound_that_mp4_players_do_not_know_becomes_aac(posedemo, tmp_path):
    write_video(tmp_path / "in.mkv", grey_pictures(15), audio_s=0.5, audio_codec="pcm_s16le")
    assert posedemo("--video", "in.mkv", "--output", "out.mp4", "--headless").returncode == 0
    assert describe(tmp_path / "out.mp4")["audio"] == ["aac"]
    # AAC works in blocks of 1024 samples and adds a block of lead-in.
    assert audio_duration_s(tmp_path / "out.mp4") == pytest.approx(0.5, abs=0.06)


def test_nobody_in_the_whole_video(posedemo, tmp_path):
    write_video(tmp_path / "empty.mp4", grey_pictures(12))
    done = posedemo("--video", "empty.mp4", "--headless", "--output", "out.mp4", "--export", "out.npz")
    assert done.returncode == 0, done.stderr
    assert "nobody was found" in done.stderr
    assert poses(tmp_path / "out.npz")["poses_3d"].shape == (0, 17, 3)
    assert describe(tmp_path / "out.mp4")["num_frames"] == 12


def test_person_who_leaves_and_returns_is_somebody_new(posedemo, tmp_path):
    away = [np.zeros((360, 640, 3), np.uint8)] * 40
    write_video(tmp_path / "in.mp4", [*clip_pictures(60, 75), *away, *clip_pictures(60, 75)])
    assert posedemo("--video", "in.mp4", "--headless", "--export", "out.npz").returncode == 0
    table = poses(tmp_path / "out.npz")
    first, second = (table["track_id"][keep] for keep in (table["frame_index"] < 15, table["frame_index"] >= 55))
    assert len(first) > 8
    assert len(second) > 8
    assert not set(first) & set(second)
    assert np.isfinite(table["poses_3d"]).all()


def test_file_cut_in_the_middle_keeps_what_could_be_read(posedemo, tmp_path):
    path = write_video(tmp_path / "cut.mp4", clip_pictures(0, 60), faststart=True)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    outputs = ("--output", "out.mp4", "--export", "out.npz", "--stats", "out.json")
    done = posedemo("--video", path, "--headless", *outputs)
    assert done.returncode == 3
    assert "is damaged: it ends after" in done.stderr
    assert "Traceback" not in done.stderr
    num_frames = describe(tmp_path / "out.mp4")["num_frames"]
    assert 5 < num_frames < 60
    assert poses(tmp_path / "out.npz")["frame_index"].max() == num_frames - 1
    assert json.loads((tmp_path / "out.json").read_text())["frames_processed"] == num_frames
    assert leftovers(tmp_path) == []
    done = posedemo("evaluate", "--video", path, "--lifter", "semgcn", "--json", "scores.json")
    assert done.returncode == 0, done.stderr
    assert "is damaged: it ends after" in done.stderr
    measured = json.loads((tmp_path / "scores.json").read_text())["measured"]
    assert measured["frames"].startswith(f"{num_frames} of ")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_run_leaves_playable_files(start_posedemo, demo_clip, tmp_path, number, code):
    process = start_posedemo("--video", demo_clip, "--headless", "--output", "out.mp4", "--export", "out.npz")
    wait_for_video(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    num_frames = describe(tmp_path / "out.mp4")["num_frames"]
    assert 0 < num_frames < 230
    assert poses(tmp_path / "out.npz")["frame_index"].max() < num_frames
    assert leftovers(tmp_path) == []


def test_a_room_that_cannot_be_drawn_leaves_the_earlier_video_alone(posedemo, tmp_path):
    """As on a machine without OpenGL, before the first picture: there is nothing to put in its place."""
    write_video(tmp_path / "in.mp4", clip_pictures(0, 4))
    (tmp_path / "none").mkdir()
    (tmp_path / "out.mp4").write_bytes(b"of yesterday")
    done = posedemo(
        "--video", "in.mp4", "--headless", "--detector", "mediapipe-lite", "--output", "out.mp4", "--overwrite",
        __EGL_VENDOR_LIBRARY_DIRS=str(tmp_path / "none"),
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert "off-screen OpenGL" in done.stderr
    assert (tmp_path / "out.mp4").read_bytes() == b"of yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "none", "out.mp4"]
