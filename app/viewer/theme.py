"""Every colour of posedemo, once, for the 2D overlay and for the 3D room."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[float, float, float]
"""Red, green, blue in [0, 1], as they appear on the screen (sRGB)."""


def rgb_from_hex(code: str) -> Rgb:
    """Turn ``"ff8800"`` into a colour."""
    red, green, blue = (int(code[start : start + 2], 16) / 255 for start in (0, 2, 4))
    return red, green, blue


def bgr_bytes(color: Rgb) -> tuple[int, int, int]:
    """A colour in OpenCV's order and range."""
    red, green, blue = (round(255 * channel) for channel in color)
    return blue, green, red


@dataclass(frozen=True, slots=True)
class Theme:
    """A set of colours.

    Attributes:
        background: the room beyond the floor.
        floor: the lit middle of the floor; it fades into the background.
        grid: lines on the floor.
        shadow: the darkest part of a contact shadow.
        right: the person's own right side.
        left: the person's own left side.
        centre: trunk, neck and head.
        joints: where bones meet.
        light: highlights.
        outline: behind 2D lines and text, so that they read on any picture.
        text: words.
    """

    background: Rgb
    floor: Rgb
    grid: Rgb
    shadow: Rgb
    right: Rgb
    left: Rgb
    centre: Rgb
    joints: Rgb
    light: Rgb
    outline: Rgb
    text: Rgb

    def side(self, side: str) -> Rgb:
        """Colour of ``"left"``, ``"right"`` or ``"centre"``."""
        return {"left": self.left, "right": self.right, "centre": self.centre}[side]


DARK = Theme(
    background=rgb_from_hex("14171d"),
    floor=rgb_from_hex("39414e"),
    grid=rgb_from_hex("5b6677"),
    shadow=rgb_from_hex("0b0d11"),
    # Orange and sky blue keep apart under every common colour blindness (Okabe and Ito 2008).
    right=rgb_from_hex("ff9a2e"),
    left=rgb_from_hex("3ea6ff"),
    centre=rgb_from_hex("d5dae2"),
    joints=rgb_from_hex("f6f8fb"),
    light=rgb_from_hex("ffffff"),
    outline=rgb_from_hex("0b0d11"),
    text=rgb_from_hex("c3cad5"),
)
"""For projectors and stages: bright bodies in a dark room."""
