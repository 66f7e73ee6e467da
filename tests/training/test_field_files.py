"""The field's standard files: through the command line into a corpus, and what is refused."""

from __future__ import annotations

import logging
import os
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from field_data import (
    COCO_SIDES,
    H36M16_SIDES,
    H36M_SIDES,
    HUMANEVA_SIDES,
    MPII_SIDES,
    OF_32,
    h36m_files,
    h36m_positions,
    humaneva_files,
    humaneva_positions,
    save_2d,
    save_3d,
    see,
    to_picture,
    walks,
)
from posedemo.cli import main
from posedemo.errors import ConfigError, SourceError
from posedemo.geometry import to_screen
from posedemo.models.corpus import Corpus, read_corpus
from posedemo.models.field_cameras import H36M_CAMERAS, HUMANEVA_CAMERAS, Lens
from posedemo.models.pickled_arrays import read_pickled
from posedemo.models.prepare import prepare
from posedemo.models.split import left_out_actions, split_protocol
from posedemo.models.views import action_of, camera_to_world, require_skeleton, to_camera, view_sequences
from posedemo.models.windows import load_motion
from posedemo.skeleton import COCO17, H36M16, H36M17, HUMANEVA15

FLOAT32_PX = 2e-3
"""Joints 6 m away in float32 metres are known to half a micrometre, 1e-4 pixels; and pixels to 6e-5."""


def prepared(output: Path, *sources: Path) -> Corpus:
    assert main(["prepare", *map(str, sources), "--trust-pickle", "--output", str(output)]) == 0
    return read_corpus(output)


def refuse(*sources: Path, output: Path, match: str, trust_pickle: bool = True) -> None:
    """Expect one sentence, and no file."""
    with pytest.raises((ConfigError, SourceError), match=match) as caught:
        prepare(sources, output, trust_pickle=trust_pickle)
    assert "\n" not in caught.value.message
    assert not output.exists()


def test_h36m_through_the_command_line(tmp_path: Path, random: np.random.Generator) -> None:
    path_3d, path_2d = h36m_files(tmp_path, random)
    corpus = prepared(tmp_path / "c.npz", path_3d, path_2d)
    positions = read_pickled(path_3d, "positions_3d")
    assert corpus.skeleton is H36M17
    assert [clip.name for clip in corpus.clips][:3] == ["S1/Directions", "S1/Directions 1", "S1/Sitting"]
    assert {(clip.rate_hz, clip.family, len(clip.views)) for clip in corpus.clips} == {(50.0, "h36m", 4)}
    assert len(corpus.xy_px["gt"]) == 4 * len(corpus.xyz_m)
    clip = next(clip for clip in corpus.clips if clip.name == "S9/SittingDown 1")
    there = corpus.xyz_m[clip.start : clip.start + clip.length]
    # Joint 27 of the 32 is the right wrist. The files' z axis is up, the corpus's y axis: y is z, z is -y.
    wrist = positions["S9"]["SittingDown 1"][:, 27]
    np.testing.assert_array_equal(there[:, H36M17.index("right_wrist")], wrist[:, [0, 2, 1]] * [1, 1, -1])
    assert [view.camera for view in clip.views] == ["54138969", "55011271", "58860488", "60457274"]
    assert [(view.width_px, view.height_px) for view in clip.views] == [
        (1000, 1002),
        (1000, 1000),
        (1000, 1000),
        (1000, 1002),
    ]


def test_a_file_that_holds_17_joints_is_taken_as_it_is(tmp_path: Path, random: np.random.Generator) -> None:
    positions = h36m_positions(random, num_joints=17)
    corpus = prepared(tmp_path / "c.npz", save_3d(tmp_path / "data_3d_h36m.npz", positions))
    first = positions["S1"]["Directions"]
    np.testing.assert_array_equal(corpus.xyz_m[: len(first)], first[..., [0, 2, 1]] * [1, 1, -1])


def test_cameras_turn_and_project_onto_the_files_2d(tmp_path: Path, random: np.random.Generator) -> None:
    corpus = prepared(tmp_path / "c.npz", *h36m_files(tmp_path, random))
    for clip in corpus.clips:
        person = clip.subject.removeprefix("h36m/")
        for view, camera in zip(clip.views, H36M_CAMERAS[person], strict=True):
            camera_m = to_camera(corpus.xyz_m[clip.start : clip.start + clip.length], view)
            assert camera.lens is not None
            start = view.starts["gt"]
            there_px = corpus.xy_px["gt"][start : start + clip.length]
            np.testing.assert_allclose(camera.lens.project(camera_m), there_px, atol=FLOAT32_PX)


