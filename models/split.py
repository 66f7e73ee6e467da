"""Which clips are held out for evaluation. The only place that decides it, always by person, never by frame.

Takes of one action by one person are nearly the same, so a split by frame or by clip would measure memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..errors import ConfigError
from .corpus import Clip, Corpus

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
            subjects = ", ".join(sorted({clip.subject for clip in corpus.clips})[:20])
            raise ConfigError(f"--holdout {pattern}: no such subject or clip", hint=f"subjects are: {subjects}")
    is_held = [_is_held_out(clip, holdout) for clip in corpus.clips]
    held = tuple(clip for clip, out in zip(corpus.clips, is_held, strict=True) if out)
    kept = tuple(clip for clip, out in zip(corpus.clips, is_held, strict=True) if not out)
    if not held or not kept:
        side = "held out" if not held else "left to train on"
        raise ConfigError(f"no clip is {side}", hint="choose the held-out subjects with --holdout SUBJECT")
    return kept, held


def _is_held_out(clip: Clip, holdout: Sequence[str]) -> bool:
    if holdout:
        return any(_fits(clip, pattern) for pattern in holdout)
    return hashlib.sha256(clip.subject.encode()).digest()[0] % _ONE_IN == 0


def _fits(clip: Clip, pattern: str) -> bool:
    return fnmatchcase(clip.subject, pattern) or fnmatchcase(clip.name, pattern)
