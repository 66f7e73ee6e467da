"""From a lifted pose to a person: fixed bones, refit, smoothing, placing. Two steps, for filters may look ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import Float32Array
from .body import BodyModel, fix_bones
from .datatypes import Keypoints2D, Person, Pose3D, Window
from .geometry import norms, to_pixels
from .placement import place_root, project
from .refit import refit
from .track import Track

_SURE = 0.5
"""Joints below this confidence say nothing about how well a pose fits the picture."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A pose that waits for its filter.

    Attributes:
        track: whose it is; the track itself goes on to later frames.
        keypoints: of the pose's frame.
        xyz_m: (17, 3) metres before smoothing, with guesses for unknown joints where the lifter has any.
        xy: (17, 2) joints on the plane at distance 1 from the camera.
        confidence: (17,) of these joints.
        plane_scale: of the picture.
        ghost: what a second lifter makes of the same joints; no filter waits for it.
    """

    track: Track
    keypoints: Keypoints2D
    xyz_m: Float32Array
    xy: Float32Array
    confidence: Float32Array
    plane_scale: float
    ghost: Pose3D | None = None


def draft(
    track: Track, keypoints: Keypoints2D, window: Window, lifted: Pose3D, time_s: float, ghost: Pose3D | None = None
) -> Draft:
    """Learn the body from a lifted pose, give the pose that body, refit it, and hand it to the track's filter.

    Args:
        track: whose pose it is.
        keypoints: of the frame that was lifted.
        window: that it was lifted from.
        lifted: the pose.
        time_s: of that frame, later than the last call's.
        ghost: pose of a second lifter, that gets the same body.
    """
    xyz_m = lifted.xyz_m
    xy, confidence = window.xy[window.target] * np.float32(window.plane_scale), window.confidence[window.target]
    if track.body is not None:
        track.body.observe(time_s, xyz_m, confidence)
        xyz_m = _embodied(track.body, xyz_m, xy, confidence)
    unknown = _unknown(keypoints)
    if ghost is not None:
        ghost_m = ghost.xyz_m if track.body is None else _embodied(track.body, ghost.xyz_m, xy, confidence)
        ghost = Pose3D(np.where(unknown, np.float32(np.nan), ghost_m), confidence)
    track.smoother.push(time_s, np.where(unknown, np.float32(np.nan), xyz_m))
    return Draft(track, keypoints, xyz_m, xy, confidence, window.plane_scale, ghost)


def _embodied(body: BodyModel, xyz_m: Float32Array, xy: Float32Array, confidence: Float32Array) -> Float32Array:
    """A lifted pose with a person's bones, refitted to the joints in the picture."""
    lengths_m = body.lengths_m
    xyz_m = fix_bones(xyz_m, lengths_m)
    root_m = place_root(xyz_m, xy, confidence)
    return xyz_m if root_m is None else refit(xyz_m, root_m, xy, confidence, lengths_m)[0]


def finish(draft: Draft, time_s: float, size_wh: tuple[int, int]) -> Person:
    """Take a pose out of the track's filter, and place it.

    Args:
        draft: the pose that was handed to the filter.
        time_s: of its frame.
        size_wh: of the picture.

    Returns:
        The person. A joint that is not in the 2D is unknown in 3D.
    """
    track, keypoints = draft.track, draft.keypoints
    unknown = _unknown(keypoints)
    xyz_m = track.smoother.at(time_s)
    if track.body is not None:
        # Filtered joints shorten bones that turn; and a known joint may hang on an unknown one.
        xyz_m = fix_bones(np.where(unknown, draft.xyz_m, xyz_m), track.body.lengths_m)
        xyz_m = np.where(unknown, np.float32(np.nan), xyz_m)
    root_m = place_root(xyz_m, draft.xy, draft.confidence)
    reprojection_px = None
    if root_m is not None:
        seen_px = to_pixels(project(xyz_m, root_m) / np.float32(draft.plane_scale), size_wh)
        reprojection_px = _distance_px(seen_px, keypoints)
    return Person(
        track_id=track.track_id,
        keypoints=keypoints,
        pose=Pose3D(xyz_m=xyz_m, confidence=draft.confidence),
        root_m=root_m,
        reprojection_px=reprojection_px,
        ghost=draft.ghost,
    )


def _unknown(keypoints: Keypoints2D) -> npt.NDArray[np.bool_]:
    """(17, 1) joints that are not in the picture."""
    return np.asarray(np.isnan(keypoints.xy_px).any(axis=-1, keepdims=True))


def _distance_px(seen_px: Float32Array, keypoints: Keypoints2D) -> float | None:
    """Mean distance to the joints that the detector is sure of; None without any."""
    distances_px = norms(seen_px - keypoints.xy_px)
    sure = np.isfinite(distances_px) & (keypoints.confidence >= _SURE)
    return float(distances_px[sure].mean()) if sure.any() else None
