"""Fixtures of the training tests: data that the tests make themselves. No motion capture is needed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from synthetic import PERSON, bvh_text, walking

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.train)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks this small are no faster with more, and where another program uses a core, threads that wait for each
    other at every operation take a hundred times as long."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def motion_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder and a zip of walks by four people, and one broken file."""
    folder = tmp_path_factory.mktemp("motion")
    for number, person in enumerate(("ann", "bob")):
        text = bvh_text(PERSON, walking(60, phase=number, swing=0.7 + 0.5 * number))
        (folder / f"lab_{person}_walk_01.bvh").write_text(text)
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        for number, person in enumerate(("cid", "dee")):
            text = bvh_text(PERSON, walking(60, phase=2 + number, swing=0.5 + 0.6 * number))
            archive.writestr(f"inner/lab_{person}_walk_01.bvh", text)
        archive.writestr("inner/lab_eve_walk_01.bvh", text[: len(text) // 2])
    return folder


@pytest.fixture(scope="session")
def corpus_path(motion_folder: Path) -> Path:
    from posedemo.models.prepare import prepare

    path = motion_folder / "corpus.npz"
    prepare([motion_folder, motion_folder / "more.zip"], path)
    return path


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)