def test_the_numbers_of_two_cameras() -> None:
    """The data sets' own calibration, typed a second time, and the files' own axes."""
    s9 = np.array([0.13357827067375183, -0.1367100477218628, 0.7689454555511475, -0.6100738644599915])
    place_m = np.array([-1.6709921875, 5.21198583984375, 1.528387939453125])
    camera = H36M_CAMERAS["S9"][2]
    assert camera.name == "58860488"
    assert camera.lens is not None
    check_camera(camera.orientation, camera.translation_m, s9, place_m, camera.lens)
    c2 = np.array([0.6501393, -0.7476588, -0.0954617, 0.0959808])
    lens = Lens((600, 600), (320, 240), (0, 0, 0), (0, 0))
    for part in ("Train", "Validate"):
        camera = HUMANEVA_CAMERAS[f"{part}/S2"][1]
        assert (camera.name, camera.width_px, camera.height_px) == ("C2", 640, 480)
        check_camera(camera.orientation, camera.translation_m, c2, np.array([0.923574, -3.8779243, 1.5045518]), lens)


def check_camera(orientation: object, place: object, z_up: np.ndarray, place_z_up: np.ndarray, lens: Lens) -> None:
    from posedemo.models.corpus import View

    view = View("x", 1000, 1000, orientation, place, {})  # type: ignore[arg-type]
    points = np.array([[0.3, -0.2, 1.1], [-0.5, 0.4, 0.2]])  # z up
    turned = points[:, [0, 2, 1]] * [1, 1, -1]
    # The files' quaternions have norms that differ from 1 by 1e-7.
    expected = to_picture(points, z_up / np.linalg.norm(z_up), place_z_up, lens)
    np.testing.assert_allclose(lens.project(to_camera(turned, view)), expected, atol=FLOAT32_PX)
    rotation = camera_to_world(view)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert rotation[1, 1] < -0.9  # the picture's y axis points down, the world's up


def test_projection_by_hand() -> None:
    """x/z = 0.3, y/z = -0.2, so r2 = 0.13, r4 = 0.0169, r6 = 0.002197."""
    lens = Lens((1000, 1100), (500, 510), (-0.2, 0.25, 0.01), (0.001, -0.002))
    radial = 1 + -0.2 * 0.13 + 0.25 * 0.0169 + 0.01 * 0.002197  # 0.97824697
    tangential = 0.001 * 0.3 + -0.002 * -0.2  # 0.0007
    assert radial + tangential == pytest.approx(0.97894697)
    # u = 1000 (0.3 * 0.97894697 + 0.001 * 0.13) + 500, v = 1100 (-0.2 * 0.97894697 - 0.002 * 0.13) + 510.
    np.testing.assert_allclose(lens.project(np.array([0.6, -0.4, 2.0])), [793.814091, 294.3456666], atol=1e-6)


def test_gt_is_made_where_no_2d_is_given(tmp_path: Path, random: np.random.Generator) -> None:
    path_3d, path_2d = h36m_files(tmp_path, random)
    made = prepared(tmp_path / "made.npz", path_3d)
    given = prepared(tmp_path / "given.npz", path_3d, path_2d)
    assert list(made.xy_px) == ["gt"]
    assert made.clips == given.clips
    np.testing.assert_allclose(made.xy_px["gt"], given.xy_px["gt"], atol=FLOAT32_PX)
    refuse(
        humaneva_files(tmp_path, random)[0], output=tmp_path / "c.npz", match=r"data_3d_humaneva15\.npz has no 2D file"
    )


