"""The command line: arguments to settings. The one place that prints errors and chooses exit codes."""

from __future__ import annotations

import argparse
import atexit
import errno
import importlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import fields

from . import __version__, native_output
from .arguments import Once, Parser, above_zero, file_path, whole_number
from .command import add_fov, add_posing
from .errors import ConfigError, ModelError, OutputError, PosedemoError, in_one_line
from .manifest import known_names
from .settings import BACKEND_CHOICES, MAX_PEOPLE, PROVIDER_CHOICES, THEME_CHOICES, Settings

INTERRUPTED = 130
HANGING_THREADS = ("camera", "detector")
"""Names of threads that are in native code for most of the time, and may hang there."""

COMMANDS = {
    "lift": ("posedemo.commands.lift", "lift 2D keypoints that came from anywhere"),
    "replay": ("posedemo.commands.replay", "play a recorded session, with the same or another lifter"),
    "models": ("posedemo.commands.models", "list detectors and lifters with their licences"),
    "doctor": ("posedemo.commands.doctor", "check this machine and installation"),
    "bench": ("posedemo.commands.bench", "measure what this machine can do, and say what to use"),
    "warmup": ("posedemo.commands.warmup", "build what a GPU needs before its first run"),
    "pack": ("posedemo.commands.pack", "make a folder to install from without a network"),
    "prepare": ("posedemo.models.commands", "turn motion-capture files into a training corpus"),
    "train": ("posedemo.models.commands", "train a lifter"),
    "evaluate": ("posedemo.models.commands", "measure a lifter on held-out motion, or several on a clip"),
    "export": ("posedemo.models.commands", "turn a trained checkpoint into an ONNX lifter"),
}
"""Sub-command → module with a ``COMMANDS`` table, and its line in ``posedemo --help``. A module is imported when its
command is given, and only the training side's may import torch."""

_LIBRARY_HINT = (
    "install posedemo again; on a minimal Debian or Ubuntu also "
    "`apt install libegl1 libgles2 libgl1 libglib2.0-0 libusb-1.0-0 libx11-6`"
)

_FAILURE_S = "5"
"""How long a simulated failure lasts."""

_EXAMPLES = """\
examples:
  posedemo --camera 0                                   live, in a window
  posedemo --video talk.mp4 --output talk-3d.mp4        annotated video
  posedemo --video talk.mp4 --headless --export talk.npz --export talk.csv
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments without the program's name; those of the process by default.

    Returns:
        Exit code: 0; 2 to 5 for errors by class (``errors``); 128 plus the signal's number when stopped by one.
    """
    if argv is not None:
        return _main(list(argv))
    _open_what_is_closed()
    native_output.keep_python_apart()
    code = _main(sys.argv[1:])
    if any(thread.name in HANGING_THREADS for thread in threading.enumerate()):
        _leave_at_once(code)
    return code


