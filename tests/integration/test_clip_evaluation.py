"""``posedemo evaluate --video``: real pictures in, numbers out; faults in, one sentence out."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from posedemo import registry
from posedemo.cli import main
from posedemo.clip_evaluation import ClipEvaluation, evaluate_clip, shipped_lifters
from posedemo.clip_pictures import hard_frames
from posedemo.clip_recording import lift, record
from posedemo.errors import ConfigError
from posedemo.modes import lifter_in_mode
from posedemo.settings import Settings
from videos import clip_pictures, grey_pictures, write_video

CONFIG, SOURCE, MODEL, OUTPUT = 2, 3, 4, 5
NUM_FRAMES = 24
LIFTER = "global-gcn"
"""The quickest of those that ship; what is tested here is alike for all."""

AS_THEY_ARE, AS_SHOWN = "As they are", "As the program shows them"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """The jumper on the wall: most of a second of the demo clip, small."""
    return write_video(tmp_path_factory.mktemp("clip") / "jumper.mp4", clip_pictures(76, 76 + NUM_FRAMES))


@pytest.fixture(scope="module")
def evaluation(clip) -> ClipEvaluation:
    return evaluate_clip(clip, [LIFTER, "mediapipe"], detector="mediapipe-lite")


def test_what_was_seen_is_said(evaluation):
    facts = evaluation.report.facts
    assert facts["clip"] == "jumper.mp4"
    assert facts["frames"] == f"{NUM_FRAMES} of 640x360 at 30 Hz"
    assert facts["tracks"] == "1"
    assert facts["detector"].startswith("mediapipe-lite, ")
    assert facts["without a person"] == "0"


def test_a_real_person_gives_plausible_numbers(evaluation):
    """Bounds are wide: a lifter with rubber limbs, swapped sides or a wrong camera is outside of them by far."""
    for name, scores in evaluation.report.blocks[AS_THEY_ARE].items():
        assert 0 < scores.bone_spread_percent < 25, name
        assert 0 < scores.asymmetry_percent < 30, name
        assert 0 < scores.jitter_mm < 100, name
        # 30 frames a second: 1 mm a frame squared is 0.9 m/s^2.
        assert scores.jitter_m_per_s2 == pytest.approx(0.9 * scores.jitter_mm, rel=0.01), name
        assert 0 < scores.reprojection_percent < 8, name
        assert scores.unknown_joints_percent == 0, name
        assert len(scores.jumps) < 5, name


def test_agreement_is_with_mediapipes_own_3d(evaluation):
    rows = evaluation.report.blocks[AS_THEY_ARE]
    assert 10 < rows[LIFTER].from_detector_mm < 150
    assert rows["mediapipe"].from_detector_mm is None
    assert rows[LIFTER].lifter_ms > 0
    assert rows["mediapipe"].lifter_ms is None


def test_a_second_table_has_the_programs_own_settings(evaluation):
    assert list(evaluation.report.blocks) == [AS_THEY_ARE, AS_SHOWN]
    shown, raw = evaluation.report.blocks[AS_SHOWN][LIFTER], evaluation.report.blocks[AS_THEY_ARE][LIFTER]
    assert shown.jitter_mm < raw.jitter_mm
    assert shown.bone_spread_percent < raw.bone_spread_percent
    assert f"smoothing {Settings.smooth}" in evaluation.report.facts["as shown"]


def test_every_lifter_gets_the_same_joints_and_the_same_people(evaluation):
    """The detector's own 3D comes back as it was, so that nobody was lost or exchanged on the way."""
    ours, baseline = (evaluation.lifted[name].results for name in (LIFTER, "mediapipe"))
    assert len(ours) == len(baseline) == NUM_FRAMES
    for one, other in zip(ours, baseline, strict=True):
        assert [person.track_id for person in one.people] == [person.track_id for person in other.people]
        for mine, theirs in zip(one.people, other.people, strict=True):
            assert mine.keypoints is theirs.keypoints
            own_m = theirs.keypoints.world_xyz_m
            np.testing.assert_allclose(theirs.pose.xyz_m, own_m - own_m[0], atol=1e-6)


