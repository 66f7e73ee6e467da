"""The lifter as it is trained, exported and run: normalisation, network and centring in one module."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..skeleton import H36M17
from .config import TrainConfig
from .normalise import PersonNormalise
from .semgcn import SemGCN

NETWORKS: Mapping[str, Callable[..., nn.Module]] = {"semgcn": SemGCN}
"""Networks by name; each takes the skeleton first, then the options of ``TrainConfig.network``."""


class Lifter(nn.Module):
    """A window of 2D joints in, one 3D pose out.

    Normalising inside means that training and run time cannot do it differently, and that the exported file takes the
    plain screen coordinates of any person anywhere in the picture.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.normalise = PersonNormalise(H36M17)
        self.network = network
        self.pelvis = H36M17.index("pelvis")

    def forward(self, xy: Tensor) -> Tensor:
        """Lift windows.

        Args:
            xy: (N, 1, 17, 2) in screen units, or any other with square pixels and y down.

        Returns:
            (N, 17, 3) metres at the size of an average adult, camera axes, the pelvis exactly at the origin.
        """
        xyz: Tensor = self.network(self.normalise(xy).squeeze(1))
        return xyz - xyz[:, self.pelvis : self.pelvis + 1]


def build_lifter(config: TrainConfig) -> Lifter:
    """Make an untrained lifter; ``config.seed`` determines its weights.

    Raises:
        ConfigError: there is no lifter of that name.
    """
    if config.lifter not in NETWORKS:
        raise ConfigError(f"unknown lifter '{config.lifter}'", hint=f"there are: {', '.join(NETWORKS)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return Lifter(NETWORKS[config.lifter](H36M17, **config.network))
