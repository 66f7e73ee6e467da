"""The script that fills the tables of the documents in, and that they are filled in."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from posedemo.clip_scores import ClipReport, ClipScores
from posedemo.modes import lifter_in_mode
from posedemo.settings import Settings

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "accuracy_tables.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("accuracy_tables", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tables_are_replaced_and_the_rest_is_kept(script):
    text = "before\n<!-- table: a -->\nold\nold\n<!-- end: a -->\nbetween\n<!-- table: b -->\nkept\n<!-- end: b -->\n"
    assert script.filled(text, {"a": "new", "c": "nowhere"}) == text.replace("old\nold", "new")
    with pytest.raises(ValueError, match="not found"):
        script.filled("<!-- table: a -->\nbegun", {"a": "new"})


def test_the_short_table_has_every_lifter_as_it_is_and_the_default_as_shown(script):
    raw = ClipScores(7.44, 5, 58, 52, 8, 2.296, (17, 18), (), 0, 52, 1.26)
    shown = ClipScores(0.0, 0, 21, 19, 9, 2.5, (), (), 0, 55, 1.26)
    default = lifter_in_mode(Settings.lifter, "file")
    report = ClipReport({}, {"raw": {default: raw, "mediapipe": raw}, "shown": {default: shown, "mediapipe": shown}})
    rows = script.short_table(report).splitlines()[2:]
    assert rows[0] == f"| {default} | 7.4 | 58.0 | 2.30 | 2 | 0 | 1.3 |"
    assert rows[1].startswith("| mediapipe | 7.4 |")
    assert rows[2] == f"| **{default}, as the program shows it** | 0.0 | 21.0 | 2.50 | 0 | 0 | 1.3 |"


def test_the_documents_have_the_manifests_numbers(script):
    """After new weights: python tools/accuracy_tables.py."""
    for document in script.DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert text.count("<!-- table: ") == text.count("<!-- end: ") > 0
        assert script.filled(text, script.held_out_tables()) == text, document.name
