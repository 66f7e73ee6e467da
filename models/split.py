"""Which clips are held out for evaluation. The only place that decides it, always by person, never by frame.

Takes of one action by one person are nearly the same, so a split by frame or by clip would measure memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..errors import ConfigError
from .corpus import Clip, Corpus
from .views import action_of

PROTOCOLS = {
    # Subjects to train on and subjects to test on, as the papers do.
    "h36m": (("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")),
    "humaneva": (("Train/S1", "Train/S2", "Train/S3"), ("Validate/S1", "Validate/S2", "Validate/S3")),
}

PROTOCOL_OF_SKELETON = {"h36m17": "h36m", "h36m16": "h36m", "humaneva15": "humaneva"}
"""Of the data set that has these joints."""

HUMANEVA_ACTIONS = ("Walking", "Jog", "Box")
"""Those that papers train on and test on, in the order of their tables."""
_HUMANEVA_OTHERS = ("ThrowCatch", "Gestures", "Combo")
"""Those that the data set has beside them."""

_ONE_IN = 6
"""Without a choice of the user's, about one subject in so many is held out."""


def split_clips(corpus: Corpus, holdout: Sequence[str] = ()) -> tuple[tuple[Clip, ...], tuple[Clip, ...]]:
    """Part the clips of a corpus in two.

    Args:
        corpus: the data.
        holdout: patterns of subjects or clip names (``hdm05/dg``, ``cmu-mb/*``, ``*_walk_*``). Without any, a hash
            of the subject decides, so that adding data never moves a subject to the other side.

    Returns:
        Clips to train on and clips held out.

    Raises:
        ConfigError: a pattern fits nothing, or one side is empty.
    """
    for pattern in holdout:
        if not any(_fits(clip, pattern) for clip in corpus.clips):
            raise ConfigError(
                f"--holdout {pattern}: no such subject or clip", hint=f"subjects are: {corpus.name_subjects()}"
            )
    is_held = [_is_held_out(clip, holdout) for clip in corpus.clips]
    held = tuple(clip for clip, out in zip(corpus.clips, is_held, strict=True) if out)
    kept = tuple(clip for clip, out in zip(corpus.clips, is_held, strict=True) if not out)
    if not held or not kept:
        side = "held out" if not held else "left to train on"
        raise ConfigError(
            f"no clip is {side}: one subject at least is trained on and one held out",
            hint=f"choose with --holdout SUBJECT; subjects are: {corpus.name_subjects()}",
        )
    return kept, held


def split_protocol(corpus: Corpus, protocol: str) -> tuple[tuple[Clip, ...], tuple[Clip, ...]]:
    """Part the clips as the papers on a data set do; a corpus may hold some of the subjects only.

    Of HumanEva, papers take three of the actions; the others are left out where there is anything else.

    Args:
        corpus: the data.
        protocol: "h36m" (train on S1, S5, S6, S7, S8, test on S9, S11) or "humaneva" (the data set's own parts).

    Returns:
        Clips to train on and clips to test on.

    Raises:
        ConfigError: there is no such protocol, or the corpus lacks all subjects of a side.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f"no protocol '{protocol}'", hint=f"the protocols are {', '.join(PROTOCOLS)}")
    sides = []
    for persons, purpose in zip(PROTOCOLS[protocol], ("train", "test"), strict=True):
        subjects = {f"{protocol}/{person}" for person in persons}
        clips = tuple(clip for clip in _of_papers(corpus.clips, protocol) if clip.subject in subjects)
        if not clips:
            there = corpus.name_subjects()
            raise ConfigError(
                f"protocol {protocol}: the corpus has none of the subjects to {purpose} on, {', '.join(persons)}",
                hint=f"its subjects are: {there}",
            )
        sides.append(clips)
    return sides[0], sides[1]


def left_out_actions(corpus: Corpus, protocol: str) -> tuple[str, ...]:
    """Actions of a corpus that papers leave out, sorted."""
    taken = {action_of(clip) for clip in _of_papers(corpus.clips, protocol)}
    return tuple(sorted({action_of(clip) for clip in corpus.clips} - taken))


def is_one_of(clip: Clip, patterns: Sequence[str]) -> bool:
    """Whether patterns of subjects or clip names name a clip."""
    return any(_fits(clip, pattern) for pattern in patterns)


def _of_papers(clips: Sequence[Clip], protocol: str) -> Sequence[Clip]:
    others = _HUMANEVA_OTHERS if protocol == "humaneva" else ()
    return [clip for clip in clips if action_of(clip) not in others] or clips


def _is_held_out(clip: Clip, holdout: Sequence[str]) -> bool:
    if holdout:
        return is_one_of(clip, holdout)
    return hashlib.sha256(clip.subject.encode()).digest()[0] % _ONE_IN == 0


def _fits(clip: Clip, pattern: str) -> bool:
    return fnmatchcase(clip.subject, pattern) or fnmatchcase(clip.name, pattern)
