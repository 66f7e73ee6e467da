"""What training minimises for each kind of network output: the pose, and what its extra heads have to learn."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ..skeleton import H36M17
from .dgnet import DGNetOutput
from .glagcn import GLAOutput
from .global_node import GlobalNodeOutput

NetworkOutput = Tensor | GlobalNodeOutput | DGNetOutput | GLAOutput
JointLoss = Callable[[Tensor, Tensor], Tensor]

_RECONSTRUCTION_WEIGHT = 0.1
"""Of the pose from the global node's embedding, beside the pose itself: this project's choice."""

_PELVIS = H36M17.index("pelvis")


def pose_of(output: NetworkOutput) -> Tensor:
    """The pose (N, 17, 3) of the target frame in a network's output, with the pelvis at the origin."""
    return centred(output if isinstance(output, Tensor) else output.xyz)


def centred(xyz: Tensor) -> Tensor:
    """Poses (..., 17, 3) relative to their pelvis."""
    return xyz - xyz[..., _PELVIS : _PELVIS + 1, :]


def objective(output: NetworkOutput, xyz_m: Tensor, loss: JointLoss) -> Tensor:
    """The loss of a batch.

    Sequences count as much as the target frame: the plain sum of L_local and L_global of GLA-GCN (Eq. 4 and 7).

    Args:
        output: of the network in training mode.
        xyz_m: (N, T, 17, 3) true poses of the window, of which the last is the target.
        loss: compares poses.
    """
    total = loss(pose_of(output), xyz_m[:, -1])
    if isinstance(output, GlobalNodeOutput) and output.reconstruction is not None:
        total = total + _RECONSTRUCTION_WEIGHT * loss(centred(output.reconstruction), xyz_m[:, -1])
    if isinstance(output, (DGNetOutput, GLAOutput)):
        total = total + loss(centred(output.sequence), xyz_m)
    return total
