"""Preparing a corpus from folders and zips, reading it back, and splitting it by person."""

from __future__ import annotations

import json
import logging
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from posedemo.errors import ConfigError
from posedemo.models.corpus import Clip, Corpus, View, make_corpus, read_corpus, write_corpus
from posedemo.models.prepare import describe, guess_unit, prepare
from posedemo.models.split import split_clips
from posedemo.skeleton import H36M17, HUMANEVA15
from synthetic import PERSON, bvh_text, walking

AT = H36M17.index


def test_folder_and_zip_with_a_broken_member(
    motion_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    corpus = prepare([motion_folder, motion_folder / "more.zip"], tmp_path / "c.npz")
    assert [clip.subject for clip in corpus.clips] == ["lab/ann", "lab/bob", "lab/cid", "lab/dee"]
    assert "skipped: inner/lab_eve_walk_01.bvh, line" in caplog.text
    assert "1 files skipped" in caplog.text
    assert list(tmp_path.iterdir()) == [tmp_path / "c.npz"]


def test_joints_are_where_the_body_is(corpus_path: Path) -> None:
    corpus = read_corpus(corpus_path)
    first = corpus.xyz_m[0]
    assert first[AT("pelvis"), 1] == pytest.approx(0.85, abs=1e-3)
    assert first[AT("left_hip"), 0] == pytest.approx(0.1, abs=1e-3)
    assert first[AT("head"), 1] > 1.5
    assert corpus.clips[0].rate_hz == 30
    assert corpus.clips[0].action == "walk"


@pytest.mark.parametrize(("scale", "unit"), [(1, "auto"), (0.01, "auto"), (1 / 2.54, "auto"), (0.01, "m"), (1, "cm")])
def test_units_are_guessed_or_given(tmp_path: Path, scale: float, unit: str) -> None:
    tree = {name: (parent, tuple(scale * number for number in offset)) for name, (parent, offset) in PERSON.items()}
    (tmp_path / "a_b_c.bvh").write_text(bvh_text(tree, [{}, {}]))
    corpus = prepare([tmp_path], tmp_path / "c.npz", unit=unit)
    thigh = corpus.xyz_m[0, AT("left_hip")] - corpus.xyz_m[0, AT("left_knee")]
    assert np.linalg.norm(thigh) == pytest.approx(0.42, abs=1e-3)


def test_a_unit_is_that_of_most_frames_and_of_the_limbs(random: np.random.Generator) -> None:
    """Damaged frames have bones of any length, and the face's offsets are in centimetres whatever the file is in."""
    directions = random.normal(size=(9, 17, 3))
    bones = 0.25 * directions / np.linalg.norm(directions, axis=-1, keepdims=True)  # metres, as the file
    bones[:, [AT("nose"), AT("head")]] *= 100
    bones[3] *= 100
    xyz = np.zeros((9, 17, 3))
    for parent, child in H36M17.bones:
        xyz[:, child] = xyz[:, parent] + bones[:, child]
    assert guess_unit(xyz) == 1
    assert guess_unit(100 * xyz) == 0.01


def test_rate_and_exclusion(tmp_path: Path) -> None:
    (tmp_path / "lab_ann_walk.bvh").write_text(bvh_text(PERSON, walking(41), rate_hz=120))
    (tmp_path / "lab_bob_walk.bvh").write_text(bvh_text(PERSON, walking(5)))
    corpus = prepare([tmp_path], tmp_path / "c.npz", exclude=["*_bob_*"])
    assert [(clip.name, clip.length) for clip in corpus.clips] == [("lab_ann_walk", 11)]


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.bvh").write_text("no motion")
    with pytest.raises(ConfigError, match="no usable BVH file among the 1"):
        prepare([tmp_path], tmp_path / "c.npz")
    with pytest.raises(ConfigError, match="does not exist"):
        prepare([tmp_path / "absent"], tmp_path / "c.npz")
    (tmp_path / "y.zip").write_bytes(b"no zip")
    with pytest.raises(ConfigError, match="as a zip"):
        prepare([tmp_path / "y.zip"], tmp_path / "c.npz")
    assert not (tmp_path / "c.npz").exists()


def test_a_damaged_zip_member_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lab_ann_walk.bvh", bvh_text(PERSON, walking(20)))
        archive.writestr("lab_bob_walk.bvh", bvh_text(PERSON, walking(20, phase=1)))
    data = bytearray(path.read_bytes())
    data[300:340] = bytes(40)
    path.write_bytes(data)
    assert [clip.subject for clip in prepare([path], tmp_path / "c.npz").clips] == ["lab/bob"]


@pytest.mark.parametrize(
    "name",
    [
        "../lab_eve_walk.bvh",
        "inner/../../lab_eve_walk.bvh",
        "/tmp/lab_eve_walk.bvh",
        "..\\lab_eve_walk.bvh",
        "C:\\lab_eve_walk.bvh",
    ],
)
def test_a_zip_path_that_leaves_its_folder_is_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "e.zip", "w") as archive:
        archive.writestr("inner/lab_ann_walk.bvh", bvh_text(PERSON, walking(20)))
        archive.writestr(name, bvh_text(PERSON, walking(20)))
    before = set(tmp_path.rglob("*"))
    corpus = prepare([folder / "e.zip"], folder / "c.npz")
    assert [clip.subject for clip in corpus.clips] == ["lab/ann"]
    assert "the path leaves the archive's folder" in caplog.text
    assert set(tmp_path.rglob("*")) == before | {folder / "c.npz"}


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("cmu-mb_05_03", ("cmu-mb", "cmu-mb/05", "unknown")),
        ("hdm05_dg_grabHighR_016", ("hdm05", "hdm05/dg", "grabHighR")),
        ("ann_walk", ("lab", "lab/ann", "walk")),
        ("ann", ("lab", "lab/ann", "unknown")),
    ],
)
def test_names_are_understood(stem: str, expected: tuple[str, str, str]) -> None:
    assert describe(stem, folder="lab") == expected


