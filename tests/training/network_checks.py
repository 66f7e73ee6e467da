"""What every lifter is checked for: moving people to learn by heart, and the same numbers after export."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from posedemo.lifter_contract import CONTRACT_KEY, PERSON, UNITS, VERSIONS
from posedemo.models.export import FORBIDDEN_OPERATORS, PARITY_TOLERANCE_M, compare, to_onnx
from posedemo.models.lifter import Lifter
from posedemo.models.losses import mpjpe
from posedemo.models.predictors import onnx_predictor, torch_predictor
from posedemo.skeleton import H36M17
from torch import Tensor, nn


def count(module: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameters.numel() for parameters in module.parameters())


def moving_people(num_people: int, num_frames: int, *, seed: int = 0) -> Tensor:
    """Smooth 3D motion (N, T, 17, 3) in metres, with few degrees of freedom and the pelvis at the origin."""
    random = torch.Generator().manual_seed(seed)
    stance, ways = 0.4 * torch.randn(17, 3, generator=random), 0.07 * torch.randn(2, 17, 3, generator=random)
    start, speed = 2 * math.pi * torch.rand(num_people, 1, 2, generator=random), 0.2
    swing = torch.sin(start + speed * torch.arange(num_frames)[None, :, None])  # (N, T, 2)
    xyz = stance + torch.einsum("ntw,wjc->ntjc", swing, ways)
    return xyz - xyz[:, :, :1]


def overfit(network: nn.Module, xy: Tensor, xyz: Tensor, *, steps: int, learning_rate: float = 0.03) -> float:
    """Learn the samples by heart; the mean error that is left in evaluation mode, in millimetres."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small tensors: on a busy machine, threads mostly wait for each other
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=learning_rate, total_steps=steps, cycle_momentum=False
    )
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        output = network(xy)
        mpjpe(output if isinstance(output, Tensor) else output.xyz, xyz).backward()
        optimiser.step()
        schedule.step()
    torch.set_num_threads(threads)
    with torch.no_grad():
        return 1000 * float(mpjpe(network.eval()(xy), xyz))


def leave_first_state(network: nn.Module, xy: Tensor) -> None:
    """Give a network weights and statistics as training would: nothing zero, nothing one."""
    for parameters in network.parameters():
        if parameters.ndim < 2:
            nn.init.uniform_(parameters, 0.2, 0.8)
    network.train()
    for _ in range(3):
        network(xy)
    network.eval()


def assert_exports_alike(network: nn.Module, path: Path, *, num_frames: int) -> None:
    """Export with any batch size, look at the operators, and compare with PyTorch on noise and on smooth motion."""
    torch.manual_seed(0)
    xy = moving_people(16, num_frames)[..., :2]
    leave_first_state(network, xy if num_frames > 1 else xy[:, 0])
    lifter = Lifter(network, is_temporal=num_frames > 1).eval()
    model = to_onnx(lifter, num_frames=num_frames, num_joints=H36M17.num_joints)
    assert not {node.op_type for node in model.graph.node} & FORBIDDEN_OPERATORS
    assert [len(model.graph.input), len(model.graph.output)] == [1, 1]
    stated = {CONTRACT_KEY: VERSIONS[PERSON], "units": UNITS, "skeleton": H36M17.name}
    stated |= {"window": num_frames, "target": num_frames - 1, "rate_hz": 30}
    for key, value in stated.items():
        model.metadata_props.add(key=key, value=str(value))
    path.write_bytes(model.SerializeToString())
    real_xy = moving_people(5, num_frames, seed=1)[..., :2].contiguous().numpy()
    with torch.no_grad():
        assert lifter(torch.from_numpy(real_xy)).shape == (5, H36M17.num_joints, 3)
    difference_m = compare(torch_predictor(lifter, num_frames), onnx_predictor(path), real_xy=real_xy)
    assert difference_m < PARITY_TOLERANCE_M
