"""The part of a video that goes with one person: what lies outside is not shown to the detector.

MediaPipe looks for a person where its own joints of the frame before were, in shares of the picture. In a part that
moves with the person they stay at the same shares, so that it needs no telling; and somebody who stands further away
is not there to be followed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..datatypes import Float32Array, ImageArray
from ..skeleton import H36M17

_REACH = 0.8
"""Half the side, in body sizes: from the trunk to hands held up high, or to the feet of a long stride."""
_SCALE_STEP = 1.25
"""A person may look so much larger or smaller before the side follows: until then it stays the same."""
_OUTSIDE_GREY = 128

_TRUNK = np.array([H36M17.index(f"{side}_{part}") for part in ("hip", "shoulder") for side in ("left", "right")])


@dataclass(frozen=True, slots=True)
class Viewport:
    """A square part of the picture, which it may reach beyond.

    Attributes:
        left: of the part, in pixels of the picture.
        top: the same.
        side: in pixels.
        body_px: size of the person for whom the side was chosen.
    """

    left: int
    top: int
    side: int
    body_px: float

    @classmethod
    def around(cls, xy_px: Float32Array, before: Viewport | None) -> Viewport:
        """The part that shows a person with these H36M-17 joints, as large as the one before unless they grew."""
        known_px = xy_px[np.isfinite(xy_px).all(axis=-1)]
        body_px = max(1.0, float(np.linalg.norm(np.ptp(known_px, axis=0))))
        if before is not None and 1 / _SCALE_STEP < body_px / before.body_px < _SCALE_STEP:
            body_px = before.body_px
        trunk_px = xy_px[_TRUNK]
        middle = trunk_px.mean(axis=0) if np.isfinite(trunk_px).all() else known_px.mean(axis=0)
        side = round(2 * _REACH * body_px)
        left, top = (middle - side / 2).round().astype(int).tolist()
        return cls(left, top, side, body_px)

    def cut(self, image: ImageArray) -> ImageArray:
        """(side, side, 3) of a picture; grey where it has nothing."""
        height, width = image.shape[:2]
        part = np.full((self.side, self.side, 3), _OUTSIDE_GREY, np.uint8)
        rows = slice(max(0, self.top), min(height, self.top + self.side))
        columns = slice(max(0, self.left), min(width, self.left + self.side))
        if rows.start < rows.stop and columns.start < columns.stop:
            part[rows.start - self.top : rows.stop - self.top, columns.start - self.left : columns.stop - self.left] = (
                image[rows, columns]
            )
        return part
