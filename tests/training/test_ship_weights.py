"""The maintainers' script that enters a trained lifter into the manifest."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import onnx
import pytest
from onnx_lifters import echo_lifter
from posedemo.errors import ConfigError, ModelError

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "ship_weights.py"
SHIPPED = ROOT / "weights" / "semgcn.onnx"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ship_weights", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def manifest() -> dict:
    return json.loads((ROOT / "weights" / "manifest.json").read_text())


def test_facts_of_a_shipped_file_are_those_of_the_manifest(script, manifest):
    facts = script.facts_of(SHIPPED)
    (entry,) = (entry for entry in manifest["models"] if entry["name"] == "semgcn")
    assert {name: entry[name] for name in facts} == facts
    assert {"num_bytes", "sha256", "num_frames"} <= set(facts)


def test_entering_changes_one_lifter_and_the_default_only_if_asked(script, manifest):
    facts = {"sha256": "1" * 64, "num_bytes": 7}
    after = script.entered(manifest, "gla-gcn", facts, is_default=False)
    others = [(a, b) for a, b in zip(manifest["models"], after["models"], strict=True) if a["name"] != "gla-gcn"]
    assert all(before == now for before, now in others)
    (mine,) = (entry for entry in after["models"] if entry["name"] == "gla-gcn")
    assert {name: mine[name] for name in facts} == facts
    assert after["default"] == manifest["default"]
    assert script.entered(manifest, "gla-gcn", facts, is_default=True)["default"]["lifter"] == "gla-gcn"


@pytest.mark.parametrize("name", ["mine", "mediapipe", "mediapipe-full"])
def test_only_lifters_with_a_file_can_be_entered(script, manifest, name):
    with pytest.raises(ConfigError, match=name):
        script.entered(manifest, name, {}, is_default=False)


def test_what_cannot_ship_is_refused(script, tmp_path):
    onnx.save(echo_lifter(num_frames=9, target=4), tmp_path / "echo.onnx")
    with pytest.raises(ModelError, match="looks 4 frames ahead"):
        script.facts_of(tmp_path / "echo.onnx")
    onnx.save(echo_lifter(), tmp_path / "gla-gcn.onnx")
    with pytest.raises(ModelError, match="states that it is echo"):
        script.facts_of(tmp_path / "gla-gcn.onnx")


def test_stand_in_for_file_mode_lifts_the_middle(script, tmp_path):
    path, centred = tmp_path / "echo-centred.onnx", {"echo-centred": "echo"}
    onnx.save(echo_lifter(num_frames=9, target=4), path)
    assert script.facts_of(path, centred)["num_frames"] == 9
    onnx.save(echo_lifter(num_frames=9, target=5), path)
    with pytest.raises(ModelError, match="looks 3 frames ahead, and not 4"):
        script.facts_of(path, centred)
    onnx.save(echo_lifter(num_frames=9, target=4), path)
    with pytest.raises(ModelError, match="states that it is echo"):
        script.facts_of(path, {"echo-centred": "semgcn"})


def test_variant_states_the_lifter_that_it_is(script, tmp_path):
    path = tmp_path / "echo-free.onnx"
    onnx.save(echo_lifter(), path)
    assert script.facts_of(path, variants={"echo-free": "echo"})["num_frames"] == 1
    with pytest.raises(ModelError, match="states that it is echo"):
        script.facts_of(path, variants={"echo-free": "semgcn"})


def test_without_a_card_nothing_is_measured_or_written(tmp_path):
    for name in ("semgcn.onnx", "manifest.json"):
        shutil.copy(ROOT / "weights" / name, tmp_path)
    before = (tmp_path / "manifest.json").read_bytes()
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "semgcn.onnx", "--data", tmp_path / "none.npz"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "has no model card" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "manifest.json").read_bytes() == before
