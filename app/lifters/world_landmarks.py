"""The baseline: no lifter at all, but the 3D that the detector gives with its 2D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from ..datatypes import LifterSpec, Pose3D, Window
from ..errors import ConfigError
from ..skeleton import H36M17


class WorldLandmarks:
    """Takes a detector's own 3D for the pose, so that it goes through the same filter, room and files as a lifter's.

    Its scale is left as it is: MediaPipe's metres are those of the average body that it was trained on, like those of
    the lifters (in the demo clip the bones sum to 3.84 m in the median, SemGCN's to 3.98 m). Its z axis is the line of
    sight to the person rather than the camera's axis, which differ towards the edges of the picture.

    Args:
        name: what the command line calls it.
    """

    provider = "cpu"
    """Where the detector runs."""

    def __init__(self, name: str) -> None:
        self.spec = LifterSpec(name=name, num_frames=1, rate_hz=30.0)

    def lift(self, windows: Sequence[Window]) -> tuple[Pose3D, ...]:
        """The detector's 3D of each window's target frame, with the pelvis at the origin.

        Raises:
            ConfigError: the 2D came from something that gives no 3D.
        """
        return tuple(self._lift_one(window) for window in windows)

    def _lift_one(self, window: Window) -> Pose3D:
        if window.world_xyz_m is None:
            raise ConfigError(
                f"the lifter {self.spec.name} shows the detector's own 3D, and these keypoints come without",
                "use another lifter; see `posedemo models list`",
            )
        pelvis = window.world_xyz_m[H36M17.index("pelvis")]
        return Pose3D(xyz_m=window.world_xyz_m - pelvis, confidence=window.confidence[window.target])

    def close(self) -> None:
        """Nothing to free."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
