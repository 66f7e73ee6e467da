"""Filters: constants pass, noise shrinks, unknown joints stay unknown. Live they lag by less than 50 ms at any rate; in
files they do not lag at all."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from posedemo.settings import SMOOTH_CHOICES
from posedemo.smoothing import PRESETS, REACH_S, OneEuro, ZeroPhase, make_smoother

ACTIVE = [name for name, parameters in PRESETS.items() if parameters is not None]


def filtered(preset: str, values: np.ndarray, fps: float) -> np.ndarray:
    smoother = OneEuro(PRESETS[preset])
    return np.array([smoother(index / fps, value) for index, value in enumerate(values)])


def test_presets_of_the_command_line():
    assert tuple(PRESETS) == SMOOTH_CHOICES == ("off", "snappy", "balanced", "calm")


@pytest.mark.parametrize("preset", PRESETS)
@given(value=st.floats(-3, 3, width=32))
def test_constant_in_is_constant_out(preset, value):
    values = np.full((20, 17, 3), value, np.float32)
    np.testing.assert_array_equal(filtered(preset, values, 30), values)


def test_off_changes_nothing():
    values = np.random.default_rng(0).normal(size=(20, 17, 3)).astype(np.float32)
    np.testing.assert_array_equal(filtered("off", values, 30), values)


def test_calmer_presets_leave_less_noise():
    noise = np.random.default_rng(0).normal(scale=0.005, size=(300, 17, 3)).astype(np.float32)
    left = [filtered(preset, noise, 30)[30:].std() for preset in ("off", "snappy", "balanced", "calm")]
    assert left == sorted(left, reverse=True)
    assert left[-1] < left[0] / 3


@pytest.mark.parametrize("preset", ACTIVE)
def test_lag_of_a_ramp_does_not_depend_on_the_frame_rate(preset):
    """After two seconds at 1 m/s the filter trails by the same distance at 15, 30 and 120 frames a second."""
    lags_m = []
    for fps in (15, 30, 120):
        ramp = (np.arange(2 * fps + 1) / fps).astype(np.float32)[:, None]
        lags_m.append(float((ramp[-1] - filtered(preset, ramp, fps)[-1]).item()))
    # The filter is a first-order discretisation: 15 and 120 frames a second agree to a few centimetres at most.
    assert max(lags_m) - min(lags_m) < 0.03
    assert 0 < max(lags_m) < 0.2


def test_unknown_joint_comes_out_unknown_and_returns_without_a_jump_through_nan():
    values = np.ones((5, 17, 3), np.float32)
    values[2:4, 5] = np.nan
    out = filtered("balanced", values, 30)
    assert np.isnan(out[2:4, 5]).all()
    np.testing.assert_array_equal(np.delete(out, 5, axis=1), 1)
    np.testing.assert_array_equal(out[4, 5], 1)


def test_joint_that_is_unknown_at_first_starts_where_it_appears():
    values = np.full((3, 17, 3), 2, np.float32)
    values[0, 0] = np.nan
    np.testing.assert_array_equal(filtered("calm", values, 30)[1:], values[1:])


def test_time_that_does_not_rise_starts_anew():
    smoother = OneEuro(PRESETS["calm"])
    smoother(1.0, np.zeros((17, 3), np.float32))
    np.testing.assert_array_equal(smoother(1.0, np.ones((17, 3), np.float32)), 1)


def smoothed(preset: str, values: np.ndarray, times_s: np.ndarray, *, zero_phase: bool = True) -> np.ndarray:
    """Values through a preset's filter, each taken out as soon as it has seen what it looks ahead."""
    smoother = make_smoother(preset, zero_phase=zero_phase)
    reach_s = REACH_S[preset] if zero_phase else 0.0
    out, waiting = [], list(times_s)
    for time_s, value in zip(times_s, values, strict=True):
        smoother.push(time_s, value)
        while waiting and waiting[0] + reach_s <= time_s:
            out.append(smoother.at(waiting.pop(0)))
    return np.array([*out, *(smoother.at(time_s) for time_s in waiting)])


def quick_move_m(times_s: np.ndarray, duration_s: float = 0.3) -> np.ndarray:
    """Half a metre from 0.5 s on, as a hand moves: no jerk at either end (Flash and Hogan 1985)."""
    share = np.clip((times_s - 0.5) / duration_s, 0, 1)
    return (0.5 * (10 * share**3 - 15 * share**4 + 6 * share**5)).astype(np.float32)


def lags_ms(way: np.ndarray, true: np.ndarray, times_s: np.ndarray) -> list[float]:
    """How much later a way passes a quarter, half, three quarters and nine tenths of the movement."""

    def passing_s(line: np.ndarray, level: float) -> float:
        after = int(np.argmax(line >= level))
        assert after > 0
        share = (level - line[after - 1]) / (line[after] - line[after - 1])
        return float(times_s[after - 1] + share * (times_s[after] - times_s[after - 1]))

    return [1e3 * (passing_s(way, share * 0.5) - passing_s(true, share * 0.5)) for share in (0.25, 0.5, 0.75, 0.9)]


@pytest.mark.parametrize("fps", [15, 30, 60])
@pytest.mark.parametrize("preset", ACTIVE)
@pytest.mark.parametrize("duration_s", [0.01, 0.3, 1.0])
def test_live_lags_by_less_than_50_ms_on_steps_and_on_movements(preset, fps, duration_s):
    times_s = np.arange(3 * fps) / fps
    true = quick_move_m(times_s, duration_s)
    way = smoothed(preset, true[:, None], times_s, zero_phase=False)[:, 0]
    assert max(lags_ms(way, true, times_s)) < 50


