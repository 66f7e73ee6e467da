"""The lifter as it is trained, exported and run: normalisation, network and centring in one module."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..skeleton import H36M17
from .config import TrainConfig
from .dgnet import DGNet
from .glagcn import GLAGCN
from .global_node import GlobalNodeGCN
from .normalise import PersonNormalise
from .objectives import NetworkOutput, pose_of
from .semgcn import SemGCN

PER_FRAME: Mapping[str, Callable[..., nn.Module]] = {"semgcn": SemGCN, "global-gcn": GlobalNodeGCN}
"""Networks (N, 17, 2) to (N, 17, 3); each takes the skeleton first, then the options of ``TrainConfig.network``."""

TEMPORAL: Mapping[str, Callable[..., nn.Module]] = {"dg-net": DGNet, "gla-gcn": GLAGCN}
"""Networks (N, T, 17, 2) to (N, 17, 3), which take ``num_frames`` too."""

NETWORKS = {**PER_FRAME, **TEMPORAL}


class Lifter(nn.Module):
    """A window of 2D joints in, one 3D pose out.

    Normalising inside means that training and run time cannot do it differently, and that the exported file takes the
    plain screen coordinates of any person anywhere in the picture.
    """

    def __init__(self, network: nn.Module, *, is_temporal: bool) -> None:
        super().__init__()
        self.normalise = PersonNormalise(H36M17)
        self.network = network
        self.is_temporal = is_temporal

    def output(self, xy: Tensor) -> NetworkOutput:
        """What the network gives for windows; in training mode with what its extra heads say."""
        normalised = self.normalise(xy)
        output: NetworkOutput = self.network(normalised if self.is_temporal else normalised.squeeze(1))
        return output

    def forward(self, xy: Tensor) -> Tensor:
        """Lift windows.

        Args:
            xy: (N, T, 17, 2) in screen units, or any other with square pixels and y down; T is 1 per frame.

        Returns:
            (N, 17, 3) metres at the size of an average adult, camera axes, the pelvis exactly at the origin.
        """
        return pose_of(self.output(xy))


def build_lifter(config: TrainConfig) -> Lifter:
    """Make an untrained lifter; ``config.seed`` determines its weights.

    Raises:
        ConfigError: there is no lifter of that name, or its window does not fit.
    """
    if config.lifter not in NETWORKS:
        raise ConfigError(f"unknown lifter '{config.lifter}'", hint=f"there are: {', '.join(NETWORKS)}")
    is_temporal = config.lifter in TEMPORAL
    if not is_temporal and config.num_frames != 1:
        raise ConfigError(f"{config.lifter} lifts single frames, not windows of {config.num_frames}")
    window = {"num_frames": config.num_frames} if is_temporal else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return Lifter(NETWORKS[config.lifter](H36M17, **window, **config.network), is_temporal=is_temporal)
