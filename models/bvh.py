"""Read BVH motion files and turn their angles into joint positions. numpy only; ``joint_maps`` picks the H36M joints.

A BVH file is a tree of joints, each with an OFFSET from its parent and a list of CHANNELS, followed by one line of
channel values a frame. Rotations are multiplied in the order of the channels: ``Zrotation Xrotation Yrotation`` means
``R = Rz @ Rx @ Ry`` (column vectors).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import Float64Array
from ..errors import SourceError

END_SUFFIX = ".end"
"""End Sites have no name: they become joints called after their parent, as in ``head.end``."""

_AXES = {"X": 0, "Y": 1, "Z": 2}
_LARGEST_NUMBER = 1e9
"""Of an angle or a length: what is larger comes from damage, and its square need not be finite."""
_MOST_JOINTS = 1000
_MOST_TRANSFORMS = 12_000_000
"""Joints times frames: more than a file of the largest size has with channels, in 2 GB. Others cost a file nothing."""
_SHORTEST_FRAME_S, _LONGEST_FRAME_S = 1e-4, 10.0
_LONGEST_MOTION_S = 2 * 3600.0
"""Longer ones are refused, for at a corpus's rate a short file with a long frame time could fill any memory."""
_CHANNELS = {f"{axis}{kind}" for axis in _AXES for kind in ("position", "rotation")}
_NEARLY_HALF_A_TURN = -1.9
"""Twice the cosine of the angle: 162 degrees."""


@dataclass(frozen=True)
class BvhJoint:
    """One joint of the tree.

    Attributes:
        name: as in the file; End Sites get their parent's name and ``END_SUFFIX``.
        parent: index of the parent, which always comes earlier; -1 for the root.
        offset: (3,) from the parent, in the file's unit.
        channels: names of its channels in order; empty for an End Site.
        first_channel: column of its first channel.
    """

    name: str
    parent: int
    offset: Float64Array
    channels: tuple[str, ...]
    first_channel: int


@dataclass(frozen=True)
class BvhMotion:
    """A whole file.

    Attributes:
        joints: parents before children.
        values: (F, C) channel values: degrees, and lengths in the file's unit.
        frame_time_s: seconds from frame to frame.
    """

    joints: tuple[BvhJoint, ...]
    values: Float64Array
    frame_time_s: float

    @property
    def names(self) -> tuple[str, ...]:
        """Joint names in order."""
        return tuple(joint.name for joint in self.joints)


