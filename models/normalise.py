"""How 2D poses are normalised: inside the network, so that training and run time cannot differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..lifter_contract import PERSON, SCREEN, SIGHT
from ..skeleton import Skeleton

_SMALLEST_SCALE = 1e-4
"""In screen units; a person that small is a point, and the floor only keeps the division finite."""


class PersonNormalise(nn.Module):
    """Make 2D poses independent of where the person is in the picture and how large.

    Every frame becomes relative to its own pelvis; then the whole window is divided by one number, the mean distance of
    its joints from the pelvis. One number a window, not a frame, or a bending person would seem to be zoomed.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        self.pelvis = skeleton.index("pelvis")

    def forward(self, xy: Tensor) -> Tensor:
        """Normalise windows.

        Args:
            xy: (N, T, J, 2) in any unit and with any origin.

        Returns:
            (N, T, J, 2) without unit; unchanged by shifting or scaling the input.
        """
        relative = xy - xy[:, :, self.pelvis : self.pelvis + 1]
        distance = torch.sqrt((relative * relative).sum(dim=-1))  # (N, T, J)
        scale = distance.mean(dim=(1, 2), keepdim=True).clamp(min=_SMALLEST_SCALE)
        return relative / scale.unsqueeze(-1)


def _as_it_comes(_: Skeleton) -> nn.Module:
    """The papers' way: screen units already divide by the width of the picture, and nothing else is done."""
    return nn.Identity()


NORMALISATIONS: Mapping[str, Callable[[Skeleton], nn.Module]] = {
    PERSON: PersonNormalise,
    SIGHT: PersonNormalise,  # of a camera that is turned to the person beforehand
    SCREEN: _as_it_comes,
}
