"""Put back the bones that one widespread conversion of the CMU motions leaves out.

The "Motionbuilder-friendly" BVH release of CMU's data starts the neck and both collar bones where the topmost trunk
bone starts instead of where it ends, and the hand where the wrist bone starts: their OFFSET is zero. Bodies become
11 cm too short and forearms 9 cm. In CMU's own ASF skeletons the lost trunk bone is as long as the one below it (within
2 %), and the wrist bone half as long as the first forearm bone (exactly), so both can be restored.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .bvh import BvhMotion
from .joint_maps import plain_name

_LOST = {
    **dict.fromkeys(("lowerneck", "lclavicle", "rclavicle"), ("thorax", 1.0)),
    **dict.fromkeys(("lhand", "lthumb"), ("lwrist", 0.5)),
    **dict.fromkeys(("rhand", "rthumb"), ("rwrist", 0.5)),
    **dict.fromkeys(("Neck", "LeftShoulder", "RightShoulder"), ("Spine1", 1.0)),
    **dict.fromkeys(("LeftFingerBase", "LThumb"), ("LeftHand", 0.5)),
    **dict.fromkeys(("RightFingerBase", "RThumb"), ("RightHand", 0.5)),
}
"""Joint to the parent whose own OFFSET shows the lost bone, and the share of it; CMU's names, then their renaming."""


def restore_lost_bones(motion: BvhMotion) -> BvhMotion:
    """The same motion with OFFSETs of zero filled in where a bone is known to be lost; other files are unchanged."""
    joints = list(motion.joints)
    for index, joint in enumerate(joints):
        parent = motion.joints[joint.parent]
        model, share = _LOST.get(plain_name(joint.name), (None, 0.0))
        if joint.parent >= 0 and plain_name(parent.name) == model and not np.any(joint.offset):
            joints[index] = replace(joint, offset=share * parent.offset)
    return replace(motion, joints=tuple(joints))
