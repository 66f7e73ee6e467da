"""Tables from the joints of BVH files to the 17 joints of Human3.6M, and the choice between them.

Each H36M joint is a weighted sum of a file's joints. The nose and the head lie off any joint, so they may also get an
offset in the frame of one joint: that joint's global rotation times the vector. Left and right are the person's own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import FloatArray
from ..errors import ConfigError
from ..skeleton import H36M17

_LARGEST_NUMBER = 1e3
"""Of a weight, or of an offset in centimetres."""


@dataclass(frozen=True)
class JointRule:
    """How one H36M joint is made.

    Attributes:
        weights: name of a BVH joint to its weight; the weights sum to 1.
        offset_cm: (3,) added in the turned frame of ``offset_joint``.
    """

    weights: Mapping[str, float]
    offset_cm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def offset_joint(self) -> str:
        """The joint whose rotation turns the offset: the first of ``weights``."""
        return next(iter(self.weights))


@dataclass(frozen=True)
class JointMap:
    """A rule for each of the 17 joints.

    Attributes:
        name: for messages.
        rules: H36M joint name to its rule.
    """

    name: str
    rules: Mapping[str, JointRule]

    @property
    def needed(self) -> frozenset[str]:
        """BVH joints that the map reads."""
        return frozenset(joint for rule in self.rules.values() for joint in rule.weights)

    def missing_from(self, names: tuple[str, ...]) -> list[str]:
        """Joints that the map reads and a file lacks."""
        return sorted(self.needed.difference(plain_name(name) for name in names))

    def apply(self, names: tuple[str, ...], positions_m: FloatArray, rotations: FloatArray) -> FloatArray:
        """Make the H36M joints.

        Args:
            names: (J) joint names of the file.
            positions_m: (F, J, 3) metres.
            rotations: (F, J, 3, 3) global.

        Returns:
            (F, 17, 3) metres.
        """
        index = {plain_name(name): i for i, name in reversed(list(enumerate(names)))}
        joints = np.zeros((len(positions_m), H36M17.num_joints, 3))
        for joint, name in enumerate(H36M17.joints):
            rule = self.rules[name]
            for source, weight in rule.weights.items():
                joints[:, joint] += weight * positions_m[:, index[source]]
            joints[:, joint] += rotations[:, index[rule.offset_joint]] @ (np.array(rule.offset_cm) / 100)
        return joints


def plain_name(name: str) -> str:
    """A joint name without the name space that some programs put first: ``mixamorig:Hips`` is ``Hips``."""
    return name.rsplit(":", 1)[-1].strip()


def choose_map(names: tuple[str, ...], *, file_name: str) -> JointMap:
    """The first built-in map whose joints are all in the file.

    Raises:
        ConfigError: none fits; says which joints the nearest map misses.
    """
    for joint_map in BUILT_IN_MAPS:
        if not joint_map.missing_from(names):
            return joint_map
    nearest = min(BUILT_IN_MAPS, key=lambda joint_map: len(joint_map.missing_from(names)))
    missing = ", ".join(nearest.missing_from(names))
    raise ConfigError(
        f"{file_name}: no joint map fits; the nearest, '{nearest.name}', misses {missing}",
        hint="give your own table with --map FILE.toml (docs/training.md shows one)",
    )


def read_map(path: Path) -> JointMap:
    """Read a map of the user's.

    Raises:
        ConfigError: the file cannot be read, is not TOML or does not give all 17 joints; names the entry.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the joint map {path}: {error.strerror}") from error
    # ValueError is what impossible dates and numbers end in, RecursionError is what deep nesting does.
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the joint map {path} is not TOML: {error}") from error
    unknown = sorted(set(table).difference(H36M17.joints))
    missing = [joint for joint in H36M17.joints if joint not in table]
    if unknown or missing:
        problem = f"unknown joint '{unknown[0]}'" if unknown else f"no entry for '{missing[0]}'"
        raise ConfigError(f"the joint map {path} has {problem}", hint=f"its tables are: {', '.join(H36M17.joints)}")
    return JointMap(path.name, {joint: _read_rule(path, joint, table[joint]) for joint in H36M17.joints})