def read_bvh(path: Path) -> BvhMotion:
    """Read one file; see ``parse_bvh``."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    return parse_bvh(text, name=str(path))


def parse_bvh(text: str, *, name: str) -> BvhMotion:
    """Parse the text of a BVH file.

    Args:
        text: content of the file.
        name: what to call the file in messages.

    Raises:
        SourceError: the text is not a complete BVH file; names the file and the line.
    """
    lines = _Lines(text, name)
    joints = _parse_hierarchy(lines)
    num_channels = sum(len(joint.channels) for joint in joints)
    frame_time_s, values = _parse_motion(lines, num_channels)
    if len(values) * len(joints) > _MOST_TRANSFORMS:
        raise lines.error(f"{len(values)} frames of {len(joints)} joints are more than fit into memory; split the file")
    return BvhMotion(joints, values, frame_time_s)


class _Lines:
    """Hands out the words of one line after the other, skips empty ones, and knows the line number for messages."""

    def __init__(self, text: str, name: str) -> None:
        self._lines = text.splitlines()
        self._name = name
        self.number = 0

    def error(self, problem: str, *, line: int | None = None) -> SourceError:
        return SourceError(f"{self._name}, line {line or self.number}: {problem}", hint="check or leave out the file")

    def next_words(self, expected: str) -> list[str]:
        while self.number < len(self._lines):
            self.number += 1
            words = self._lines[self.number - 1].split()
            if words:
                return words
        raise self.error(f"the file ends where {expected} should be")

    def expect(self, word: str) -> list[str]:
        words = self.next_words(f"'{word}'")
        if words[0].upper() != word.upper():
            raise self.error(f"expected '{word}', found '{words[0]}'")
        return words[1:]

    def numbers(self, words: list[str], count: int) -> list[float]:
        try:
            numbers = [float(word) for word in words]
        except ValueError:
            raise self.error(f"expected {count} numbers, found '{' '.join(words)}'") from None
        if len(numbers) != count or not (np.abs(numbers) <= _LARGEST_NUMBER).all():
            raise self.error(f"expected {count} finite numbers, found '{' '.join(words)}'")
        return numbers

    def rest(self) -> list[tuple[int, str]]:
        """The remaining non-empty lines with their numbers."""
        return [(i + 1, line) for i, line in enumerate(self._lines) if i >= self.number and line.strip()]


def _parse_hierarchy(lines: _Lines) -> tuple[BvhJoint, ...]:
    lines.expect("HIERARCHY")
    root_words = lines.expect("ROOT")
    joints: list[BvhJoint] = []
    open_joints = [_parse_joint(lines, joints, " ".join(root_words) or "root", parent=-1)]
    while open_joints:
        words = lines.next_words("'JOINT', 'End Site' or '}'")
        match words[0].upper():
            case "JOINT" if len(words) > 1:
                open_joints.append(_parse_joint(lines, joints, " ".join(words[1:]), parent=open_joints[-1]))
            case "END":
                name = joints[open_joints[-1]].name + END_SUFFIX
                open_joints.append(_parse_joint(lines, joints, name, parent=open_joints[-1], is_end=True))
            case "}":
                open_joints.pop()
            case _:
                raise lines.error(f"expected 'JOINT', 'End Site' or '}}', found '{' '.join(words)}'")
    return tuple(joints)


def _parse_joint(lines: _Lines, joints: list[BvhJoint], name: str, *, parent: int, is_end: bool = False) -> int:
    """Read the head of a joint's block, up to its first child, and return the joint's index."""
    lines.expect("{")
    offset = np.array(lines.numbers(lines.expect("OFFSET"), 3))
    channels: tuple[str, ...] = ()
    if not is_end:
        words = lines.expect("CHANNELS")
        channels = tuple(words[1:])
        if not words or words[0] != str(len(channels)) or not _CHANNELS.issuperset(channels):
            raise lines.error(f"cannot understand 'CHANNELS {' '.join(words)}'")
    if len(joints) == _MOST_JOINTS:
        raise lines.error(f"more than {_MOST_JOINTS} joints")
    first_channel = sum(len(joint.channels) for joint in joints)
    joints.append(BvhJoint(name, parent, offset, channels, first_channel))
    return len(joints) - 1


def _parse_motion(lines: _Lines, num_channels: int) -> tuple[float, Float64Array]:
    lines.expect("MOTION")
    (num_frames,) = lines.numbers(lines.expect("Frames:"), 1)
    words = lines.expect("Frame")
    (frame_time_s,) = lines.numbers(words[1:], 1)
    if not _SHORTEST_FRAME_S <= frame_time_s <= _LONGEST_FRAME_S:
        raise lines.error(f"the frame time is {frame_time_s:g} seconds")
    rows = lines.rest()
    if len(rows) != num_frames or not rows:
        raise lines.error(f"{num_frames:g} frames announced, {len(rows)} found")
    if num_frames * frame_time_s > _LONGEST_MOTION_S:
        raise lines.error(f"the motion lasts {num_frames * frame_time_s / 3600:.1f} hours; split the file")
    for number, row in rows:
        if len(row.split()) != num_channels:
            raise lines.error(f"expected {num_channels} values, found {len(row.split())}", line=number)
    try:
        values = np.array(" ".join(row for _, row in rows).split(), dtype=np.float64)
    except ValueError as error:
        raise lines.error(f"a value below this line is not a number ({error})") from error
    is_sound = np.abs(values) <= _LARGEST_NUMBER
    if not is_sound.all():
        bad_row = int(np.flatnonzero(~is_sound)[0]) // num_channels
        raise lines.error("a value is not finite, or beyond reason", line=rows[bad_row][0])
    return frame_time_s, values.reshape(len(rows), num_channels)


def local_transforms(motion: BvhMotion) -> tuple[Float64Array, Float64Array]:
    """Rotations (F, J, 3, 3) and translations (F, J, 3) of every joint in its parent's frame.

    Position channels replace the OFFSET, which is what the programs that write them mean.
    """
    num_frames, num_joints = len(motion.values), len(motion.joints)
    rotations = np.broadcast_to(np.eye(3), (num_frames, num_joints, 3, 3)).copy()
    translations = np.stack([np.broadcast_to(joint.offset, (num_frames, 3)) for joint in motion.joints], axis=1)
    for index, joint in enumerate(motion.joints):
        for column, channel in enumerate(joint.channels, start=joint.first_channel):
            axis = _AXES[channel[0]]
            if channel.endswith("position"):
                translations[:, index, axis] = motion.values[:, column]
            else:
                turn = axis_rotation(axis, np.radians(motion.values[:, column]))
                rotations[:, index] = rotations[:, index] @ turn
    return rotations, translations


def axis_rotation(axis: int, angle_rad: Float64Array) -> Float64Array:
    """Right-handed rotation matrices (F, 3, 3) about coordinate axis 0, 1 or 2 by angles (F,)."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    following, last = (axis + 1) % 3, (axis + 2) % 3
    matrices = np.zeros((len(angle_rad), 3, 3))
    matrices[:, axis, axis] = 1
    matrices[:, following, following] = cos
    matrices[:, last, last] = cos
    matrices[:, following, last] = -sin
    matrices[:, last, following] = sin
    return matrices


