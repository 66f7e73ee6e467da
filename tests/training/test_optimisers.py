"""Optimisers and schedules against numbers computed by hand or by another way than the program's."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from posedemo.errors import ConfigError
from posedemo.models.averaging import MovingAverage
from posedemo.models.config import TrainConfig, preset
from posedemo.models.lifter import build_lifter
from posedemo.models.optimisers import Muon, Ranger, build_optimiser, orthogonal
from posedemo.models.schedules import learning_rate, norm_momentum, set_norm_momentum
from torch import nn


def pull(weights: nn.Parameter, optimiser: torch.optim.Optimizer, gradients: list[float]) -> list[float]:
    """The weight after each gradient."""
    places = []
    for gradient in gradients:
        weights.grad = torch.full_like(weights, gradient)
        optimiser.step()
        places.append(float(weights.detach()))
    return places


def test_lookahead_goes_half_of_the_way() -> None:
    weights = nn.Parameter(torch.ones(()))
    # While RAdam's variance is unknown, a constant gradient of 1 moves the weight by the learning rate: 1, 0.9, 0.8,
    # back to the middle of 1 and 0.8, and so on.
    places = pull(weights, Ranger([weights], lr=0.1, k=2), [1.0] * 4)
    assert places == pytest.approx([0.9, 0.9, 0.8, 0.8], abs=1e-6)


@pytest.mark.parametrize("shape", [(12, 30), (30, 12), (16, 16)])
def test_orthogonal_matrices_keep_their_singular_vectors(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    u, values, vt = torch.linalg.svd(torch.randn(3, *shape, dtype=torch.float64), full_matrices=False)
    diagonal = u.mT @ orthogonal(u @ torch.diag_embed(values) @ vt) @ vt.mT
    found = torch.diagonal(diagonal, dim1=1, dim2=2)
    torch.testing.assert_close(diagonal, torch.diag_embed(found), rtol=0, atol=1e-9)
    # The iteration leaves values of a random matrix between these two; the smallest of a square one, which start at
    # some thousandths, are lifted but not all the way.
    assert found.max() < 1.3
    assert found.min() > (0.6 if shape[0] != shape[1] else 0.0)


def test_muon_steps_along_an_orthogonal_matrix() -> None:
    torch.manual_seed(0)
    matrix, gradient = nn.Parameter(torch.zeros(20, 10)), torch.randn(20, 10)
    optimiser = Muon([{"params": [matrix], "weight_decay": 0.0, "is_matrix": True}], lr=0.1)
    matrix.grad = gradient
    optimiser.step()
    # The first momentum is the gradient but for a factor, which an orthogonal matrix does not have.
    torch.testing.assert_close(matrix.detach(), -0.1 * 2**0.5 * orthogonal(gradient[None])[0])


def test_muon_leaves_the_rest_to_adamw() -> None:
    config = TrainConfig(lifter="semgcn", network={"channels": 16, "num_blocks": 1}, optimiser="muon", weight_decay=0.1)
    optimiser = build_optimiser(config, build_lifter(config))
    matrices, others = optimiser.param_groups
    assert {tuple(one.shape) for one in matrices["params"]} == {(16, 16), (8, 16), (16, 8)}
    assert (matrices["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    gradients = [0.5, -0.2, 0.9]
    place = nn.Parameter(torch.zeros((), dtype=torch.float64))
    same = nn.Parameter(torch.zeros((), dtype=torch.float64))
    expected = pull(same, torch.optim.AdamW([same], lr=0.01, weight_decay=0.0), gradients)
    assert pull(place, Muon([{"params": [place]}], lr=0.01), gradients) == pytest.approx(expected, rel=1e-12)


def test_ranger_follows_its_papers() -> None:
    gradients = np.random.default_rng(0).normal(0.3, 1, 40).tolist()
    weights = nn.Parameter(torch.zeros((), dtype=torch.float64))
    assert pull(weights, Ranger([weights], lr=0.05), gradients) == pytest.approx(ranger_by_hand(gradients, 0.05))


def ranger_by_hand(gradients: list[float], rate: float) -> list[float]:
    """RAdam (Algorithm 2 of its paper) and Lookahead (Algorithm 1), with the constants of GLA-GCN's code."""
    beta_1, beta_2, eps, k, alpha = 0.95, 0.999, 1e-5, 6, 0.5
    fast = slow = mean = square = 0.0
    rho_inf = 2 / (1 - beta_2) - 1
    places = []
    for t, gradient in enumerate(gradients, start=1):
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = beta_2 * square + (1 - beta_2) * gradient**2
        rho = rho_inf - 2 * t * beta_2**t / (1 - beta_2**t)
        step = rate * mean / (1 - beta_1**t)
        if rho > 5:
            rectified = math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
            step *= rectified * math.sqrt(1 - beta_2**t) / (math.sqrt(square) + eps)
        fast -= step
        if t % k == 0:
            fast = slow = slow + alpha * (fast - slow)
        places.append(fast)
    return places


def test_rangers_slow_weights_are_part_of_its_state() -> None:
    gradients = np.random.default_rng(1).normal(0.2, 1, 20).tolist()
    whole = nn.Parameter(torch.zeros(()))
    expected = pull(whole, Ranger([whole], lr=0.1), gradients)
    first = nn.Parameter(torch.zeros(()))
    optimiser = Ranger([first], lr=0.1)
    pull(first, optimiser, gradients[:9])  # three fast steps after a slow one
    second = nn.Parameter(first.detach().clone())
    resumed = Ranger([second], lr=0.7)
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    assert pull(second, resumed, gradients[9:]) == expected[9:]


