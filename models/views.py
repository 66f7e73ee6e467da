"""What the cameras of a corpus saw: the pairs of 2D and 3D that the papers train and test on. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import ConfigError
from ..geometry import to_screen
from ..pinhole import plane_scale
from .corpus import Clip, Corpus, View
from .field_cameras import focal_length_px

Float32 = npt.NDArray[np.float32]

_ACTION_NAMES = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}
"""H36M's own files spell two actions in two ways; the papers' tables use the second."""


@dataclass(frozen=True)
class ViewSequence:
    """What one camera saw of one clip.

    Attributes:
        clip: the clip.
        camera: name of the camera.
        xy: (F, J, 2) float32 joints in the picture, screen units: u = 2x/w - 1, v = 2y/w - h/w.
        xyz_m: (F, J, 3) float32 true joints relative to the pelvis, metres, camera axes: x right, y down, z away.
        plane_scale: what brings ``xy`` onto the plane at distance 1 from the camera, by the camera's calibration, or by
            the field of view that the program assumes where that is not known.
    """

    clip: Clip
    camera: str
    xy: Float32
    xyz_m: Float32
    plane_scale: float


def view_sequences(corpus: Corpus, clips: Sequence[Clip], source: str) -> list[ViewSequence]:
    """All sequences of some clips that have 2D joints of one source.

    Raises:
        ConfigError: the corpus has no 2D joints of that source, or none for these clips.
    """
    if source not in corpus.xy_px:
        there = ", ".join(sorted(corpus.xy_px)) or "none"
        raise ConfigError(f"the corpus has no 2D joints '{source}'", hint=f"its 2D sources are: {there}")
    sequences = [
        _view_sequence(corpus, clip, view, source) for clip in clips for view in clip.views if source in view.starts
    ]
    if not sequences:
        raise ConfigError(f"none of the {len(clips)} clips chosen has 2D joints '{source}'")
    return sequences


def _view_sequence(corpus: Corpus, clip: Clip, view: View, source: str) -> ViewSequence:
    rows = slice(view.starts[source], view.starts[source] + clip.length)
    world_m = corpus.xyz_m[clip.start : clip.start + clip.length]
    pelvis = corpus.skeleton.index("pelvis")
    # Only the camera's turn matters: its place cancels in what is relative to the pelvis.
    relative_m = (world_m - world_m[:, pelvis, None]) @ camera_to_world(view).astype(np.float32)
    size_wh = view.width_px, view.height_px
    xy = to_screen(corpus.xy_px[source][rows], size_wh)
    focal_px = focal_length_px(view.camera)
    scale = plane_scale(size_wh) if focal_px is None else view.width_px / 2 / focal_px
    return ViewSequence(clip, view.camera, xy, relative_m, scale)


def camera_to_world(view: View) -> npt.NDArray[np.float64]:
    """(3, 3) matrix that turns camera axes to world axes: ``world = R @ camera``."""
    w, x, y, z = np.array(view.orientation) / np.linalg.norm(view.orientation)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def to_camera(world_m: npt.NDArray[np.floating], view: View) -> npt.NDArray[np.float64]:
    """World points (..., 3) to camera axes, metres from the camera."""
    # A row times R is R's transpose times the column: the inverse turn.
    camera_m: npt.NDArray[np.float64] = (world_m - np.array(view.translation_m)) @ camera_to_world(view)
    return camera_m


def action_of(clip: Clip) -> str:
    """The action word of a clip, as the papers' tables spell it: the first word of ``clip.action``, whole.

    The word is compared whole because prefixes mislead: "Sitting" begins "SittingDown" too.
    """
    return (canonical_action(clip.action).split() or ["unknown"])[0]


def canonical_action(action: str) -> str:
    """An action and its take with the first word spelled as in the papers' tables: "TakingPhoto 1" is "Photo 1"."""
    word, *take = action.split(" ")
    return " ".join([_ACTION_NAMES.get(word, word), *take])


def require_skeleton(corpus: Corpus, skeleton: str, purpose: str) -> None:
    """Refuse a corpus of another skeleton by name.

    Args:
        corpus: the data.
        skeleton: name of the skeleton that is needed.
        purpose: who needs it, for the message.

    Raises:
        ConfigError: the corpus holds other joints.
    """
    if corpus.skeleton.name != skeleton:
        raise ConfigError(
            f"the corpus holds the joints of {corpus.skeleton.name}, {purpose} needs {skeleton}",
            hint="choose a corpus of that skeleton or prepare one with: posedemo prepare",
        )