def test_view_sequences_are_what_cameras_saw(tmp_path: Path, random: np.random.Generator) -> None:
    corpus = prepared(tmp_path / "c.npz", *h36m_files(tmp_path, random))
    kept, held = split_protocol(corpus, "h36m")
    assert {clip.subject for clip in kept} == {"h36m/S1"}
    assert {clip.subject for clip in held} == {"h36m/S9"}
    sequences = view_sequences(corpus, held, "gt")
    assert len(sequences) == 4 * len(held)
    sequence = sequences[1]
    view = held[0].views[1]
    assert (sequence.clip, sequence.camera) == (held[0], "55011271")
    assert sequence.xy.shape == (held[0].length, 17, 2)
    assert sequence.xyz_m.shape == (held[0].length, 17, 3)
    assert {sequence.xy.dtype, sequence.xyz_m.dtype} == {np.dtype(np.float32)}
    start = view.starts["gt"]
    expected = to_screen(corpus.xy_px["gt"][start : start + held[0].length], (view.width_px, view.height_px))
    np.testing.assert_allclose(sequence.xy, expected, atol=1e-6)
    camera_m = to_camera(corpus.xyz_m[held[0].start : held[0].start + held[0].length], view)
    # Float32 metres.
    np.testing.assert_allclose(sequence.xyz_m, camera_m - camera_m[:, :1], atol=1e-5)
    with pytest.raises(ConfigError, match="no 2D joints 'cpn'") as caught:
        view_sequences(corpus, held, "cpn")
    assert caught.value.hint == "its 2D sources are: gt"


def test_actions_are_told_by_their_first_word(tmp_path: Path, random: np.random.Generator) -> None:
    names = {"TakingPhoto 1": "Photo", "WalkingDog": "WalkDog", "WalkTogether": "WalkTogether", "Sitting 2": "Sitting"}
    positions = {"S1": {name: walks(random, 5, 32) for name in names}}
    # A 2D file that spells them the other way still fits.
    seen = see({"S1": {name: xyz[:, OF_32] for name, xyz in positions["S1"].items()}}, H36M_CAMERAS)
    seen["S1"]["Photo 1"] = seen["S1"].pop("TakingPhoto 1")
    corpus = prepared(
        tmp_path / "c.npz",
        save_3d(tmp_path / "data_3d_h36m.npz", positions),
        save_2d(tmp_path / "data_2d_h36m_gt.npz", seen, H36M_SIDES),
    )
    assert [action_of(clip) for clip in corpus.clips] == list(names.values())
    assert corpus.clips[0].action == "Photo 1"


def test_scores_of_a_detector_are_left_out(tmp_path: Path, random: np.random.Generator) -> None:
    path_3d, path_2d = humaneva_files(tmp_path, random)
    plain = prepared(tmp_path / "plain.npz", path_3d, path_2d)
    seen = {
        subject: {
            action: [
                None if view is None else np.concatenate([view, np.ones_like(view[..., :1])], -1) for view in views
            ]
            for action, views in actions.items()
        }
        for subject, actions in read_pickled(path_2d, "positions_2d").items()
    }
    save_2d(path_2d, seen, HUMANEVA_SIDES, num_joints=15, layout_name="humaneva15")
    scored = prepared(tmp_path / "scored.npz", path_3d, path_2d)
    np.testing.assert_array_equal(scored.xy_px["gt"], plain.xy_px["gt"])


