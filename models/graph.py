"""Adjacency matrices from ``Skeleton.parents``: the one source of edges, so that no second edge list can drift.

Rows are the receiving joints, columns the sending ones. numpy only.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Float64Array
from ..skeleton import Skeleton


def adjacency(skeleton: Skeleton, *, self_loops: bool) -> Float64Array:
    """Symmetric 0/1 matrix (J, J): 1 where two joints share a bone and, with ``self_loops``, on the diagonal."""
    matrix = np.eye(skeleton.num_joints) if self_loops else np.zeros((skeleton.num_joints,) * 2)
    for parent, child in skeleton.bones:
        matrix[parent, child] = matrix[child, parent] = 1
    return matrix


def row_normalised(matrix: Float64Array) -> Float64Array:
    """``D^-1 A``: every row sums to 1."""
    rows: Float64Array = matrix / matrix.sum(axis=1, keepdims=True)
    return rows