def _read_rule(path: Path, joint: str, entry: object) -> JointRule:
    try:
        if not isinstance(entry, dict) or set(entry) - {"weights", "offset_cm"}:
            raise TypeError
        weights = {str(name): float(weight) for name, weight in entry["weights"].items()}
        x, y, z = (float(number) for number in entry.get("offset_cm", (0, 0, 0)))
        if not all(abs(number) <= _LARGEST_NUMBER for number in (*weights.values(), x, y, z)):
            raise ValueError
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"the joint map {path}: '{joint}' is not understood",
            hint=f'write [{joint}], weights = {{ "Name" = 1.0 }} and, if needed, offset_cm = [0, 0, 0]',
        ) from error
    if abs(sum(weights.values()) - 1) > 1e-3:
        raise ConfigError(f"the joint map {path}: the weights of '{joint}' sum to {sum(weights.values()):g}, not to 1")
    return JointRule(weights, (x, y, z))


def _limbs(left: Mapping[str, str], right: Mapping[str, str]) -> dict[str, JointRule]:
    """Rules for joints that exist one to one on both sides, and the pelvis, which is the middle of the hips."""
    rules = {f"left_{joint}": JointRule({source: 1.0}) for joint, source in left.items()}
    rules |= {f"right_{joint}": JointRule({source: 1.0}) for joint, source in right.items()}
    rules["pelvis"] = JointRule({right["hip"]: 0.5, left["hip"]: 0.5})
    return rules


def _both_sides(pattern: Mapping[str, str], left: str, right: str) -> dict[str, JointRule]:
    """As ``_limbs``, from one pattern such as ``{"hip": "{}UpLeg"}`` and the two words for the sides."""
    return _limbs(
        {joint: name.format(left) for joint, name in pattern.items()},
        {joint: name.format(right) for joint, name in pattern.items()},
    )


_CMU_ASF = JointMap(
    "cmu-asf",
    {
        **_both_sides(
            {
                "hip": "{}femur",
                "knee": "{}tibia",
                "ankle": "{}foot",
                "shoulder": "{}humerus",
                "elbow": "{}radius",
            },
            "l",
            "r",
        ),
        # The ASF model splits the forearm in two: its first bone is too short for a forearm, both are too long.
        "left_wrist": JointRule({"lwrist": 0.4, "lhand": 0.6}),
        "right_wrist": JointRule({"rwrist": 0.4, "rhand": 0.6}),
        "spine": JointRule({"upperback": 0.6, "thorax": 0.4}),
        "thorax": JointRule({"upperneck": 1.0}),
        "nose": JointRule({"head": 1.0}, (0.0, 1.2, 7.4)),
        "head": JointRule({"head": 1.0}, (0.0, 9.8, 0.9)),
    },
)

_CMU_CGSPEED = JointMap(
    "cmu-cgspeed",
    {
        **_both_sides(
            {
                "hip": "{}UpLeg",
                "knee": "{}Leg",
                "ankle": "{}Foot",
                "shoulder": "{}Arm",
                "elbow": "{}ForeArm",
            },
            "Left",
            "Right",
        ),
        "left_wrist": JointRule({"LeftHand": 0.4, "LeftFingerBase": 0.6}),
        "right_wrist": JointRule({"RightHand": 0.4, "RightFingerBase": 0.6}),
        "spine": JointRule({"Spine": 0.6, "Spine1": 0.4}),
        "thorax": JointRule({"Neck1": 1.0}),
        "nose": JointRule({"Head": 1.0}, (0.0, 1.2, 7.4)),
        "head": JointRule({"Head": 1.0}, (0.0, 9.8, 0.9)),
    },
)

_CHARACTER_CREATOR = JointMap(
    "cmu-cc",
    {
        **_both_sides(
            {
                "hip": "CC_Base_{}_Thigh",
                "knee": "CC_Base_{}_Calf",
                "ankle": "CC_Base_{}_Foot",
                "shoulder": "CC_Base_{}_Upperarm",
                "elbow": "CC_Base_{}_Forearm",
                "wrist": "CC_Base_{}_Hand",
            },
            "L",
            "R",
        ),
        "spine": JointRule({"CC_Base_Spine01": 0.16, "CC_Base_Spine02": 0.84}),
        "thorax": JointRule({"CC_Base_NeckTwist01": 1.0}),
        "nose": JointRule({"CC_Base_Head": 1.0}, (0.0, 3.0, 5.8)),
        "head": JointRule({"CC_Base_Head": 1.0}, (0.0, 12.0, -1.8)),
    },
)