def test_hard_frames_are_the_worst_and_apart(evaluation):
    frames = hard_frames(evaluation.lifted[LIFTER].results)
    assert 1 <= len(frames) <= 6
    assert [frame.apart_m for frame in frames] == sorted((frame.apart_m for frame in frames), reverse=True)
    times_s = sorted(frame.time_s for frame in frames)
    assert np.diff(times_s).min(initial=1) >= 0.5
    worst_m = 1e-3 * evaluation.report.blocks[AS_THEY_ARE][LIFTER].from_detector_mm
    assert frames[0].apart_m > worst_m


def test_whole_demo_clip_is_shown_without_a_jump_or_a_swap(demo_clip):
    """Somebody jumps off a wall, and somebody else walks by: from single frames the pose jumps and swaps."""
    single, default = LIFTER, lifter_in_mode(Settings.lifter, "file")
    evaluation = evaluate_clip(demo_clip, [single, default], detector=Settings.detector)
    raw, shown = (evaluation.report.blocks[block] for block in (AS_THEY_ARE, AS_SHOWN))
    assert raw[single].jumps
    assert raw[single].swaps
    for name in (single, default):
        assert (shown[name].jumps, shown[name].swaps) == ((), ()), name
    assert evaluation.report.facts["tracks"] == "1"


def test_a_clip_is_shown_with_what_stands_in_for_a_lifter_in_files(clip):
    evaluation = evaluate_clip(clip, ["gla-gcn", "gla-gcn-centred"], detector=Settings.detector)
    raw, shown = (evaluation.report.blocks[block] for block in (AS_THEY_ARE, AS_SHOWN))
    assert raw["gla-gcn"].jitter_mm != raw["gla-gcn-centred"].jitter_mm
    assert shown["gla-gcn"].jitter_mm == shown["gla-gcn-centred"].jitter_mm


def test_every_lifter_gets_everybody_who_was_seen(demo_clip):
    """Also those whom only a second look found, and under the same number."""
    settings = Settings(video=demo_clip, headless=True)
    recording = record(settings)
    with registry.create_lifter(LIFTER, provider="cpu") as lifter:
        lifted = lift(recording, lifter, settings)
    seen, given = ([[person.track_id for person in one.people] for one in way.results] for way in (recording, lifted))
    assert sum(map(len, seen)) > 200
    assert given == seen


def test_all_lifters_that_ship_are_the_default():
    assert set(shipped_lifters()) >= {"semgcn", "global-gcn", "dg-net", "gla-gcn"}
    assert shipped_lifters()[-1] == "mediapipe"