def _leave_at_once(code: int) -> None:
    """End the process although a thread hangs in native code.

    Python would end that thread where it comes back from there, which C++ takes for an error and aborts.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _main(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    _set_up_logging(debug=debug)
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except PosedemoError as error:
        if debug:
            raise
        print(f"posedemo: error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except ImportError as error:
        if debug:
            raise
        print(f"posedemo: error: a library cannot be loaded: {error}", file=sys.stderr)
        print(f"hint: {_LIBRARY_HINT}", file=sys.stderr)
        return ModelError.exit_code
    except KeyboardInterrupt as stop:
        return int(stop.args[0]) if stop.args else INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left; say nothing.
        _drop_output()
        return 0
    except OSError as error:
        if debug:
            raise
        if error.filename is not None:
            # Of files that nobody could open is said which; these are names that cannot be one.
            print(f"posedemo: error: {in_one_line(str(error.filename))}: {error.strerror}", file=sys.stderr)
            print("hint: check the path, and who may read it; --debug shows more", file=sys.stderr)
            return ConfigError.exit_code
        # Files that are written name themselves, so this is what a table goes to.
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        print(f"posedemo: error: the output cannot be written: {error.strerror}", file=sys.stderr)
        return OutputError.exit_code


def _open_what_is_closed() -> None:
    """Lead standard streams that whoever started us has closed to nowhere.

    The next file that is opened would take their place, and native libraries would write into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def _drop_output() -> None:
    """Keep the interpreter's exit from flushing into what takes nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in COMMANDS:
        return _run_command(arguments[0], arguments[1:])
    settings = parse_settings(arguments)
    from .runner import run

    return run(settings)


def _run_command(name: str, arguments: list[str]) -> int:
    module, help_line = COMMANDS[name]
    command = importlib.import_module(module).COMMANDS[name]
    parser = Parser(prog=f"posedemo {name}", description=help_line, allow_abbrev=False)
    command.add_arguments(parser)
    code: int = command.run(parser.parse_args(arguments))
    return code


def parse_settings(arguments: Sequence[str]) -> Settings:
    """Read the arguments of a run (not of a sub-command)."""
    options = vars(_build_parser().parse_args(arguments))
    del options["debug"]
    options["exports"] = tuple(options["exports"] or ())
    return Settings(**options)


def _build_parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:<10} {help_line}" for name, (_, help_line) in COMMANDS.items())
    parser = Parser(
        prog="posedemo",
        description="Show 3D human pose live from a camera, or lift a video file to 3D.",
        epilog=f"commands (posedemo COMMAND --help):\n{commands}\n\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(**{field.name: field.default for field in fields(Settings)} | {"exports": None})
    parser.add_argument("--version", action="version", version=f"posedemo {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and more messages")
    _add_source_options(parser)
    _add_camera_options(parser)
    add_output_options(parser)
    add_model_options(parser)
    return parser


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("source (one of the two)")
    group.add_argument(
        "--camera", metavar="N|URL", action=Once, help="camera number, or stream address (rtsp, http, udp)"
    )
    group.add_argument("--video", metavar="FILE", type=file_path, action=Once, help="video file")


def _add_camera_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("camera")
    group.add_argument(
        "--camera-size",
        dest="camera_size_wh",
        metavar="WxH",
        type=_size,
        help="picture size to ask the camera for (default: 1280x720)",
    )
    group.add_argument(
        "--camera-fps", metavar="N", type=_rate, help="frames a second to ask the camera for (default: 30)"
    )
    group.add_argument(
        "--backend", choices=BACKEND_CHOICES, help="the system's interface to the camera (default: %(default)s)"
    )
    group.add_argument(
        "--fallback", metavar="FILE", type=file_path, help="video or session to show while the camera is away"
    )
    group.add_argument(
        "--simulate-failure",
        dest="simulated_failure_s",
        metavar="S[:S]",
        type=_failure,
        help=f"rehearse: after so many seconds the camera is as good as unplugged, for so many (default: {_FAILURE_S})",
    )


def add_output_options(parser: argparse.ArgumentParser, *, with_record: bool = True) -> None:
    """Declare what a run shows and writes."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output", metavar="F.mp4", type=file_path, action=Once, help="write an annotated video: picture and 3D room"
    )
    group.add_argument(
        "--export",
        dest="exports",
        metavar="F.npz|F.json|F.csv|F.bvh",
        type=file_path,
        action="append",
        help="write poses; may be given several times",
    )
    if with_record:
        group.add_argument(
            "--record",
            metavar="F.pose",
            type=file_path,
            action=Once,
            help="write a session to replay: what the detector sees, no pictures",
        )
    group.add_argument(
        "--stats", metavar="F.json", type=file_path, action=Once, help="write frame counts, timings and ages of results"
    )
    group.add_argument("--max-frames", metavar="N", type=whole_number, help="stop after N frames")
    group.add_argument("--overwrite", action="store_true", help="replace outputs that exist")
    group.add_argument("--headless", action="store_true", help="open no window")
    group.add_argument("--mirror", action="store_true", help="mirror what is shown, like a mirror would")
    group.add_argument(
        "--fullscreen",
        dest="is_fullscreen",
        action="store_true",
        help="fill the screen, without a mouse pointer, for stages and booths",
    )
    group.add_argument(
        "--no-attract",
        dest="attracts",
        action="store_false",
        help="with nobody in view, do not show earlier moments again",
    )
    group.add_argument(
        "--theme", choices=THEME_CHOICES, help="dark room, or light for bright halls (default: %(default)s)"
    )


def add_model_options(parser: argparse.ArgumentParser, *, with_detector: bool = True) -> None:
    """Declare how people are found and lifted."""
    group = parser.add_argument_group("models")
    if with_detector:
        group.add_argument(
            "--detector", metavar="NAME", help="mediapipe-lite, -full, -heavy or a .task file (default: %(default)s)"
        )
    group.add_argument(
        "--lifter",
        metavar="NAME",
        help=f"{', '.join(known_names('lifter'))}, or an .onnx file; see `models list` (default: %(default)s)",
    )
    group.add_argument(
        "--provider", choices=PROVIDER_CHOICES, help="where ONNX Runtime runs the lifter (default: %(default)s)"
    )
    group.add_argument(
        "--max-people",
        metavar="N",
        type=_people,
        help=f"follow up to N people, 1 to {MAX_PEOPLE} (default: %(default)s)",
    )
    add_fov(group)
    add_posing(group, is_recorded=not with_detector)


def _people(text: str) -> int:
    return whole_number(text, highest=MAX_PEOPLE)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x720")
    return int(width), int(height)


def _rate(text: str) -> float:
    return above_zero(text, "a rate, in frames a second")


def _failure(text: str) -> tuple[float, float]:
    after, colon, duration = text.partition(":")
    what = "a time in seconds, or two with a colon between"
    return above_zero(after, what), above_zero(duration if colon else _FAILURE_S, what)


class _OneLine(logging.Formatter):
    """Keeps every message in a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The message, with what cannot be printed in it made visible."""
        return in_one_line(super().format(record))


def _set_up_logging(*, debug: bool) -> None:
    """Talk goes to standard error: data on standard output stays clean."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("posedemo: %(message)s") if debug else _OneLine("posedemo: %(message)s"))
    logger = logging.getLogger("posedemo")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.propagate = False
