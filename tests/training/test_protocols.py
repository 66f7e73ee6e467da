"""The protocols of the papers, on people whose depth a formula knows: a lifter can be perfect, or wrong by a known sum.

The formula turns with the mirror image of a person, so that it is perfect there, too.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from field_data import h36m_files
from posedemo.errors import ConfigError, ModelError, OutputError
from posedemo.models.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from posedemo.models.commands import COMMANDS
from posedemo.models.config import TrainConfig
from posedemo.models.corpus import Clip, Corpus, View, read_corpus, write_corpus
from posedemo.models.evaluate import check_held_out_fits
from posedemo.models.lifter import build_lifter
from posedemo.models.predictors import Predictor, find_predictor, flip_averaged, lift_sequences, rate_notes
from posedemo.models.prepare import prepare
from posedemo.models.protocols import H36M_ACTIONS, evaluate_protocol
from posedemo.models.scores import Report, Scores, SequenceScores, mean_of_frames, score
from posedemo.models.views import camera_to_world, to_camera
from posedemo.remap import own_trunk
from posedemo.sight import turn_to_pelvis
from posedemo.skeleton import H36M17, HUMANEVA15, Skeleton

SIZE_PX = 1000
CAMERA = View("C1", SIZE_PX, SIZE_PX, (math.cos(0.4), 0.0, math.sin(0.4), 0.0), (1.0, 2.0, 3.0), {"gt": 0})
ERROR_UNIT = 0.01
"""A person's pelvis lies at so many screen units times the error in millimetres that the lifter is to make."""


@dataclass(frozen=True)
class Take:
    """A clip to be made; a lifter of ``wrong_by`` is to miss it by ``error_mm``."""

    subject: str
    action: str
    num_frames: int
    error_mm: int = 0


def pose_by_formula(xy: np.ndarray) -> np.ndarray:
    """The pose (..., J, 3) in metres of 2D joints (..., J, 2): depth is a quarter of the height."""
    relative = 0.5 * (xy - xy[..., :1, :])
    return np.concatenate([relative, relative[..., 1:] / 4], axis=-1).astype(np.float32)


def make_corpus(takes: Sequence[Take], skeleton: Skeleton = H36M17, rate_hz: float = 50.0) -> Corpus:
    """One camera, which is turned against the world."""
    random = np.random.default_rng(0)
    clips, xyz_m, xy_px = [], [], []
    start = 0
    for number, take in enumerate(takes):
        xy = random.normal(0, 0.4, (take.num_frames, skeleton.num_joints, 2))
        xy += ERROR_UNIT * take.error_mm * np.array([1, 0]) - xy[:, :1]
        xyz_m.append(pose_by_formula(xy) @ camera_to_world(CAMERA).T + random.normal(size=(take.num_frames, 1, 3)))
        xy_px.append((xy + 1) * SIZE_PX / 2)
        view = replace(CAMERA, starts={"gt": start})
        clips.append(
            Clip(str(number), start, take.num_frames, rate_hz, take.subject, take.action, "family", (view,)),
        )
        start += take.num_frames
    joined_m, joined_px = (np.concatenate(arrays).astype(np.float32) for arrays in (xyz_m, xy_px))
    return Corpus(joined_m, tuple(clips), skeleton, {"gt": joined_px})


PERFECT = Predictor(lambda xy: pose_by_formula(xy[:, -1]), num_frames=1, normalisation="screen", name="perfect")


def lift_wrongly(xy: np.ndarray) -> np.ndarray:
    """Every joint is too far away by what the pelvis' place says."""
    errors_mm = np.round(xy[:, -1, 0, 0] / ERROR_UNIT)
    poses = pose_by_formula(xy[:, -1])
    poses[..., 2] += errors_mm[:, None] / 1000
    return poses


WRONG = replace(PERFECT, lift=lift_wrongly, name="wrong")
H36M_TAKES = (
    Take("h36m/S1", "Walking", 5),
    Take("h36m/S9", "Sitting", 10, error_mm=3),
    Take("h36m/S11", "SittingDown 2", 20, error_mm=7),
    Take("h36m/S9", "SittingDown", 10, error_mm=7),
)


def assert_scores(scores: Scores, **expected: float) -> None:
    for name, value in expected.items():
        # Single precision of a metre: 1e-4 mm.
        assert getattr(scores, name) == pytest.approx(value, abs=2e-3), name