def test_humaneva_and_its_split(tmp_path: Path, random: np.random.Generator, caplog: pytest.LogCaptureFixture) -> None:
    path_3d, path_2d = humaneva_files(tmp_path, random)
    caplog.set_level(logging.INFO)
    corpus = prepare([path_3d, path_2d], tmp_path / "c.npz", trust_pickle=True)
    assert "2 clips without 3D left out, 2 of them unlabelled" in caplog.text
    corpus = read_corpus(tmp_path / "c.npz")
    assert corpus.skeleton is HUMANEVA15
    assert corpus.xyz_m.shape[1:] == (15, 3)
    assert {clip.rate_hz for clip in corpus.clips} == {60.0}
    assert [view.camera for view in corpus.clips[0].views] == ["C1", "C2", "C3"]
    kept, held = split_protocol(corpus, "humaneva")
    assert sorted({clip.subject for clip in kept}) == [f"humaneva/Train/S{number}" for number in (1, 2, 3)]
    assert sorted({clip.subject for clip in held}) == [f"humaneva/Validate/S{number}" for number in (1, 2, 3)]
    assert {action_of(clip) for clip in held} == {"Walking", "Jog", "Box"}
    assert held[2].action == "Jog 1 chunk2"
    seen = read_pickled(path_2d, "positions_2d")
    view = held[2].views[2]
    start = view.starts["gt"]
    np.testing.assert_array_equal(
        corpus.xy_px["gt"][start : start + held[2].length], seen["Validate/S1"]["Jog 1 chunk2"][2]
    )
    # The file's 2D was made with a pinhole: camera-frame joints land on it.
    camera_m = to_camera(corpus.xyz_m[held[2].start : held[2].start + held[2].length], view)
    projected = 600 * camera_m[..., :2] / camera_m[..., 2:] + [320, 240]
    np.testing.assert_allclose(projected, seen["Validate/S1"]["Jog 1 chunk2"][2], atol=FLOAT32_PX)
    # The data set has two actions that the papers leave out; a corpus of nothing else is taken as it is.
    more = replace(corpus, clips=(*corpus.clips, *(replace(clip, action="Gestures 1") for clip in corpus.clips)))
    assert split_protocol(more, "humaneva") == (kept, held)
    assert left_out_actions(more, "humaneva") == ("Gestures",)
    alone = replace(corpus, clips=tuple(replace(clip, action="Gestures 1") for clip in corpus.clips))
    assert len(split_protocol(alone, "humaneva")[0]) == len(kept)
    with pytest.raises(ConfigError, match="protocol h36m: the corpus has none of the subjects"):
        split_protocol(corpus, "h36m")
    with pytest.raises(ConfigError, match="no protocol 'mpi'"):
        split_protocol(corpus, "mpi")


def coco_like(random: np.random.Generator, positions: dict[str, dict[str, np.ndarray]], num_views: int) -> object:
    return {
        subject: {
            action: [random.uniform(0, 640, (len(xyz), 17, 2)).astype(np.float32) for _ in range(num_views)]
            for action, xyz in actions.items()
        }
        for subject, actions in positions.items()
    }


def test_detections_in_coco_order_become_the_corpus_joints(tmp_path: Path, random: np.random.Generator) -> None:
    at, mid = COCO17.index, lambda xy, part: (xy[:, at(f"left_{part}")] + xy[:, at(f"right_{part}")]) / 2
    positions = humaneva_positions(random)
    seen = coco_like(random, positions, 3)
    corpus = prepared(
        tmp_path / "c.npz",
        save_3d(tmp_path / "data_3d_humaneva15.npz", positions),
        save_2d(tmp_path / "data_2d_humaneva15_detectron_pt_coco.npz", seen, COCO_SIDES, layout_name="coco"),
    )
    first = seen["Train/S1"]["Walking 1 chunk0"][0]  # type: ignore[index]
    there = corpus.xy_px["detectron_pt_coco"][: len(first)]
    np.testing.assert_array_equal(there[:, HUMANEVA15.index("head")], first[:, at("nose")])
    np.testing.assert_array_equal(there[:, HUMANEVA15.index("left_wrist")], first[:, at("left_wrist")])
    np.testing.assert_allclose(there[:, HUMANEVA15.index("thorax")], mid(first, "shoulder"), atol=1e-3)
    np.testing.assert_allclose(there[:, HUMANEVA15.index("pelvis")], mid(first, "hip"), atol=1e-3)

    positions = h36m_positions(random)
    seen = coco_like(random, positions, 4)
    corpus = prepared(
        tmp_path / "h.npz",
        save_3d(tmp_path / "data_3d_h36m.npz", positions),
        save_2d(tmp_path / "data_2d_h36m_detectron_pt_coco.npz", seen, COCO_SIDES),
    )
    first = seen["S1"]["Directions"][0]  # type: ignore[index]
    there = corpus.xy_px["detectron_pt_coco"][: len(first)]
    np.testing.assert_array_equal(there[:, H36M17.index("right_ankle")], first[:, at("right_ankle")])
    # The neck base is 15 % of the way from the shoulder line to the nose.
    thorax = 0.85 * mid(first, "shoulder") + 0.15 * first[:, at("nose")]
    np.testing.assert_allclose(there[:, H36M17.index("thorax")], thorax, atol=1e-3)


