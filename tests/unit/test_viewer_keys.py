"""The table of keys, and everything that is made from it."""

import ast
from pathlib import Path

import numpy as np
import pytest
from posedemo.viewer import keys
from posedemo.viewer.help_panel import compose_help
from posedemo.viewer.keys import KEYS, Action
from posedemo.viewer.theme import DARK, LIGHT

ROOT = Path(__file__).resolve().parents[2]


def test_every_action_has_one_key_and_every_key_one_action():
    assert sorted(key.action.name for key in KEYS) == sorted(action.name for action in Action)
    assert len({key.code for key in KEYS}) == len({key.label for key in KEYS}) == len(KEYS)


def test_keys_do_what_their_labels_say_on_a_us_keyboard():
    for key in KEYS:
        if len(key.label) == 1:
            assert key.code == ord(key.label)
    assert {key.action: key.label for key in KEYS}[Action.QUIT] == "Q"


def test_every_key_of_open3d_is_taken_from_it_or_ours():
    """Its letters print, write files and change colours; what is ours never reaches it."""
    assert {ord(letter) for letter in "HPRDOCVLWBNSITJKQ0123456789"} <= keys.OPEN3D_CODES | {key.code for key in KEYS}


def markdown_table() -> str:
    """As the README has it: half of the keys beside the other half."""
    half = (len(KEYS) + 1) // 2
    cells = [f"| `{key.label}` | {key.words} " for key in KEYS] + ["| | "] * (2 * half - len(KEYS))
    rows = [f"{left}{right}|" for left, right in zip(cells[:half], cells[half:], strict=True)]
    return "\n".join(["| key | does | key | does |", "|---|---|---|---|", *rows])


def test_readme_has_the_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- keys -->\n")[1].split("\n<!-- /keys -->")[0]
    assert table == markdown_table()


def test_table_needs_no_window():
    tree = ast.parse((ROOT / "app/viewer/keys.py").read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= {"__future__", "collections.abc", "dataclasses", "enum", "types"}


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("stage_wh", [(1280, 644), (1920, 966), (640, 480), (480, 800), (200, 100)])
def test_help_fits_where_it_is_shown(stage_wh, theme):
    panel = compose_help(stage_wh, theme)
    if min(stage_wh) > 400:
        assert panel.shape[1] <= stage_wh[0]
        assert panel.shape[0] <= stage_wh[1]
    background = np.array([round(255 * channel) for channel in theme.panel])
    # A border all around, then paper: no word touches it.
    frame = max(6, panel.shape[0] // 80)
    inside = panel[frame:-frame, frame:-frame]
    assert (np.abs(inside[:, -1].astype(int) - background).sum(axis=-1) < 30).mean() > 0.95