_WITH_ARMS_AND_LEGS = {
    "hip": "{}UpLeg",
    "knee": "{}Leg",
    "ankle": "{}Foot",
    "shoulder": "{}Arm",
    "elbow": "{}ForeArm",
    "wrist": "{}Hand",
}

_CMU_NEO = JointMap(
    "cmu-neo",
    {
        **_both_sides({joint: f"Neo_{name}" for joint, name in _WITH_ARMS_AND_LEGS.items()}, "Left", "Right"),
        "spine": JointRule({"Neo_Spine": 0.12, "Neo_Spine1": 0.88}),
        "thorax": JointRule({"Neo_Neck": 0.5, "Neo_LeftShoulder": 0.25, "Neo_RightShoulder": 0.25}),
        "nose": JointRule({"Neo_Head": 1.0}, (-2.9, 5.7, 0.0)),
        "head": JointRule({"Neo_Head": 1.0}, (3.7, -2.8, 0.0)),
    },
)

_BANDAI = JointMap(
    "bandai",
    {
        **_both_sides(
            {
                "hip": "UpperLeg_{}",
                "knee": "LowerLeg_{}",
                "ankle": "Foot_{}",
                "shoulder": "UpperArm_{}",
                "elbow": "LowerArm_{}",
                "wrist": "Hand_{}",
            },
            "L",
            "R",
        ),
        "spine": JointRule({"Spine": 0.7, "Chest": 0.3}),
        "thorax": JointRule({"Neck": 1.0}),
        "nose": JointRule({"Head": 1.0}, (0.7, 7.2, 0.0)),
        "head": JointRule({"Head": 1.0}, (9.7, 3.6, 0.0)),
    },
)

# The maps below are for files that were not measured: the places of spine, nose and head are estimates, and suppose
# that the head's axes at rest are x left, y up, z forward.
_ESTIMATED_NOSE = (0.0, 3.0, 8.0)
_ESTIMATED_HEAD = (0.0, 12.0, 1.0)

_MIXAMO = JointMap(
    "mixamo",
    {
        **_both_sides(_WITH_ARMS_AND_LEGS, "Left", "Right"),
        "spine": JointRule({"Spine1": 0.5, "Spine2": 0.5}),
        "thorax": JointRule({"Neck": 1.0}),
        "nose": JointRule({"Head": 1.0}, _ESTIMATED_NOSE),
        "head": JointRule({"Head": 1.0}, _ESTIMATED_HEAD),
    },
)

_GENERIC = JointMap(
    "generic",
    {
        **_both_sides(_WITH_ARMS_AND_LEGS, "Left", "Right"),
        # Any number of joints may lie between hips and neck, so the spine is put half-way, whatever they are.
        "spine": JointRule({"LeftUpLeg": 0.25, "RightUpLeg": 0.25, "Neck": 0.5}),
        "thorax": JointRule({"Neck": 1.0}),
        "nose": JointRule({"Head": 1.0}, _ESTIMATED_NOSE),
        "head": JointRule({"Head": 1.0}, _ESTIMATED_HEAD),
    },
)

_HIP_KNEE_ANKLE = JointMap(
    "hip-knee-ankle",
    {
        **_both_sides(
            {
                "hip": "{}Hip",
                "knee": "{}Knee",
                "ankle": "{}Ankle",
                "shoulder": "{}Shoulder",
                "elbow": "{}Elbow",
                "wrist": "{}Wrist",
            },
            "Left",
            "Right",
        ),
        "spine": JointRule({"LeftHip": 0.25, "RightHip": 0.25, "Neck": 0.5}),
        "thorax": JointRule({"Neck": 1.0}),
        "nose": JointRule({"Head": 1.0}, _ESTIMATED_NOSE),
        "head": JointRule({"Head": 1.0}, _ESTIMATED_HEAD),
    },
)

BUILT_IN_MAPS = (
    _CMU_ASF,
    _CMU_CGSPEED,
    _CHARACTER_CREATOR,
    _CMU_NEO,
    _BANDAI,
    _MIXAMO,
    _GENERIC,
    _HIP_KNEE_ANKLE,
)
"""From the most particular to the most general: the first that fits a file is taken."""
