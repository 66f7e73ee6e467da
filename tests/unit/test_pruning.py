"""What is left out of MediaPipe's networks, and what becomes of files that are none.

tests/integration/test_detector.py shows that landmarks stay the same.
"""

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from archives import zipped
from posedemo.detectors.bundle import without_silhouette
from posedemo.detectors.pruning import Network

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
BUNDLES = ("lite", "full")
LANDMARKS = "pose_landmarks_detector.tflite"


def bundle(name: str) -> bytes:
    return (WEIGHTS / f"pose_landmarker_{name}.task").read_bytes()


def files(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def stored(contents: dict[str, bytes]) -> bytes:
    return zipped(contents, zipfile.ZIP_STORED)


def encrypted(content: bytes) -> bytes:
    """The same archive, whose directory says that a password is needed."""
    flags = content.index(b"PK\x01\x02") + 8
    return content[:flags] + b"\x01" + content[flags + 1 :]


@pytest.mark.parametrize("name", BUNDLES)
def test_only_the_silhouette_goes(name):
    before, after = files(bundle(name)), files(without_silhouette(bundle(name)))
    assert before.keys() == after.keys()
    assert after["pose_detector.tflite"] == before["pose_detector.tflite"]
    old, new = Network(before[LANDMARKS]), Network(after[LANDMARKS])
    kept = [(1, 195), (1, 1), (1, 64, 64, 39), (1, 117)]
    assert [old.shape(output) for output in old.outputs] == [*kept[:2], (1, 256, 256, 1), *kept[2:]]
    assert [new.shape(output) for output in new.outputs] == [*kept[:2], (1, 1), *kept[2:]]
    # Its branch has more than forty operators in both, counted back from the output to where others leave.
    assert len(old.operators()) - len(new.operators()) > 40
    assert len(new.content) == len(old.content)


def test_bundle_without_a_silhouette_stays_as_it_is():
    pruned = without_silhouette(bundle("lite"))
    assert without_silhouette(pruned) == pruned


def test_bundle_of_another_build_stays_as_it_is():
    contents = files(bundle("lite"))
    for other in (
        b"",
        b"no bundle",
        zipped(contents, zipfile.ZIP_DEFLATED),
        encrypted(stored(contents)),
        stored({**contents, LANDMARKS: contents["pose_detector.tflite"]}),
        stored({**contents, LANDMARKS: b""}),
        stored({**contents, LANDMARKS: bytes(64)}),
    ):
        assert without_silhouette(other) == other


def test_files_that_share_bytes_are_not_unpacked():
    """Ten entries of a directory that lead to one file: each would be read, and written."""
    content = stored({"a": bytes(1000)})
    directory = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry, tail = content[directory:end], bytearray(content[end:])
    tail[8:10] = tail[10:12] = (10).to_bytes(2, "little")
    tail[12:16] = (10 * len(entry)).to_bytes(4, "little")
    many = content[:directory] + 10 * entry + bytes(tail)
    assert len(zipfile.ZipFile(io.BytesIO(many)).infolist()) == 10
    assert without_silhouette(many) == many


@pytest.mark.parametrize("seed", range(4))
def test_damaged_network_is_pruned_or_left_alone(seed):
    """No other exception, no endless list. Tables stand at the end of these files, and the first bytes lead there."""
    contents = files(bundle("lite"))
    random = np.random.default_rng(seed)
    network = contents[LANDMARKS]
    for trial in range(60):
        damaged = bytearray(network)
        near = 0 if trial % 6 == 0 else len(network) - int(random.integers(100_000))
        for _ in range(int(random.integers(1, 9))):
            place = min(len(damaged) - 1, near + int(random.integers(64)))
            damaged[place] ^= 1 << int(random.integers(8))
        if trial % 5 == 0:
            del damaged[int(random.integers(len(damaged))) :]
        with suppress(ValueError):
            Network(bytes(damaged)).replace_output(0, 0)
        assert len(without_silhouette(stored({LANDMARKS: bytes(damaged)}))) > len(damaged)
