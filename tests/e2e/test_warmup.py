"""``posedemo warmup`` on a machine without a GPU: nothing to build, said in a sentence; what it refuses."""

import pytest
from command_line import assert_one_sentence


@pytest.fixture
def without_gpu(monkeypatch):
    """Where there is an NVIDIA GPU, its driver hides it from the command."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")


@pytest.mark.usefixtures("without_gpu")
def test_without_a_gpu_nothing_is_built(posedemo, tmp_path):
    done = posedemo("warmup", "--lifter", "global-gcn")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "nothing needs to be built: on cpu, lifters are ready as they are (global-gcn)\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("without_gpu")
def test_provider_that_does_not_run_is_an_error(posedemo):
    done = posedemo("warmup", "--lifter", "semgcn", "--provider", "tensorrt")
    assert_one_sentence(done, 2, "tensorrt", "no NVIDIA GPU", "--provider auto")


def test_unknown_lifter_is_refused(posedemo):
    assert_one_sentence(posedemo("warmup", "--lifter", "transformer"), 2, "transformer", "semgcn")
