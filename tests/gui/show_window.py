"""Opens a real window, feeds it, and says on standard output how it ended. Run by ``test_window``.

One letter a line on standard input: s standing, a arms up, n nobody, e end, f fail.
"""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
from gui.example_poses import ARMS_UP, PICTURE_WH, STANDING, make_person
from posedemo.capture.handoff import LatestSlot
from posedemo.datatypes import Frame, Result, Stamp
from posedemo.errors import SourceError
from posedemo.viewer.window import RoomWindow

_PEOPLE = {"s": (make_person(STANDING),), "a": (make_person(ARMS_UP),), "n": ()}


def _feed(results: LatestSlot[Result]) -> None:
    image = np.full((PICTURE_WH[1], PICTURE_WH[0], 3), (60, 120, 60), np.uint8)
    for index, line in enumerate(sys.stdin):
        word = line.strip()
        if word == "e":
            results.close()
        elif word == "f":
            results.close(SourceError("the camera has gone"))
        else:
            results.put(Result(Frame(image, Stamp(index, time.monotonic())), _PEOPLE[word]))


def main() -> None:
    results: LatestSlot[Result] = LatestSlot()
    window = RoomWindow(title="test", mirror="--mirror" in sys.argv)
    threading.Thread(target=_feed, args=(results,), daemon=True).start()
    try:
        print(window.run(results).name, flush=True)
    except SourceError as error:
        print(error.message, flush=True)
    window.close()


if __name__ == "__main__":
    main()
