"""``pack``: what it writes installs and runs without an index, and can be packed again from there."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from command_line import COMMAND, TIMEOUT_S, assert_one_sentence

BOOTH = Path("packed") / "booth"


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=TIMEOUT_S, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """A folder without the libraries, which are a gigabyte; a fetched model is in the cache."""
    place = tmp_path_factory.mktemp("pack")
    (place / "cache").mkdir()
    (place / "cache" / "pose_landmarker_heavy.task").write_bytes(b"a model")
    environment = os.environ | {"POSEDEMO_CACHE": str(place / "cache")}
    run(COMMAND, "pack", BOOTH, "--without-libraries", cwd=place, env=environment)
    return place / BOOTH


@pytest.fixture(scope="module")
def site(packed) -> Path:
    """Where the wheel in it is installed, without an index."""
    folder = packed.parent / "site"
    pip = (sys.executable, "-m", "pip", "install", "-q", "--no-index", "--find-links", packed / "wheels")
    run(*pip, "--no-deps", "--target", folder, "posedemo")
    return folder


def wheel_in(folder: Path) -> Path:
    (wheel,) = (folder / "wheels").glob("posedemo-*.whl")
    return wheel


def test_folder_has_everything_and_says_what_it_is(packed):
    names = {path.relative_to(packed).as_posix() for path in packed.rglob("*") if path.is_file()}
    expected = {"README.txt", "SHA256SUMS", "start.sh", "licenses/LICENSE", "licenses/LICENSES.md"}
    assert expected | {"models/pose_landmarker_heavy.task"} <= names
    assert os.access(packed / "start.sh", os.X_OK)
    run("sh", "-n", packed / "start.sh")
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    assert python in (packed / "README.txt").read_text()
    sums = dict(reversed(line.split("  ")) for line in (packed / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == names - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((packed / name).read_bytes()).hexdigest() == digest
    assert not list(packed.parent.glob(".posedemo-*"))


def test_what_was_packed_installs_without_an_index_and_runs(site, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(site)}
    code = "import posedemo, posedemo.cli, sys; print(posedemo.__file__); sys.exit(posedemo.cli.main())"
    done = run(sys.executable, "-c", code, "models", "list", cwd=tmp_path, env=environment)
    assert str(site) in done.stdout.splitlines()[0]
    assert done.stdout.count("verified") >= 4


def test_its_start_script_runs_what_was_packed_with_the_libraries_of_a_python(packed, tmp_path):
    """Twice: the first time it installs the program into the folder, which may then be moved."""
    booth = tmp_path / "on a stick" / "booth"
    shutil.copytree(packed, booth)
    environment = os.environ | {"PYTHON": sys.executable}
    run(booth / "start.sh", "models", "list", cwd=tmp_path, env=environment)
    moved = tmp_path / "moved"
    booth.rename(moved)
    done = run(moved / "start.sh", "doctor", "--json", cwd=tmp_path, env=environment)
    folders = [check["detail"] for check in json.loads(done.stdout) if str(moved) in check["detail"]]
    assert folders, done.stdout


def test_an_installation_packs_itself_again(site, packed, tmp_path):
    """A checkout is built, an installation is put together again: the same files either way."""
    environment = os.environ | {"PYTHONPATH": str(site)}
    run(
        sys.executable, "-m", "posedemo", "pack", "again", "--without-libraries", cwd=tmp_path, env=environment
    )  # fmt: skip
    first, second = (wheel_in(folder) for folder in (packed, tmp_path / "again"))
    with zipfile.ZipFile(first) as built, zipfile.ZipFile(second) as put_together:
        assert put_together.testzip() is None

        def contents(file):
            return {name: file.read(name) for name in file.namelist() if "RECORD" not in name and "/WHEEL" not in name}

        assert contents(built) == contents(put_together)
    pip = (sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", tmp_path / "site")
    run(*pip, second)
    assert (tmp_path / "site" / "bin" / "posedemo").is_file()


def test_folder_that_is_there_is_left_alone(posedemo, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "notes.txt").write_text("mine")
    assert_one_sentence(posedemo("pack", "there"), 5, "not empty")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["notes.txt"]


def test_without_a_network_it_says_so_and_leaves_nothing(tmp_path):
    environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    done = subprocess.run(
        [COMMAND, "pack", "booth"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.returncode == 5
    assert "pip cannot fetch the libraries" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
