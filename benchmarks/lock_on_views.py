"""For how many frames the person is followed, in views of one clip: turned, enlarged, moved, mirrored, dark, backwards.

    python benchmarks/lock_on_views.py [VIDEO] [--frames FIRST LAST] [--detector NAME]

What MediaPipe finds in a frame changes with every pixel, so one run over one clip says little about a rule of lock-on.
Each view is followed from its first frame on, with lock-on and as MediaPipe gives it, and the joints are brought back
into the clip's own picture. Where the person really is, is the median of all views with lock-on, joint by joint:
*nobody* where nobody is followed, *off* where the joints are more than a fifth of a body from there on average,
*elsewhere* where it is more than a whole body, which is somebody else. Left and right do not count. Some minutes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from lock_on import ROOT, read, with_lock, without_lock
from posedemo.skeleton import H36M17

OFF, ELSEWHERE = 0.2, 1.0
LEAST_VIEWS = 4
SETTLED = 4
"""Frames at the start that do not count: nobody can be followed yet."""
FLIPPED = list(H36M17.flip_order)


@dataclass(frozen=True)
class View:
    """How a clip is shown.

    Attributes:
        turn_deg: about the middle of the picture.
        scale: of the picture, about its middle.
        shift: right and down, as shares of the width.
        is_mirrored: left and right exchanged.
        is_backwards: the last frame first.
        light: factor on all colours.
    """

    turn_deg: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    is_mirrored: bool = False
    is_backwards: bool = False
    light: float = 1.0

    def matrix(self, size_wh: tuple[int, int]) -> np.ndarray:
        """(2, 3) from the clip's picture to this one."""
        width, height = size_wh
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), self.turn_deg, self.scale)
        turn[:, 2] += np.array(self.shift) * width
        mirror = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]]) if self.is_mirrored else np.eye(3)
        return turn @ mirror

    def show(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        """The pictures of this view, in its order."""
        size_wh = (pictures[0].shape[1], pictures[0].shape[0])
        shown = [
            cv2.warpAffine(picture, self.matrix(size_wh), size_wh, borderMode=cv2.BORDER_REPLICATE)
            for picture in pictures
        ]
        shown = [cv2.convertScaleAbs(picture, alpha=self.light) for picture in shown]
        return shown[::-1] if self.is_backwards else shown

    def undo(self, xy_px: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
        """Joints (N, 17, 2) of this view in the clip's own pictures and order."""
        back = cv2.invertAffineTransform(self.matrix(size_wh))
        own_px = xy_px @ back[:, :2].T + back[:, 2]
        own_px = own_px[:, FLIPPED] if self.is_mirrored else own_px
        return own_px[::-1] if self.is_backwards else own_px


VIEWS = {
    "as it is": View(),
    **{f"turned by {turn_deg}": View(turn_deg=turn_deg) for turn_deg in (-16, -8, -4, 4, 8, 16)},
    **{f"scaled by {scale}": View(scale=scale) for scale in (0.7, 0.8, 0.9, 1.1)},
    **{f"moved by {shift}": View(shift=shift) for shift in ((0.03, -0.01), (-0.05, 0.02), (-0.02, -0.02))},
    "dark": View(light=0.7),
    "mirrored": View(is_mirrored=True),
    "mirrored, turned": View(is_mirrored=True, turn_deg=8),
    **{f"backwards, turned by {turn_deg}": View(turn_deg=turn_deg, is_backwards=True) for turn_deg in (-8, 0, 8)},
    **{f"backwards, scaled by {scale}": View(scale=scale, is_backwards=True) for scale in (0.7, 0.85, 1.1)},
    "backwards, mirrored": View(is_mirrored=True, is_backwards=True),
}


def consensus(views_px: np.ndarray) -> np.ndarray:
    """(N, 17, 2) where the person is: the median of the half of the views (V, N, 17, 2) that agree best."""
    agreed = np.full(views_px.shape[1:], np.nan)
    for index in range(views_px.shape[1]):
        known = views_px[:, index][np.isfinite(views_px[:, index, 0, 0])]
        if len(known) >= LEAST_VIEWS:
            apart_px = np.linalg.norm(known - np.median(known, axis=0), axis=-1).mean(axis=-1)
            agreed[index] = np.median(known[apart_px <= np.median(apart_px)], axis=0)
    return agreed


def verdict(view: View, xy_px: np.ndarray, truth_px: np.ndarray) -> np.ndarray:
    """Frames in which nobody is followed, in which the pose is off, and in which it is somebody else's; and of all."""
    counted = np.ones(len(xy_px), bool)
    counted[-SETTLED if view.is_backwards else 0 : None if view.is_backwards else SETTLED] = False
    ways = [np.linalg.norm(way - truth_px, axis=-1).mean(axis=-1) for way in (xy_px, xy_px[:, FLIPPED])]
    apart = np.minimum(*ways) / np.linalg.norm(np.ptp(truth_px, axis=1), axis=-1)
    is_nobody = np.isnan(xy_px[:, 0, 0])
    marks = (is_nobody, (apart > OFF) & (apart <= ELSEWHERE), apart > ELSEWHERE, np.ones_like(is_nobody))
    return np.array([(mark & counted).sum() for mark in marks])


def main() -> None:
    """Follow the person in every view and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", default=ROOT / "assets" / "demo.mp4")
    parser.add_argument("--frames", type=int, nargs=2, default=(40, 223), metavar=("FIRST", "LAST"))
    parser.add_argument("--detector", default="mediapipe-full")
    arguments = parser.parse_args()
    pictures = read(arguments.video, *arguments.frames, None)
    size_wh = (pictures[0].shape[1], pictures[0].shape[0])
    followed = {}
    for name, view in VIEWS.items():
        shown = view.show(pictures)
        bare, _ = without_lock(shown, arguments.detector)
        locked = with_lock(shown, arguments.detector)
        followed[name] = [view.undo(run.xy_px, size_wh) for run in (bare, locked)]
    truth_px = consensus(np.array([locked_px for _, locked_px in followed.values()]))
    print(f"{'':<28} {'without lock-on':>22}   {'with lock-on':>22}\n{'view':<28}", end="")
    print(f" {'nobody':>6} {'off':>5} {'elsewhere':>9} " * 2, "  of frames")
    total = np.zeros((2, 4), int)
    for name, runs_px in followed.items():
        rows = np.array([verdict(VIEWS[name], xy_px, truth_px) for xy_px in runs_px])
        total += rows
        print_row(name, rows)
    print_row("all", total)


def print_row(name: str, rows: np.ndarray) -> None:
    """One line of the table."""
    print(f"{name:<28}", *(f"{nobody:6d} {off:5d} {elsewhere:9d} " for nobody, off, elsewhere, _ in rows), rows[0, 3])


if __name__ == "__main__":
    main()
