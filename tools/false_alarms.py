"""How often true motion is taken for a jump or for swapped sides: the thresholds of ``motion_quality`` on a corpus.

    python tools/false_alarms.py CORPUS.npz

A corpus of motion capture (made by ``posedemo prepare``) has no jumps and no swaps but errors of the capture itself.
It is looked at at its own frame rate and at lower ones, where people come farther between two frames.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from posedemo import motion_quality
from posedemo.models.corpus import Corpus, read_corpus
from posedemo.skeleton import H36M17

_EVERY = (1, 2, 3)


def false_alarms(corpus: Corpus, every: int) -> str:
    """A line about every so manieth frame of all clips."""
    num_jumps = num_swaps = num_steps = 0
    fastest = [0.0]
    for clip in corpus.clips:
        xyz_m = corpus.xyz_m[clip.start : clip.start + clip.length : every]
        xyz_m = xyz_m - xyz_m[:, [H36M17.index("pelvis")]]
        time_s = np.arange(len(xyz_m)) * every / clip.rate_hz
        num_jumps += int(motion_quality.find_jumps(xyz_m, time_s).sum())
        num_swaps += int(motion_quality.find_swaps(xyz_m).sum())
        num_steps += max(0, len(xyz_m) - 1)
        fastest.append(float(motion_quality.speeds(xyz_m, time_s).max(initial=0.0)))
    rates = ", ".join(f"{rate / every:g}" for rate in sorted({clip.rate_hz for clip in corpus.clips}))
    return f"{rates} Hz: {num_steps} steps, {num_jumps} jumps, {num_swaps} swaps, fastest {max(fastest):.1f} m/s"


def main() -> int:
    """Print a line for each frame rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    corpus = read_corpus(parser.parse_args().corpus)
    if corpus.skeleton != H36M17:
        print(f"{corpus.skeleton.name} is not {H36M17.name}", file=sys.stderr)
        return 2
    for every in _EVERY:
        print(false_alarms(corpus, every))
    return 0


if __name__ == "__main__":
    sys.exit(main())
