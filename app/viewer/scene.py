"""People of one frame to everything in the room that moves: numpy only, so it is tested without a display."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..datatypes import Float32Array, Person
from .figure import Figure
from .floor import Floor
from .solids import IntArray
from .standing import Standing, StandingPerson
from .theme import Theme


class Scene:
    """The room's geometry. Topology is fixed for ``max_people``; ``update`` moves vertices and colours.

    Args:
        max_people: how many people the meshes have room for; more are not drawn.
        theme: colours.
        mirror: swap picture-left and picture-right, as a mirrored picture does.

    Attributes:
        floor: what lies flat.
        people: those who were drawn last.
        body_vertices: (V, 3) metres, room axes (``standing``), of all bodies.
        body_colors: (V, 3) in [0, 1].
        body_triangles: (F, 3).
        shadow_vertices: (W, 3); with ``shadow_colors`` (W, 3); triangles are ``floor.shadow_triangles``.
    """

    def __init__(self, *, max_people: int, theme: Theme, mirror: bool = False) -> None:
        self.floor = Floor(theme, max_people=max_people)
        self._max_people = max_people
        self._figure = Figure(theme)
        self._standing = Standing(mirror=mirror)
        self._latest: tuple[Sequence[Person], float] = ((), 0.0)
        size = self._figure.num_vertices
        self.body_triangles: IntArray = np.concatenate([self._figure.triangles + i * size for i in range(max_people)])
        self.people: tuple[StandingPerson, ...] = ()
        self.body_vertices: Float32Array
        self.body_colors: Float32Array
        self.update((), 0.0)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of everything, and show the same people again."""
        self.floor = Floor(theme, max_people=self._max_people)
        self._figure = Figure(theme)
        self.update(*self._latest)

    def update(self, people: Sequence[Person], time_s: float) -> None:
        """Show the people of one frame.

        Args:
            people: of one frame.
            time_s: of that frame; on one clock.
        """
        self._latest = (people, time_s)
        self.people = self._standing.update(people, time_s)[: self._max_people]
        self.body_vertices = np.zeros((self._max_people * self._figure.num_vertices, 3), np.float32)
        self.body_colors = np.zeros_like(self.body_vertices)
        for index, person in enumerate(self.people):
            part = slice(index * self._figure.num_vertices, (index + 1) * self._figure.num_vertices)
            self.body_vertices[part], self.body_colors[part] = self._figure.draw(person.joints_m, person.confidence)
        self.shadow_vertices, self.shadow_colors = self.floor.shadows(self.people)
