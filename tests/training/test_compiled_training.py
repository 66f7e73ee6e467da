"""``posedemo train --compile``: the same steps, or one sentence where there is no compiler."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from posedemo.errors import ConfigError
from posedemo.models.chance import Chance
from posedemo.models.config import preset
from posedemo.models.corpus import read_corpus
from posedemo.models.run import Run, require_compiler
from posedemo.models.samples import SampleMaker
from posedemo.models.windows import load_motion


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_compiled_steps_are_those_of_plain_pytorch(corpus_path: Path) -> None:
    corpus = read_corpus(corpus_path)
    config = preset("global-gcn", "tiny")
    maker = SampleMaker(load_motion(corpus, corpus.clips), num_frames=1)
    plain, compiled = (Run(config, maker, compiled=one) for one in (False, True))
    for step in range(3):
        # Sums in another order: a few parts in a million, a step later somewhat more.
        torch.testing.assert_close(compiled.advance(step / 200), plain.advance(step / 200), rtol=1e-3, atol=1e-4)
    xy = maker.draw(Chance(1), 8).xy
    torch.testing.assert_close(compiled.lifter.eval()(xy), plain.lifter.eval()(xy), rtol=1e-2, atol=1e-2)
    assert compiled.lifter.state_dict().keys() == plain.lifter.state_dict().keys()


def test_without_a_compiler_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ConfigError, match=r"needs a C\+\+ compiler"):
        require_compiler(torch.device("cpu"))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ConfigError, match="no-such-compiler"):
        require_compiler(torch.device("cpu"))
