"""Metrics and losses against values worked out by hand, and what they must not notice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from posedemo.models.losses import LOSSES
from posedemo.models.metrics import mpjpe, mpjve, n_mpjpe, p_mpjpe
from posedemo.skeleton import H36M17


def rotation(random: np.random.Generator) -> np.ndarray:
    q, _ = np.linalg.qr(random.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def test_mpjpe_by_hand() -> None:
    true = np.zeros((1, 2, 3))
    predicted = np.array([[[3.0, 4, 0], [0, 0, 1]]])
    np.testing.assert_allclose(mpjpe(predicted, true), [3.0])


def test_n_mpjpe_by_hand() -> None:
    true = np.array([[1.0, 0, 0], [0, 2, 0]])
    assert n_mpjpe(5 * true, true) == pytest.approx(0)
    # Best scale of (1, 1) for (1, 2) is 1.5, which leaves 0.5 at both joints.
    assert n_mpjpe(np.array([[1.0, 0, 0], [0, 1, 0]]), true) == pytest.approx(0.5)


def test_p_mpjpe_does_not_notice_similarity(random: np.random.Generator) -> None:
    true = random.normal(size=(6, 17, 3))
    turned = np.stack([2.5 * pose @ rotation(random) + random.normal(size=3) for pose in true])
    np.testing.assert_allclose(p_mpjpe(turned, true), 0, atol=1e-9)
    noisy = true + random.normal(0, 0.1, true.shape)
    moved = np.stack([0.3 * pose @ rotation(random) + 1 for pose in noisy])
    np.testing.assert_allclose(p_mpjpe(moved, true), p_mpjpe(noisy, true), rtol=1e-6)
    assert (p_mpjpe(noisy, true) < mpjpe(noisy, true)).all()


def test_p_mpjpe_by_hand(random: np.random.Generator) -> None:
    """A square fits a rectangle of half sides 1 and 3 best at half side 2: both coordinates are then 1 off."""
    square = np.array([[1.0, 1, 0], [1, -1, 0], [-1, -1, 0], [-1, 1, 0]])
    rectangle = square * [1, 3, 1]
    assert p_mpjpe(square, rectangle) == pytest.approx(np.sqrt(2))
    assert p_mpjpe(0.1 * square @ rotation(random) + 7, rectangle) == pytest.approx(np.sqrt(2))


def test_metrics_take_each_pose_by_itself(random: np.random.Generator) -> None:
    predicted, true = random.normal(size=(2, 2, 3, 17, 3))
    for metric in (mpjpe, n_mpjpe, p_mpjpe):
        together = metric(predicted, true)
        assert together.shape == (2, 3)
        for index in np.ndindex(2, 3):
            assert together[index] == pytest.approx(metric(predicted[index], true[index]))


def test_single_precision_is_enough(random: np.random.Generator) -> None:
    true = random.normal(0, 0.4, size=(50, 17, 3))
    predicted = true + random.normal(0, 0.05, size=true.shape)
    for metric in (mpjpe, n_mpjpe, p_mpjpe, mpjve):
        single = metric(predicted.astype(np.float32), true.astype(np.float32))
        np.testing.assert_allclose(single, metric(predicted, true), atol=1e-6)  # a thousandth of a millimetre


def test_p_mpjpe_notices_reflection(random: np.random.Generator) -> None:
    true = random.normal(size=(4, 17, 3))
    assert (p_mpjpe(true * [-1, 1, 1], true) > 0.3).all()


def test_p_mpjpe_of_a_pose_without_size_is_finite(random: np.random.Generator) -> None:
    assert np.isfinite(p_mpjpe(np.zeros((17, 3)), random.normal(size=(17, 3))))


def test_mpjve_by_hand() -> None:
    true = np.zeros((3, 1, 3))
    predicted = np.array([[[0.0, 0, 0]], [[0, 3, 4]], [[0, 3, 4]]])
    assert mpjve(predicted, true) == pytest.approx(2.5)
    assert mpjve(predicted + 7, true) == pytest.approx(2.5)
    sequences = np.stack([predicted, true])
    np.testing.assert_allclose(mpjve(sequences, np.zeros_like(sequences)), [2.5, 0])


def test_mpjve_is_of_what_moves_otherwise_than_the_truth() -> None:
    true = np.array([[[0.0, 0, 0]], [[0, 3, 4]], [[0, 6, 8]]])
    assert mpjve(true, true) == 0
    assert mpjve(np.zeros_like(true), true) == pytest.approx(5)
    assert mpjve(2 * true, true) == pytest.approx(5)


def test_losses_by_hand() -> None:
    true = torch.zeros(1, 17, 3)
    predicted = true.clone()
    predicted[0, H36M17.index("left_wrist"), 2] = 0.3
    assert float(LOSSES["mpjpe"](predicted, true)) == pytest.approx(0.3 / 17)
    assert float(LOSSES["joints"](predicted, true)) == pytest.approx(0.09 / 51)
    # The wrist ends one bone and starts none.
    assert float(LOSSES["joints+bones"](predicted, true)) == pytest.approx(2 * 0.09 / 51)
    predicted = true.clone()
    predicted[0, H36M17.index("left_elbow"), 2] = 0.3
    assert float(LOSSES["joints+bones"](predicted, true)) == pytest.approx(3 * 0.09 / 51)


def test_losses_have_gradients_where_there_is_no_error() -> None:
    predicted = torch.zeros(1, 17, 3, requires_grad=True)
    LOSSES["mpjpe"](predicted, torch.zeros(1, 17, 3)).backward()
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()
