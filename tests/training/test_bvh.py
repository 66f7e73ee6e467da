"""The BVH reader and forward kinematics against values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from posedemo.errors import SourceError
from posedemo.models.bvh import axis_rotation, forward_kinematics, local_transforms, parse_bvh, read_bvh, resample

ARM = """HIERARCHY
ROOT base
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition %s
  JOINT elbow
  {
    OFFSET 10 0 0
    CHANNELS 3 %s
    End Site
    {
      OFFSET 5 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 0 0 0 0 0 0 0 0
1 2 3 90 0 0 0 90 0
"""
ZXY = "Zrotation Xrotation Yrotation"


def positions_of(text: str) -> np.ndarray:
    motion = parse_bvh(text, name="arm.bvh")
    parents = tuple(joint.parent for joint in motion.joints)
    return forward_kinematics(parents, *local_transforms(motion))[0]


def test_names_end_sites_and_rate() -> None:
    motion = parse_bvh(ARM % (ZXY, ZXY), name="arm.bvh")
    assert motion.names == ("base", "elbow", "elbow.end")
    assert motion.values.shape == (2, 9)
    assert motion.frame_time_s == pytest.approx(1 / 30, rel=1e-4)


def test_forward_kinematics_by_hand() -> None:
    positions = positions_of(ARM % (ZXY, ZXY))
    np.testing.assert_allclose(positions[0], [[0, 0, 0], [10, 0, 0], [15, 0, 0]], atol=1e-9)
    # Base: 90 degrees about z takes +x to +y. Elbow: a turn about x leaves the bone, which lies along x, where it is.
    np.testing.assert_allclose(positions[1], [[1, 2, 3], [1, 12, 3], [1, 17, 3]], atol=1e-9)


def test_rotations_multiply_in_the_order_of_the_channels() -> None:
    order = "Yrotation Zrotation Xrotation"
    positions = positions_of(ARM % (ZXY, order))
    # The elbow's second channel is now z: local +x to +y, which the base's turn about z takes on to -x.
    np.testing.assert_allclose(positions[1], [[1, 2, 3], [1, 12, 3], [-4, 12, 3]], atol=1e-9)


def test_position_channels_replace_the_offset() -> None:
    text = ARM.replace("CHANNELS 3 %s", "CHANNELS 6 Xposition Yposition Zposition %s") % (ZXY, ZXY)
    text = text.replace("0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 7 8 9 0 0 0").replace("90 0 0 0 90 0", "90 0 0 10 0 0 0 90 0")
    np.testing.assert_allclose(positions_of(text)[0, 1], [7, 8, 9], atol=1e-9)


def test_axis_rotations_are_right_handed() -> None:
    quarter = np.array([np.pi / 2])
    np.testing.assert_allclose(axis_rotation(0, quarter)[0] @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(axis_rotation(1, quarter)[0] @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(axis_rotation(2, quarter)[0] @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_resampling_turns_the_short_way() -> None:
    rotations = axis_rotation(1, np.radians([179.0, -179.0]))[:, None]
    halfway, _ = resample(rotations, np.zeros((2, 1, 3)), from_hz=30, to_hz=60)
    assert len(halfway) == 3
    np.testing.assert_allclose(halfway[1, 0], axis_rotation(1, np.radians([180.0]))[0], atol=1e-9)


@pytest.mark.parametrize("start_deg", [0.0, 10.0])
@pytest.mark.parametrize("turn_deg", [180.0, 179.9999, -180.0, 170.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_turns_are_half_done_half_way(axis: int, turn_deg: float, start_deg: float) -> None:
    rotations = axis_rotation(axis, np.radians([start_deg, start_deg + turn_deg]))[:, None]
    halfway, _ = resample(rotations, np.zeros((2, 1, 3)), from_hz=15, to_hz=30)
    # The end is a number of float64 times itself; an angle this near to half a turn is known to its root.
    np.testing.assert_allclose(halfway[[0, 2]], rotations, atol=1e-7)
    either = [axis_rotation(axis, np.radians([start_deg + sign * turn_deg / 2]))[0] for sign in (1, -1)]
    is_exact = abs(turn_deg) == 180  # both ways are as short
    differences = [np.abs(halfway[1, 0] - one).max() for one in (either if is_exact else either[:1])]
    assert min(differences) < 1e-6


def test_resampling_by_a_whole_ratio_keeps_frames() -> None:
    rotations = axis_rotation(0, np.linspace(0, 1, 9))[:, None]
    taken, _ = resample(rotations, np.zeros((9, 1, 3)), from_hz=120, to_hz=30)
    np.testing.assert_array_equal(taken, rotations[::4])


@pytest.mark.parametrize(("from_hz", "frames"), [(15, 15), (40, 6), (25, 9), (60, 4)])
def test_resampled_places_lie_where_they_were_at_that_time(from_hz: float, frames: int) -> None:
    place_at_s = np.arange(8)[:, None, None] / from_hz * np.array([1.0, -2.0, 0.5])
    rotations = np.broadcast_to(np.eye(3), (8, 1, 3, 3))
    _, moved = resample(rotations, place_at_s, from_hz=from_hz, to_hz=30)
    assert len(moved) == frames
    np.testing.assert_allclose(moved[:, 0, 0], np.arange(frames) / 30, atol=1e-9)
    np.testing.assert_allclose(moved[:, 0, 1], -2 * np.arange(frames) / 30, atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("HIERARCHY", "HIERARCHIE", 1),
        ("OFFSET 10 0 0", "OFFSET 10 0", 8),
        ("OFFSET 10 0 0", "OFFSET 10 nan 0", 8),
        ("CHANNELS 3 Zr", "CHANNELS 3 Qr", 9),
        ("JOINT elbow", "BONE elbow", 6),
        ("Frames: 2", "Frames: 3", 18),
        ("Frames: 2", "Frames: x", 17),
        ("0.0333333", "0", 18),
        ("1 2 3 90", "1 2 90", 20),
        ("1 2 3 90", "1 2 inf 90", 20),
        ("1 2 3 90", "1 2 nan 90", 20),
        ("1 2 3 90", "1 2 3 4 90", 20),
        ("CHANNELS 3 Z", "CHANNELS 4 Z", 9),
        ("CHANNELS 3 Z", "CHANNELS Z", 9),
        ("Frames: 2\n", "", 17),
        ("Frame Time: 0.0333333\n", "", 18),
        ("Frame Time: 0.0333333", "Frame Time: nan", 18),
        ("1 2 3 90", "1 2 x 90", 18),
    ],
)
def test_broken_files_name_file_and_line(old: str, new: str, line: int) -> None:
    with pytest.raises(SourceError) as caught:
        parse_bvh((ARM % (ZXY, ZXY)).replace(old, new), name="arm.bvh")
    assert caught.value.message.startswith(f"arm.bvh, line {line}: ")


@pytest.mark.parametrize("text", ["", "\n\n", "HIERARCHY\nROOT a\n{\n", ARM.split("    {")[0], ARM.split("MOTION")[0]])
def test_truncated_files(text: str) -> None:
    with pytest.raises(SourceError, match="the file ends"):
        parse_bvh(text.replace("%s", ZXY), name="arm.bvh")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.bvh"):
        read_bvh(tmp_path / "none.bvh")
