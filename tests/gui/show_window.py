"""Opens a real window, feeds it, and says on standard output how it ended. Run by tests.

One word a line on standard input: s standing, a arms up, g standing with a ghost, n nobody, e end, f fail;
w says what the keys have asked for so far; anything else is said to be wrong with the source.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
import time

import numpy as np
from gui.example_poses import ARMS_UP, PICTURE_WH, STANDING, make_person
from posedemo.capture.handoff import LatestSlot
from posedemo.datatypes import Frame, Result, Stamp
from posedemo.errors import SourceError
from posedemo.live.shared import Shared
from posedemo.live.status import Status
from posedemo.live.wishes import Wishes
from posedemo.viewer.theme import DARK, LIGHT
from posedemo.viewer.window import RoomWindow

_STANDING = make_person(STANDING)
_PEOPLE = {
    "s": (_STANDING,),
    "a": (make_person(ARMS_UP),),
    "g": (dataclasses.replace(_STANDING, ghost=make_person(ARMS_UP).pose),),
    "n": (),
}


def _feed(results: LatestSlot[Result], wishes: Shared[Wishes], status: Shared[Status]) -> None:
    image = np.full((PICTURE_WH[1], PICTURE_WH[0], 3), (60, 120, 60), np.uint8)
    for index, line in enumerate(sys.stdin):
        word = line.strip()
        if word == "e":
            results.close()
        elif word == "f":
            results.close(SourceError("the camera has gone"))
        elif word == "w":
            print(repr(wishes.value), flush=True)
        elif word in _PEOPLE:
            status.change(ghost="mediapipe" if word == "g" else None)
            results.put(Result(Frame(image, Stamp(index, time.monotonic())), _PEOPLE[word]))
        else:
            status.change(source_trouble=word)


def main() -> None:
    results: LatestSlot[Result] = LatestSlot()
    wishes = Shared(Wishes(lifter="global-gcn", detector="mediapipe-full", smooth="balanced"))
    status = Shared(
        Status(
            detector="mediapipe-full",
            lifter="global-gcn",
            provider="cpu",
            smooth="balanced",
            can_seek=True,
            can_change_speed=True,
        )
    )
    window = RoomWindow(
        title="test",
        mirror="--mirror" in sys.argv,
        theme=LIGHT if "--light" in sys.argv else DARK,
        is_fullscreen="--fullscreen" in sys.argv,
        wishes=wishes,
        status=status,
    )
    threading.Thread(target=_feed, args=(results, wishes, status), daemon=True).start()
    try:
        print(window.run(results).name, flush=True)
    except SourceError as error:
        print(error.message, flush=True)
    window.close()


if __name__ == "__main__":
    main()
