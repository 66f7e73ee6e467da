"""TensorRT's engines are kept by model, versions and GPU, and used only when they are complete. No GPU in here: what
TensorRT makes of the options is seen on machines that have one."""

from dataclasses import replace

import pytest
from posedemo.lifters.engine_cache import EngineCache


@pytest.fixture
def cache(tmp_path) -> EngineCache:
    return EngineCache(tmp_path, model_sha256="ab" * 32, runtime="1.31.1", tensorrt="101302", gpu="NVIDIA RTX A/B 4090")


def build(cache: EngineCache) -> None:
    cache.options("xy", (27, 17, 2))
    (cache.folder / "model.engine").write_bytes(b"engine")
    cache.finish()


def test_engine_is_ready_once_it_is_complete(cache):
    assert not cache.is_ready
    cache.options("xy", (27, 17, 2))
    (cache.folder / "model.engine").write_bytes(b"half an engine")
    assert not cache.is_ready
    cache.finish()
    assert cache.is_ready


@pytest.mark.parametrize(
    "other",
    [{"model_sha256": "cd" * 32}, {"runtime": "1.32.0"}, {"tensorrt": "101303"}, {"gpu": "NVIDIA H100"}],
    ids=lambda change: next(iter(change)),
)
def test_engine_of_another_model_version_or_gpu_is_not_taken(cache, other):
    build(cache)
    assert not replace(cache, **other).is_ready


def test_gpu_whose_name_differs_in_odd_characters_only_is_another(cache):
    """Both names make the same folder, whose file then says whose engine it is."""
    build(cache)
    other = replace(cache, gpu="NVIDIA RTX A B 4090")
    assert other.folder == cache.folder
    assert not other.is_ready


def test_engine_that_was_deleted_is_built_again(cache):
    build(cache)
    (cache.folder / "model.engine").unlink()
    assert not cache.is_ready


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_damaged_record_is_no_engine(cache, content):
    build(cache)
    (cache.folder / "engine.json").write_text(content)
    assert not cache.is_ready


def test_everything_that_is_kept_lies_in_the_folder_and_one_person_is_the_usual_case(cache):
    options = cache.options("xy", (27, 17, 2))
    assert options["trt_engine_cache_path"] == options["trt_timing_cache_path"] == str(cache.folder)
    assert cache.folder.is_dir()
    assert options["trt_profile_min_shapes"] == options["trt_profile_opt_shapes"] == "xy:1x27x17x2"
    assert options["trt_profile_max_shapes"].endswith("x27x17x2")