@pytest.fixture
def evaluate(clip, tmp_path, monkeypatch, capsys):
    """Run the command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["evaluate", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_command_writes_the_tables(evaluate, clip, tmp_path):
    arguments = ("--video", clip, "--lifter", LIFTER, "--max-frames", 8, "--json", "e.json", "--markdown", "e.md")
    code, shown, _ = evaluate(*arguments, "--smooth", "calm")
    assert code == 0
    content = json.loads((tmp_path / "e.json").read_text())
    assert list(content["scores"]) == [f"{AS_THEY_ARE}, smoothing calm", AS_SHOWN]
    assert content["measured"]["frames"].startswith("8 of ")
    assert (tmp_path / "e.md").read_text().count(f"| {LIFTER} |") == 2
    assert LIFTER in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.json", "e.md"]


def test_it_needs_no_training_library(clip, tmp_path):
    """The plain installation has no PyTorch, onnx or onnxscript."""
    code = (
        "import sys\n"
        "for name in ('torch', 'onnx', 'onnxscript'): sys.modules[name] = None\n"
        "from posedemo.cli import main\n"
        f"sys.exit(main(['evaluate', '--video', {str(clip)!r}, '--lifter', {LIFTER!r}, '--max-frames', '6']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert LIFTER in done.stdout


@pytest.fixture
def refused(evaluate, tmp_path):
    """Run, and assert one sentence, its exit code, and a folder that stays as it was."""

    def run(code: int, words: tuple[str, ...], *arguments: object) -> None:
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        have, shown, said = evaluate(*arguments)
        assert have == code, said
        assert shown == ""
        errors = [line for line in said.splitlines() if line.startswith("posedemo: error: ")]
        assert len(errors) == 1, said
        assert "Traceback" not in said
        for word in words:
            assert word in said
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before

    return run


def test_clips_that_are_none(refused, tmp_path):
    refused(SOURCE, ("nowhere.mp4", "does not exist"), "--video", "nowhere.mp4", "--json", "e.json")
    (tmp_path / "notes.mp4").write_text("these are my notes\n" * 100)
    refused(SOURCE, ("notes.mp4", "not a video"), "--video", "notes.mp4", "--json", "e.json", "--lifter", LIFTER)


def test_clip_without_a_person(refused, tmp_path):
    empty = write_video(tmp_path / "empty.mp4", grey_pictures(4))
    refused(
        SOURCE,
        ("nobody", "empty.mp4"),
        "--video",
        empty,
        "--lifter",
        LIFTER,
        "--json",
        "e.json",
        "--markdown",
        "e.md",
    )


def test_lifters_that_do_not_fit(refused, clip, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no model" * 100)
    refused(MODEL, ("broken.onnx",), "--video", clip, "--lifter", LIFTER, "broken.onnx", "--json", "e.json")
    refused(MODEL, ("gone.onnx",), "--video", clip, "--lifter", "gone.onnx", "--json", "e.json")
    refused(CONFIG, ("transformer", LIFTER), "--video", clip, "--lifter", "transformer", "--json", "e.json")
    refused(CONFIG, (LIFTER, "twice"), "--video", clip, "--lifter", LIFTER, LIFTER, "--json", "e.json")


def test_outputs_that_exist(refused, clip, tmp_path):
    (tmp_path / "e.md").write_text("precious")
    refused(OUTPUT, ("e.md", "--overwrite"), "--video", clip, "--markdown", "e.md")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "hard-3.png").write_text("precious")
    refused(OUTPUT, ("hard-3.png", "--overwrite"), "--video", clip, "--pictures", "pictures")
    refused(OUTPUT, ("missing", "does not exist"), "--video", clip, "--json", "missing/e.json")
    refused(OUTPUT, ("jumper.mp4", "input"), "--video", clip, "--json", clip, "--overwrite")


def test_options_that_do_not_go_together(refused, clip):
    refused(CONFIG, ("--data", "--video"), "--video", clip, "--data", "corpus.npz")
    refused(CONFIG, ("--protocol", "--video"), "--video", clip, "--protocol", "h36m")
    refused(CONFIG, ("--smooth", "without --video"), "--lifter", LIFTER, "--smooth", "calm")
    refused(CONFIG, ("--pictures", "mediapipe"), "--video", clip, "--lifter", "mediapipe", "--pictures", "p")


def test_unknown_smoothing_names_the_known(clip, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "--video", str(clip), "--smooth", "very"])
    assert ended.value.code == CONFIG
    assert "calm" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="very"):
        evaluate_clip(clip, smooth="very")


@pytest.mark.train
def test_data_are_asked_for_where_there_is_no_clip(refused):
    refused(CONFIG, ("--data", "--video"), "--lifter", LIFTER)
    refused(CONFIG, ("one lifter",), "--lifter", LIFTER, "gla-gcn", "--data", "c.npz")


def test_pictures_show_the_person_and_both_estimates(evaluate, clip, tmp_path):
    import cv2

    code, _, said = evaluate("--video", clip, "--lifter", LIFTER, "--max-frames", 8, "--pictures", "hard")
    assert code == 0, said
    (path,) = (tmp_path / "hard").iterdir()
    assert re.fullmatch(r"hard-1\.png", path.name)
    picture = cv2.imread(str(path))
    # Of another clip there may have been more, which nobody would take for this one's.
    (tmp_path / "hard" / "hard-2.png").write_bytes(path.read_bytes())
    arguments = ("--video", clip, "--lifter", LIFTER, "--max-frames", 8, "--pictures", "hard", "--overwrite")
    assert evaluate(*arguments)[0] == 0
    assert [left.name for left in (tmp_path / "hard").iterdir()] == ["hard-1.png"]
    panes = np.split(picture, 5, axis=1)
    # The picture, and two views of two estimates, which all differ; the rooms are dark.
    assert all(not np.array_equal(one, other) for i, one in enumerate(panes) for other in panes[:i])
    assert all(np.median(pane) < 80 for pane in panes[1:])