def test_perfect_lifter_scores_zero() -> None:
    report = evaluate_protocol(PERFECT, make_corpus(H36M_TAKES), "h36m", "gt")
    for scores in report.rows.values():
        assert_scores(scores, mpjpe_mm=0, p_mpjpe_mm=0, n_mpjpe_mm=0, mpjve_mm=0)
    assert report.facts["frames"] == "40", "S1 is not tested"


def test_sitting_down_is_not_sitting_and_means_are_by_hand() -> None:
    rows = evaluate_protocol(WRONG, make_corpus(H36M_TAKES), "h36m", "gt").rows
    assert list(rows) == ["Sitting", "SittingDown", "mean of actions", "mean of frames"]
    assert_scores(rows["Sitting"], mpjpe_mm=3)
    assert_scores(rows["SittingDown"], mpjpe_mm=7)
    assert_scores(rows["mean of actions"], mpjpe_mm=(3 + 7) / 2)
    assert_scores(rows["mean of frames"], mpjpe_mm=(10 * 3 + 30 * 7) / 40)


def test_velocity_is_not_taken_across_sequences() -> None:
    """Both takes are wrong by a constant of their own, so that only the jump from one to the other has an error."""
    takes = (Take("h36m/S1", "Walking", 2), Take("h36m/S9", "Eating 1", 6), Take("h36m/S9", "Eating 2", 6, error_mm=90))
    row = evaluate_protocol(WRONG, make_corpus(takes), "h36m", "gt").rows["Eating"]
    assert_scores(row, mpjpe_mm=45, p_mpjpe_mm=0, mpjve_mm=0)


def test_velocity_counts_pairs_of_frames() -> None:
    """A lifter that misses every second frame of the long take by 10 mm is wrong by 10 mm in each of its steps."""

    def lift(xy: np.ndarray) -> np.ndarray:
        poses = pose_by_formula(xy[:, -1])
        if len(poses) == 4:
            poses[1::2, :, 0] += 0.010
        return poses

    takes = (Take("h36m/S1", "Walking", 2), Take("h36m/S9", "Eating", 4), Take("h36m/S11", "Eating", 2))
    row = evaluate_protocol(replace(PERFECT, lift=lift), make_corpus(takes), "h36m", "gt").rows["Eating"]
    assert_scores(row, mpjpe_mm=10 * 2 / 6, mpjve_mm=10 * 3 / 4)


def test_the_spread_of_bones_counts_every_sequence_alike() -> None:
    scores = [Scores(0.0, 0.0, 0.0, 0.0, spread) for spread in (2.0, 6.0, 100.0)]
    sequences = [SequenceScores("Walking", "S1", frames, one) for one, frames in zip(scores, (10, 90, 1), strict=True)]
    # Of a single frame there is none.
    assert mean_of_frames(sequences).bone_spread_percent == pytest.approx(4.0)


def test_single_frames_have_no_velocity() -> None:
    takes = (Take("h36m/S1", "Walking", 2), Take("h36m/S9", "Eating", 1, error_mm=4))
    assert_scores(evaluate_protocol(WRONG, make_corpus(takes), "h36m", "gt").rows["Eating"], mpjpe_mm=4, mpjve_mm=0)


def test_actions_come_in_the_order_of_the_papers() -> None:
    takes = [Take("h36m/S1", "Walking", 2), *(Take("h36m/S9", f"{action} 1", 2) for action in sorted(H36M_ACTIONS))]
    report = evaluate_protocol(PERFECT, make_corpus(takes), "h36m", "gt")
    assert list(report.rows)[:15] == list(H36M_ACTIONS)
    assert not report.notes
    fewer = evaluate_protocol(PERFECT, make_corpus([*takes[:-1], Take("h36m/S9", "Dance", 2)]), "h36m", "gt")
    assert list(fewer.rows)[14] == "Dance"
    assert fewer.notes == ("these are not the 15 actions of the papers (missing: Walking; others: Dance)",)


