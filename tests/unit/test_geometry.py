"""Screen units and bone lengths."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from posedemo.geometry import bone_lengths, to_pixels, to_screen
from posedemo.skeleton import H36M17


def test_corners_of_a_wide_picture():
    corners = np.array([[0, 0], [200, 100], [100, 50]], np.float32)
    np.testing.assert_array_equal(to_screen(corners, (200, 100)), [[-1, -0.5], [1, 0.5], [0, 0]])


@given(x=st.floats(-1e4, 1e4), y=st.floats(-1e4, 1e4), width=st.integers(1, 8000), height=st.integers(1, 8000))
def test_pixels_round_trip(x, y, width, height):
    xy = np.array([[x, y]], np.float64)
    np.testing.assert_allclose(to_pixels(to_screen(xy, (width, height)), (width, height)), xy, atol=1e-8 * 1e4)


def test_a_circle_stays_a_circle():
    """Both axes have one scale: otherwise the lifter would see people stretched by the aspect ratio."""
    unit = to_screen(np.array([[10, 0], [0, 10], [0, 0]], np.float32), (640, 360))
    assert unit[0, 0] - unit[2, 0] == unit[1, 1] - unit[2, 1]


def test_bone_lengths_of_joints_on_a_line():
    xyz = np.zeros((2, 17, 3), np.float32)
    xyz[1, :, 0] = np.arange(17)
    expected = [child - parent for parent, child in H36M17.bones]
    np.testing.assert_array_equal(bone_lengths(xyz, H36M17), [np.zeros(16), expected])
