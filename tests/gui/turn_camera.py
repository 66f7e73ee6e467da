"""Turns the camera round a room in a small window, and says how often a hand was seen on it although there was none.

Run by tests; the first argument is how many pictures to draw.
"""

from __future__ import annotations

import sys

import open3d as o3d
from posedemo.viewer.aim import Aim
from posedemo.viewer.layout import Layout
from posedemo.viewer.operator import Preset
from posedemo.viewer.room import Room
from posedemo.viewer.theme import DARK

_WINDOW_WH = (96, 96)
_STEP_S = 0.01


def main() -> None:
    visualizer = o3d.visualization.Visualizer()
    visualizer.create_window("posedemo - camera", *_WINDOW_WH)
    aim = Aim(Room(visualizer, max_people=1, theme=DARK, mirror=False), visualizer)
    aim.fit(Layout.CORNER, _WINDOW_WH, _WINDOW_WH[1])
    num_hands = 0
    aim.choose(Preset.ORBIT)
    for step in range(int(sys.argv[1])):
        aim.update(step * _STEP_S)
        visualizer.update_renderer()
        visualizer.poll_events()
        aim.notice_mouse()
        if aim.is_held:
            num_hands += 1
            aim.choose(Preset.ORBIT)
    visualizer.destroy_window()
    print(num_hands)


if __name__ == "__main__":
    main()
