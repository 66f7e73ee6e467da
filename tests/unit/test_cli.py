"""Arguments to settings."""

from dataclasses import fields
from pathlib import Path

import pytest
from posedemo.cli import COMMANDS, main, parse_settings
from posedemo.settings import Settings


def test_defaults_of_the_command_line_are_those_of_the_settings():
    assert parse_settings([]) == Settings()


def test_every_option_reaches_its_setting():
    line = (
        "--camera 0 --video a.mp4 --camera-size 640x480 --camera-fps 24 --backend v4l2 --fallback f.mp4 "
        "--simulate-failure 3:2.5 --output o.mp4 --export a.npz --export b.csv --headless --detector mediapipe-lite "
        "--lifter x.onnx --provider cpu --fov 70 --max-people 3 --mode file --smooth calm "
        "--bones free --height 178 --mirror --stats s.json --record r.pose --overwrite "
        "--fullscreen --no-attract --theme light --max-frames 7"
    )
    settings = parse_settings(line.split())
    assert settings.exports == (Path("a.npz"), Path("b.csv"))
    names = [field.name for field in fields(Settings)]
    assert [name for name in names if getattr(settings, name) != getattr(Settings(), name)] == names


@pytest.mark.parametrize(
    "arguments",
    [
        "--max-people 5",
        "--max-people 0",
        "--smooth very",
        "--height 1.78",
        "--mode slow",
        "--bones some",
        "--fov 5",
        "--fov wide",
        "--provider tpu",
        "--max-frames -1",
        "--cam 0",
        "--camera-size 640",
        "--camera-size 0x480",
        "--camera-fps 0",
        "--camera-fps nan",
        "--backend qtkit",
        "--simulate-failure -1",
        "--simulate-failure 3:",
        "--simulate-failure 3:0",
        "--simulate-failure soon",
    ],
)
def test_wrong_values_end_with_two_lines_and_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_settings(arguments.split())
    assert caught.value.code == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("posedemo: error: ")
    assert hint == "hint: posedemo --help lists what there is"


def test_a_file_without_its_option_is_told_which(tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    clip.touch()
    with pytest.raises(SystemExit) as caught:
        parse_settings([str(clip)])
    assert caught.value.code == 2
    assert f"hint: give it as --video {clip}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--video", "--output", "--stats", "--record", "--camera"])
def test_what_would_replace_what_was_given_before_is_refused(option, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_settings([option, "1", option, "2"])
    assert caught.value.code == 2
    assert f"argument {option}: is given twice" in capsys.readouterr().err
    assert parse_settings([option, "1"]), "and again in another command line"


def test_a_simulated_failure_may_leave_out_how_long_it_lasts():
    assert parse_settings(["--simulate-failure", "30"]).simulated_failure_s == (30, 5)
    assert parse_settings(["--simulate-failure", "2.5:0.5"]).simulated_failure_s == (2.5, 0.5)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--video a.mp4 --fallback b.mp4", "--fallback is for cameras"),
        ("--video a.mp4 --simulate-failure 3", "--simulate-failure is for cameras"),
        ("--camera udp://127.0.0.1:9 --camera-size 640x480", "--camera-size is for cameras of this machine"),
        ("--camera rtsp://host/ --backend v4l2", "--backend is for cameras of this machine"),
    ],
)
def test_camera_options_that_nothing_would_follow_are_refused(line, words, capsys):
    assert main([*line.split(), "--headless"]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"posedemo {command}" in capsys.readouterr().out


def test_no_source_is_one_sentence(capsys):
    assert main([]) == 2
    error = capsys.readouterr().err
    assert "a camera or a video" in error
    assert "Traceback" not in error
