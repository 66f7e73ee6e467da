"""Real keys on the real window: what each does, and that Open3D does nothing of its own with any of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from gui.screen import Screen, wait_until
from gui.shown_window import NUMBERS_TOP, ShownWindow
from posedemo.viewer.keys import KEYS
from posedemo.viewer.theme import DARK, LIGHT, Rgb, bgr_bytes

pytestmark = pytest.mark.gui

_CLEAR = (1150, 120)
"""A place of the screen in the upper right of the window, with nothing but background behind whatever covers it."""

_BELOW_PICTURE = (250, 420)

_XDOTOOL = {"Space": "space", ".": "period", "Esc": "Escape"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shown")


@pytest.fixture(scope="module")
def window(screen: Screen, folder: Path) -> Iterator[ShownWindow]:
    """One window with somebody in it for all tests; each leaves it as it was."""
    with ShownWindow(screen, folder=folder) as shown:
        screen.xdotool("mousemove", "1279", "799")
        shown.shows("s")
        yield shown
        shown.feed("e")
        assert shown.ended()[1] == ""


def like(picture: np.ndarray, color: Rgb, tolerance: int = 24) -> np.ndarray:
    """Where a picture has a colour."""
    return np.abs(picture.astype(int) - bgr_bytes(color)).sum(axis=-1) < tolerance


def figure_width(picture: np.ndarray) -> int:
    """How wide the figure in the room is: orange and blue in the right part, where the camera picture is not."""
    colors = like(picture, DARK.person(0).side("left"), 90) | like(picture, DARK.person(0).side("right"), 90)
    columns = np.nonzero(colors[:, 560:].sum(axis=0) > 3)[0]
    return int(np.ptp(columns)) if len(columns) else 0


def num_green(window: ShownWindow) -> int:
    """How much of the screen the camera picture has."""
    return int((np.abs(window.picture().astype(int) - (60, 120, 60)).sum(axis=-1) < 15).sum())


def background(window: ShownWindow) -> tuple[int, ...]:
    x, y = _CLEAR
    return tuple(int(channel) for channel in window.picture()[y, x])


def test_steering_keys_ask_the_run(window: ShownWindow) -> None:
    before = window.wishes()
    assert "lifter='global-gcn'" in before
    window.press("l", "d", "s", "n", "g", "Up", "Left", "space", "period")
    expected = (
        "lifter='dg-net'", "detector='mediapipe-lite'", "smooth='calm'", "num_handovers=1", "is_paused=True",
        "num_steps=1", "speed=2.0", "seek_s=-5.0",
    )  # fmt: skip
    asked: list[str] = []

    def is_asked() -> bool:
        asked[:] = [window.wishes()]
        return all(wish in asked[0] for wish in expected) and "ghost=None" not in asked[0]

    assert wait_until(is_asked), asked
    window.press("space")
    assert wait_until(lambda: "is_paused=False" in window.wishes())


def test_layouts_share_the_window_and_come_round(window: ShownWindow) -> None:
    corner = num_green(window)
    areas = []
    for is_next in (
        lambda: num_green(window) > 1.3 * corner,
        lambda: num_green(window) == 0,
        lambda: num_green(window) > 4 * corner,
        lambda: 0 < num_green(window) < 1.1 * corner,
    ):
        window.press("v")
        assert wait_until(is_next), areas
        areas.append(num_green(window))


def test_help_covers_the_room_and_escape_leaves_help_only(window: ShownWindow) -> None:
    is_shown = lambda: like(window.picture(), DARK.alert).sum() > 500  # noqa: E731  headings
    assert not is_shown()
    window.press("h")
    assert wait_until(is_shown)
    window.press("Escape")
    assert wait_until(lambda: not is_shown())
    assert window.process.poll() is None


def test_theme_turns_bright_and_dark(window: ShownWindow) -> None:
    assert background(window) == bgr_bytes(DARK.background)
    window.press("b")
    assert wait_until(lambda: background(window) == bgr_bytes(LIGHT.background))
    window.press("b")
    assert wait_until(lambda: background(window) == bgr_bytes(DARK.background))


def test_numbers_go_and_come_back(window: ShownWindow) -> None:
    bar = lambda: like(window.screen.picture()[NUMBERS_TOP + 12 : 765, 60:1270], DARK.panel, 6).mean()  # noqa: E731
    assert wait_until(lambda: bar() > 0.6)
    window.press("i")
    assert wait_until(lambda: bar() < 0.1)
    window.press("i")
    assert wait_until(lambda: bar() > 0.6)


def test_camera_goes_to_the_side_and_back_and_the_mouse_takes_it(window: ShownWindow) -> None:
    window.shows("a")
    front = figure_width(window.picture())
    window.press("2")
    # Stretched arms are seen along their line.
    assert wait_until(lambda: 0 < figure_width(window.picture()) < 0.7 * front)
    window.press("1")
    assert wait_until(lambda: abs(figure_width(window.picture()) - front) < 4)
    window.press("5")
    before = window.picture()
    assert wait_until(lambda: bool((window.picture() != before).any()))
    window.screen.drag((700, 600), (760, 600))
    window.screen.xdotool("mousemove", "1279", "799")
    assert wait_until(window.is_still), "the camera goes on although a hand has it"
    window.press("1")
    assert wait_until(lambda: abs(figure_width(window.picture()) - front) < 4)


def test_mirror_swaps_sides(window: ShownWindow) -> None:
    def is_left_at_the_right() -> bool:
        picture = window.picture()[:, 560:]
        columns = [np.nonzero(like(picture, DARK.person(0).side(side), 90))[1] for side in ("left", "right")]
        return bool(columns[0].mean() > columns[1].mean())

    window.stands()
    assert is_left_at_the_right()
    window.press("m")
    assert wait_until(lambda: not is_left_at_the_right())
    window.press("m")
    assert wait_until(is_left_at_the_right)


def test_ghost_is_told_limb_by_limb(window: ShownWindow) -> None:
    """Below the camera picture, where nobody stands."""
    x, y = _BELOW_PICTURE
    paper = lambda: like(window.picture()[y - 40 : y + 40, x - 100 : x + 100], DARK.panel, 6).mean()  # noqa: E731
    window.feed("g")
    assert wait_until(lambda: paper() > 0.4)
    window.feed("s")
    assert wait_until(lambda: paper() < 0.1)


def test_trouble_is_shown_until_it_is_over(window: ShownWindow) -> None:
    num_alert = lambda: like(window.picture(), DARK.alert).sum()  # noqa: E731
    # A figure's lit orange comes near it here and there.
    before = num_alert()
    window.feed("the camera does not answer")
    assert wait_until(lambda: num_alert() > before + 10_000)
    window.feed("")
    assert wait_until(lambda: num_alert() < before + 1000)


def test_snapshot_is_what_is_seen(window: ShownWindow, folder: Path) -> None:
    window.press("p")
    # Its name is taken first; what is written beside it (`.partial`) then takes that place.
    whole = "posedemo-????????-??????.png"
    assert wait_until(lambda: any(path.stat().st_size for path in folder.glob(whole)))
    found = next(folder.glob(whole))
    picture = cv2.imread(str(found))
    assert picture.shape == (720, 1280, 3)
    seen = window.screen.picture()[50:770, 50:]
    # What is left of the window on the screen, without the notice and the numbers, which come and go.
    assert np.abs(picture[:500, : seen.shape[1]].astype(int) - seen[:500]).mean() < 1


def test_recording_can_be_played(window: ShownWindow, folder: Path) -> None:
    window.press("r")
    assert wait_until(lambda: any(folder.glob("posedemo-*.mp4")))
    for word in "asas":
        window.shows(word)
    window.press("r")
    found = next(folder.glob("posedemo-*.mp4"))
    pictures: list[np.ndarray] = []

    def can_be_played() -> bool:
        try:
            with av.open(str(found)) as container:
                pictures[:] = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
        except (av.FFmpegError, IndexError):
            return False
        return len(pictures) > 4

    assert wait_until(can_be_played)
    assert pictures[0].shape == (720, 1280, 3)
    assert any(np.abs(pictures[0].astype(int) - picture).mean() > 0.5 for picture in pictures)


def test_keys_of_open3d_do_nothing_of_their_own(window: ShownWindow, folder: Path) -> None:
    """Among others, it would write files, print help, and turn on lights, normals and wire frames."""
    ours = {_XDOTOOL.get(key.label, key.label.lower()) for key in KEYS}
    others = [key for key in "wocjkxyz0678-=" if key not in ours]
    names = {"-": "minus", "=": "equal"}
    files = sorted(folder.iterdir())
    before = window.stands()
    window.press(*(names.get(key, key) for key in others), "Print", "alt+Return", "ctrl+c")
    assert wait_until(window.is_still)
    assert (window.picture() != before).mean() < 1e-4
    assert sorted(folder.iterdir()) == files


def test_full_screen_has_no_pointer_and_escape_comes_back(window: ShownWindow) -> None:
    screen = window.screen
    outside = lambda: screen.picture()[:40].max()  # noqa: E731
    assert outside() == 0
    window.press("f")
    assert wait_until(lambda: outside() > 0)
    places = [(300, 560), (900, 60)]
    seen = []
    for x, y in places:
        screen.xdotool("mousemove", str(x), str(y))
        assert wait_until(window.is_still)
        seen.append(screen.picture())
    for x, y in places:
        around = np.s_[y - 12 : y + 24, x - 12 : x + 24]
        assert (seen[0][around] == seen[1][around]).all(), "there is a pointer"
    screen.xdotool("mousemove", "1279", "799")
    window.press("Escape")
    assert wait_until(lambda: outside() == 0)
    assert window.process.poll() is None
