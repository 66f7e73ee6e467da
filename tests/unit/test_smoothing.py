"""One-Euro: constants pass, noise shrinks, ramps do not depend on the frame rate, unknown joints stay unknown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from posedemo.smoothing import PRESETS, OneEuro

ACTIVE = [name for name, parameters in PRESETS.items() if parameters is not None]


def filtered(preset: str, values: np.ndarray, fps: float) -> np.ndarray:
    smoother = OneEuro(PRESETS[preset])
    return np.array([smoother(index / fps, value) for index, value in enumerate(values)])


def test_presets_of_the_command_line():
    assert list(PRESETS) == ["off", "snappy", "balanced", "calm"]


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
