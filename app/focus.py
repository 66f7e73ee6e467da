"""Where a detector shall look, and whom it shall not see there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float32Array
from .datatypes import Keypoints2D

_MARGIN = 0.2
"""Room around the joints, as a share of the larger side: a person is larger than their joints, and moves."""
_MARGIN_PER_S = 3.0
"""More of it for everybody who has not been seen for a while: where they should be by now is a guess."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""


@dataclass(frozen=True, slots=True)
class Focus:
    """One person's expected place.

    Attributes:
        xy_px: (17, 2) where their H36M-17 joints are expected; NaN where unknown. None for the whole picture: nobody
            is expected yet, and everybody is of interest.
        others: H36M-17 joints of people who are not the one, to be covered.
        missing_s: for how long the one has not been seen.
        usual_px: larger side of the box around them as it mostly is; who crouches may stand up.
        is_close: nothing else of the picture is of interest.
    """

    xy_px: Float32Array | None = None
    others: tuple[Keypoints2D, ...] = ()
    missing_s: float = 0.0
    usual_px: float = 0.0
    is_close: bool = False

    def box_px(self, size_wh: tuple[int, int], *, margin: float = _MARGIN) -> Box:
        """A square around the person, as much of it as lies in the picture.

        Args:
            size_wh: of the picture.
            margin: room around them, as a share of their larger side.
        """
        width, height = size_wh
        if self.xy_px is None:
            return 0, 0, width, height
        low, high = np.nanmin(self.xy_px, axis=0), np.nanmax(self.xy_px, axis=0)
        side_px = max(float((high - low).max()), self.usual_px)
        reach = side_px * (0.5 + margin + _MARGIN_PER_S * self.missing_s) + 1
        left, top = (low + high) / 2 - reach
        right, bottom = (low + high) / 2 + reach
        return max(0, int(left)), max(0, int(top)), min(width, int(right)), min(height, int(bottom))
