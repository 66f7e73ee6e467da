"""Turn the joints of any detector into the H36M-17 joints that the lifters know.

One table per source skeleton: every H36M joint is a weighted sum of source joints whose weights add up to 1, so that
the map commutes with translation and scale. A joint may have several recipes, best first; the first one whose source
joints are all known is used. Its confidence is the lowest of its sources'.

The lifters are trained on 2D made with the same sums. The coefficients of thorax and head are this project's own
estimate of where the motion-capture joints lie: the neck base is 15 % of the way from the shoulder line to the nose,
the head joint 1.4 times as far from it as the ears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from .arrays import Float32Array
from .datatypes import Keypoints2D
from .skeleton import COCO17, H36M17, MEDIAPIPE33, Skeleton

Recipe = Mapping[str, float]

NECK_TO_NOSE = 0.15
HEAD_BEYOND_EARS = 1.4
HEAD_BEYOND_EYES = 1.35
HEAD_BEYOND_NOSE = 1.5


def _blend(*parts: tuple[float, Recipe]) -> Recipe:
    """A weighted sum of recipes."""
    total: dict[str, float] = {}
    for weight, recipe in parts:
        for joint, share in recipe.items():
            total[joint] = total.get(joint, 0.0) + weight * share
    return total


def _middle(joint: str) -> Recipe:
    return {f"left_{joint}": 0.5, f"right_{joint}": 0.5}


def _beyond(base: Recipe, through: Recipe, factor: float) -> Recipe:
    """The point on the line from ``base`` through ``through``, ``factor`` times as far."""
    return _blend((1 - factor, base), (factor, through))


def _head_and_trunk(eye: str) -> dict[str, tuple[Recipe, ...]]:
    """Recipes of the joints that no detector gives; ``eye`` is the eye joint's name in the source."""
    pelvis, shoulders, nose = _middle("hip"), _middle("shoulder"), {"nose": 1.0}
    thorax = _beyond(shoulders, nose, NECK_TO_NOSE)
    return {
        "pelvis": (pelvis,),
        "spine": (_blend((0.5, pelvis), (0.5, thorax)), _blend((0.5, pelvis), (0.5, shoulders))),
        "thorax": (thorax, shoulders),
        "nose": (nose,),
        "head": (
            _beyond(thorax, _middle("ear"), HEAD_BEYOND_EARS),
            _beyond(thorax, _middle(eye), HEAD_BEYOND_EYES),
            _beyond(shoulders, nose, HEAD_BEYOND_NOSE),
        ),
    }


def _recipes(eye: str) -> dict[str, tuple[Recipe, ...]]:
    limbs = {joint: ({joint: 1.0},) for joint in H36M17.joints if H36M17.side(H36M17.index(joint)) != "centre"}
    return limbs | _head_and_trunk(eye)


RECIPES: Mapping[str, Mapping[str, tuple[Recipe, ...]]] = {
    MEDIAPIPE33.name: _recipes("eye_centre"),
    COCO17.name: _recipes("eye"),
    H36M17.name: {joint: ({joint: 1.0},) for joint in H36M17.joints},
}


@cache
def _matrices(source: Skeleton) -> Float32Array:
    """(R, 17, J) weights: recipe r of each H36M joint, the last one repeated where a joint has fewer."""
    recipes = RECIPES[source.name]
    depth = max(len(choices) for choices in recipes.values())
    weights = np.zeros((depth, H36M17.num_joints, source.num_joints), np.float32)
    for target, joint in enumerate(H36M17.joints):
        choices = recipes[joint]
        for rank in range(depth):
            for name, weight in choices[min(rank, len(choices) - 1)].items():
                weights[rank, target, source.index(name)] = weight
    return weights


@cache
def _own_trunk() -> tuple[tuple[int, list[int], Float32Array], ...]:
    """Pelvis, spine and thorax: which joint, from which of H36M-17, and with which weights."""
    recipes = _head_and_trunk("eye")
    return tuple(
        (H36M17.index(joint), [H36M17.index(name) for name in shares], np.array(list(shares.values()), np.float32))
        for joint in ("pelvis", "spine", "thorax")
        for shares in (recipes[joint][0],)
    )


def own_trunk(xy: Float32Array) -> Float32Array:
    """2D joints (..., 17, 2) of H36M-17 with pelvis, spine and thorax where this program's lifters know them.

    Human3.6M has them from markers, a few centimetres from the sums of hips, shoulders and nose that the lifters are
    trained on. The head stays as it is, for want of ears.
    """
    ours = xy.copy()
    for joint, sources, weights in _own_trunk():
        ours[..., joint, :] = weights @ xy[..., sources, :]
    return ours


def with_own_trunk(keypoints: Keypoints2D) -> Keypoints2D:
    """One person's H36M-17 joints with ``own_trunk``; joints without their sources stay as they are."""
    xy_px, confidence = own_trunk(keypoints.xy_px), keypoints.confidence.copy()
    for joint, sources, _ in _own_trunk():
        if (keypoints.confidence[sources] > 0).all():
            confidence[joint] = keypoints.confidence[sources].min()
        else:
            xy_px[joint] = keypoints.xy_px[joint]
    return replace(keypoints, xy_px=xy_px, confidence=confidence)


def remap(keypoints: Keypoints2D) -> Keypoints2D:
    """Map one person's joints to H36M-17, in the picture and, where the detector gives them, in 3D by the same sums.

    Args:
        keypoints: joints of MEDIAPIPE33, COCO17 or H36M17; a joint with confidence 0 or NaN counts as unknown.

    Returns:
        H36M-17 joints; NaN with confidence 0 where no recipe has all its sources.
    """
    if keypoints.skeleton is H36M17:
        return keypoints
    weights = _matrices(keypoints.skeleton)
    known = (keypoints.confidence > 0) & np.isfinite(keypoints.xy_px).all(axis=-1)
    sources = weights != 0  # (R, 17, J)
    usable = (~sources | known).all(axis=-1)  # (R, 17)
    found = usable.any(axis=0)
    choice = usable.argmax(axis=0)
    joints = np.arange(H36M17.num_joints)
    chosen = weights[choice, joints]  # (17, J)

    def mapped(points: Float32Array) -> Float32Array:
        """(J, 2 or 3) to (17, 2 or 3)."""
        sums = chosen @ np.where(known[:, None], points, 0)
        return np.where(found[:, None], sums, np.nan).astype(np.float32)

    confidence = np.where(sources[choice, joints], keypoints.confidence, np.inf).min(axis=-1)
    world_xyz_m = keypoints.world_xyz_m
    return Keypoints2D(
        xy_px=mapped(keypoints.xy_px),
        confidence=np.where(found, confidence, 0).astype(np.float32),
        world_xyz_m=None if world_xyz_m is None else mapped(world_xyz_m),
    )