@pytest.mark.parametrize("preset", ACTIVE)
def test_live_lags_by_less_than_50_ms_on_a_steady_movement(preset):
    """A metre a second, from standstill: a hand that reaches for something."""
    times_s = np.arange(60) / 30
    true = np.maximum(0, times_s - 0.5).astype(np.float32)
    way = smoothed(preset, true[:, None], times_s, zero_phase=False)[:, 0]
    assert (true - way).max() < 0.05


@pytest.mark.parametrize("preset", ACTIVE)
def test_file_does_not_lag_on_a_ramp_even_at_its_ends(preset):
    times_s = np.arange(60) / 60
    ramp = (4 * times_s).astype(np.float32)[:, None]
    error_m = (smoothed(preset, ramp, times_s) - ramp)[:, 0]
    reach = int(REACH_S[preset] * 60) + 1
    # float32 of four metres; at the ends the parabola is flattened by a ten-thousandth.
    assert np.abs(error_m[reach:-reach]).max() < 1e-5
    assert np.abs(error_m).max() < 5e-3
    assert abs(error_m.mean()) < 1e-3


def test_file_is_calmer_than_live_with_less_error_and_does_not_lag():
    times_s = np.arange(120) / 30
    true = np.repeat(quick_move_m(times_s)[:, None], 200, axis=1)
    noisy = (true + np.random.default_rng(0).normal(scale=0.01, size=true.shape)).astype(np.float32)
    live, file = (smoothed("balanced", noisy, times_s, zero_phase=zero_phase) for zero_phase in (False, True))
    jitters = [np.abs(np.diff(way, n=2, axis=0)).mean() for way in (live, file)]
    errors = [np.abs(way - true).mean() for way in (live, file)]
    assert jitters[1] < jitters[0]
    assert errors[1] < errors[0]
    # Symmetric about its middle, so that half of the way is passed in time; noise of 10 mm leaves under a millisecond.
    assert abs(lags_ms(file.mean(axis=1), true[:, 0], times_s)[1]) < 2


@pytest.mark.parametrize("preset", ACTIVE)
def test_file_does_the_same_forwards_and_backwards(preset):
    random = np.random.default_rng(1)
    times_s = np.cumsum(random.uniform(0.01, 0.06, 50))
    values = random.normal(size=(50, 17, 3)).astype(np.float32)
    forwards = smoothed(preset, values, times_s)
    backwards = smoothed(preset, values[::-1], (times_s[-1] - times_s)[::-1])[::-1]
    np.testing.assert_allclose(forwards, backwards, atol=1e-5)


def test_file_goes_by_seconds_and_not_by_frames():
    """A parabola stays one whatever the frame times are, and 15 frames a second are smoothed as far as 60 are."""
    times_s = np.cumsum(np.random.default_rng(2).uniform(0.005, 0.08, 60))
    parabola = (9.81 / 2 * (times_s - 1) ** 2).astype(np.float32)[:, None]
    inside = (times_s > times_s[0] + 0.25) & (times_s < times_s[-1] - 0.25)
    # Flattened by a ten-thousandth: a millimetre of a movement over metres.
    np.testing.assert_allclose(smoothed("balanced", parabola, times_s)[inside], parabola[inside], atol=1e-3)


def test_unknown_values_in_a_file_stay_unknown_and_do_not_count():
    times_s = np.arange(40) / 30
    values = np.repeat((2 * times_s).astype(np.float32)[:, None, None], 3, axis=2).repeat(17, axis=1)
    values[10:14, 5] = np.nan
    out = smoothed("balanced", values, times_s)
    assert np.isnan(out[10:14, 5]).all()
    assert np.isnan(out).sum() == 4 * 3
    np.testing.assert_allclose(out[8:16, 4], values[8:16, 4], atol=1e-4)
    np.testing.assert_allclose(out[14:20, 5], values[14:20, 5], atol=5e-3)


def test_gap_in_a_file_is_not_bridged():
    times_s = np.concatenate([np.arange(20) / 30, 2 + np.arange(20) / 30])
    values = np.where(times_s < 1, 0, 1).astype(np.float32)[:, None]
    np.testing.assert_allclose(smoothed("calm", values, times_s), values, atol=1e-5)


def test_track_of_a_single_frame_or_two():
    for count in (1, 2):
        times_s = np.arange(count) / 30
        values = (1 + times_s).astype(np.float32)[:, None]
        np.testing.assert_allclose(smoothed("balanced", values, times_s), values, atol=1e-2)


def test_filter_of_a_file_remembers_no_more_than_it_needs():
    smoother = ZeroPhase(0.25)
    for index in range(1000):
        smoother.push(index / 30, np.zeros(3, np.float32))
        if index >= 8:
            smoother.at((index - 8) / 30)
    assert len(smoother._samples) <= 17


def test_calmer_presets_reach_farther_and_leave_less_noise_in_files():
    noise = np.random.default_rng(0).normal(scale=0.005, size=(150, 17, 3)).astype(np.float32)
    times_s = np.arange(150) / 30
    left = [smoothed(preset, noise, times_s).std() for preset in PRESETS]
    assert all(calmer < noisier for noisier, calmer in pairwise(left))
    assert list(REACH_S.values()) == sorted(REACH_S.values())