def test_humaneva_by_action_and_subject() -> None:
    takes = (
        Take("humaneva/Train/S1", "Walking 1 chunk0", 3),
        Take("humaneva/Validate/S1", "Walking 1 chunk0", 4, error_mm=1),
        Take("humaneva/Validate/S1", "Walking 1 chunk1", 12, error_mm=5),
        Take("humaneva/Validate/S2", "Walking 1 chunk0", 4, error_mm=10),
        Take("humaneva/Validate/S1", "Jog 1 chunk0", 10, error_mm=2),
    )
    corpus = make_corpus(takes, HUMANEVA15, rate_hz=60)
    rows = evaluate_protocol(replace(WRONG, skeleton=HUMANEVA15), corpus, "humaneva", "gt").rows
    expected = {
        "Walking S1": 4,
        "Walking S2": 10,
        "Jog S1": 2,
        "Walking, mean of subjects": 7,
        "Jog, mean of subjects": 2,
        "mean of rows": 16 / 3,
        "mean of frames": (4 * 1 + 12 * 5 + 4 * 10 + 10 * 2) / 30,
    }
    assert list(rows) == list(expected)
    for name, error_mm in expected.items():
        assert_scores(rows[name], mpjpe_mm=error_mm)


def test_humaneva_has_the_mean_of_walking_and_jog_where_there_is_more() -> None:
    takes = [Take("humaneva/Train/S1", "Walking 1", 3)] + [
        Take("humaneva/Validate/S1", f"{action} 1", 4, error_mm=error_mm)
        for action, error_mm in (("Walking", 1), ("Jog", 3), ("Box", 8))
    ]
    rows = evaluate_protocol(
        replace(WRONG, skeleton=HUMANEVA15), make_corpus(takes, HUMANEVA15, rate_hz=60), "humaneva", "gt"
    ).rows
    assert_scores(rows["Walking and Jog, mean of rows"], mpjpe_mm=2)
    assert_scores(rows["mean of rows"], mpjpe_mm=4)


def test_windows_end_at_the_edges_with_their_last_frame() -> None:
    seen: list[np.ndarray] = []

    def lift(xy: np.ndarray) -> np.ndarray:
        seen.append(xy[..., 0, 0])
        return np.zeros((len(xy), 1, 3), np.float32)

    xy = np.arange(2 * 4, dtype=np.float32).reshape(2, 4, 1, 1)
    lift_sequences(Predictor(lift, 3), xy)
    assert seen[0].tolist()[:4] == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3]]
    assert seen[0].tolist()[4:] == [[4, 4, 4], [4, 4, 5], [4, 5, 6], [5, 6, 7]]
    lift_sequences(Predictor(lift, 3, look_ahead=1), xy[:1])
    assert seen[1].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]
    lift_sequences(Predictor(lift, 3), xy[:1], first=3)
    assert seen[2].tolist() == [[1, 2, 3]]


def test_poses_seen_along_the_line_of_sight_are_turned_back_by_the_turn_of_their_own_frame() -> None:
    """A lifter that answers with where the joints are in the turned picture: back come the directions as they were."""

    def lift(windows: np.ndarray) -> np.ndarray:
        return np.concatenate([windows[:, -1], np.ones_like(windows[:, -1, :, :1])], axis=-1)

    xy = np.random.default_rng(0).uniform(-0.6, 0.6, size=(3, 8, 17, 2)).astype(np.float32)
    lifted = lift_sequences(Predictor(lift, 3, normalisation="sight"), xy, first=2)
    assert lifted.shape == (3, 6, 17, 3)
    np.testing.assert_allclose(lifted[..., :2] / lifted[..., 2:], xy[:, 2:], atol=1e-5)


def test_long_sequences_are_lifted_in_parts_without_seams() -> None:
    xy = np.random.default_rng(0).normal(size=(2, 700, 1, 2)).astype(np.float32)
    parts: list[int] = []

    def lift(windows: np.ndarray) -> np.ndarray:
        parts.append(len(windows))
        return pose_by_formula(np.concatenate([np.zeros_like(windows[:, 121]), windows[:, 121]], axis=1))[:, 1:]

    lifted = lift_sequences(Predictor(lift, 243, look_ahead=121), xy)
    assert len(parts) > 1, "all at once would be gigabytes for real data"
    np.testing.assert_array_equal(lifted[..., :2], 0.5 * xy)


def test_lifter_that_gives_no_numbers_is_named() -> None:
    broken = replace(PERFECT, lift=lambda xy: np.full((len(xy), 17, 3), np.nan, np.float32), name="broken")
    with pytest.raises(ModelError, match="broken gives poses that are not finite"):
        evaluate_protocol(broken, make_corpus(H36M_TAKES), "h36m", "gt")


