"""Training data: corpora, BVH files, zips of them, joint maps

And the field's files and checkpoints, which are pickles, read as data.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from archives import zipped
from array_mutations import hostile_archives, mutated_arrays, packed
from mutations import damaged, mutated_json
from posedemo.errors import ConfigError, PosedemoError, SourceError
from posedemo.models.bvh import read_bvh
from posedemo.models.corpus import Clip, Corpus, View, read_corpus
from posedemo.models.joint_maps import BUILT_IN_MAPS, read_map
from posedemo.models.prepare import find_files, prepare, read_clip
from posedemo.skeleton import H36M17
from training.synthetic import PERSON, bvh_text, walking
from trials import Tally, limited_memory, try_all

pytestmark = pytest.mark.train

BVH = bvh_text(PERSON, walking(6))


def corpus_arrays() -> dict[str, np.ndarray]:
    """Two clips of two people, each filmed by a camera, in the form in which a corpus is written."""
    random = np.random.default_rng(5)
    view = View("C1", 640, 480, (0.5, 0.5, -0.5, 0.5), (1.0, 2.0, 3.0), {"gt": 0})
    clips = [
        Clip(name, 8 * place, 8, 30.0, f"lab/{name}", "walk", "lab", (view,))
        for place, name in enumerate(("ann", "bob"))
    ]
    return {
        "xyz_m": random.normal(size=(16, 17, 3)).astype(np.float32),
        "clips": np.array(json.dumps([asdict(clip) for clip in clips])),
        "skeleton": np.array("h36m17"),
        "units": np.array("metre"),
        "schema_version": np.array(2),
        "xy_px.gt": random.uniform(0, 480, (16, 17, 2)).astype(np.float32),
    }


def read_checked_corpus(path: Path) -> None:
    """What is read can be trained on: all of it is finite, and its clips lie where they say."""
    corpus: Corpus = read_corpus(path)
    assert np.isfinite(corpus.xyz_m).all()
    for clip in corpus.clips:
        assert 0 < clip.rate_hz < np.inf
        assert len(corpus.xyz_m[clip.start : clip.start + clip.length]) == clip.length > 0
        for view in clip.views:
            assert np.isfinite([*view.orientation, *view.translation_m]).all()


def test_damaged_corpora(tmp_path, tried):
    tally = try_all(read_checked_corpus, damaged(packed(corpus_arrays()), 400), tmp_path / "corpus.npz")
    assert tally.refused > 200
    tried("corpora with bytes cut, flipped, spliced, overwritten", tally.total, str(tally))


def test_wrong_corpora(tmp_path, tried):
    arrays = corpus_arrays()
    tally = try_all(read_checked_corpus, mutated_arrays(arrays, 400), tmp_path / "corpus.npz")
    assert tally.refused > 200
    tried("corpora with arrays dropped, retyped, reshaped, with odd numbers", tally.total, str(tally))
    texts = mutated_json(json.loads(str(arrays["clips"])), 400)
    contents = (packed(arrays | {"clips": np.array(text)}) for text in texts)
    tally = try_all(read_checked_corpus, contents, tmp_path / "corpus.npz")
    assert tally.refused > 100
    tried("corpora whose list of clips has fields dropped, retyped or out of range", tally.total, str(tally))


HOSTILE = hostile_archives(corpus_arrays(), "xyz_m")


def test_corpora_made_to_do_harm(tmp_path, monkeypatch, tried):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    nested = packed(corpus_arrays() | {"clips": np.array("[" * 100_000)})
    for content in [*HOSTILE.values(), nested]:
        (folder / "corpus.npz").write_bytes(content)
        with limited_memory(2**28), pytest.raises(ConfigError):
            read_corpus(folder / "corpus.npz")
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b", "corpus.npz"]
    tried("corpora made to do harm, as keypoint files were", len(HOSTILE) + 1, "each refused with a sentence")


def read_motion(path: Path) -> None:
    """All that `posedemo prepare` does with a file; what it makes of it is finite."""
    (file,) = find_files(path)
    _, xyz_m = read_clip(file, joint_map=None, rate_hz=30.0)
    assert xyz_m.shape[1:] == (H36M17.num_joints, 3)
    assert np.isfinite(xyz_m).all()


def bvh_variants(count: int):
    """A BVH file with words dropped, repeated, exchanged, or in the place of others."""
    words = BVH.split(" ")
    odd = (
        "nan",
        "inf",
        "-1",
        "0",
        "1e308",
        "1e-308",
        "99999999999",
        "{",
        "}",
        "JOINT",
        "End",
        "\n",
        "\0",
        "CHANNELS 9999",
    )
    for number in range(count):
        random = np.random.default_rng(number)
        changed = list(words)
        for _ in range(int(random.integers(1, 6))):
            place, other = random.integers(len(changed), size=2)
            match random.integers(4):
                case 0:
                    del changed[place]
                case 1:
                    changed.insert(place, changed[other])
                case 2:
                    changed[place], changed[other] = changed[other], changed[place]
                case _:
                    changed[place] = odd[int(random.integers(len(odd)))]
        yield " ".join(changed).encode()


def test_damaged_motion(tmp_path, tried):
    tally = try_all(read_motion, damaged(BVH.encode(), 300), tmp_path / "lab_ann_walk.bvh")
    assert tally.refused > 150
    tried("BVH files with bytes cut, flipped, spliced, overwritten", tally.total, str(tally))
    tally = try_all(read_motion, bvh_variants(400), tmp_path / "lab_ann_walk.bvh")
    assert tally.refused > 200
    tried("BVH files with words dropped, repeated, exchanged, or odd numbers in their place", tally.total, str(tally))


@pytest.mark.parametrize(
    "text",
    [
        "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 0\n" + "JOINT b\n{\nOFFSET 0 0 0\nCHANNELS 0\n" * 20_000,
        BVH.replace("Frames: 6", "Frames: 1e18"),
        BVH.replace("Frame Time: 0.033333", "Frame Time: 1e-300"),
        BVH.replace("Frame Time: 0.033333", "Frame Time: 1e300"),
    ],
    ids=["20,000 joints deep", "a quintillion frames", "no time between frames", "an age between frames"],
)
def test_motion_beyond_reason(tmp_path, text):
    path = tmp_path / "lab_ann_walk.bvh"
    path.write_text(text)
    with limited_memory(2**28), pytest.raises(PosedemoError):
        read_motion(path)
    with limited_memory(2**28), pytest.raises(PosedemoError):
        read_clip(next(find_files(path)), joint_map=BUILT_IN_MAPS[0], rate_hz=30.0)


def test_joints_that_cost_no_letter_are_counted(tmp_path):
    """900 joints without channels in 20,000 frames: 90 kB, and 3 GB of transforms."""
    others = "".join(f"JOINT b{k}\n{{\nOFFSET 0 1 0\nCHANNELS 0\n}}\n" for k in range(900))
    hierarchy = f"HIERARCHY\nROOT a\n{{\nOFFSET 0 0 0\nCHANNELS 1 Zrotation\n{others}}}\n"
    path = tmp_path / "lab_ann_walk.bvh"
    path.write_text(f"{hierarchy}MOTION\nFrames: 20000\nFrame Time: 0.01\n" + "0\n" * 20_000)
    with pytest.raises(SourceError, match="20000 frames of 901 joints"):
        read_bvh(path)


def prepare_zip(path: Path) -> None:
    """Of a zip `posedemo prepare` writes the corpus and nothing else."""
    output = path.with_name("corpus.npz")
    output.unlink(missing_ok=True)
    before = set(path.parent.rglob("*"))
    try:
        prepare([path], output)
        read_checked_corpus(output)
    finally:
        assert set(path.parent.rglob("*")) <= before | {output}


def test_damaged_zips(tmp_path, tried):
    content = zipped({f"lab_{name}_walk.bvh": BVH for name in ("ann", "bob")})
    tally = try_all(prepare_zip, damaged(content, 200), tmp_path / "motion.zip")
    assert tally.refused > 50
    tried("zips of BVH files with bytes cut, flipped, spliced, overwritten", tally.total, str(tally))


@pytest.mark.parametrize(("place", "change"), [(6, b"\x63\x00"), (8, b"\x00\x08"), (10, b"\x63\x00")])
def test_zips_of_the_future_and_odd_names_are_refused(tmp_path, place, change):
    """Version, flags (its name is UTF-8, and is not) and way of packing, as the directory states them."""
    content = zipped({"lab_ann_walk.bvh": BVH}).replace(b"lab_ann_walk.bvh", b"lab_ann_\xff\xfe\xfd\xfc.bvh")
    entry = content.rfind(b"PK\x01\x02")
    (tmp_path / "motion.zip").write_bytes(content[: entry + place] + change + content[entry + place + 2 :])
    with pytest.raises(PosedemoError):
        prepare_zip(tmp_path / "motion.zip")


def test_zip_bomb_is_refused_by_the_size_that_it_states(tmp_path):
    bomb = zipped({"lab_ann_walk.bvh": "0" * 2**20})
    place = bomb.rfind(b"lab_ann") - 46
    bomb = bomb[: place + 24] + (2**32 - 2).to_bytes(4, "little") + bomb[place + 28 :]
    (tmp_path / "motion.zip").write_bytes(bomb)
    with limited_memory(2**28), pytest.raises(ConfigError, match="no usable BVH file"):
        prepare_zip(tmp_path / "motion.zip")


def test_zip_bomb_is_refused_by_how_much_it_was_packed(tmp_path):
    """60 MB of zeros from 60 kB, which as numbers would be a gigabyte."""
    (tmp_path / "motion.zip").write_bytes(zipped({"lab_ann_walk.bvh": BVH + "0 " * 30_000_000}))
    with limited_memory(2**28), pytest.raises(ConfigError, match="no usable BVH file"):
        prepare_zip(tmp_path / "motion.zip")


def joint_map_text() -> str:
    """A joint map for the files above, as docs/training.md shows one."""
    (joint_map,) = (joint_map for joint_map in BUILT_IN_MAPS if joint_map.name == "generic")
    lines = []
    for joint, rule in joint_map.rules.items():
        weights = ", ".join(f'"{name}" = {weight}' for name, weight in rule.weights.items())
        lines += [f"[{joint}]", f"weights = {{ {weights} }}", f"offset_cm = {list(rule.offset_cm)}"]
    return "\n".join(lines)


def use_map(path: Path) -> None:
    joint_map = read_map(path)
    source = path.with_name("lab_ann_walk.bvh")
    _, xyz_m = read_clip(next(find_files(source)), joint_map=joint_map, rate_hz=30.0)
    assert np.isfinite(xyz_m).all()


def test_wrong_joint_maps(tmp_path, tried):
    (tmp_path / "lab_ann_walk.bvh").write_text(BVH)
    text = joint_map_text()
    tally = Tally()
    tally = try_all(use_map, damaged(text.encode(), 300), tmp_path / "map.toml")
    assert tally.refused > 150
    tried("joint maps (TOML) with bytes cut, flipped, spliced, overwritten", tally.total, str(tally))
    wrong = [
        text.replace("= 1.0", f"= {value}", 1)
        for value in ("nan", "inf", "1e308", "-1e308", "[1.0]", "{}", '"1"', "true", "1979-05-27", "9" * 400)
    ]
    wrong += [text.replace("[0.0, 0.0, 0.0]", value, 1) for value in ("[nan, 0, 0]", "[1e308, 0, 0]", "[]", "{}", "0")]
    wrong += ["x = " + "[" * 5_000, "a." * 5_000 + "b = 1", "x = " + "{a=" * 3_000, "[" + "a." * 5_000 + "b]"]
    tally = try_all(use_map, (entry.encode() for entry in wrong), tmp_path / "map.toml")
    # A weight may be written as text or truth: 1 all the same.
    assert tally.refused >= len(wrong) - 3
    tried("joint maps with numbers that are none, and nested thousands deep", tally.total, str(tally))


def test_bvh_without_a_name_of_its_own_is_refused_by_number(tmp_path):
    path = tmp_path / "lab_ann_walk.bvh"
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(PosedemoError, match="line 1"):
        read_bvh(path)
