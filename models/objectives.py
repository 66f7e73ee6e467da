"""What training minimises for each kind of network output: the pose, and what its extra heads have to learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from .global_node import GlobalNodeOutput
from .temporal_target import SequenceOutput

NetworkOutput = Tensor | GlobalNodeOutput | SequenceOutput
JointLoss = Callable[[Tensor, Tensor], Tensor]


def pose_of(output: NetworkOutput, pelvis: int) -> Tensor:
    """The pose (N, J, 3) of the target frame in a network's output, with the pelvis at the origin."""
    return centred(output if isinstance(output, Tensor) else output.xyz, pelvis)


def centred(xyz: Tensor, pelvis: int) -> Tensor:
    """Poses (..., J, 3) relative to their pelvis."""
    return xyz - xyz[..., pelvis : pelvis + 1, :]


class Truth(NamedTuple):
    """What the network should have said.

    Attributes:
        xyz_m: (N, T, J, 3) poses of the window, relative to the pelvis.
        actions: (N,) number of the action; None where nothing is known of it.
    """

    xyz_m: Tensor
    actions: Tensor | None = None


@dataclass(frozen=True)
class Objective:
    """The loss of a batch: a weighted sum over what the network gives. Terms of weight 0 are not computed.

    By default sequences count as much as the target frame: the plain sum of L_local and L_global of GLA-GCN (Eq. 4 and
    7). The weights of the global node's heads are this project's choice.

    Attributes:
        loss: compares poses.
        target: index of the target frame in the window.
        pelvis: index of the joint that poses are relative to.
        pose_weight: of the target frame.
        sequence_weight: of the poses of the whole window, where there is that head.
        reconstruction_weight: of the pose from the embedding, where there is that head.
        action_weight: of the cross-entropy of the action, where there is that head and labels.
    """

    loss: JointLoss
    target: int = -1
    pelvis: int = 0
    pose_weight: float = 1.0
    sequence_weight: float = 1.0
    reconstruction_weight: float = 0.1
    action_weight: float = 0.01

    def __call__(self, output: NetworkOutput, truth: Truth) -> Tensor:
        """The loss of what a network in training mode made of a batch."""
        true_m = truth.xyz_m[:, self.target]
        # In float32 whatever the network computed in: millimetres are lost in half of the digits.
        terms: list[tuple[float, Callable[[], Tensor]]] = [
            (self.pose_weight, lambda: self.loss(pose_of(output, self.pelvis).float(), true_m))
        ]
        if isinstance(output, SequenceOutput):
            sequence = output.sequence
            terms += [(self.sequence_weight, lambda: self.loss(self._poses(sequence), truth.xyz_m))]
        if isinstance(output, GlobalNodeOutput):
            reconstruction, logits, actions = output.reconstruction, output.logits, truth.actions
            if reconstruction is not None:
                terms += [(self.reconstruction_weight, lambda: self.loss(self._poses(reconstruction), true_m))]
            if logits is not None and actions is not None:
                terms += [(self.action_weight, lambda: functional.cross_entropy(logits.float(), actions))]
        weighted = [weight * term() for weight, term in terms if weight]
        return sum(weighted[1:], start=weighted[0])

    def _poses(self, xyz: Tensor) -> Tensor:
        return centred(xyz, self.pelvis).float()