def test_lifter_that_turns_the_camera_gets_the_data_sets_lens_and_the_trunk_that_it_knows(tmp_path: Path) -> None:
    """What it is fed is compared with the true directions; the lens bends those by less than is allowed here."""
    prepare([*h36m_files(tmp_path, np.random.default_rng(0))], tmp_path / "c.npz", trust_pickle=True)
    corpus, fed = read_corpus(tmp_path / "c.npz"), []

    def lift(xy: np.ndarray) -> np.ndarray:
        fed.append(xy[:, 0])
        return np.zeros((len(xy), 17, 3), np.float32)

    evaluate_protocol(replace(PERFECT, lift=lift, normalisation="sight"), corpus, "h36m", "gt")
    views = [(clip, view) for clip in corpus.clips if clip.subject == "h36m/S9" for view in clip.views]
    assert len(views) == len(fed) > 8
    for (clip, view), xy in zip(views, fed, strict=True):
        camera_m = to_camera(corpus.xyz_m[clip.start : clip.start + clip.length], view)
        turned, _ = turn_to_pelvis(own_trunk((camera_m[..., :2] / camera_m[..., 2:]).astype(np.float32)))
        np.testing.assert_allclose(xy, turned, atol=0.01)


@pytest.mark.parametrize("skeleton", [H36M17, HUMANEVA15])
def test_flip_averaging_takes_away_what_is_not_symmetric(skeleton: Skeleton) -> None:
    left, right = skeleton.index("left_wrist"), skeleton.index("right_wrist")

    def lift(xy: np.ndarray) -> np.ndarray:
        poses = pose_by_formula(xy[:, -1])
        poses[..., 0] += 0.05
        poses[:, left, 2] += 0.010
        return poses

    xy = np.random.default_rng(0).normal(size=(8, 3, skeleton.num_joints, 2)).astype(np.float32)
    true_m = pose_by_formula(xy[:, -1])
    one_sided = Predictor(lift, 3, skeleton=skeleton)
    difference_m = flip_averaged(one_sided).lift(xy) - true_m
    np.testing.assert_allclose(difference_m[..., :2], 0, atol=1e-6)
    expected_m = np.zeros(skeleton.num_joints)
    expected_m[[left, right]] = 0.005
    np.testing.assert_allclose(difference_m[..., 2], np.broadcast_to(expected_m, (8, len(expected_m))), atol=1e-6)
    perfect = Predictor(lambda xy: pose_by_formula(xy[:, -1]), 3, skeleton=skeleton)
    np.testing.assert_allclose(flip_averaged(perfect).lift(xy), true_m, atol=1e-6)


def test_scores_of_a_breathing_lifter() -> None:
    true_m = np.random.default_rng(0).normal(size=(3, 8, 17, 3)).astype(np.float32)
    true_m[:] = true_m[:, :1]
    assert_scores(score(true_m, true_m), mpjpe_mm=0, mpjve_mm=0, bone_spread_percent=0)
    sizes = np.where(np.arange(8) % 2, 1.1, 0.9)[:, None, None].astype(np.float32)
    breathing = score(true_m * sizes, true_m)
    assert breathing.bone_spread_percent == pytest.approx(10, rel=1e-3)
    assert breathing.p_mpjpe_mm == pytest.approx(0, abs=1e-2)


REPORT = Report(
    facts={"lifter": "x.onnx", "protocol": "h36m"},
    rows={"Walking": Scores(1.23, 2.34, 3.45, 4.56, 5.67), "mean of frames": Scores(10.04, 20, 30, 40, 50)},
    notes=("be careful",),
)


def test_all_three_forms_of_a_report_say_the_same() -> None:
    content = json.loads(REPORT.json())
    assert content["measured"] == REPORT.facts
    assert content["notes"] == ["be careful"]
    text, markdown = REPORT.text(), REPORT.markdown()
    for name, scores in content["scores"].items():
        numbers = [f"{value:.1f}" for value in scores.values()]
        assert next(line for line in text.splitlines() if line.startswith(name)).removeprefix(name).split() == numbers
        assert f"| {name} | {' | '.join(numbers)} |" in markdown.splitlines()
    assert "note: be careful" in text
    assert "Note: be careful." in markdown


