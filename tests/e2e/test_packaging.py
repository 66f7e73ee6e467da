"""The built wheel is complete and works away from the checkout; the code is linted, formatted and typed."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fakes import standing_keypoints

ROOT = Path(__file__).resolve().parents[2]


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from a copy, so that no build folder is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("app", "models", "weights"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    run(
        sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, folder / "source"
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel) -> Path:
    """A folder with the wheel's contents, as an installation has them."""
    folder = wheel.parent / "site"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    return folder


def test_wheel_has_every_module_and_every_weight(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    expected = {
        "/".join(("posedemo", *([] if folder == "app" else [folder]), *path.relative_to(ROOT / folder).parts))
        for folder in ("app", "models", "weights")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".onnx", ".task", ".json", ".md", ".mp4", ".typed"}
    }
    assert expected <= names
    assert not [name for name in names if name.startswith(("tests", "app", "assets"))]


def test_installed_wheel_lifts_away_from_the_checkout(installed, tmp_path):
    person = standing_keypoints(x_px=320, height_px=400)
    np.savez(tmp_path / "in.npz", keypoints_2d=person.xy_px[None], image_size=[640, 480], fps=30.0)
    environment = os.environ | {"PYTHONPATH": str(installed)}
    code = "import posedemo.cli, sys; print(posedemo.cli.__file__, file=sys.stderr); sys.exit(posedemo.cli.main())"
    done = run(
        sys.executable, "-c", code, "lift", "in.npz", "--output", "out.npz", cwd=tmp_path, env=environment
    )  # fmt: skip
    assert str(installed) in done.stderr
    with np.load(tmp_path / "out.npz") as file:
        assert file["poses_3d"].shape == (1, 17, 3)


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_ruff_has_nothing_to_say(arguments):
    run(sys.executable, "-m", "ruff", *arguments, "--quiet", "--no-cache", ROOT)


@pytest.mark.slow
def test_types_are_strict(installed, tmp_path):
    """On the installed package: type checkers cannot follow the folder mapping of a checkout."""
    configuration = ("--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path)
    environment = os.environ | {"MYPYPATH": str(installed)}
    run(sys.executable, "-m", "mypy", *configuration, "-p", "posedemo", cwd=tmp_path, env=environment)
