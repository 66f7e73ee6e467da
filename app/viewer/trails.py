"""Soft trails behind hands and feet: where they were a moment ago. numpy only."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from ..arrays import Float32Array
from ..skeleton import H36M17
from .solids import IntArray, circle, floats, lattice, two_sided
from .standing import StandingPerson
from .theme import Theme

TRAIL_S = 0.8
"""How long a trail is."""

_JOINTS = [H36M17.index(f"{side}_{joint}") for joint in ("wrist", "ankle") for side in ("left", "right")]
_NUM_LIMBS = len(_JOINTS)
_NUM_RINGS, _NUM_SIDES = 24, 5
_NUM_SMOOTHINGS = 3
_RADIUS_M = 0.024
_SEEN_CONFIDENCE = 0.5
"""A joint that is guessed leaves no trail."""

_LONGEST_STEP_S, _LONGEST_STEP_M = 0.3, 0.7
"""Between two frames; beyond, somebody was lost and found again, not moved."""

_STRENGTH = 0.7
_AGES = np.linspace(0.0, 1.0, _NUM_RINGS, dtype=np.float32)


class Trails:
    """Remembers hands and feet, and draws their trails with a fixed topology.

    Args:
        theme: colours.
        max_people: how many people can have trails.

    Attributes:
        triangles: (F, 3) of one person.
        num_vertices: of one person.
    """

    def __init__(self, theme: Theme, *, max_people: int) -> None:
        self._max_people = max_people
        self._past: dict[int, deque[tuple[float, Float32Array]]] = {}
        self._time_s = 0.0
        size = _NUM_RINGS * _NUM_SIDES
        # A line that turns may turn its tube inside out.
        tube = two_sided(lattice(_NUM_RINGS, _NUM_SIDES))
        self.triangles: IntArray = np.concatenate([tube + i * size for i in range(_NUM_LIMBS)])
        self.num_vertices = size * _NUM_LIMBS
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Other colours from now on; nothing is forgotten."""
        self._theme = theme
        # Trails are seen before the floor as well as before the background: they end in between.
        self._ground = (floats(theme.background) + floats(theme.floor)) / 2

    def forget(self) -> None:
        """Where hands and feet were has nothing to do with where they are now."""
        self._past.clear()

    def update(self, people: Sequence[StandingPerson], time_s: float) -> None:
        """Remember where the people of one frame have their hands and feet."""
        self._time_s = time_s
        for person in people:
            ends_m = np.where(person.confidence[_JOINTS, None] >= _SEEN_CONFIDENCE, person.joints_m[_JOINTS], np.nan)
            past = self._past.setdefault(person.track_id, deque())
            if past and not 0 < time_s - past[-1][0] < _LONGEST_STEP_S:
                past.clear()
            past.append((time_s, ends_m.astype(np.float32)))
        for track_id, past in list(self._past.items()):
            # One older than needed stays, for the trail's end lies between two.
            while len(past) > 1 and past[1][0] < time_s - TRAIL_S:
                past.popleft()
            if not time_s - TRAIL_S <= past[-1][0] <= time_s:
                del self._past[track_id]

    def draw(self, people: Sequence[StandingPerson], slots: Mapping[int, int]) -> tuple[Float32Array, Float32Array]:
        """Vertices and colours of the trails.

        Args:
            people: who is shown.
            slots: what each of them wears (``Wardrobe``).

        Returns:
            (V, 3) metres, room axes, and (V, 3) colours in [0, 1], of ``max_people`` one after the other. What there is
            not is collapsed into a point.
        """
        vertices = np.zeros((self._max_people, _NUM_LIMBS, _NUM_RINGS, _NUM_SIDES, 3), np.float32)
        colors = np.zeros_like(vertices)
        for index, person in enumerate(people[: self._max_people]):
            if person.track_id in self._past:
                wears = self._theme.person(slots[person.track_id])
                sides = floats([wears.side(H36M17.side(joint)) for joint in _JOINTS])
                vertices[index] = _tubes(self._centres(person.track_id))
                fade = _STRENGTH * (1 - _AGES[:, None, None]) ** 1.4
                colors[index] = self._ground + (sides[:, None, None] - self._ground) * fade
        return vertices.reshape(-1, 3), colors.reshape(-1, 3)

    def _centres(self, track_id: int) -> Float32Array:
        """(4, R, 3) points along the trails, newest first; beyond a trail's end its last point."""
        past = self._past[track_id]
        ages_s = self._time_s - np.array([when_s for when_s, _ in past])[::-1]
        ends_m = np.stack([ends_m for _, ends_m in past])[::-1]  # (T, 4, 3)
        known = np.asarray(np.isfinite(ends_m).all(axis=-1))
        step_m = np.linalg.norm(np.diff(ends_m, axis=0), axis=-1)
        known[1:] &= step_m < _LONGEST_STEP_M
        centres = np.zeros((_NUM_LIMBS, _NUM_RINGS, 3), np.float32)
        for limb in range(_NUM_LIMBS):
            num_known = len(known) if known[:, limb].all() else int(known[:, limb].argmin())
            if num_known:
                line_m = ends_m[:num_known, limb]
                for axis in range(3):
                    centres[limb, :, axis] = np.interp(_AGES * TRAIL_S, ages_s[:num_known], line_m[:, axis])
        return _smooth(centres)


def _smooth(centres: Float32Array) -> Float32Array:
    """Lines (L, R, 3) without the corners that frames make; their newest points stay."""
    for _ in range(_NUM_SMOOTHINGS):
        inner = (centres[:, :-2] + 2 * centres[:, 1:-1] + centres[:, 2:]) / 4
        centres = np.concatenate([centres[:, :1], inner, centres[:, -1:]], axis=1)
    return centres


def _tubes(centres: Float32Array) -> Float32Array:
    """(L, R, S, 3) tubes around lines (L, R, 3) that thin out; one whose points are all the same is a point."""
    along = np.gradient(centres, axis=1)
    spread = centres - centres.mean(axis=1, keepdims=True)
    # Square to the plane that a line lies in, as far as it lies in one: so no tube is twisted.
    _, axes = np.linalg.eigh(np.swapaxes(spread, 1, 2) @ spread)
    helper = np.broadcast_to(axes[:, None, :, 0], along.shape)
    across = np.cross(along, helper)
    length = np.linalg.norm(across, axis=-1, keepdims=True)
    across = across / np.maximum(length, 1e-9)
    cosine, sine = circle(_NUM_SIDES)
    around = cosine[:, None] * across[:, :, None] + sine[:, None] * helper[:, :, None]
    is_moving = np.ptp(centres, axis=1).max(axis=-1) > 1e-4
    radii_m = _RADIUS_M * (1 - _AGES) ** 0.8 * is_moving[:, None]
    tubes: Float32Array = centres[:, :, None] + radii_m[..., None, None] * around
    return tubes.astype(np.float32)
