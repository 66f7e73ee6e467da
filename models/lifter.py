"""The lifter as it is trained, exported and run: normalisation, network and centring in one module."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..skeleton import H36M17, SKELETONS, Skeleton
from .config import Options, TrainConfig
from .dgnet import DGNet
from .glagcn import GLAGCN
from .global_node import GlobalNodeGCN
from .normalise import NORMALISATIONS
from .objectives import NetworkOutput, pose_of
from .semgcn import SemGCN

PER_FRAME: Mapping[str, Callable[..., nn.Module]] = {"semgcn": SemGCN, "global-gcn": GlobalNodeGCN}
"""Networks (N, J, 2) to (N, J, 3); each takes the skeleton first, then the options of ``TrainConfig.network``."""

TEMPORAL: Mapping[str, Callable[..., nn.Module]] = {"dg-net": DGNet, "gla-gcn": GLAGCN}
"""Networks (N, T, J, 2) to (N, J, 3), which take ``num_frames`` too."""

NETWORKS = {**PER_FRAME, **TEMPORAL}

SEQUENCE_HEAD = "network.sequence_head."
"""What begins the names of a temporal lifter's weights that only its training needs."""


class Lifter(nn.Module):
    """A window of 2D joints in, one 3D pose out.

    Normalising inside means that training and run time cannot do it differently.

    Args:
        network: what is trained.
        is_temporal: whether the network takes windows instead of single frames.
        skeleton: the joints.
        normalisation: ``"person"``: the person may be anywhere in the picture and of any size; ``"sight"``: the same,
            of a camera that was turned to them beforehand; ``"screen"``: the place and size in the picture are
            evidence, so that 2D joints must come in the units they were trained in.
    """

    def __init__(
        self, network: nn.Module, *, is_temporal: bool, skeleton: Skeleton = H36M17, normalisation: str = "person"
    ) -> None:
        super().__init__()
        if normalisation not in NORMALISATIONS:
            there = ", ".join(NORMALISATIONS)
            raise ConfigError(f"unknown normalisation '{normalisation}'", hint=f"there are: {there}")
        self.normalise = NORMALISATIONS[normalisation](skeleton)
        self.network = network
        self.is_temporal = is_temporal
        self.pelvis = skeleton.index("pelvis")

    def output(self, xy: Tensor) -> NetworkOutput:
        """What the network gives for windows; in training mode with what its extra heads say."""
        normalised = self.normalise(xy)
        output: NetworkOutput = self.network(normalised if self.is_temporal else normalised.squeeze(1))
        return output

    def forward(self, xy: Tensor) -> Tensor:
        """Lift windows.

        Args:
            xy: (N, T, J, 2) in screen units; T is 1 per frame.

        Returns:
            (N, J, 3) metres, camera axes, the pelvis exactly at the origin. At the size of an average adult where
            virtual cameras were trained on, at the person's own size where real views were.
        """
        return pose_of(self.output(xy), self.pelvis)


def build_lifter(config: TrainConfig) -> Lifter:
    """Make an untrained lifter; ``config.seed`` determines its weights.

    Raises:
        ConfigError: there is no lifter, skeleton or option of that name, or its window does not fit.
    """
    check_options(config.lifter, config.network)
    is_temporal = config.lifter in TEMPORAL
    if not is_temporal and config.num_frames != 1:
        raise ConfigError(f"{config.lifter} lifts single frames, not windows of {config.num_frames}")
    if config.skeleton not in SKELETONS:
        raise ConfigError(f"unknown skeleton '{config.skeleton}'", hint=f"there are: {', '.join(SKELETONS)}")
    skeleton = SKELETONS[config.skeleton]
    window = {"num_frames": config.num_frames} if is_temporal else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = NETWORKS[config.lifter](skeleton, **window, **config.network)
    return Lifter(network, is_temporal=is_temporal, skeleton=skeleton, normalisation=config.normalisation)


def network_options(lifter: str) -> Options:
    """The options that a network can be made with, and their defaults: its ablations among them.

    Raises:
        ConfigError: there is no such lifter.
    """
    if lifter not in NETWORKS:
        raise ConfigError(f"unknown lifter '{lifter}'", hint=f"there are: {', '.join(NETWORKS)}")
    parameters = inspect.signature(NETWORKS[lifter]).parameters
    return {name: one.default for name, one in parameters.items() if name not in ("skeleton", "num_frames")}


def check_options(lifter: str, network: Options) -> None:
    """Refuse options that the network does not have.

    Raises:
        ConfigError: there is no such lifter or option; names those there are.
    """
    there = network_options(lifter)
    for name in network:
        if name not in there:
            listed = ", ".join(f"{key}={str(value).lower()}" for key, value in there.items())
            raise ConfigError(f"{lifter} has no option '{name}'", hint=f"there are: {listed}")