def test_round_trip(tmp_path: Path, random: np.random.Generator) -> None:
    clips = [
        (Clip(name, 0, 0, 30.0, f"lab/{name}", "walk", "lab"), random.normal(size=(length, 17, 3)))
        for name, length in (("ann", 4), ("bob", 7))
    ]
    corpus = make_corpus(clips)
    write_corpus(corpus, tmp_path / "c.npz")
    again = read_corpus(tmp_path / "c.npz")
    np.testing.assert_array_equal(again.xyz_m, corpus.xyz_m)
    assert again.clips == corpus.clips
    assert [(clip.start, clip.length) for clip in again.clips] == [(0, 4), (4, 7)]


def filmed_corpus(random: np.random.Generator) -> Corpus:
    """Two clips of HumanEva-15, filmed by one camera, with 2D of two sources."""
    starts = ({"gt": 0, "net": 7}, {"gt": 4, "net": 0})
    clips = tuple(
        Clip(name, 4 * i, (4, 7)[i], 60.0, f"lab/{name}", "walk", "lab", (view(starts[i]),))
        for i, name in enumerate(("ann", "bob"))
    )
    xy_px = {source: random.normal(size=(11, 15, 2)).astype(np.float32) for source in ("gt", "net")}
    return Corpus(random.normal(size=(11, 15, 3)).astype(np.float32), clips, HUMANEVA15, xy_px)


def view(starts: dict[str, int]) -> View:
    return View("C1", 640, 480, (0.5, 0.5, -0.5, 0.5), (1.0, 2.0, 0.1 + 0.2), starts)


