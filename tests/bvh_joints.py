"""What a reader of BVH files makes of those that the program writes."""

import numpy as np
from posedemo.models.bvh import END_SUFFIX, BvhMotion, forward_kinematics, local_transforms
from posedemo.sinks.bvh_rig import RIG
from posedemo.skeleton import H36M17


def pose_joints_m(motion: BvhMotion) -> np.ndarray:
    """(F, 17, 3) metres, y up: where a file has the joints of a pose."""
    positions_cm, _ = forward_kinematics(tuple(joint.parent for joint in motion.joints), *local_transforms(motion))
    names = list(motion.names)
    joints_cm = np.zeros((len(positions_cm), H36M17.num_joints, 3))
    for joint in RIG:
        joints_cm[:, H36M17.index(joint.place)] = positions_cm[:, names.index(joint.name)]
    joints_cm[:, H36M17.index("head")] = positions_cm[:, names.index(f"Head{END_SUFFIX}")]
    return joints_cm / 100
