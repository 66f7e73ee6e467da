"""What a run trains on and is measured by while it trains: virtual cameras on motion, or real views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from ..errors import ConfigError
from ..lifter_contract import SIGHT
from .config import TrainConfig
from .corpus import Clip, Corpus
from .evaluate import HeldOut, evaluate
from .lifter import Lifter
from .metrics import mpjpe, p_mpjpe
from .predictors import torch_predictor
from .samples import Maker, SampleMaker
from .split import PROTOCOL_OF_SKELETON, left_out_actions, split_clips, split_protocol
from .view_samples import ViewMaker, actions_in, make_views
from .views import require_skeleton, view_sequences
from .windows import load_motion

_SEQUENCES_WHILE_TRAINING = 64
_WINDOWS_WHILE_TRAINING = 1024
_BATCH = 512
_VIRTUAL_SKELETON = "h36m17"
_PAPER_HINT = "train on the real views with --preset paper"

Errors = Mapping[str, float]
"""Millimetres by column of the log, always the same columns for a kind of data."""


@dataclass(frozen=True)
class TrainingData:
    """What a run needs of a corpus.

    Attributes:
        config: settings, completed by what follows from the data: rate, steps of the epochs, number of actions.
        maker: makes the samples.
        measure: errors of a lifter on held-out data; few, so that training goes on soon.
        summary: a line about it.
    """

    config: TrainConfig
    maker: Maker
    measure: Callable[[Lifter], Errors]
    summary: str


def load_training_data(
    corpus: Corpus, config: TrainConfig, holdout: Sequence[str], *, device: torch.device | None = None
) -> TrainingData:
    """Take from a corpus what a configuration asks for.

    Args:
        corpus: the data.
        config: settings.
        holdout: patterns of the held-out subjects; without any, a hash decides, or for views their protocol.
        device: where views are kept.

    Raises:
        ConfigError: the corpus does not have it, or has another skeleton or rate.
    """
    try:
        require_skeleton(corpus, config.skeleton, f"this run of {config.lifter}")
    except ConfigError as error:
        raise ConfigError(error.message, hint=_PAPER_HINT if corpus.xy_px else error.hint) from error
    if config.data == "virtual":
        return _virtual(corpus, config, holdout)
    if config.data == "views":
        return _views(corpus, config, holdout, device or torch.device("cpu"))
    raise ConfigError(f"unknown data '{config.data}'", hint="there are: virtual, views")


def _virtual(corpus: Corpus, config: TrainConfig, holdout: Sequence[str]) -> TrainingData:
    require_skeleton(corpus, _VIRTUAL_SKELETON, "training on virtual cameras")
    if config.epochs:
        raise ConfigError("virtual cameras make endless samples, which have no epochs", hint="use --steps instead")
    for is_given, option in ((config.source != "gt", "--2d"), (config.protocol, "--protocol"), (config.flip, "--flip")):
        if is_given:
            raise ConfigError(f"{option} is for real views, and these are virtual ones", hint="use --preset paper")
    if config.lifter == "global-gcn" and config.network.get("action_head", True):
        raise ConfigError(
            "the action head needs the actions of real views", hint="switch it off: --network action_head=false"
        )
    if corpus.xy_px:
        raise ConfigError(
            "the corpus has what real cameras saw, and this preset looks at motion with virtual ones", hint=_PAPER_HINT
        )
    kept, held = split_clips(corpus, holdout)
    _require_rate(corpus.clips, config.rate_hz)
    held_out = HeldOut(load_motion(corpus, held), num_sequences=_SEQUENCES_WHILE_TRAINING)

    def measure(lifter: Lifter) -> Errors:
        predictor = replace(
            torch_predictor(lifter, config.num_frames),
            look_ahead=config.look_ahead,
            normalisation=config.normalisation,
        )
        return {
            f"{kind}_{name}": getattr(score, name)
            for kind, score in evaluate(predictor, held_out).items()
            for name in ("mpjpe_mm", "p_mpjpe_mm")
        }

    maker = SampleMaker(
        load_motion(corpus, kept),
        config.num_frames,
        config.look_ahead,
        turned=config.normalisation == SIGHT,
        exact_share=config.exact_share,
    )
    return TrainingData(config, maker, measure, f"{len(kept)} clips, {len(held)} are held out")


def _views(corpus: Corpus, config: TrainConfig, holdout: Sequence[str], device: torch.device) -> TrainingData:
    if config.exact_share:
        raise ConfigError(
            "--exact-share is for virtual cameras, and these views are real ones", hint="choose their 2D joints by --2d"
        )
    protocol = config.protocol or PROTOCOL_OF_SKELETON[config.skeleton]
    kept, held = split_clips(corpus, holdout) if holdout else split_protocol(corpus, protocol)
    rate_hz = corpus.clips[0].rate_hz
    _require_rate(corpus.clips, rate_hz)
    sequences, held_sequences = (view_sequences(corpus, clips, config.source) for clips in (kept, held))
    names = actions_in([*sequences, *held_sequences])
    if config.lifter == "global-gcn" and config.network.get("action_head", True):
        config = replace(config, network={**config.network, "num_actions": len(names)})
    maker, held_maker = (
        make_views(
            some,
            corpus.skeleton,
            num_frames=config.num_frames,
            look_ahead=config.look_ahead,
            flip=config.flip and some is sequences,
            action_names=names,
        ).to(device)
        for some in (sequences, held_sequences)
    )
    steps = -(-config.epochs * maker.epoch_length // config.batch_size) if config.epochs else config.steps
    config = replace(config, protocol=protocol, rate_hz=rate_hz, steps=steps)

    def measure(lifter: Lifter) -> Errors:
        return _errors_on_views(lifter, held_maker, target=config.target)

    summary = f"{len(maker)} windows of {len(sequences)} views by '{config.source}', {len(held_maker)} are held out"
    if not holdout and (left_out := left_out_actions(corpus, protocol)):
        summary += f"; left out, as in the paper: {', '.join(left_out)}"
    return TrainingData(config, maker, measure, summary)


def _errors_on_views(lifter: Lifter, held: ViewMaker, *, target: int) -> Errors:
    rows = torch.linspace(0, len(held) - 1, min(len(held), _WINDOWS_WHILE_TRAINING)).long()
    lifter.eval()
    predicted: list[npt.NDArray[np.float32]] = []
    true: list[npt.NDArray[np.float32]] = []
    with torch.inference_mode():
        for some in torch.split(rows, _BATCH):
            samples = held.windows(some)
            predicted.append(lifter(samples.xy).cpu().numpy())
            true.append(samples.xyz_m[:, target].cpu().numpy())
    poses_m, true_m = np.concatenate(predicted), np.concatenate(true)
    return {
        "mpjpe_mm": 1000 * float(mpjpe(poses_m, true_m).mean()),
        "p_mpjpe_mm": 1000 * float(p_mpjpe(poses_m, true_m).mean()),
    }


def _require_rate(clips: Sequence[Clip], rate_hz: float) -> None:
    for clip in clips:
        if abs(clip.rate_hz - rate_hz) > 0.1:
            raise ConfigError(
                f"clip {clip.name} has {clip.rate_hz:g} frames a second, the preset needs {rate_hz:g}",
                hint=f"prepare the corpus with --rate {rate_hz:g}",
            )