def test_cameras_and_2d_joints_make_the_round_trip(tmp_path: Path, random: np.random.Generator) -> None:
    corpus = filmed_corpus(random)
    write_corpus(corpus, tmp_path / "c.npz")
    again = read_corpus(tmp_path / "c.npz")
    assert again.clips == corpus.clips
    assert again.skeleton is HUMANEVA15
    assert set(again.xy_px) == {"gt", "net"}
    for source, xy_px in corpus.xy_px.items():
        np.testing.assert_array_equal(again.xy_px[source], xy_px)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"xy_px.gt": np.zeros((11, 17, 2), np.float32)}, r"expected \(\*, 15, 2\) float32"),
        ({"xy_px.gt": np.full((11, 15, 2), np.inf, np.float32)}, r"xy_px\.gt holds values that are not finite"),
        ({"xy_px.gt": np.zeros((10, 15, 2), np.float32)}, "'gt' of clip bob are not all there"),
        ({"skeleton": np.array("h36m17")}, r"xyz_m is \(11, 15, 3\) float32, expected \(\*, 17, 3\)"),
        ({"skeleton": np.array("coco17")}, "holds coco17 in metre"),
    ],
)
def test_wrong_views_are_refused(
    tmp_path: Path, random: np.random.Generator, change: dict[str, np.ndarray], problem: str
) -> None:
    write_corpus(filmed_corpus(random), tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as arrays:
        content = dict(arrays)
    np.savez(tmp_path / "c.npz", **{**content, **change})
    with pytest.raises(ConfigError, match=problem):
        read_corpus(tmp_path / "c.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"starts": {"cpn": 0}},
        {"orientation": [1, 0, 0]},
        {"orientation": [1.1, 0, 0, 0]},
        {"width_px": 0},
        {"lens": 1},
    ],
)
def test_wrong_cameras_are_refused(tmp_path: Path, random: np.random.Generator, change: dict[str, object]) -> None:
    write_corpus(filmed_corpus(random), tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as arrays:
        content = dict(arrays)
    clips = json.loads(str(content["clips"]))
    clips[1]["views"][0].update(change)
    np.savez(tmp_path / "c.npz", **{**content, "clips": np.array(json.dumps(clips))})
    with pytest.raises(ConfigError, match="is not a corpus"):
        read_corpus(tmp_path / "c.npz")


def test_the_first_version_is_still_read(corpus_path: Path, tmp_path: Path) -> None:
    with np.load(corpus_path) as arrays:
        content = dict(arrays)
    clips = json.loads(str(content["clips"]))
    for clip in clips:
        del clip["views"]
    first_version = {**content, "schema_version": np.array(1), "clips": np.array(json.dumps(clips))}
    np.savez(tmp_path / "c.npz", **first_version)
    assert read_corpus(tmp_path / "c.npz").clips == read_corpus(corpus_path).clips


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema_version": np.array(9)}, "schema version is 9"),
        ({"units": np.array("inch")}, "holds h36m17 in inch"),
        ({"xyz_m": np.zeros((5, 17, 2), np.float32)}, r"expected \(\*, 17, 3\) float32"),
        ({"xyz_m": np.full((120, 17, 3), np.nan, np.float32)}, "not finite"),
        ({"xyz_m": np.zeros((5, 17, 3), np.float32)}, "its clips cover"),
        ({"clips": np.array("[]")}, "gaps or overlaps"),
        ({"clips": np.array("[{}]")}, "is not a corpus"),
        ({"clips": np.array("{")}, "is not a corpus"),
        ({"clips": np.array({}, dtype=object)}, "is not a corpus"),
    ],
)
def test_wrong_corpora_are_refused(corpus_path: Path, tmp_path: Path, change: dict[str, object], problem: str) -> None:
    with np.load(corpus_path) as arrays:
        content = dict(arrays)
    np.savez(tmp_path / "c.npz", **{**content, **change})
    with pytest.raises(ConfigError, match=problem) as caught:
        read_corpus(tmp_path / "c.npz")
    assert "\n" not in caught.value.message


def test_damaged_and_missing_corpora_are_refused(corpus_path: Path, tmp_path: Path) -> None:
    data = corpus_path.read_bytes()
    for content in (b"", b"abc", data[: len(data) // 2], data[:100] + bytes(200) + data[300:]):
        (tmp_path / "c.npz").write_bytes(content)
        with pytest.raises(ConfigError, match="is not a corpus"):
            read_corpus(tmp_path / "c.npz")
    with pytest.raises(ConfigError, match="cannot read"):
        read_corpus(tmp_path / "absent.npz")


def test_the_split_is_by_person(corpus_path: Path) -> None:
    corpus = read_corpus(corpus_path)
    kept, held = split_clips(corpus, ["lab/b*"])
    assert [clip.subject for clip in held] == ["lab/bob"]
    assert len(kept) == 3
    with pytest.raises(ConfigError, match="no such subject"):
        split_clips(corpus, ["lab/zoe"])
    with pytest.raises(ConfigError, match="left to train on"):
        split_clips(corpus, ["*"])


def test_the_default_split_does_not_move_people_when_data_are_added(corpus_path: Path) -> None:
    corpus = read_corpus(corpus_path)
    many = replace(
        corpus, clips=tuple(replace(corpus.clips[0], subject=f"lab/{number}", name=str(number)) for number in range(60))
    )
    few = replace(many, clips=many.clips[:30])
    held_of_many = {clip.name for clip in split_clips(many)[1]}
    held_of_few = {clip.name for clip in split_clips(few)[1]}
    assert held_of_few == held_of_many & {clip.name for clip in few.clips}
    assert 2 <= len(held_of_many) <= 20
