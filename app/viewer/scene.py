"""People of one frame to everything in the room that moves: numpy only, so it is tested without a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Float32Array
from ..datatypes import Person
from .figure import Figure
from .floor import Floor
from .ghost_figure import GhostFigure
from .solids import IntArray
from .standing import MIRROR, Standing, StandingPerson
from .theme import Theme
from .trails import Trails
from .wardrobe import Wardrobe

_MOSTLY_SEEN = 0.5


@dataclass(slots=True)
class Part:
    """One mesh of the room: copies of a smaller one, each person's after the other's.

    Its topology is fixed; vertices and colours move.

    Attributes:
        triangles: (F, 3).
        vertices: (V, 3) metres, room axes (``standing``); what there is not is collapsed into a point.
        colors: (V, 3) in [0, 1].
        num_copies: how many there are.
        num_shown: so many of them, the first ones, have something to show.
    """

    triangles: IntArray
    vertices: Float32Array
    colors: Float32Array
    num_copies: int
    num_shown: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing of it can be seen."""
        return self.num_shown == 0

    def shown(self) -> tuple[IntArray, Float32Array, Float32Array]:
        """Triangles, vertices and colours of what has something to show."""
        num_triangles = len(self.triangles) // self.num_copies * self.num_shown
        num_vertices = len(self.vertices) // self.num_copies * self.num_shown
        return self.triangles[:num_triangles], self.vertices[:num_vertices], self.colors[:num_vertices]


class Scene:
    """The room's geometry. Topology is fixed for ``max_people``; ``update`` moves vertices and colours.

    Args:
        max_people: how many people the meshes have room for; more are not drawn.
        theme: colours.
        mirror: swap picture-left and picture-right, as a mirrored picture does.

    Attributes:
        floor: what lies flat.
        people: those who were drawn last.
        slots: the colours that everybody in the frame wears, by track id (``Theme.person``).
        bodies: of all people, as far as they are seen.
        ghosts: what is guessed of them, and what the second lifter makes of them.
        trails: of hands and feet.
        shadows: on the floor.
        has_trails: whether trails are drawn; they are remembered in any case.
    """

    def __init__(self, *, max_people: int, theme: Theme, mirror: bool = False) -> None:
        self._max_people = max_people
        self._is_mirrored = mirror
        self._standing = Standing(mirror=mirror)
        self._wardrobe = Wardrobe(len(theme.people))
        self._trails = Trails(theme, max_people=max_people)
        self.people: tuple[StandingPerson, ...] = ()
        self.slots: Mapping[int, int] = {}
        self.has_trails = False
        self._dress(theme)
        self.bodies = _part(self._figure.triangles, self._figure.num_vertices, max_people)
        self.ghosts = _part(self._ghost.triangles, self._ghost.num_vertices, 2 * max_people)
        self.trails = _part(self._trails.triangles, self._trails.num_vertices, max_people)
        self.shadows = Part(self.floor.shadow_triangles, *self.floor.shadows(()), max_people)
        self.draw()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of everything, and draw the same people again."""
        self._dress(theme)
        self._trails.set_theme(theme)
        self.draw()

    def set_mirror(self, *, mirror: bool) -> None:
        """Mirror the room, or do not, and draw the same people again."""
        if mirror == self._is_mirrored:
            return
        self._is_mirrored = mirror
        self._standing.set_mirror(mirror=mirror)
        self.people = tuple(
            replace(
                person,
                joints_m=person.joints_m * MIRROR,
                ghost_m=None if person.ghost_m is None else person.ghost_m * MIRROR,
            )
            for person in self.people
        )
        self._trails.forget()
        self.draw()

    def cut(self) -> None:
        """What is shown next has nothing to do with what was shown before, though people may have the same ids."""
        self._standing.forget()
        self._trails.forget()

    def update(self, people: Sequence[Person], time_s: float) -> None:
        """Show the people of one frame.

        Args:
            people: of one frame.
            time_s: of that frame; on one clock.
        """
        self.people = self._standing.update(people, time_s)[: self._max_people]
        self.slots = self._wardrobe.dress([person.track_id for person in people], time_s)
        self._trails.update(self.people, time_s)
        self.draw()

    def draw(self) -> None:
        """Draw the same people anew."""
        self._draw_bodies()
        self._draw_ghosts()
        self.trails.num_shown = len(self.people) if self.has_trails else 0
        if not self.trails.is_empty:
            self.trails.vertices, self.trails.colors = self._trails.draw(self.people, self.slots)
        self.shadows.vertices, self.shadows.colors = self.floor.shadows(self.people)
        self.shadows.num_shown = len(self.people)

    def _dress(self, theme: Theme) -> None:
        self.floor = Floor(theme, max_people=self._max_people)
        self._figure, self._ghost = Figure(theme), GhostFigure(theme)

    def _draw_bodies(self) -> None:
        drawn = [
            self._figure.draw(person.joints_m, person.confidence, person.seen, self.slots[person.track_id])
            for person in self.people
        ]
        _fill(self.bodies, drawn)

    def _draw_ghosts(self) -> None:
        drawn = []
        for person in self.people:
            slot = self.slots[person.track_id]
            # What is mostly seen has a body, around which hoops would be black rings.
            guessed = np.where(person.seen < _MOSTLY_SEEN, 1 - person.seen, np.float32(0))
            if guessed.any():
                drawn.append(self._ghost.draw(person.joints_m, guessed, slot))
            if person.ghost_m is not None:
                drawn.append(self._ghost.draw(person.ghost_m, np.ones_like(person.seen), slot, is_second=True))
        _fill(self.ghosts, drawn)


def _part(triangles: IntArray, num_vertices: int, number: int) -> Part:
    """So many copies of a mesh, nothing of them to be seen yet."""
    nothing: Float32Array = np.zeros((number * num_vertices, 3), np.float32)
    return Part(np.concatenate([triangles + i * num_vertices for i in range(number)]), nothing, nothing.copy(), number)


def _fill(part: Part, drawn: list[tuple[Float32Array, Float32Array]]) -> None:
    """Put meshes one after the other into a part, whose rest is nothing."""
    vertices, colors = np.zeros_like(part.vertices), np.zeros_like(part.colors)
    start = 0
    for some_vertices, some_colors in drawn:
        end = start + len(some_vertices)
        vertices[start:end], colors[start:end] = some_vertices, some_colors
        start = end
    part.vertices, part.colors, part.num_shown = vertices, colors, len(drawn)
