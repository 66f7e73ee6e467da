"""From settings to a source: the first opening of a camera, which may take long, and what a run wants to know of it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..errors import ConfigError, SourceError
from ..settings import Settings
from .address import public_address
from .rehearsal import Rehearsal
from .source import Source, open_source
from .standby import Standby

if TYPE_CHECKING:
    from .device_format import DeviceFormat
    from .reader import Reader
    from .steady import Endurance

logger = logging.getLogger(__name__)

GIVES_UP_STREAM_AFTER_S = 5.0
GIVES_UP_DEVICE_AFTER_S = 60.0
"""Where nobody watches, a sender that has ended is not waited for, and a cable that somebody pulled not for ever."""

_MOST_DIGITS = 6
"""Of a camera's number: those of some drivers have four."""

_WORD_EVERY_S = 2.0
_OPENING_GIVEN_UP_AFTER_S = 60.0
_STANDBY_AFTER_S = 6.0


def open_run_source(settings: Settings, *, is_watched: bool) -> Source:
    """Open what a run is to show.

    Args:
        settings: of the run.
        is_watched: a camera that fails is waited for without end, since somebody can do something about it.

    Raises:
        SourceError: it cannot be opened.
        ConfigError: ``--camera`` is neither a number nor an address.
    """
    if settings.camera is None:
        return open_source(camera=None, video=settings.video)
    return _open_camera(settings, settings.camera, is_watched=is_watched)


def check_camera_settings(settings: Settings) -> None:
    """Refuse camera options where there is no camera, or none that they could apply to.

    Raises:
        ConfigError: it says which option.
    """
    given = {
        "--camera-size": settings.camera_size_wh,
        "--camera-fps": settings.camera_fps,
        "--backend": settings.backend if settings.backend != Settings.backend else None,
        "--fallback": settings.fallback,
        "--simulate-failure": settings.simulated_failure_s,
    }
    wrong = [option for option, value in given.items() if value is not None]
    if settings.video is not None and wrong:
        raise ConfigError(f"{wrong[0]} is for cameras", "leave it out, or give --camera instead of --video")
    is_stream = settings.camera is not None and not settings.camera.isdecimal()
    if settings.camera is not None and not is_stream and len(settings.camera) > _MOST_DIGITS:
        raise ConfigError(f"there is no camera {settings.camera}", "the first camera is 0; see `posedemo doctor`")
    wrong = [option for option in wrong if option in ("--camera-size", "--backend")]
    if is_stream and wrong:
        raise ConfigError(f"{wrong[0]} is for cameras of this machine", "leave it out: the sender of a stream decides")


def _open_camera(settings: Settings, camera: str, *, is_watched: bool) -> Source:
    """Open a camera so that its failures are not those of the show."""
    from .device_format import DeviceFormat
    from .reader import Reader
    from .steady import SteadyCamera

    standby = None
    if settings.fallback is not None:
        standby = Standby(partial(open_source, camera=None, video=settings.fallback))
    is_device = camera.isdecimal()
    wanted = DeviceFormat(
        size_wh=settings.camera_size_wh or DeviceFormat.size_wh,
        fps=settings.camera_fps or DeviceFormat.fps,
        backend=settings.backend,
    )
    open_camera: Callable[[], Source] = (
        partial(_open_device, int(camera), wanted) if is_device else partial(open_source, camera=camera, video=None)
    )
    rehearsal = None
    if settings.simulated_failure_s is not None:
        after_s, for_s = settings.simulated_failure_s
        rehearsal = Rehearsal(open_camera, after_s=after_s, for_s=for_s)
        open_camera = rehearsal.open
    name = f"camera {camera}" if is_device else public_address(camera)
    first = Reader(_opened_here(open_camera) if is_device and sys.platform == "darwin" else open_camera)
    _wait(first, name, has_standby=standby is not None)
    return SteadyCamera(
        name,
        first,
        open_camera,
        endurance=None if is_watched else _endurance_alone(name, is_device=is_device),
        standby=standby,
        rehearsal=rehearsal,
        asked_fps=wanted.fps if is_device else settings.camera_fps,
    )


def _opened_here(open_camera: Callable[[], Source]) -> Callable[[], Source]:
    """Open a camera in this thread, and return what hands it or its failure over to another.

    macOS asks the user whether the program may use cameras, and OpenCV lets it ask on the main thread only. Once that
    is settled, a camera can be opened anywhere.
    """
    try:
        camera = open_camera()
    except SourceError as error:
        failure = error

        def fail() -> Source:
            raise failure

        return fail
    return lambda: camera


def _open_device(number: int, wanted: DeviceFormat) -> Source:
    """Open a camera of this machine, and say what it agreed to."""
    from .camera import CameraDevice

    camera = CameraDevice(number, wanted)
    instead = "" if camera.info.size_wh == wanted.size_wh else " instead of {}x{}".format(*wanted.size_wh)
    logger.info("%s gives %s%s", camera.info.name, camera.words, instead)
    return camera


def _wait(first: Reader, name: str, *, has_standby: bool) -> None:
    """Wait until a camera is open or cannot be opened, and say for how long that has been going on.

    Raises:
        SourceError: it has not made up its mind, and there is nothing else to show.
    """
    while True:
        try:
            first.opened.exception(timeout=_WORD_EVERY_S)
        except TimeoutError:
            elapsed_s = time.monotonic() - first.started_s
            if has_standby and elapsed_s > _STANDBY_AFTER_S:
                return
            if elapsed_s > _OPENING_GIVEN_UP_AFTER_S:
                first.leave()
                raise SourceError(
                    f"{name} has not opened within {_OPENING_GIVEN_UP_AFTER_S:.0f} s",
                    "unplug it and plug it in again, close other programs that use cameras, or try another --backend",
                ) from None
            logger.info("opening %s: %.0f s", name, elapsed_s)
        else:
            return


def _endurance_alone(name: str, *, is_device: bool) -> Endurance:
    """How long a run that nobody watches goes on without pictures."""
    from .steady import Endurance

    if not is_device:
        # A sender may finish; a stream that is cut looks the same.
        return Endurance(gives_up_after_s=GIVES_UP_STREAM_AFTER_S)
    failure = SourceError(
        f"{name} stopped giving pictures and did not come back within {GIVES_UP_DEVICE_AFTER_S:.0f} s",
        "check its cable, then start again; what was seen until then is written",
    )
    return Endurance(gives_up_after_s=GIVES_UP_DEVICE_AFTER_S, failure=failure)
