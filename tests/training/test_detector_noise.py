"""Errors drawn from the measured numbers are as large, slow and correlated as those; the numbers can be fitted."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from posedemo.errors import ConfigError, SourceError
from posedemo.models.chance import Chance
from posedemo.models.detector_noise import (
    DETECTOR_SHARES,
    MEASURED,
    PARTS,
    DetectorNoise,
    joints_of_part,
    noise_from,
    read_noise,
)
from posedemo.skeleton import H36M17

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import fit_detector_noise
import noise_statistics as statistics

AT = H36M17.index
CONTENT = json.loads(MEASURED.read_text(encoding="utf-8"))
NUM_WINDOWS, NUM_FRAMES = 6000, 27


def noise_of(name: str) -> DetectorNoise:
    return noise_from({**CONTENT, "errors": {name: CONTENT["errors"][name]}})


def drawn(name: str, *, outliers: float) -> np.ndarray:
    """(N, T, 17, 2) errors of one detector."""
    noise = dataclasses.replace(noise_of(name), like_the_clip=outliers)
    return noise.draw(noise.choose(NUM_WINDOWS, Chance(1)), NUM_FRAMES, Chance(0)).numpy()


@pytest.mark.parametrize("name", sorted(DETECTOR_SHARES))
def test_usual_errors_are_as_large_and_as_slow_as_the_file_states(name: str) -> None:
    errors = drawn(name, outliers=0.0)
    for part in PARTS:
        stated = CONTENT["errors"][name][part]
        variances = np.array([stated[kind] ** 2 for kind in ("white", "slow", "constant")])
        own = errors[:, :, joints_of_part(part)]
        # Heavy tails: the mean square of 6000 windows is known to about 3 percent.
        assert own.std() == pytest.approx(np.sqrt(variances.sum()), rel=0.05)
        for lag in (1, 3, 10):
            found = (own[:, lag:] * own[:, :-lag]).mean() / (own**2).mean()
            expected = variances[1] * np.exp(-lag / CONTENT["slow_frames"]) + variances[2]
            assert found == pytest.approx(expected / variances.sum(), abs=0.06)


def test_simulated_distances_are_near_the_measured_ones() -> None:
    distances = np.linalg.norm(drawn("mediapipe-full", outliers=1.0), axis=-1)
    for part in PARTS:
        real = np.array(CONTENT["measured"]["mediapipe-full"][part]["quantiles"][:2])
        simulated = np.quantile(distances[:, :, joints_of_part(part)], statistics.QUANTILES[:2])
        # Four numbers a joint cannot follow every distribution: knees are the furthest off, by a quarter.
        np.testing.assert_allclose(simulated, real, rtol=0.3)


def test_joints_of_a_limb_err_together() -> None:
    errors = drawn("mediapipe-full", outliers=0.0)[:, 0]
    pairs = {("left_elbow", "left_wrist"): 0.0, ("left_elbow", "right_ankle"): 0.0}
    for a, b in pairs:
        pairs[a, b] = float(np.corrcoef(errors[:, AT(a)].ravel(), errors[:, AT(b)].ravel())[0, 1])
    stated = CONTENT["correlation"]["left_elbow"]["left_wrist"]
    # White, slow and constant parts weigh differently in the two joints, which takes a little of the correlation.
    assert 0.7 * stated < pairs["left_elbow", "left_wrist"] < stated + 0.05
    assert abs(pairs["left_elbow", "right_ankle"]) < 0.1


def test_outliers_come_in_windows_of_their_own() -> None:
    few, all_windows = (
        (np.linalg.norm(drawn("mediapipe-full", outliers=share)[:, :, AT("left_ankle")], axis=-1) > 0.4).mean()
        for share in (0.2, 1.0)
    )
    stated = CONTENT["errors"]["mediapipe-full"]["ankle"]
    # Some of what is drawn lies below the limit of what counts as one when errors are measured.
    expected = stated["bad_windows"] * stated["bad_frames"]
    assert 0.5 * expected < all_windows < 1.3 * expected
    assert few < 0.4 * all_windows


@pytest.mark.parametrize("name", sorted(DETECTOR_SHARES))
def test_left_is_taken_for_right_as_often_and_for_as_long_as_was_measured(name: str) -> None:
    noise = noise_of(name)
    swapped = noise.draw_swaps(noise.choose(NUM_WINDOWS, Chance(1)), NUM_FRAMES, Chance(0)).numpy()
    share = np.linspace(0, 1, 1001)
    for limb in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
        expected = np.zeros((len(share), len(share)), bool)
        for part in limb:
            real = CONTENT["swaps"][name][part]
            # What changes places takes along what hangs from it, which is then exchanged more often than was measured.
            expected |= (share[:, None] < real["bad_windows"]) & (share < real["bad_frames"])
            left, right = joints_of_part(part)
            flags = swapped[:, :, left]
            assert (flags == swapped[:, :, right]).all()
            assert flags.mean() == pytest.approx(expected.mean(), rel=0.1, abs=0.002)
            if real["frames"] > 0.01:
                assert statistics.run_frames(flags) == pytest.approx(real["run_frames"], abs=1.0)
    thighs, shins = swapped[:, :, AT("left_knee")], swapped[:, :, AT("left_ankle")]
    assert not (thighs & ~shins).any()


def test_derived_joints_have_no_errors_of_their_own() -> None:
    errors = drawn("mediapipe-full", outliers=1.0)
    assert not errors[:, :, [AT("pelvis"), AT("spine"), AT("thorax")]].any()


@pytest.mark.parametrize("text", ["{", "[]", '{"schema_version": 1}', '{"schema_version": 99}'])
def test_a_file_that_does_not_fit_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "noise.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"noise\.json"):
        read_noise(path)
    with pytest.raises(ConfigError, match="cannot read"):
        read_noise(tmp_path / "missing.json")


def test_the_fit_finds_what_made_the_errors() -> None:
    random = np.random.default_rng(0)
    sequences = []
    for _ in range(60):
        slow = np.zeros((300, 17, 2))
        for frame in range(300):
            fresh = random.normal(size=(17, 2))
            slow[frame] = (
                fresh if frame == 0 else np.exp(-1 / 4) * slow[frame - 1] + np.sqrt(1 - np.exp(-1 / 2)) * fresh
            )
        constant = random.normal(size=(1, 17, 2))
        sequences.append(0.03 * random.normal(size=slow.shape) + 0.05 * slow + 0.02 * constant)
    covariances = {part: statistics.autocovariances(sequences, joints_of_part(part)) for part in PARTS}
    slow_frames, parts = statistics.components(covariances)
    assert slow_frames == 4.0
    for found in parts.values():
        assert found["white"] == pytest.approx(0.03, abs=0.004)
        assert found["slow"] == pytest.approx(0.05, abs=0.004)
        # One number a joint and clip: 60 to 240 of them.
        assert found["constant"] == pytest.approx(0.02, abs=0.006)
    assert statistics.level_spread(sequences, "wrist") < 0.15


def test_swaps_and_outliers_are_counted() -> None:
    random = np.random.default_rng(1)
    reference = random.normal(0, 50, (54, 17, 2))
    sizes = statistics.sizes_of(reference)
    found = reference.copy()
    left, right = joints_of_part("knee")
    reference[:, left], reference[:, right] = [300.0, 0.0], [0.0, 0.0]
    found[:, left], found[:, right] = [301.0, 0.0], [1.0, 0.0]
    found[10:20, [left, right]] = found[10:20, [right, left]]
    is_swapped, is_apart = statistics.swapped(found, reference, sizes, "knee")
    assert np.flatnonzero(is_swapped).tolist() == list(range(10, 20))
    assert is_apart.all()
    assert statistics.run_frames([is_swapped, ~is_swapped]) == pytest.approx(54 / 3)
    assert statistics.bad_shares([(is_swapped, is_apart)]) == pytest.approx({"bad_windows": 0.5, "bad_frames": 10 / 27})
    errors = np.zeros((54, 17, 2))
    errors[5:8, AT("left_wrist")] = [0.6, 0.0]
    counted = statistics.outliers([errors], "wrist")
    assert counted == pytest.approx({"bad_windows": 1 / 4, "bad_frames": 3 / 27, "outlier_size": 0.6})


def test_the_tool_names_what_it_cannot_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["fit", str(tmp_path / "no.mp4"), "--output", str(tmp_path / "noise.json")])
    with pytest.raises(SystemExit) as left:
        fit_detector_noise.main()
    assert left.value.code == SourceError.exit_code
    assert "no.mp4 does not exist" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_changed_pictures_and_their_points_belong_together() -> None:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[60:64, 40:44] = 200
    for version in fit_detector_noise.VERSIONS:
        changed = version.change(picture)
        rows, columns = np.nonzero(changed[..., 0] > changed.max() / 2)
        # Middle of the pixels, with the picture's edge at 0.
        spot = np.tile([columns.mean() + 0.5, rows.mean() + 0.5], (17, 1))
        back = version.put_back(spot, 160, changed.shape[1])
        np.testing.assert_allclose(back, np.tile([42.0, 62.0], (17, 1)), atol=0.8)  # pixels are whole
