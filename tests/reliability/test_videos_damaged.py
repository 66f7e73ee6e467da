"""Damaged videos

Small videos in every usual container are cut, have bits turned, get splices of each other and lose stretches. They are
read by the source, and a part of them written again with their sound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from damage import KINDS, Kind
from video_trials import Outcome
from videos import clip_pictures, write_video

NUM_PICTURES = 12
FPS = 4
SECONDS = NUM_PICTURES / FPS
MAX_MEGABYTES = 700
"""Resident, after hundreds of videos: 170 to 340 were measured."""

FILES = {
    "h264.mp4": {},
    "h264-index-first.mp4": {"faststart": True},
    "hevc.mp4": {"codec": "libx265"},
    "av1.mp4": {"codec": "libsvtav1"},
    "h264.mkv": {"audio_codec": "ac3"},
    "ffv1.mkv": {"codec": "ffv1", "audio_codec": "flac"},
    "prores.mov": {"codec": "prores_ks", "pixels": "yuv422p10le", "audio_codec": "pcm_s16le"},
    "mpeg2.ts": {"codec": "mpeg2video", "fps": 25},
    "h264.ts": {},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p", "audio_codec": "libmp3lame"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "vp9.webm": {"codec": "libvpx-vp9", "audio_s": 0},
    "vp8.webm": {"codec": "libvpx", "audio_s": 0},
    "flv1.flv": {"codec": "flv", "audio_codec": "libmp3lame"},
    "anything.gif": {"codec": "gif", "pixels": "rgb8", "audio_s": 0},
    "wmv2.wmv": {"codec": "wmv2", "audio_s": 0},
}
STATE_THEIR_LENGTH = ("h264-index-first.mp4", "h264.mkv", "ffv1.mkv", "vp9.webm")
"""In front, so that a file that was cut can be told from a short one."""

HAVE_SOUND = tuple(name for name, options in FILES.items() if options.get("audio_s", 1))


class Trial(NamedTuple):
    file: str
    kind: Kind
    seed: int
    other: str
    is_annotated: bool


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The good files."""
    folder = tmp_path_factory.mktemp("damaged")
    pictures = clip_pictures(0, NUM_PICTURES, size_wh=(160, 90))
    for name, options in FILES.items():
        write_video(folder / name, pictures, **{"fps": FPS, "audio_s": SECONDS, **options})
    return folder


def trials(folder: Path, names: tuple[str, ...], num_seeds: int, *, is_annotated: bool) -> list[Trial]:
    """Every kind of damage to every file; splices come from the file itself and from the next one."""
    cases = []
    for number, name in enumerate(names):
        for kind in KINDS:
            for seed in range(num_seeds):
                other = names[(number + seed % 2) % len(names)]
                cases.append(Trial(str(folder / name), kind, seed, str(folder / other), is_annotated))
    return cases


def run(folder: Path, cases: list[Trial]) -> list[tuple[Trial, Outcome]]:
    """Do trials in a process, and in another one after a trial that ended it."""
    outcomes: list[tuple[Trial, Outcome]] = []
    while len(outcomes) < len(cases):
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("video_trials.py"), folder],
            input=json.dumps(cases[len(outcomes) :]), capture_output=True, text=True, timeout=800,
            # Memory that threads set aside, and nobody uses, counts against the limit of the process.
            env=os.environ | {"MALLOC_ARENA_MAX": "2"},
        )  # fmt: skip
        answers = [json.loads(line) for line in done.stdout.splitlines() if line != "begin"]
        if done.returncode == 0:
            assert answers.pop() < MAX_MEGABYTES
        else:
            assert "begin" in done.stdout, done.stderr
            answers.append({"mistake": f"the process ended with {done.returncode}: {done.stderr}"})
        ended = [Outcome(**answer) for answer in answers]
        outcomes += zip(cases[len(outcomes) :], ended, strict=False)
    return outcomes


def assert_no_mistake(outcomes: list[tuple[Trial, Outcome]]) -> None:
    mistakes = [f"{trial}\n{outcome.mistake}" for trial, outcome in outcomes if outcome.mistake]
    assert not mistakes, "\n".join(mistakes)


def in_words(outcomes: list[tuple[Trial, Outcome]]) -> str:
    def end_of(outcome: Outcome) -> str:
        if outcome.refused:
            return "refused in one sentence"
        return "read in part" if outcome.num_pictures < NUM_PICTURES else "read whole"

    ends = Counter(end_of(outcome) for _, outcome in outcomes)
    return ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))


def test_damaged_videos_are_read_as_far_as_they_go(folder, tried):
    outcomes = run(folder, trials(folder, tuple(FILES), 8, is_annotated=False))
    assert_no_mistake(outcomes)
    for kind in KINDS:
        of_kind = [(trial, outcome) for trial, outcome in outcomes if trial.kind == kind]
        assert any(outcome.num_pictures for _, outcome in of_kind), "damage that lets nothing be read tries nothing"
        tried(f"video files, {WHAT[kind]}", len(of_kind), in_words(of_kind))


WHAT: dict[Kind, str] = {
    "cut": "cut short",
    "bits": "1 to 256 bits turned",
    "header": "1 to 32 bytes at the beginning or the end replaced",
    "splice": "a stretch replaced by one of another file",
    "hole": "a stretch missing",
}


def test_what_is_missing_at_the_end_is_told(folder, tried):
    cases = [
        Trial(str(folder / name), "cut", seed, str(folder / name), False)
        for name in STATE_THEIR_LENGTH
        for seed in range(100, 125)
    ]
    outcomes = run(folder, cases)
    assert_no_mistake(outcomes)
    # Half a second and the last picture's own duration may be missing without a word, and between the last picture and
    # the one before it the three that are kept behind it in the file.
    unnoticed = NUM_PICTURES - FPS // 2 - 1 - 3
    short = [(trial, outcome) for trial, outcome in outcomes if outcome.num_pictures < unnoticed]
    untold = [(trial, outcome) for trial, outcome in short if not (outcome.told or outcome.refused)]
    assert not untold
    assert any(outcome.told and "of 3.0 seconds" in outcome.told for _, outcome in short)
    tried("videos that state their length, cut short", len(cases), "the user is told how many seconds are missing")


def test_damaged_videos_become_whole_annotated_ones(folder, tried):
    cases = trials(folder, HAVE_SOUND, 2, is_annotated=True)
    outcomes = run(folder, cases)
    assert_no_mistake(outcomes)
    written = [outcome for _, outcome in outcomes if outcome.num_pictures]
    tried(
        "annotated videos of damaged videos with sound", len(cases),
        f"{len(written)} written: each decodes from the first to the last picture and sound, no others are left",
    )  # fmt: skip
