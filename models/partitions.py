"""Graphs beside the plain skeleton: with a global node, and parted into subsets by direction.

As in ``graph``, rows are the receiving joints and columns the sending ones, and ``Skeleton.parents`` is the one source
of edges. numpy only.
"""

from __future__ import annotations

import numpy as np

from ..arrays import FloatArray
from ..errors import ConfigError
from ..skeleton import Skeleton
from .graph import adjacency

PARTITIONS = ("kinematic", "gravity")

_GRAVITY_CENTRE = "spine"
_ALPHA = 0.001
"""Of the GLA-GCN paper: keeps empty rows from dividing by zero."""


def with_global_node(skeleton: Skeleton) -> FloatArray:
    """0/1 matrix (J + 1, J + 1) with self-loops; the last row and column are a node connected to every joint."""
    matrix = np.ones((skeleton.num_joints + 1,) * 2)
    matrix[:-1, :-1] = adjacency(skeleton, self_loops=True)
    return matrix


def symmetric_normalised(matrix: FloatArray, *, alpha: float = 0.0) -> FloatArray:
    """``D^-1/2 A D^-1/2``, with ``alpha`` added to every degree.

    Degrees are counted along the rows for the left factor and along the columns for the right one. For a symmetric
    matrix both are the same. For a directed one, row sums on both sides would multiply an edge from a joint that
    receives nothing by ``alpha^-1/2``, 32 times what the other edges weigh.
    """
    receiving, sending = matrix.sum(axis=1) + alpha, matrix.sum(axis=0) + alpha
    normalised: FloatArray = matrix / np.sqrt(receiving[:, None] * sending[None, :])
    return normalised


def partition(skeleton: Skeleton, kind: str) -> FloatArray:
    """Three matrices (3, J, J): what a joint receives from itself, from outward neighbours, from inward neighbours.

    Args:
        skeleton: names the joints and their edges.
        kind: ``"kinematic"``: inward is towards the root, and every joint takes the mean of its senders.
            ``"gravity"``: inward is towards the centre of gravity, taken to be the spine, counted in bones; symmetric
            normalisation with a small addition to the degrees.

    Raises:
        ConfigError: there is no such kind, or the skeleton has no joint at its centre of gravity.
    """
    if kind not in PARTITIONS:
        raise ConfigError(f"unknown partition '{kind}'", hint=f"there are: {', '.join(PARTITIONS)}")
    gravity = kind == "gravity"
    if gravity and _GRAVITY_CENTRE not in skeleton.joints:
        raise ConfigError(f"{skeleton.name} has no {_GRAVITY_CENTRE}, its centre of gravity", hint="choose kinematic")
    distance = bones_between(skeleton)[skeleton.index(_GRAVITY_CENTRE) if gravity else skeleton.parents.index(-1)]
    edges = adjacency(skeleton, self_loops=False)
    from_outside = edges * (distance[:, None] < distance[None, :])
    subsets = (np.eye(skeleton.num_joints), from_outside, edges - from_outside)
    if gravity:
        return np.stack([symmetric_normalised(subset, alpha=_ALPHA) for subset in subsets])
    return np.stack([subset / np.maximum(subset.sum(axis=1, keepdims=True), 1) for subset in subsets])


def bones_between(skeleton: Skeleton) -> FloatArray:
    """Number of bones (J, J) on the way from each joint to each other."""
    neighbours = adjacency(skeleton, self_loops=True) > 0
    distance = np.full(neighbours.shape, np.inf)
    reached = np.eye(skeleton.num_joints, dtype=bool)
    for steps in range(skeleton.num_joints):
        distance[reached & np.isinf(distance)] = steps
        reached = reached @ neighbours
    return distance