@pytest.mark.parametrize("sides", [MPII_SIDES, H36M16_SIDES])
def test_16_joint_detections_make_a_16_joint_corpus(
    tmp_path: Path, random: np.random.Generator, sides: list[list[int]]
) -> None:
    path_3d, path_gt = h36m_files(tmp_path, random)
    seen = read_pickled(path_gt, "positions_2d")
    order = [joint for joint in range(17) if joint != H36M17.index("nose")]
    if sides == MPII_SIDES:
        # Hourglass order: right leg from the ankle, left leg, pelvis, spine, thorax, head, right arm, left arm.
        order = [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]
    hourglass = {
        subject: {action: [xy[:, order] for xy in views] for action, views in actions.items()}
        for subject, actions in seen.items()
    }
    corpus = prepared(
        tmp_path / "c.npz", path_3d, path_gt, save_2d(tmp_path / "data_2d_h36m_sh_ft_h36m.npz", hourglass, sides)
    )
    assert corpus.skeleton is H36M16
    assert corpus.xyz_m.shape[1] == 16
    np.testing.assert_array_equal(corpus.xy_px["sh_ft_h36m"], corpus.xy_px["gt"])
    np.testing.assert_array_equal(
        corpus.xy_px["gt"][: len(seen["S1"]["Directions"][0]) - 3, H36M16.index("head")],
        seen["S1"]["Directions"][0][:-3, H36M17.index("head")],
    )