def test_lifters_and_data_that_do_not_fit_are_refused() -> None:
    h36m = make_corpus(H36M_TAKES)
    with pytest.raises(ConfigError, match="perfect has the joints of humaneva15, the corpus those of h36m17"):
        evaluate_protocol(replace(PERFECT, skeleton=HUMANEVA15), h36m, "h36m", "gt")
    with pytest.raises(ConfigError, match="no 2D joints 'cpn'") as caught:
        evaluate_protocol(PERFECT, h36m, "h36m", "cpn")
    assert "gt" in caught.value.hint
    with pytest.raises(ConfigError, match="none of the subjects"):
        evaluate_protocol(PERFECT, h36m, "humaneva", "gt")
    with pytest.raises(ConfigError, match="as the cameras of its training showed them"):
        check_held_out_fits(PERFECT, h36m)
    with pytest.raises(ConfigError, match="the corpus has the joints of humaneva15"):
        check_held_out_fits(replace(PERFECT, normalisation="person"), make_corpus(H36M_TAKES, HUMANEVA15))


def test_another_frame_rate_is_told_where_it_matters() -> None:
    temporal = replace(PERFECT, num_frames=27, rate_hz=30.0)
    assert rate_notes(temporal, [50.0, 30.0]) == ("the lifter was trained at 30 frames a second, the data have 50",)
    assert not rate_notes(temporal, [30.0])
    assert not rate_notes(replace(temporal, num_frames=1), [50.0])
    report = evaluate_protocol(temporal, make_corpus(H36M_TAKES), "h36m", "gt")
    assert "trained at 30 frames a second" in report.notes[0]


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    COMMANDS["evaluate"].add_arguments(parser)
    return COMMANDS["evaluate"].run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture(scope="module")
