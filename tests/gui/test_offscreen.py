"""The room drawn off-screen in a process of its own; no display is needed, and one does not disturb."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gui.example_poses import ARMS_UP, STANDING, make_person
from gui.screen import Screen
from posedemo.errors import ModelError
from posedemo.viewer.offscreen import MAX_IN_FLIGHT, RoomRenderer
from posedemo.viewer.theme import DARK, bgr_bytes

SIZE_WH = (298, 372)


@pytest.fixture(scope="module")
def renderer() -> Iterator[RoomRenderer]:
    with RoomRenderer(SIZE_WH, max_people=2) as opened:
        yield opened


def draw(renderer: RoomRenderer, *people: object, time_s: float = 0.0) -> np.ndarray:
    renderer.submit(people, time_s)  # type: ignore[arg-type]
    return renderer.receive()


def places(picture: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns that have about the colour of a side of the body."""
    return np.nonzero(np.abs(picture.astype(int) - bgr_bytes(DARK.person(0).side(side))).sum(axis=-1) < 90)


def assert_shows_somebody(picture: np.ndarray) -> None:
    assert picture.shape == (SIZE_WH[1], SIZE_WH[0], 3)
    assert picture.dtype == np.uint8
    assert places(picture, "right")[1].mean() < SIZE_WH[0] / 2 < places(picture, "left")[1].mean()


def test_shows_the_person_and_their_sides(renderer: RoomRenderer) -> None:
    picture = draw(renderer, make_person())
    assert_shows_somebody(picture)
    body = np.abs(picture.astype(int) - bgr_bytes(DARK.background)).sum(axis=-1) > 200
    height = np.ptp(np.nonzero(body)[0]) / SIZE_WH[1]
    assert 0.6 < height < 0.85


def test_moves_with_the_person(renderer: RoomRenderer) -> None:
    standing, arms_up = draw(renderer, make_person(STANDING)), draw(renderer, make_person(ARMS_UP))
    assert places(arms_up, "left")[0].min() < places(standing, "left")[0].min() - 20


def test_empty_room_is_not_an_empty_picture(renderer: RoomRenderer) -> None:
    picture = draw(renderer)
    assert len(places(picture, "left")[0]) == 0
    assert picture[-20:].mean() > picture[:20].mean() + 5


def test_answers_in_order_and_pictures_are_ones_own(renderer: RoomRenderer) -> None:
    people = [(make_person(STANDING),), (make_person(ARMS_UP),), ()][:MAX_IN_FLIGHT]
    singles = [draw(renderer, *one, time_s=1.0) for one in people]
    for one in people:
        renderer.submit(one, 1.0)
    pictures = [renderer.receive() for _ in people]
    draw(renderer, make_person(track_id=7))
    for single, picture in zip(singles, pictures, strict=True):
        assert np.abs(single.astype(int) - picture).mean() < 1


def test_misuse_is_told(renderer: RoomRenderer) -> None:
    with pytest.raises(RuntimeError, match="submit"):
        renderer.receive()
    for _ in range(MAX_IN_FLIGHT):
        renderer.submit((), 0.0)
    with pytest.raises(RuntimeError, match="in flight"):
        renderer.submit((), 0.0)
    for _ in range(MAX_IN_FLIGHT):
        renderer.receive()


@pytest.mark.gui
def test_a_display_does_not_disturb(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", screen.name)
    before = screen.picture()
    with RoomRenderer((301, 203), mirror=True) as renderer:
        picture = draw(renderer, make_person())
    assert picture.shape == (203, 301, 3)
    assert places(picture, "left")[1].mean() < places(picture, "right")[1].mean()
    assert (screen.picture() == before).all()


def test_closes_quickly_and_leaves_no_process() -> None:
    renderer = RoomRenderer(SIZE_WH)
    draw(renderer)
    renderer.submit((), 0.0)
    started_s = time.monotonic()
    renderer.close()
    assert time.monotonic() - started_s < 2
    renderer.close()
    assert not [child for child in multiprocessing.active_children() if child.pid == renderer._process.pid]


def test_closes_quickly_while_it_is_still_starting() -> None:
    renderer = RoomRenderer(SIZE_WH)
    started_s = time.monotonic()
    renderer.close()
    assert time.monotonic() - started_s < 2.5
    assert not renderer._process.is_alive()


def test_killed_process_is_an_error_not_a_hang() -> None:
    with RoomRenderer(SIZE_WH) as renderer:
        draw(renderer)
        renderer._process.kill()
        started_s = time.monotonic()
        with pytest.raises(ModelError, match="ended unexpectedly"):
            for _ in range(MAX_IN_FLIGHT):
                draw(renderer)
        assert time.monotonic() - started_s < 5


@pytest.mark.skipif(sys.platform != "linux", reason="EGL is what Linux draws with")
def test_missing_opengl_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", str(tmp_path))
    with RoomRenderer(SIZE_WH) as renderer, pytest.raises(ModelError, match="off-screen OpenGL") as caught:
        draw(renderer)
    assert "libegl1" in caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT that one process sends another")
def test_interrupt_reaches_the_parent_only_and_nothing_is_said() -> None:
    """Ctrl-C goes to the whole group; the parent tidies up and nobody but it speaks."""
    code = """
import time
from posedemo.viewer.offscreen import RoomRenderer
if __name__ == "__main__":
    with RoomRenderer((64, 80)) as renderer:
        print("started", flush=True)
        try:
            time.sleep(30)
        except KeyboardInterrupt:
            renderer.submit((), 0.0)
            print(renderer.receive().shape, flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    said, complained = process.communicate(timeout=30)
    assert (said.strip(), complained.strip()) == ("(80, 64, 3)", "")
    assert process.returncode == 0