def test_ranger_leaves_weights_without_gradient_alone() -> None:
    used, unused = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))
    pull(used, Ranger([used, unused], lr=0.1, k=2), [1.0] * 5)
    assert float(unused.detach()) == 1
    assert float(used.detach()) < 1


@pytest.mark.parametrize(
    ("name", "kind", "amsgrad"),
    [
        ("semgcn", torch.optim.Adam, False),
        ("global-gcn", torch.optim.Adam, False),
        ("dg-net", torch.optim.Adam, True),
        ("gla-gcn", Ranger, None),
    ],
)
def test_papers_have_their_optimisers(name: str, kind: type, amsgrad: bool | None) -> None:
    config = preset(name, "paper")
    narrow = replace(config, network={**config.network, "channels": 8})
    optimiser = build_optimiser(narrow, build_lifter(narrow))
    assert type(optimiser) is kind
    assert optimiser.param_groups[0].get("amsgrad") == amsgrad
    assert all(group["weight_decay"] == 0 for group in optimiser.param_groups)


def test_two_stages_have_a_rate_for_the_global_part() -> None:
    config = preset("gla-gcn", "tiny")
    config = replace(config, stages="two_stage", network={**config.network, "joint_embedding": True})
    lifter = build_lifter(config)
    groups = build_optimiser(config, lifter).param_groups
    slow = {id(weights) for group in groups if group["is_global"] for weights in group["params"]}
    parts = ("network.representation", "network.sequence_head", "network.input_norm", "network.joint_embedding")
    assert slow == {id(weights) for name, weights in lifter.named_parameters() if name.startswith(parts)}
    assert sum(len(group["params"]) for group in groups) == len(list(lifter.parameters()))
    for name, network in (("dg-net", {}), ("gla-gcn", {"sequence_head": False})):
        other = replace(preset(name, "tiny"), stages="two_stage", network={"channels": 8, **network})
        with pytest.raises(ConfigError, match="only gla-gcn with its sequence head"):
            build_optimiser(other, build_lifter(other))


STEPS = TrainConfig(lifter="semgcn", schedule="steps", learning_rate=1e-3, steps=250_000)
EPOCHS = TrainConfig(lifter="semgcn", schedule="epochs", learning_rate=1e-3, steps=300, epochs=30)
COSINE = TrainConfig(lifter="semgcn", schedule="cosine", learning_rate=1e-2, steps=100)


@pytest.mark.parametrize(
    ("config", "step", "expected"),
    [
        (STEPS, 99_999, 1e-3),
        (STEPS, 100_000, 0.96e-3),
        (STEPS, 249_999, 0.96**2 * 1e-3),
        (EPOCHS, 9, 1e-3),
        (EPOCHS, 10, 0.95e-3),
        (EPOCHS, 299, 0.95**29 * 1e-3),
        (replace(EPOCHS, epochs=0, steps=800), 799, 0.95**79 * 1e-3),
        (COSINE, 0, 1e-2),
        (COSINE, 50, (1e-2 + 1e-5) / 2),
        (COSINE, 100, 1e-5),
    ],
)
def test_learning_rates(config: TrainConfig, step: int, expected: float) -> None:
    assert learning_rate(config, step, step / config.steps) == pytest.approx(expected, rel=1e-9)


def test_normalisation_gets_steadier() -> None:
    config = replace(EPOCHS, last_norm_momentum=0.001, steps=30_000)
    assert [norm_momentum(config, int(30_000 * p), p) for p in (0, 0.5, 1)] == pytest.approx([0.1, 0.01, 0.001])
    assert norm_momentum(EPOCHS, 7, 0.7) == 0.1


def test_statistics_of_a_short_run_forget_its_beginning() -> None:
    """Also where a time limit makes it short: what counts is how many steps there will be."""
    config = replace(EPOCHS, last_norm_momentum=0.001, steps=30_000)
    assert norm_momentum(config, 2000, 1.0) == pytest.approx(0.01)
    assert norm_momentum(config, 50, 1.0) == pytest.approx(0.1)


def test_momentum_is_set_everywhere() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.BatchNorm2d(2), nn.Linear(2, 2)))
    set_norm_momentum(network, 0.03)
    assert (network[0].momentum, network[1][0].momentum) == (0.03, 0.03)


@pytest.mark.parametrize("change", [{"schedule": "x"}, {"optimiser": "x"}, {"stages": "x"}])
def test_unknown_names_are_refused_with_those_there_are(change: dict[str, str]) -> None:
    config = replace(preset("semgcn", "tiny"), **change)
    with pytest.raises(ConfigError, match=r"unknown .* 'x'") as caught:
        build_optimiser(config, build_lifter(config))
        learning_rate(config, 0, 0)
    assert caught.value.hint.startswith("there are: ")


def test_the_average_follows_the_weights() -> None:
    config = preset("semgcn", "tiny")
    lifter = build_lifter(config)
    average = MovingAverage(lifter, 0.5)
    name = "network.output.bias"
    start = lifter.state_dict()[name].clone()
    with torch.no_grad():
        lifter.state_dict()[name].add_(1.0)
    average.update(lifter, step=1)  # decay 2 / 11 while it is young
    torch.testing.assert_close(average.lifter.state_dict()[name], start + 9 / 11)
    average.update(lifter, step=100)  # then 0.5
    torch.testing.assert_close(average.lifter.state_dict()[name], start + 10 / 11)
    with pytest.raises(ConfigError, match="--ema 1: the decay must be below 1"):
        MovingAverage(lifter, 1.0)
