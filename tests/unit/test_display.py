"""Where a window can be opened, as far as it can be known beforehand; no display is needed to find out."""

import os
import sys
import threading

import pytest
from posedemo.errors import ConfigError
from posedemo.viewer.display import check_display, prefer_x11, window_error


def refusal() -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        check_display()
    return caught.value


@pytest.fixture
def no_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)


def test_no_display_says_how_to_do_without(no_display, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert "no display" in refusal().message
    assert "--headless" in refusal().hint


def test_wayland_without_x_says_what_is_missing(no_display, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert "XWayland" in refusal().message


def test_macos_opens_windows_on_the_main_thread_only(no_display, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    check_display()
    refusals: list[ConfigError] = []
    thread = threading.Thread(target=lambda: refusals.append(refusal()))
    thread.start()
    thread.join()
    assert "main thread" in refusals[0].message
    assert "--headless" in refusals[0].hint


def test_windows_always_has_a_display(no_display, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    check_display()


def test_x11_is_forced_where_wayland_offers_it(no_display, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    prefer_x11()
    assert "WAYLAND_DISPLAY" not in os.environ
    assert os.environ["XDG_SESSION_TYPE"] == "x11"


def test_a_session_without_x_is_left_as_it_is(no_display, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    prefer_x11()
    assert os.environ["WAYLAND_DISPLAY"] == "wayland-0"


def test_display_without_opengl_names_the_next_step():
    assert "OpenGL" in window_error().message
    assert "LIBGL_ALWAYS_SOFTWARE" in window_error().hint
