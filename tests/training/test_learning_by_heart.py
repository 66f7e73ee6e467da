"""DG-Net learns 64 windows by heart. The other lifters' tests of it are beside them."""

from __future__ import annotations

import pytest
import torch
from network_checks import moving_people, overfit
from posedemo.models.dgnet import DGNet
from posedemo.skeleton import H36M17


@pytest.mark.slow
def test_dg_net_learns_64_windows_by_heart() -> None:
    # Three frames are the shortest window with both graphs and a stride. 6.6 mm were measured; nine frames reach 8.9
    # after 450 steps, which take three times as long.
    torch.manual_seed(0)
    xyz = moving_people(64, 3)
    network = DGNet(H36M17, num_frames=3, channels=32, dropout=0.0)
    assert overfit(network, xyz[..., :2], xyz[:, -1], steps=500) < 10
