"""Every setting of a run with its default, once. The command line takes its defaults from here.

Which detector and which lifter are the defaults, the manifest of the models says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .manifest import default_name
from .pinhole import DEFAULT_FOV_DEG

MAX_PEOPLE = 4
MODE_CHOICES = ("auto", "live", "file")
SMOOTH_CHOICES = ("off", "snappy", "balanced", "calm")
BONES_CHOICES = ("fixed", "free")
THEME_CHOICES = ("dark", "light")
BACKEND_CHOICES = ("auto", "v4l2", "gstreamer", "dshow", "msmf", "avfoundation", "any")
PROVIDER_CHOICES = ("auto", "cpu", "cuda", "tensorrt")
FOV_RANGE_DEG = (10.0, 150.0)
HEIGHT_RANGE_CM = (50.0, 250.0)


def in_range(number: object, limits: tuple[float, float]) -> bool:
    """Whether something is a number within limits, which belong to the range."""
    return isinstance(number, int | float) and limits[0] <= number <= limits[1]


@dataclass(frozen=True)
class Settings:
    """What one run does.

    Attributes:
        camera: camera number or stream address; exactly one of ``camera`` and ``video`` is given.
        video: video file.
        camera_size_wh: width and height to ask a camera for; None for ``device_format``'s.
        camera_fps: frames a second to ask a camera for, and to expect of a stream; None for ``device_format``'s.
        backend: which of the system's interfaces to a camera to use.
        fallback: video or session that is shown while the camera is away.
        simulated_failure_s: after how many seconds the camera fails, and for how many; None where it does not.
        output: annotated video to write.
        exports: pose files to write, by suffix.
        stats: statistics file to write.
        record: session file to write: what the detector sees, without pictures.
        headless: no window.
        detector: name or ``.task`` file.
        lifter: name or ``.onnx`` file.
        provider: where ONNX Runtime runs the lifter.
        fov_deg: field of view of the camera along the longer side of its picture.
        max_people: how many people to follow.
        mode: ``live``, ``file`` or ``auto`` (``modes.choose_mode``).
        smooth: one of ``SMOOTH_CHOICES``; ``smoothing.PRESETS`` says what they do.
        bones: ``fixed`` for each person's own lengths, ``free`` for what the lifter gives in every frame.
        height_cm: standing height of the people, for true metres; None for the size of an average adult.
        mirror: mirror what is shown; what is measured stays as it is.
        is_fullscreen: the window fills the screen from the start, without a mouse pointer.
        attracts: with nobody in view, the window shows earlier moments again.
        theme: of the window, ``dark`` or ``light``.
        overwrite: replace outputs that exist.
        max_frames: stop after so many frames.
    """

    camera: str | None = None
    video: Path | None = None
    camera_size_wh: tuple[int, int] | None = None
    camera_fps: float | None = None
    backend: str = "auto"
    fallback: Path | None = None
    simulated_failure_s: tuple[float, float] | None = None
    output: Path | None = None
    exports: tuple[Path, ...] = field(default=())
    stats: Path | None = None
    record: Path | None = None
    headless: bool = False
    detector: str = default_name("detector")
    lifter: str = default_name("lifter")
    provider: str = "auto"
    fov_deg: float = DEFAULT_FOV_DEG
    max_people: int = 1
    mode: str = "auto"
    smooth: str = "balanced"
    bones: str = "fixed"
    height_cm: float | None = None
    mirror: bool = False
    is_fullscreen: bool = False
    attracts: bool = True
    theme: str = "dark"
    overwrite: bool = False
    max_frames: int | None = None

    @property
    def writes_files(self) -> bool:
        """True where a run leaves poses or pictures behind; a recording is made beside whatever else a run is for."""
        return bool(self.output or self.exports or self.stats)
