"""Reads damaged videos in a process of its own, whose crash, hang or memory would otherwise be pytest's.

    python video_trials.py FOLDER < trials.json

Trials come as a JSON list of ``[file, kind of damage, seed, file for splices, whether to annotate]``. For each there is
a line when it begins and one that says how it ended, so that a process that dies names the one that killed it.
"""

from __future__ import annotations

import json
import logging
import math
import resource
import signal
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import av
from annotating import open_annotated_video
from damage import Kind, damaged
from posedemo.capture.video import VideoFile
from posedemo.datatypes import Result
from posedemo.errors import SourceError
from posedemo.memory import peak_memory_mb

PATIENCE_S = 60
"""The kernel ends the process after so long, however deep it hangs. A trial takes milliseconds."""

MAX_ADDRESSES_BYTES = 8 * 2**30
LONGEST_S = 60.0
LONGEST_PICTURES = 40
"""No damage makes more than a minute of three seconds, but where a header states a rate of its own and nothing else."""


@dataclass
class Outcome:
    """How a trial ended.

    Attributes:
        num_pictures: that could be read.
        refused: the sentence, where the file could not even be opened.
        told: what the user was told of what is missing.
        mistake: what must never be: a traceback, or an assertion that does not hold.
    """

    num_pictures: int = 0
    refused: str | None = None
    told: str | None = None
    mistake: str | None = None


def read(path: Path, annotated: Path | None) -> Outcome:
    """Read a video as the program does, and write it again where there is a place for it."""
    said = Remembered()
    logging.getLogger("posedemo").handlers = [said]
    outcome = Outcome()
    try:
        source = VideoFile(path)
    except SourceError as error:
        assert error.message.startswith((str(path), "the pictures of")), error.message
        outcome.refused = error.message
        return outcome
    sink = None if annotated is None else open_annotated_video(annotated, source)
    last_s = -1.0
    longest_s = max(LONGEST_S, float(LONGEST_PICTURES / (source.info.fps or 1)))
    try:
        for frame in source.frames():
            assert frame.size_wh == source.info.size_wh, "every picture has the size of the first"
            assert math.isfinite(frame.stamp.time_s)
            assert last_s < frame.stamp.time_s < longest_s, "times rise, and nothing lasts an hour"
            last_s = frame.stamp.time_s
            outcome.num_pictures += 1
            if sink is not None:
                sink.write(Result(frame, ()))
    except SourceError as error:
        said.words.append(error.message)
    finally:
        source.close()
        if sink is not None:
            sink.close()
    outcome.told = "; ".join(said.words) or None
    if annotated is not None:
        check_playable(annotated, outcome.num_pictures, longest_s)
    return outcome


class Remembered(logging.Handler):
    """Keeps warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())


def check_playable(path: Path, num_pictures: int, longest_s: float) -> None:
    """Every picture and every piece of sound can be decoded; a browser stops at the first that cannot."""
    for kind in ("video", "audio"):
        with av.open(str(path)) as container:
            streams = [stream for stream in container.streams if stream.type == kind]
            frames = [frame for stream in streams[:1] for frame in container.decode(stream)]
        times_s = [frame.time for frame in frames]
        assert all(time_s is not None and time_s < longest_s for time_s in times_s)
        assert times_s == sorted(times_s)
        assert kind == "audio" or len(frames) == num_pictures


def main() -> None:
    """Do the trials that come on standard input."""
    folder = Path(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESSES_BYTES, MAX_ADDRESSES_BYTES))
    for file, kind, seed, other, is_annotated in json.load(sys.stdin):
        path = folder / f"trial{Path(file).suffix}"
        path.write_bytes(damaged(Path(file).read_bytes(), cast(Kind, kind), seed, other=Path(other).read_bytes()))
        annotated = folder / "annotated.mp4" if is_annotated else None
        print("begin", flush=True)
        signal.alarm(PATIENCE_S)
        try:
            outcome = read(path, annotated)
        except Exception:  # noqa: BLE001  this is what is looked for
            outcome = Outcome(mistake=traceback.format_exc())
        signal.alarm(0)
        print(json.dumps(asdict(outcome)), flush=True)
    print(json.dumps(peak_memory_mb()), flush=True)


if __name__ == "__main__":
    main()