def forward_kinematics(
    parents: tuple[int, ...], rotations: Float64Array, translations: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Chain local transforms from the root outwards.

    Args:
        parents: (J) parent indices, parents before children.
        rotations: (F, J, 3, 3) local.
        translations: (F, J, 3) local.

    Returns:
        Global positions (F, J, 3) in the file's unit and global rotations (F, J, 3, 3).
    """
    positions, turned = translations.copy(), rotations.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            positions[:, joint] = positions[:, parent] + np.einsum(
                "fij,fj->fi", turned[:, parent], translations[:, joint]
            )
            turned[:, joint] = turned[:, parent] @ rotations[:, joint]
    return positions, turned


def resample(
    rotations: Float64Array, translations: Float64Array, *, from_hz: float, to_hz: float
) -> tuple[Float64Array, Float64Array]:
    """Bring local transforms to another frame rate.

    Rotations are interpolated along the shortest turn: angles may jump by 360 degrees from one frame to the next, and
    half-way between 179 and -179 degrees is not 0. A whole-numbered ratio takes every n-th frame untouched.
    """
    ratio = from_hz / to_hz
    if abs(ratio - round(ratio)) < 0.01 and round(ratio) >= 1:
        return rotations[:: round(ratio)], translations[:: round(ratio)]
    num_frames = max(1, int((len(rotations) - 1) / ratio + 1e-6) + 1)
    position = np.minimum(np.arange(num_frames) * ratio, len(rotations) - 1)
    before = np.minimum(position.astype(int), max(len(rotations) - 2, 0))
    after = np.minimum(before + 1, len(rotations) - 1)
    share = position - before
    moved = translations[before] + share[:, None, None] * (translations[after] - translations[before])
    return _turn_part_of_the_way(rotations[before], rotations[after], share), moved


def _turn_part_of_the_way(start: Float64Array, end: Float64Array, share: Float64Array) -> Float64Array:
    """Spherical interpolation of rotation matrices (F, J, 3, 3) by a share (F,) of the turn between them."""
    between = np.swapaxes(start, -1, -2) @ end
    axis = np.stack(
        [
            between[..., 2, 1] - between[..., 1, 2],
            between[..., 0, 2] - between[..., 2, 0],
            between[..., 1, 0] - between[..., 0, 1],
        ],
        axis=-1,
    )
    double_sin, double_cos = np.linalg.norm(axis, axis=-1), np.trace(between, axis1=-2, axis2=-1) - 1
    angle_rad = np.arctan2(double_sin, double_cos)
    # A half turn is its own inverse: nothing is left of the difference, and its axis is what it leaves in place.
    is_half = double_cos < _NEARLY_HALF_A_TURN
    axis = np.where(
        is_half[..., None], _axis_of_half_turns(between, axis), axis / np.maximum(double_sin, 1e-12)[..., None]
    )
    return start @ rotation_about(axis, angle_rad * share[:, None])


def _axis_of_half_turns(turns: Float64Array, roughly: Float64Array) -> Float64Array:
    """Unit axes (..., 3) of rotations (..., 3, 3) by nearly half a turn, on the side of a rough axis (..., 3)."""
    both_ways = turns + np.swapaxes(turns, -1, -2)
    cos = (np.trace(turns, axis1=-2, axis2=-1) - 1)[..., None, None] / 2
    squares = both_ways / 2 - cos * np.eye(3)  # (1 - cos) times the axis by itself
    largest = np.diagonal(squares, axis1=-2, axis2=-1).argmax(axis=-1)
    axis: Float64Array = np.take_along_axis(squares, largest[..., None, None], axis=-1)[..., 0]
    axis = axis / np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-12)
    return np.where((axis * roughly).sum(-1, keepdims=True) < 0, -axis, axis)


def rotation_about(axis: Float64Array, angle_rad: Float64Array) -> Float64Array:
    """Rotation matrices (..., 3, 3) about unit axes (..., 3) by angles (...): Rodrigues' formula."""
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    sin, cos = np.sin(angle_rad)[..., None, None], np.cos(angle_rad)[..., None, None]
    matrices: Float64Array = np.eye(3) + sin * cross + (1 - cos) * (cross @ cross)
    return matrices
