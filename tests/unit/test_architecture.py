"""The rules that keep the house in order: what may import what, and that every package is packaged."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "app"
HEAVY = {"cv2", "mediapipe", "onnxruntime", "open3d", "torch"}
PURE = (
    "array_files",
    "lifter_contract",
    "onnx_structure",
    "arrays",
    "datatypes",
    "skeleton",
    "geometry",
    "pinhole",
    "sight",
    "motion_quality",
    "remap",
    "window",
    "delay",
    "manifest",
    "smoothing",
    "body",
    "refit",
    "posing",
    "modes",
    "placement",
    "plausibility",
    "focus",
    "sides",
    "side_choice",
    "track",
    "matching",
    "second_look",
    "hand_over",
    "roster",
    "tracking",
    "timing",
    "pipeline",
    *(
        f"viewer/{name}"
        for name in (
            "attract",
            "figure",
            "floor",
            "framing",
            "ghost",
            "ghost_figure",
            "operator",
            "scene",
            "solids",
            "standing",
            "theme",
            "trails",
            "visibility",
            "wardrobe",
        )
    ),
    "sessions/records",
    "capture/timeline",
)
ONLY_IMPORTERS = {
    # The second one is what the first is compared with.
    "open3d": {"viewer/library.py"},
    "mediapipe": {"detectors/mediapipe_pose.py", "bench/bare_loop.py"},
    "onnxruntime": {"lifters/session.py"},
    "av": {
        "capture/container.py",
        "capture/decoding.py",
        "capture/upright.py",
        "capture/video.py",
        "h264.py",
        "sinks/annotated_video.py",
        "sinks/audio_track.py",
    },
    "torch": set(),
}
SHARED_WITH_TRAINING = {
    "arguments",
    "array_files",
    "skeleton",
    "geometry",
    "pinhole",
    "sight",
    "motion_quality",
    "arrays",
    "datatypes",
    "window",
    "errors",
    "command",
    "outputs",
    "model_files",
    "lifter_contract",
    "onnx_structure",
    "sandbox",
    "remap",
    "signals",
    # `evaluate --video` hands over to the run time.
    "clip_evaluation",
    "settings",
}


def imported(path: Path) -> set[str]:
    """Absolute top-level names, and relative ones with their dots, that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                names.add(str(node.module).split(".")[0])
            elif node.module:
                names.add("." * node.level + node.module)
            else:
                names |= {"." * node.level + alias.name for alias in node.names}
    return names


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("statement", "too_heavy"),
    [
        ("import posedemo.pipeline", HEAVY),
        # NumPy takes longer to load than all that `posedemo --help` needs.
        ("from posedemo.cli import parse_settings; parse_settings([])", HEAVY | {"numpy", "tqdm"}),
    ],
)
def test_light_imports_load_no_heavy_library(statement, too_heavy):
    assert not loaded_after(statement) & too_heavy


def test_the_detector_loads_nothing_that_only_draws_charts_and_records_sound():
    assert not loaded_after("import posedemo.detectors.mediapipe_pose") & {"matplotlib", "sounddevice"}


def test_open3d_is_loaded_without_what_it_has_for_browsers():
    loaded = loaded_after("from posedemo.viewer.library import load_open3d; load_open3d().visualization.Visualizer")
    assert "open3d" in loaded
    assert not loaded & {"dash", "IPython", "requests", "flask"}


def test_run_time_never_loads_torch():
    modules = [
        "posedemo." + ".".join(path.relative_to(APP).with_suffix("").parts)
        for path in APP.rglob("*.py")
        if path.stem not in ("__init__", "__main__")
    ]
    assert len(modules) > 30
    loaded = loaded_after("import " + ", ".join(modules))
    assert not loaded & {"torch", "posedemo.models"}


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_import_numpy_and_the_standard_library_only(name):
    outside = {module for module in imported(APP / f"{name}.py") if not module.startswith(".")}
    assert outside <= set(sys.stdlib_module_names) | {"numpy"}


@pytest.mark.parametrize("library", ONLY_IMPORTERS)
def test_each_heavy_library_has_its_importers(library):
    importers = {str(path.relative_to(APP)) for path in APP.rglob("*.py") if library in imported(path)}
    assert importers == ONLY_IMPORTERS[library]


def test_training_uses_only_the_shared_modules_of_the_run_time():
    used = {
        module.removeprefix("posedemo.").removeprefix("..").split(".")[0]
        for path in (ROOT / "models").rglob("*.py")
        for module in imported(path)
        if module.startswith(("..", "posedemo."))
    }
    assert used <= SHARED_WITH_TRAINING


def test_the_run_time_imports_nothing_of_training_not_even_in_a_function():
    """The command line names a training command's module, and imports it when that command is given."""
    importers = [
        path.name
        for path in APP.rglob("*.py")
        for module in imported(path)
        if module.lstrip(".").startswith("models.") or module in (".models", "..models", "posedemo.models")
    ]
    assert not importers


def test_every_package_on_disk_is_packaged():
    """A package that is missing from the list works in a checkout and is silently absent from the wheel."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    on_disk = {".".join(("posedemo", *path.parent.relative_to(APP).parts)) for path in APP.rglob("__init__.py")} | {
        "posedemo.models",
        "posedemo.weights",
    }
    assert set(setuptools["packages"]) == on_disk


@pytest.mark.parametrize("folder", ["app", "models"])
def test_folders_cannot_be_imported_under_their_own_name(folder):
    done = subprocess.run([sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True)
    assert "instead of" in done.stderr


def test_joints_have_no_indices_outside_the_skeleton():
    """``xyz[14]`` says nothing and breaks silently; ``xyz[H36M17.index("right_shoulder")]`` does neither."""
    names = {"xyz", "xyz_m", "xy", "xy_px", "joints", "pose", "keypoints"}
    found = []
    for path in [*APP.rglob("*.py"), *(ROOT / "models").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if _is_indexed(node, names) and node.slice.value > 2:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def _is_indexed(node: ast.AST, names: set[str]) -> bool:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, int)
    )
