"""Every joint map on a synthetic person, the choice between them, and maps of the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from posedemo.errors import ConfigError
from posedemo.models.bvh import parse_bvh
from posedemo.models.joint_maps import BUILT_IN_MAPS, JointMap, choose_map, plain_name, read_map
from posedemo.models.lost_bones import restore_lost_bones
from posedemo.skeleton import H36M17
from synthetic import PERSON, bvh_text

AT = H36M17.index


def person_for(joint_map: JointMap) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and places (1, J, 3) in metres of the joints a map reads, on an upright person who faces +z."""
    heights = {"knee": 0.5, "ankle": 0.1, "hip": 0.9, "shoulder": 1.4, "elbow": 1.15, "wrist": 0.9}
    centre = {"pelvis": 0.9, "spine": 1.15, "thorax": 1.45, "nose": 1.6, "head": 1.6}
    places: dict[str, tuple[float, float, float]] = {}
    for joint in ("pelvis", "spine", "thorax", "nose", "head"):
        places |= dict.fromkeys(joint_map.rules[joint].weights, (0.0, centre[joint], 0.0))
    for side, x in (("left", 0.15), ("right", -0.15)):
        for part, y in heights.items():
            places |= dict.fromkeys(joint_map.rules[f"{side}_{part}"].weights, (x, y, 0.0))
    return tuple(places), np.array([list(places.values())])


@pytest.mark.parametrize("joint_map", BUILT_IN_MAPS, ids=lambda joint_map: joint_map.name)
def test_left_is_left_and_the_head_is_above_the_thorax(joint_map: JointMap) -> None:
    names, positions_m = person_for(joint_map)
    assert choose_map(names, file_name="x.bvh") is joint_map
    rotations = np.broadcast_to(np.eye(3), (1, len(names), 3, 3))
    if joint_map.name == "bandai":
        # Its head's local x is the person's up.
        rotations = np.broadcast_to(np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]]), (1, len(names), 3, 3))
    joints = joint_map.apply(names, positions_m, rotations)[0]
    for left, right in H36M17.left_right_pairs:
        assert joints[left, 0] > 0.1 > -0.1 > joints[right, 0]
    assert joints[AT("head"), 1] > joints[AT("thorax"), 1] > joints[AT("spine"), 1] > joints[AT("pelvis"), 1]
    np.testing.assert_allclose(joints[AT("pelvis")], (joints[AT("left_hip")] + joints[AT("right_hip")]) / 2)
    assert set(joint_map.rules) == set(H36M17.joints)
    for rule in joint_map.rules.values():
        assert sum(rule.weights.values()) == pytest.approx(1)


def test_the_nose_turns_with_the_head() -> None:
    joint_map = BUILT_IN_MAPS[0]
    names, positions_m = person_for(joint_map)
    to_the_left = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    joints = joint_map.apply(names, positions_m, np.broadcast_to(to_the_left, (1, len(names), 3, 3)))[0]
    head = positions_m[0, names.index("head")]
    np.testing.assert_allclose(joints[AT("nose")] - head, [0.074, 0.012, 0], atol=1e-9)


def test_name_spaces_are_ignored() -> None:
    assert plain_name("mixamorig:LeftUpLeg") == "LeftUpLeg"
    assert choose_map(tuple(f"mixamorig:{name}" for name in PERSON), file_name="x.bvh").name == "generic"


def test_no_map_fits() -> None:
    with pytest.raises(ConfigError, match=r"odd\.bvh: no joint map fits.*LeftUpLeg") as caught:
        choose_map(tuple(name for name in PERSON if name != "LeftUpLeg"), file_name="odd.bvh")
    assert "--map FILE.toml" in caught.value.hint


def test_a_map_of_the_users(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    lines = [f'[{joint}]\nweights = {{ "{joint.upper()}" = 1.0 }}' for joint in H36M17.joints]
    lines[AT("nose")] += "\noffset_cm = [0, 3, 8]"
    path.write_text("\n".join(lines))
    joint_map = read_map(path)
    assert joint_map.needed == {joint.upper() for joint in H36M17.joints}
    assert joint_map.rules["nose"].offset_cm == (0, 3, 8)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace("[spine]", "[back]"), "unknown joint 'back'"),
        (lambda text: text.split("[right_wrist]")[0], "no entry for 'right_wrist'"),
        (lambda text: text.replace("1.0", "0.7", 1), "sum to 0.7"),
        (lambda text: text.replace("weights", "weight", 1), "not understood"),
        (lambda text: text + "[[", "not TOML"),
    ],
)
def test_wrong_maps_of_the_users(tmp_path: Path, change: object, problem: str) -> None:
    path = tmp_path / "map.toml"
    text = "\n".join(f'[{joint}]\nweights = {{ "a" = 1.0 }}' for joint in H36M17.joints)
    path.write_text(change(text))  # type: ignore[operator]
    with pytest.raises(ConfigError, match=problem):
        read_map(path)


def test_lost_bones_come_back_and_nothing_else_changes() -> None:
    tree = {
        "thorax": ("", (0, 0, 0)),
        "lowerneck": ("thorax", (0, 0, 0)),
        "lwrist": ("thorax", (18, 0, 0)),
        "lhand": ("lwrist", (0, 0, 0)),
        "rwrist": ("thorax", (-18, 0, 0)),
        "rhand": ("rwrist", (-9, 0, 0)),
    }
    tree = {"upperback": ("", (0, 0, 0)), **tree, "thorax": ("upperback", (0, 11, 0))}
    motion = parse_bvh(bvh_text(tree, [{}]), name="x.bvh")
    offsets = {joint.name: joint.offset.tolist() for joint in restore_lost_bones(motion).joints}
    assert offsets["lowerneck"] == [0, 11, 0]
    assert offsets["lhand"] == [9, 0, 0]
    assert offsets["rhand"] == [-9, 0, 0]
    assert offsets["upperback"] == [0, 0, 0]
    plain = parse_bvh(bvh_text(PERSON, [{}]), name="y.bvh")
    assert [j.offset.tolist() for j in restore_lost_bones(plain).joints] == [j.offset.tolist() for j in plain.joints]