def humaneva(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A corpus of the 15 joints, and an untrained lifter for it."""
    folder = tmp_path_factory.mktemp("humaneva")
    takes = (Take("humaneva/Train/S1", "Box 1 chunk0", 4), Take("humaneva/Validate/S1", "Box 1 chunk0", 9))
    write_corpus(make_corpus(takes, HUMANEVA15, rate_hz=60), folder / "corpus.npz")
    network = {"channels": 8, "num_blocks": 1}
    config = TrainConfig("semgcn", network, skeleton="humaneva15", normalisation="screen", data="views")
    weights = build_lifter(config).state_dict()
    save_checkpoint(Checkpoint(config, 0, 0.0, weights, {}, (), "c.npz", "abc"), folder / "lifter.pt")
    return folder / "corpus.npz", folder / "lifter.pt"


def test_command_prints_what_it_writes(
    humaneva: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, lifter = humaneva
    outputs = ("--json", tmp_path / "e.json", "--markdown", tmp_path / "e.md")
    command = ("--lifter", lifter, "--data", corpus, "--protocol", "humaneva", "--flip-tta", *outputs)
    assert run(*command) == 0
    printed = capsys.readouterr().out
    content = json.loads((tmp_path / "e.json").read_text())
    assert content["measured"]["frames"] == "9"
    assert content["measured"]["flip TTA"] == "yes"
    for name, scores in content["scores"].items():
        cells = [f"{value:.1f}" for value in scores.values()]
        assert any(line.startswith(name) and line.split()[-5:] == cells for line in printed.splitlines())
        assert f"| {name} | {' | '.join(cells)} |" in (tmp_path / "e.md").read_text()
    with pytest.raises(OutputError, match="exists already"):
        run(*command)
    assert run(*command, "--overwrite") == 0
    assert {path.name for path in tmp_path.iterdir()} == {"e.json", "e.md"}


def test_exported_lifter_of_the_papers_is_measured_as_its_checkpoint(
    humaneva: tuple[Path, Path], tmp_path: Path
) -> None:
    """No run could show it: it knows 15 joints, and people as its cameras showed them."""
    corpus, checkpoint = humaneva
    export = argparse.ArgumentParser()
    COMMANDS["export"].add_arguments(export)
    assert COMMANDS["export"].run(export.parse_args([str(checkpoint), "--output", str(tmp_path / "x.onnx")])) == 0
    found = []
    for lifter in (checkpoint, tmp_path / "x.onnx"):
        path = tmp_path / f"{lifter.suffix}.json"
        assert run("--lifter", lifter, "--data", corpus, "--protocol", "humaneva", "--json", path) == 0
        found.append(json.loads(path.read_text())["scores"])
    for of_checkpoint, of_export in zip(*(scores.values() for scores in found), strict=True):
        # PyTorch and ONNX Runtime add up in another order.
        assert of_export == pytest.approx(of_checkpoint, rel=1e-4)
    (tmp_path / "x.onnx").write_bytes(b"not an ONNX file")
    with pytest.raises(ModelError, match="not an exported lifter"):
        run("--lifter", tmp_path / "x.onnx", "--data", corpus, "--protocol", "humaneva")


def test_lifter_is_measured_on_the_2d_that_it_was_trained_on(humaneva: tuple[Path, Path], tmp_path: Path) -> None:
    """Without a word about it, and by the protocol of the corpus; on other 2D with a note. Exported, too."""
    corpus, lifter = humaneva
    trained = load_checkpoint(lifter)
    save_checkpoint(replace(trained, config=replace(trained.config, source="detectron")), tmp_path / "d.pt")
    corpus_of_two = read_corpus(corpus)
    views = {clip.name: [replace(view, starts={**view.starts, "detectron": view.starts["gt"]}) for view in clip.views]
             for clip in corpus_of_two.clips}  # fmt: skip
    clips = tuple(replace(clip, views=tuple(views[clip.name])) for clip in corpus_of_two.clips)
    xy_px = {**corpus_of_two.xy_px, "detectron": corpus_of_two.xy_px["gt"] + 3}
    write_corpus(replace(corpus_of_two, clips=clips, xy_px=xy_px), tmp_path / "two.npz")
    export = argparse.ArgumentParser()
    COMMANDS["export"].add_arguments(export)
    COMMANDS["export"].run(export.parse_args([str(tmp_path / "d.pt"), "--output", str(tmp_path / "d.onnx")]))
    for name in ("d.pt", "d.onnx"):
        assert run("--lifter", tmp_path / name, "--data", tmp_path / "two.npz", "--json", tmp_path / "e.json") == 0
        content = json.loads((tmp_path / "e.json").read_text())
        assert (content["measured"]["2D"], content["measured"]["protocol"]) == ("detectron", "humaneva")
        assert not any("was trained on the 2D" in note for note in content["notes"])
        options = ("--2d", "gt", "--json", tmp_path / "e.json", "--overwrite")
        assert run("--lifter", tmp_path / name, "--data", tmp_path / "two.npz", *options) == 0
        content = json.loads((tmp_path / "e.json").read_text())
        assert content["measured"]["2D"] == "gt"
        assert any("was trained on the 2D joints of 'detectron'" in note for note in content["notes"])
        (tmp_path / "e.json").unlink()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--protocol", "h36m"], "none of the subjects"),
        (["--protocol", "humaneva", "--2d", "cpn"], "no 2D joints 'cpn'"),
        (["--protocol", "humaneva", "--holdout", "x"], "--holdout has no meaning"),
        (["--protocol", "humaneva", "--by-action"], "--by-action has no meaning"),
        (["--protocol", "heldout", "--2d", "gt"], "--2d has no meaning"),
        (["--protocol", "humaneva", "--max-frames", "60"], "--max-frames has no meaning"),  # 60: what --fov is without
        (["--protocol", "heldout"], "has the joints of humaneva15, virtual cameras know those of h36m17"),
    ],
)
def test_command_refuses_what_does_not_fit(
    humaneva: tuple[Path, Path], tmp_path: Path, options: list[str], message: str
) -> None:
    corpus, lifter = humaneva
    with pytest.raises(ConfigError, match=message):
        run("--lifter", lifter, "--data", corpus, "--json", tmp_path / "e.json", *options)
    assert not list(tmp_path.iterdir())


def test_a_lifter_of_another_skeleton_is_refused_by_name(humaneva: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match="the lifter semgcn has the joints of h36m17, the corpus those of humaneva15"):
        run("--lifter", "semgcn", "--data", humaneva[0], "--protocol", "humaneva")


def test_lifters_are_found_by_name_and_by_path(humaneva: tuple[Path, Path], tmp_path: Path) -> None:
    shipped = find_predictor("semgcn")
    assert (shipped.num_frames, shipped.skeleton, shipped.normalisation, shipped.rate_hz) == (1, H36M17, "sight", 30.0)
    own = find_predictor(str(humaneva[1]))
    assert (own.skeleton, own.normalisation, own.look_ahead) == (HUMANEVA15, "screen", 0)
    with pytest.raises(ConfigError, match="unknown lifter 'semgnc'"):
        find_predictor("semgnc")
    with pytest.raises(ConfigError, match="mediapipe takes pictures"):
        find_predictor("mediapipe")
    with pytest.raises(ModelError, match="cannot read"):
        find_predictor(str(tmp_path / "none.onnx"))
