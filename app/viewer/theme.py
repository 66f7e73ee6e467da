"""Every colour of posedemo, once, for the 2D overlay and for the 3D room."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[float, float, float]
"""Red, green, blue in [0, 1], as they appear on the screen (sRGB)."""


def rgb_from_hex(code: str) -> Rgb:
    """Turn ``"ff8800"`` into a colour."""
    red, green, blue = (int(code[start : start + 2], 16) / 255 for start in (0, 2, 4))
    return red, green, blue


def rgb_bytes(color: Rgb) -> tuple[int, int, int]:
    """A colour as Open3D's pictures have it."""
    red, green, blue = (round(255 * channel) for channel in color)
    return red, green, blue


def bgr_bytes(color: Rgb) -> tuple[int, int, int]:
    """A colour in OpenCV's order and range."""
    red, green, blue = (round(255 * channel) for channel in color)
    return blue, green, red


@dataclass(frozen=True, slots=True)
class PersonColors:
    """What one person wears.

    Attributes:
        right: the person's own right side.
        left: the person's own left side.
        centre: trunk, neck and head.
    """

    right: Rgb
    left: Rgb
    centre: Rgb

    def side(self, side: str) -> Rgb:
        """Colour of ``"left"``, ``"right"`` or ``"centre"``."""
        return {"left": self.left, "right": self.right, "centre": self.centre}[side]


@dataclass(frozen=True, slots=True)
class Theme:
    """A set of colours.

    Attributes:
        background: the room beyond the floor.
        floor: the lit middle of the floor; it fades into the background.
        grid: lines on the floor.
        shadow: the darkest part of a contact shadow.
        people: the colours of one person after the other (``wardrobe``): right sides are warm, left sides cool.
        joints: where bones meet.
        light: highlights.
        outline: behind 2D lines and text, so that they read on any picture.
        text: words.
        panel: behind the words of the window.
        alert: words and marks that must not be missed.
    """

    background: Rgb
    floor: Rgb
    grid: Rgb
    shadow: Rgb
    people: tuple[PersonColors, ...]
    joints: Rgb
    light: Rgb
    outline: Rgb
    text: Rgb
    panel: Rgb
    alert: Rgb

    def person(self, slot: int) -> PersonColors:
        """Colours of the person who wears the set number ``slot``, from 0; beyond the last one they come round."""
        return self.people[slot % len(self.people)]


def _people(*codes: tuple[str, str, str]) -> tuple[PersonColors, ...]:
    return tuple(PersonColors(*(rgb_from_hex(code) for code in person)) for person in codes)


DARK = Theme(
    background=rgb_from_hex("14171d"),
    floor=rgb_from_hex("39414e"),
    grid=rgb_from_hex("5b6677"),
    shadow=rgb_from_hex("0b0d11"),
    people=_people(
        # Orange and sky blue keep apart under every common colour blindness (Okabe and Ito 2008).
        ("ff9a2e", "3ea6ff", "d5dae2"),
        ("ffd93d", "a37aff", "ffe9a0"),
        ("ffb8d2", "109fb5", "f7b9d2"),
        ("f4f1de", "4fc04a", "a6e3a1"),
    ),
    joints=rgb_from_hex("f6f8fb"),
    light=rgb_from_hex("ffffff"),
    outline=rgb_from_hex("0b0d11"),
    text=rgb_from_hex("c3cad5"),
    panel=rgb_from_hex("0d0f14"),
    alert=rgb_from_hex("ffc247"),
)
"""For projectors and stages: bright bodies in a dark room."""

LIGHT = Theme(
    background=rgb_from_hex("e6e9ee"),
    floor=rgb_from_hex("fafbfc"),
    grid=rgb_from_hex("b4bdc9"),
    shadow=rgb_from_hex("8c95a3"),
    people=_people(
        ("dd5a00", "0a74dc", "566173"),
        ("a87f00", "7440e6", "8a6b14"),
        ("e0458f", "004d66", "a8447a"),
        ("94805f", "1b5e20", "3f7f3a"),
    ),
    joints=rgb_from_hex("353d4a"),
    light=rgb_from_hex("ffffff"),
    outline=rgb_from_hex("ffffff"),
    text=rgb_from_hex("333b47"),
    panel=rgb_from_hex("ffffff"),
    alert=rgb_from_hex("b33a00"),
)
"""For bright halls, where a dark picture drowns: deep colours in a white room."""

THEMES = {"dark": DARK, "light": LIGHT}
"""By the names that a user calls them."""
