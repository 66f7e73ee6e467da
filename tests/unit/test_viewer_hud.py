"""The numbers and words of the window."""

import dataclasses

import numpy as np
import pytest
from gui.example_poses import make_person
from posedemo.datatypes import Keypoints2D, Pose3D
from posedemo.live.status import Status
from posedemo.live.wishes import Wishes
from posedemo.skeleton import H36M17
from posedemo.viewer.ghost_panel import compose_ghost_panel
from posedemo.viewer.hud import Pulse, Tile, compose_hud, tiles, words
from posedemo.viewer.pulse import PulseMeter
from posedemo.viewer.theme import DARK, LIGHT
from posedemo.viewer.words_panel import compose_words

STATUS = Status(
    detector="mediapipe-lite", lifter="global-gcn", provider="cuda", smooth="calm", look_ahead_ms=33.3,
    num_frames_in=200, num_dropped=3,
)  # fmt: skip
WISHES = Wishes(lifter="global-gcn", detector="mediapipe-lite", smooth="calm")
PULSE = Pulse(29.6, 71.2, 104.7)


def shown(*, pulse: Pulse = PULSE, status: Status | None = STATUS, wishes: Wishes | None = WISHES) -> dict[str, Tile]:
    return {tile.caption: tile for tile in tiles(pulse, status, wishes)}


def test_all_that_was_promised_is_there():
    values = {caption: tile.value for caption, tile in shown().items()}
    assert values == {
        "frames/s": "30", "age ms, p50 / p95": "71 / 105", "dropped, 1.5 %": "3", "detector": "mediapipe-lite",
        "lifter": "global-gcn", "look-ahead": "33 ms", "smoothing": "calm", "runs on": "cuda",
    }  # fmt: skip


def test_what_is_being_loaded_is_marked_until_it_is_in_use():
    wishes = dataclasses.replace(WISHES, lifter="dg-net")
    assert shown(wishes=wishes)["lifter"] == Tile("dg-net…", "lifter", is_alert=True)
    refused = dataclasses.replace(STATUS, refused=frozenset({("lifter", "dg-net")}))
    assert shown(wishes=wishes, status=refused)["lifter"] == shown()["lifter"], "nobody waits for it"
    in_use = dataclasses.replace(STATUS, lifter="dg-net")
    assert shown(wishes=wishes, status=in_use)["lifter"] == Tile("dg-net", "lifter")


def test_refused_smoothing_is_not_awaited():
    wishes = dataclasses.replace(WISHES, smooth="snappy")
    assert shown(wishes=wishes)["smoothing"].is_alert
    refused = dataclasses.replace(STATUS, refused=frozenset({("smooth", "snappy")}))
    assert shown(wishes=wishes, status=refused)["smoothing"] == shown()["smoothing"]


def test_file_says_where_it_is_and_how_fast():
    status = dataclasses.replace(STATUS, position_s=62.0, duration_s=605.0)
    assert shown(status=status)["time"].value == "1:02 / 10:05"
    assert "time, speed 0.5" in shown(status=status, wishes=dataclasses.replace(WISHES, speed=0.5))


def test_window_alone_knows_rate_and_age():
    assert set(shown(status=None, wishes=None)) == {"frames/s", "age ms, p50 / p95"}
    assert shown(pulse=Pulse(), status=None)["frames/s"].value == "-"


def test_guesses_are_called_guesses():
    person = make_person()
    assert words([]) == ("nobody in view",)
    assert words([person]) == ("z estimated",)
    assert words([make_person(root_m=None)]) == ()
    confidence = np.array([0.1 if name.endswith(("knee", "ankle")) else 0.9 for name in H36M17.joints], np.float32)
    assert person.pose is not None
    seated = dataclasses.replace(
        person,
        keypoints=Keypoints2D(person.keypoints.xy_px, confidence),
        pose=Pose3D(person.pose.xyz_m, confidence),
    )
    assert words([seated, person]) == ("legs not visible", "z estimated")


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("size_wh", [(1280, 76), (1920, 113), (800, 60), (500, 80)])
def test_bar_shrinks_until_everything_fits(size_wh, theme):
    long = tiles(PULSE, dataclasses.replace(STATUS, lifter="a-file-with-a-long-name.onnx"), None)
    bar = compose_hud(
        long, ("legs not visible", "z estimated"), size_wh, theme, alerts=("paused", "REC video", "REC poses")
    )
    assert bar.shape == (size_wh[1], size_wh[0], 3)
    paper = np.array([round(255 * channel) for channel in theme.panel])
    is_ink = np.abs(bar[6:].astype(int) - paper).sum(axis=-1) > 60
    columns = np.nonzero(is_ink.any(axis=0))[0]
    assert columns[0] > 3
    assert columns[-1] < size_wh[0] - 4
    # Numbers and words keep out of each other's way: before the first badge there is a gap.
    assert is_ink.any(axis=0).mean() < 0.9


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_words_read_against_what_is_behind_them(theme):
    """WCAG asks for a contrast of 4.5 for text; a projector in a bright hall takes half of it."""
    for ink, paper in (
        (theme.joints, theme.panel), (theme.text, theme.panel), (theme.alert, theme.panel), (theme.panel, theme.alert),
    ):  # fmt: skip
        assert contrast(ink, paper) > 4.5


def contrast(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """By the formula of WCAG 2.2."""
    lights = []
    for color in (first, second):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
        lights.append(float(np.dot(linear, [0.2126, 0.7152, 0.0722])) + 0.05)
    return max(lights) / min(lights)


def test_notice_shrinks_to_the_window():
    short = compose_words("recording", (1280, 644), DARK)
    long = compose_words("recording " * 30, (1280, 644), DARK)
    assert short.shape[1] < 400
    assert long.shape[1] <= 1280
    assert long.shape[0] < short.shape[0]


def test_ghost_table_has_a_row_for_each_limb_and_longer_bars_for_more():
    heights, bars = [], []
    for limbs in ({"left arm": 40.0}, {"left arm": 40.0, "right arm": 160.0}):
        panel = compose_ghost_panel("mediapipe", limbs, (1280, 644), DARK)
        heights.append(panel.shape[0])
        is_bar = np.abs(panel.astype(int) - [round(255 * c) for c in DARK.alert]).sum(axis=-1) < 30
        bars = [row.sum() for row in is_bar if row.sum() > 3]
    assert heights[1] > heights[0]
    assert max(bars) == pytest.approx(4 * min(bars), abs=4)


@pytest.mark.parametrize("stage_wh", [(1280, 644), (1920, 966), (1080, 1760), (400, 830)])
def test_table_of_the_ghost_leaves_the_room_to_the_figure(stage_wh):
    panel = compose_ghost_panel("mediapipe", {"left arm": 38.0, "right arm": 121.0}, stage_wh, DARK)
    assert panel.shape[1] < 0.4 * stage_wh[0]


def test_age_is_the_time_from_grab_to_drawing():
    meter = PulseMeter()
    assert meter.pulse().age_p50_ms is None
    import time

    for late_s in (0.05, 0.05, 0.15):
        meter.drawn(time.monotonic() - late_s)
    pulse = meter.pulse()
    assert pulse.age_p50_ms is not None
    assert pulse.age_p95_ms is not None
    # Never less than the truth; more only by what this machine took between two lines.
    assert pulse.age_p50_ms >= 50
    assert pulse.age_p95_ms >= 130
    assert pulse.age_p95_ms > pulse.age_p50_ms
