"""Make training samples: windows of motion in, noisy 2D and true 3D out. All on tensors, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from ..skeleton import H36M17
from .bodies import face_forward, to_adult_size, vary
from .cameras import (
    draw_headings,
    draw_places,
    draw_rotations,
    misjudge_field_of_view,
    project,
    to_camera_axes,
    turn_to_joint,
)
from .chance import Chance
from .detections import derive, detect, hide_some_legs, observed_points, seen_by_slow_camera
from .rotations import turn
from .windows import Motion, draw_windows

_PELVIS = H36M17.index("pelvis")
_DOUBLE_STEP_PROBABILITY = 0.25


class Samples(NamedTuple):
    """A batch.

    Attributes:
        xy: (N, T, 17, 2) joints in the picture, on a plane at distance 1 from the camera: x right, y down.
        xyz_m: (N, T, 17, 3) true joints relative to the pelvis, camera axes, metres at the size of an average adult.
            Both are of the camera turned to the pelvis of each frame, where the maker does that.
        actions: (N,) number of the action; None where nothing is known of it.
    """

    xy: Tensor
    xyz_m: Tensor
    actions: Tensor | None = None


class Maker(Protocol):
    """Where a training run has its samples from."""

    batches_together: ClassVar[int]
    """How many batches are best made in one go."""

    def take(self, seed: int, number: int, count: int) -> Samples:
        """The samples ``number * count`` to ``(number + 1) * count`` of the run with a seed, whatever came before."""


@dataclass(frozen=True)
class SampleMaker:
    """How samples are made.

    Attributes:
        motion: where windows are drawn from.
        num_frames: T, length of a window.
        look_ahead: frames of it after the one whose pose is wanted.
        vary_motion: change bodies, poses and speed.
        detector_errors: give the 2D a detector's errors; without, only its definition of the joints.
        level: hold the camera level; without, at any pitch and roll.
        turned: turn the camera to the pelvis of each frame (``posedemo.sight``); with a detector's errors come those of
            the field of view, which the run time can only guess.
        exact_share: of the windows with a detector's errors, those that have none but legs that are not seen.
            Windows of several frames show which they are, by their trembling.
    """

    motion: Motion
    num_frames: int
    look_ahead: int = 0
    vary_motion: bool = True
    detector_errors: bool = True
    level: bool = False
    turned: bool = False
    exact_share: float = 0.0

    batches_together: ClassVar[int] = 8
    """Making samples consists of many small operations, which cost half as much on large batches."""

    def take(self, seed: int, number: int, count: int) -> Samples:
        """Samples of a run: every ``number`` has random numbers of its own."""
        return self.draw(Chance(seed * 1_000_003 + number), count)

    def draw(self, chance: Chance, count: int) -> Samples:
        """Draw a batch of ``count`` windows."""
        num_exact = round(self.exact_share * count) if self.detector_errors else 0
        kinds = ((count - num_exact, False), (num_exact, True))
        drawn = [self._draw_alike(chance, number, is_exact=is_exact) for number, is_exact in kinds if number]
        if len(drawn) == 1:
            return drawn[0]
        # A batch of training is a part of this one, and must have both.
        order = chance.permutation(count)
        return Samples(torch.cat([one.xy for one in drawn])[order], torch.cat([one.xyz_m for one in drawn])[order])

    def _draw_alike(self, chance: Chance, count: int, *, is_exact: bool) -> Samples:
        has_noise = self.detector_errors and not is_exact
        drawn_m = draw_windows(
            self.motion,
            chance,
            count,
            num_frames=self.num_frames,
            look_ahead=self.look_ahead,
            double_step_probability=_DOUBLE_STEP_PROBABILITY if self.vary_motion else 0.0,
        )
        world_m = face_forward(drawn_m)
        if self.vary_motion:
            world_m = vary(world_m, chance)
        world_m = to_adult_size(world_m)
        rotations = draw_headings(chance, count) if self.level else draw_rotations(chance, count)
        places_m = draw_places(chance, count)
        seen_m = observed_points(world_m, chance if has_noise else None)
        points = project(to_camera_axes(seen_m, rotations) + places_m[:, None, None])
        if has_noise:
            xy = detect(points, chance)
        elif is_exact:
            xy = hide_some_legs(derive(points[:, 1:]), chance)
        else:
            xy = derive(points[:, 1:])
        if self.vary_motion:
            xy = seen_by_slow_camera(xy, chance, look_ahead=self.look_ahead)
        camera_m = to_camera_axes(world_m[:, 1:], rotations)
        xyz_m = camera_m - camera_m[:, :, _PELVIS, None]
        if self.turned:
            assumed = misjudge_field_of_view(xy, chance) if has_noise else xy
            xy, turns = turn_to_joint(assumed, _PELVIS)
            xyz_m = turn(turns, xyz_m)
        return Samples(xy, xyz_m)
