"""The real window, as a person meets it: looked at, typed on, closed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from gui.screen import Screen, wait_until
from gui.shown_window import ShownWindow
from posedemo.errors import ConfigError
from posedemo.viewer.display import check_display
from posedemo.viewer.theme import DARK, bgr_bytes

pytestmark = pytest.mark.gui


@pytest.fixture
def window(screen: Screen) -> Iterator[ShownWindow]:
    """A window of one's own, to be ended."""
    with ShownWindow(screen) as shown:
        yield shown


@pytest.fixture(scope="class")
def lasting_window(screen: Screen) -> Iterator[ShownWindow]:
    """One window for all tests of a class."""
    with ShownWindow(screen) as shown:
        yield shown
        shown.feed("e")
        assert shown.ended() == ("RESULTS_ENDED", "")


def near(picture: np.ndarray, side: str, tolerance: int = 90) -> np.ndarray:
    """Where a picture has about the colour of a side of the body."""
    return np.abs(picture.astype(int) - bgr_bytes(DARK.person(0).side(side))).sum(axis=-1) < tolerance


def room_part(picture: np.ndarray) -> np.ndarray:
    """The right part, where the camera picture is not."""
    return picture[:, 500:]


class TestLookedAt:
    def test_shows_room_and_picture_and_follows_the_person(self, lasting_window: ShownWindow) -> None:
        window = lasting_window
        assert window.screen.xdotool("getwindowname", window.number).startswith("posedemo")
        nobody = window.shows("n")
        standing = window.shows("s")
        arms_up = window.shows("a")
        assert not near(room_part(nobody), "left").any()
        for side in ("left", "right"):
            assert near(room_part(standing), side).sum() > 2000
        right_x, left_x = (np.nonzero(near(room_part(standing), side))[1].mean() for side in ("right", "left"))
        assert right_x < left_x
        highest = [np.nonzero(near(room_part(picture), "left"))[0].min() for picture in (standing, arms_up)]
        assert highest[1] < highest[0] - 40
        green = np.abs(standing.astype(int) - (60, 120, 60)).sum(axis=-1) < 15
        rows, columns = np.nonzero(green)
        assert len(rows) > 20_000
        assert columns.max() < 600
        assert rows.max() < 450

    def test_mouse_moves_the_room_but_not_the_camera_picture(self, lasting_window: ShownWindow) -> None:
        window = lasting_window
        before = window.shows("s")
        screen = window.screen
        screen.drag((800, 500), (950, 530))
        # The pointer is part of neither part that is compared.
        screen.xdotool("mousemove", "1279", "799")
        assert wait_until(lambda: bool((room_part(window.picture())[:700] != room_part(before)[:700]).any()))
        assert wait_until(window.is_still)
        green = [
            np.abs(picture.astype(int) - (60, 120, 60)).sum(axis=-1) < 15 for picture in (before, window.picture())
        ]
        assert np.mean(green[0] != green[1]) < 0.001


def test_mirror(screen: Screen) -> None:
    with ShownWindow(screen, "--mirror") as window:
        picture = room_part(window.shows("s"))
        right_x, left_x = (np.nonzero(near(picture, side))[1].mean() for side in ("right", "left"))
        assert right_x > left_x
        window.feed("e")
        assert window.ended() == ("RESULTS_ENDED", "")


def test_escape_closes(window: ShownWindow) -> None:
    window.shows("s")
    window.screen.press(window.number, "Escape")
    assert window.ended()[0] == "CLOSED_BY_USER"


def test_closing_button_closes_even_before_the_first_result(window: ShownWindow) -> None:
    window.screen.ask_to_close(window.number)
    assert window.ended()[0] == "CLOSED_BY_USER"


def test_error_of_the_pipeline_ends_the_window(window: ShownWindow) -> None:
    window.shows("s")
    window.feed("f")
    assert window.ended()[0] == "the camera has gone"


@pytest.mark.parametrize(("display", "words"), [("", "no display"), (":987", "refuses")])
def test_no_display_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch, display: str, words: str) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(ConfigError, match="no display to open a window on") as caught:
        check_display()
    assert words in caught.value.message
    assert "--headless" in caught.value.hint


def test_wayland_alone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    with pytest.raises(ConfigError, match="XWayland"):
        check_display()


def test_open_display_is_fine(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", screen.name)
    check_display()