def test_without_trust_nothing_is_read(
    tmp_path: Path, random: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    path_3d, path_2d = h36m_files(tmp_path, random)
    code = main(["prepare", str(path_3d), str(path_2d), "--output", str(tmp_path / "c.npz")])
    error = capsys.readouterr().err
    assert code == 2
    assert "data_3d_h36m.npz holds Python pickles, a format that can run programs" in error
    assert "--trust-pickle" in error.splitlines()[-1]
    assert not (tmp_path / "c.npz").exists()


class Harmful:
    """A pickle of it is a call of a function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("where", ["positions_3d", "positions_2d", "metadata"])
def test_a_malicious_pickle_does_nothing(tmp_path: Path, random: np.random.Generator, where: str) -> None:
    path_3d, path_2d = h36m_files(tmp_path, random)
    path = path_3d if where == "positions_3d" else path_2d
    trace = tmp_path / "trace"
    with np.load(path, allow_pickle=True) as arrays:
        content = {key: arrays[key].item() for key in arrays.files}
    harmful = Harmful(os.system, f"touch {trace}")
    if where == "metadata":
        content[where] = {**content[where], "more": harmful}
    else:
        content[where]["S1"]["Directions"] = harmful
    np.savez(path, **content)
    refuse(
        path_3d, path_2d, output=tmp_path / "c.npz", match=r"asks for '\w+\.system', which is neither data nor an array"
    )
    assert not trace.exists()
    with np.load(path, allow_pickle=True) as arrays:  # the test's own pickle does what it says where pickles may run
        arrays[where]
    assert trace.exists()


@pytest.mark.parametrize(
    "harmful",
    [
        Harmful(eval, "1 + 1"),
        Harmful(getattr, "text", "upper"),
        Harmful(np.load, "file"),
        Harmful(np.dtype, "V4"),
        OrderedDict(a=1),
        {"a set"},
        np.array(["text"]),
        np.zeros(3, [("x", "f4")]),
        np.float32,
    ],
    ids=str,
)
def test_only_plain_data_come_out_of_a_pickle(tmp_path: Path, harmful: object) -> None:
    np.savez(tmp_path / "x.npz", thing={"inside": [harmful]})
    with pytest.raises(SourceError, match=r"x\.npz is not a file of arrays"):
        read_pickled(tmp_path / "x.npz", "thing")


def test_a_list_of_lists_of_lists_takes_no_time(tmp_path: Path) -> None:
    """Each holds the one before twice: few bytes, and 2^60 lists for who copies them all."""
    nested: list[object] = []
    for _ in range(60):
        nested = [nested, nested]
    np.savez(tmp_path / "x.npz", thing={"inside": nested})
    read = read_pickled(tmp_path / "x.npz", "thing")["inside"]
    assert read[0] is read[1]


@pytest.mark.parametrize("protocol", range(5))
def test_all_plain_data_come_out_of_a_pickle(tmp_path: Path, protocol: int) -> None:
    content = {
        "arrays": [np.arange(6, dtype=kind).reshape(2, 3) for kind in ("f4", ">f8", "i8", "u1")],
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "strided": np.arange(24.0).reshape(2, 3, 4)[:, ::2, 1],
        "ragged": np.array([np.zeros(2), None], object),
        "more": ("text", 1, 2.5, None, True, np.float32(0.5), b"bytes"),
    }
    array = np.array(content, object)
    # The way of numpy.save, whose protocol cannot be chosen and was 2 in older versions.
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive, archive.open("thing.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, np.lib.format.header_data_from_array_1_0(array))
        pickle.dump(array, member, protocol=protocol)
    read = read_pickled(tmp_path / "x.npz", "thing")
    for key in ("fortran", "strided"):
        np.testing.assert_array_equal(read[key], content[key])
    for one, other in zip(read["arrays"], content["arrays"], strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    assert read["ragged"][0].tolist() == [0, 0]
    assert read["ragged"][1] is None
    assert read["more"] == content["more"]


def test_damaged_files_are_refused(tmp_path: Path, random: np.random.Generator) -> None:
    path_3d, path_2d = h36m_files(tmp_path, random)
    data = path_3d.read_bytes()
    for broken in (b"", b"abc", data[: len(data) // 2], data[:200] + bytes(300) + data[500:]):
        path_3d.write_bytes(broken)
        refuse(path_3d, path_2d, output=tmp_path / "c.npz", match="is not a file of arrays")
    np.savez(path_3d, positions_3d=np.zeros((5, 17, 3)))
    refuse(
        path_3d, path_2d, output=tmp_path / "c.npz", match=r"expected one pickled object, found \(5, 17, 3\) of type"
    )
    np.savez(path_3d, positions=np.zeros(1))
    refuse(path_3d, path_2d, output=tmp_path / "c.npz", match=r"data_3d_h36m\.npz has no 'positions_3d'")


def bad_3d(change: str, random: np.random.Generator) -> object:
    positions: dict[str, dict[str, object]] = h36m_positions(random)  # type: ignore[assignment]
    clip = positions["S1"]["Sitting"]
    assert isinstance(clip, np.ndarray)
    match change:
        case "nan":
            clip[4, 2, 1] = np.nan
        case "joints":
            positions["S1"]["Sitting"] = clip[:, :20]
        case "axes":
            positions["S1"]["Sitting"] = clip[..., :2]
        case "no frames":
            positions["S1"]["Sitting"] = clip[:0]
        case "list":
            positions["S1"]["Sitting"] = clip.tolist()
        case "millimetres":
            positions["S1"]["Sitting"] = clip * 1000
        case "subject":
            positions["S2"] = positions.pop("S1")
        case "twice":
            positions["S1"]["TakingPhoto"] = clip
        case "not a dict":
            return {"S1": [positions["S1"]]}
        case "a list":
            return [positions]
        case "empty":
            return {}
    return positions


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("nan", "S1/Sitting: frame 4 has values that are not finite"),
        ("joints", r"S1/Sitting: expected \(F, 17 or 32, 3\), found \(14, 20, 3\)"),
        ("axes", r"S1/Sitting: expected \(F, 17 or 32, 3\), found \(14, 32, 2\)"),
        ("no frames", r"S1/Sitting: expected \(F, 17 or 32, 3\), found \(0, 32, 3\)"),
        ("list", "S1/Sitting: expected an array .* found a list"),
        ("millimetres", r"S1/Sitting: joints are \d+ m away"),
        ("subject", "S2/Directions: no cameras are known for this subject"),
        ("twice", "S1/Photo is there twice"),
        ("not a dict", "positions_3d are not a dict of subjects of actions"),
        ("a list", r"expected one pickled object, found \(1,\) of type \|O"),
        ("empty", "is empty"),
    ],
)
def test_bad_3d_is_refused(tmp_path: Path, random: np.random.Generator, change: str, problem: str) -> None:
    path = save_3d(tmp_path / "data_3d_h36m.npz", bad_3d(change, random))
    refuse(path, output=tmp_path / "c.npz", match=problem)


def bad_2d(change: str, seen: dict[str, dict[str, list[object]]]) -> None:
    views = seen["S1"]["Sitting"]
    first = views[0]
    assert isinstance(first, np.ndarray)
    match change:
        case "short":
            views[3] = first[:-4]  # the file is three frames longer than the 3D
        case "nan":
            views[0] = np.where(np.arange(len(first))[:, None, None] == 6, np.nan, first)
        case "joints":
            views[0] = first[:, :16]
        case "cameras":
            seen["S1"]["Sitting"] = views[:3]
        case "none":
            views[1] = None
        case "missing clip":
            del seen["S1"]["Sitting"]
        case "missing subject":
            del seen["S9"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("short", "S1/Sitting, camera 60457274: 13 frames of 2D are too few for 14 of 3D"),
        ("nan", "S1/Sitting, camera 54138969: frame 6 has values that are not finite"),
        ("joints", r"S1/Sitting, camera 54138969: expected \(F, 17, 2\), found \(17, 16, 2\)"),
        ("cameras", "S1/Sitting: expected the joints of 4 cameras, found 3"),
        ("none", "S1/Sitting, camera 55011271: expected an array of .* found a NoneType"),
        ("missing clip", "S1/Sitting: is in the 3D file and not here"),
        ("missing subject", "S9/Directions: is in the 3D file and not here"),
    ],
)
def test_bad_2d_is_refused(tmp_path: Path, random: np.random.Generator, change: str, problem: str) -> None:
    path_3d, path_2d = h36m_files(tmp_path, random)
    seen = read_pickled(path_2d, "positions_2d")
    bad_2d(change, seen)
    save_2d(path_2d, seen, H36M_SIDES)
    refuse(path_3d, path_2d, output=tmp_path / "c.npz", match=problem)


def test_unknown_orders_of_joints_are_refused(tmp_path: Path, random: np.random.Generator) -> None:
    path_3d, path_2d = h36m_files(tmp_path, random)
    seen = read_pickled(path_2d, "positions_2d")
    for sides, problem in (([[1], [2]], "its order of joints is not known"), ([3, 4], "cannot understand")):
        save_2d(path_2d, seen, sides)
        refuse(path_3d, path_2d, output=tmp_path / "c.npz", match=problem)
    save_2d(path_2d, seen, HUMANEVA_SIDES)
    refuse(path_3d, path_2d, output=tmp_path / "c.npz", match="of humaneva15, from which h36m17 cannot be made")
    np.savez(path_2d, positions_2d=seen)
    refuse(path_3d, path_2d, output=tmp_path / "c.npz", match=r"data_2d_h36m_gt\.npz has no 'metadata'")
    np.savez(path_2d, positions_2d=seen, metadata={"layout_name": "h36m"})
    assert prepare([path_3d, path_2d], tmp_path / "c.npz", trust_pickle=True).skeleton is H36M17


def test_files_that_do_not_go_together(tmp_path: Path, random: np.random.Generator) -> None:
    path_3d, path_2d = h36m_files(tmp_path, random)
    output = tmp_path / "c.npz"
    refuse(path_2d, output=output, match=r"data_2d_h36m_gt\.npz has no use without its 3D file")
    refuse(path_3d, *humaneva_files(tmp_path, random), output=output, match="different data sets, h36m and humaneva15")
    refuse(path_3d, tmp_path, output=output, match="do not go into one corpus")
    refuse(path_3d, path_3d, output=output, match="the same part of the data")
    refuse(path_3d, tmp_path / "data_2d_h36m_cpn.npz", output=output, match=r"cpn\.npz does not exist")
    for name in ("data_3d_humaneva20.npz", "data_3d_h36m_gt.npz", "data_2d_h36m.npz", "mine.npz"):
        (tmp_path / name).write_bytes(path_3d.read_bytes())
        refuse(tmp_path / name, output=output, match="is not the name of a field's file")
    with pytest.raises(ConfigError, match="--rate and --unit are for BVH files"):
        prepare([path_3d], output, rate_hz=25.0, trust_pickle=True)


def test_a_corpus_of_another_skeleton_is_refused_by_name(tmp_path: Path, random: np.random.Generator) -> None:
    corpus = prepared(tmp_path / "c.npz", *humaneva_files(tmp_path, random))
    with pytest.raises(ConfigError, match=r"the joints of humaneva15, lifter\.onnx needs h36m17"):
        require_skeleton(corpus, "h36m17", "lifter.onnx")
    require_skeleton(corpus, "humaneva15", "lifter.onnx")
    with pytest.raises(ConfigError, match="humaneva15, training with virtual cameras needs h36m17"):
        load_motion(corpus, corpus.clips)
