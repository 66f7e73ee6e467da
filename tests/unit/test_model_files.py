"""Model files: verified, named, refused when damaged, fetched safely."""

import hashlib
import json
import os
from dataclasses import replace

import pytest
from posedemo import model_files
from posedemo.errors import ConfigError, ModelError
from posedemo.manifest import ModelEntry, known_names, manifest
from posedemo.modes import lifter_in_mode
from posedemo.settings import Settings


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POSEDEMO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def heavy() -> ModelEntry:
    return next(entry for entry in manifest() if entry.name == "mediapipe-heavy")


@pytest.mark.parametrize("entry", [entry for entry in manifest() if entry.is_packaged], ids=lambda e: e.name)
def test_packaged_files_match_the_manifest(entry):
    content = model_files.load(entry.kind, entry.name).content
    assert hashlib.sha256(content).hexdigest() == entry.sha256
    assert entry.licence
    assert entry.origin


@pytest.mark.parametrize("kind", ["detector", "lifter"])
def test_unknown_name_lists_the_known(kind):
    with pytest.raises(ConfigError) as caught:
        model_files.load(kind, "posenet")
    assert all(name in caught.value.hint for name in known_names(kind))


def test_damaged_packaged_file_is_refused():
    entry = next(entry for entry in manifest() if entry.is_packaged)
    with pytest.raises(ModelError, match="damaged"):
        model_files.verify_packaged(replace(entry, sha256="0" * 64))
    with pytest.raises(ModelError, match="missing"):
        model_files.verify_packaged(replace(entry, file="nothing.task"))


def test_missing_file_of_ones_own():
    with pytest.raises(ModelError, match=r"my\.onnx"):
        model_files.load("lifter", "/nowhere/my.onnx")


def test_offline_says_how_to_place_the_file_by_hand(cache, monkeypatch):
    entry = replace(heavy(), url="https://localhost:9/heavy.task")
    monkeypatch.setattr(model_files, "manifest", lambda: (entry,))
    with pytest.raises(ModelError, match="offline") as caught:
        model_files.load("detector", "mediapipe-heavy")
    assert str(cache / entry.file) in caught.value.hint
    assert list(cache.iterdir()) == []


def test_only_https_is_fetched(cache, monkeypatch):
    entry = replace(heavy(), url=f"file://{__file__}")
    monkeypatch.setattr(model_files, "manifest", lambda: (entry,))
    with pytest.raises(ModelError, match="https"):
        model_files.load("detector", "mediapipe-heavy")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_fetched_file_is_readable_by_whom_the_system_lets(cache, monkeypatch):
    """A cache may be a whole lab's. Only the way through the network is left out."""
    monkeypatch.setattr(model_files, "_fetch", lambda entry, file: file.write(b"first"))
    before = os.umask(0o022)
    try:
        assert model_files.load("detector", "mediapipe-heavy").content == b"first"
    finally:
        os.umask(before)
    assert (cache / heavy().file).stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in cache.iterdir()) == sorted([heavy().file, "first_use.json"])


def test_file_placed_by_hand_is_recorded_at_first_use_and_must_not_change(cache):
    cache.mkdir()
    placed = cache / heavy().file
    placed.write_bytes(b"first")
    assert model_files.load("detector", "mediapipe-heavy").content == b"first"
    assert json.loads((cache / "first_use.json").read_text()) == {placed.name: hashlib.sha256(b"first").hexdigest()}
    assert model_files.load("detector", "mediapipe-heavy").content == b"first"
    placed.write_bytes(b"other")
    with pytest.raises(ModelError, match="changed since its first use"):
        model_files.load("detector", "mediapipe-heavy")


@pytest.mark.parametrize("damage", ["", "{", "[]"])
def test_what_was_recorded_is_not_forgotten_where_it_cannot_be_read(cache, damage):
    cache.mkdir()
    (cache / heavy().file).write_bytes(b"first")
    model_files.load("detector", "mediapipe-heavy")
    (cache / heavy().file).write_bytes(b"other")
    (cache / "first_use.json").write_text(damage)
    with pytest.raises(ModelError, match=r"first_use\.json cannot be read"):
        model_files.load("detector", "mediapipe-heavy")


def test_heavy_comes_from_its_publisher_and_is_bounded():
    assert heavy().url.startswith("https://storage.googleapis.com/mediapipe-models/")
    assert heavy().num_bytes <= 64 * 2**20


def test_state_of_every_kind_of_model(cache):
    assert model_files.state(heavy()) == "on demand"
    cache.mkdir()
    (cache / heavy().file).write_bytes(b"first")
    assert model_files.state(heavy()) == "fetched"
    packaged = next(entry for entry in manifest() if entry.is_packaged)
    assert model_files.state(packaged) == "verified"
    assert model_files.state(replace(packaged, sha256="0" * 64)) == "damaged"
    assert model_files.state(replace(packaged, file="nothing.task")) == "missing"
    assert model_files.state(replace(packaged, sha256=None)) == "missing"
    assert model_files.state(replace(packaged, file=None)) == "built in"


def test_lifter_without_weights_says_how_to_make_them(monkeypatch):
    entry = ModelEntry(
        "new-gcn", "lifter", "New", "MIT", "here", file="new-gcn.onnx", train="posedemo train --lifter new"
    )
    monkeypatch.setattr(model_files, "manifest", lambda: (entry,))
    with pytest.raises(ModelError, match="new-gcn has no weights yet") as caught:
        model_files.load("lifter", "new-gcn")
    assert "posedemo train --lifter new" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("detector", Settings.detector),
        ("lifter", lifter_in_mode(Settings.lifter, "live")),
        ("lifter", lifter_in_mode(Settings.lifter, "file")),
    ],
)
def test_default_is_one_of_the_names_and_comes_with_the_program(kind, name):
    (entry,) = (entry for entry in manifest() if entry.kind == kind and entry.name == name)
    assert model_files.state(entry) == "verified"
