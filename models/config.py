"""Settings of a training run: one frozen dataclass and its presets. A checkpoint carries them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import ConfigError

Options = Mapping[str, int | float | bool | str]


@dataclass(frozen=True)
class TrainConfig:
    """Everything that shapes a run but the corpus. Presets state what they have otherwise than the defaults.

    Attributes:
        lifter: name in ``lifter.NETWORKS``.
        network: keyword arguments of the network.
        num_frames: length of the window that the lifter sees.
        rate_hz: frame rate of the corpus, and so of the lifter; real views bring their own.
        loss: name in ``losses.LOSSES``.
        batch_size: windows a step.
        steps: length of the schedule; a time limit can end it earlier. With ``epochs`` it follows from the data.
        learning_rate: at the top of the schedule.
        weight_decay: of AdamW and Muon, for matrices only.
        warm_up_steps: over which the learning rate rises, in the schedule that has a warm-up.
        clip_norm: largest L2 norm of the gradient; infinite for any.
        seed: of the weights, and of everything random in the data.
        skeleton: name of the joints.
        normalisation: of the 2D joints: ``"sight"`` (the camera is turned to the person, then as follows),
            ``"person"`` (inside the lifter, by place and size), or ``"screen"`` (as they come).
        data: ``"virtual"`` cameras look at motion, or ``"views"`` of real cameras come with the corpus.
        source: which 2D joints of the views.
        protocol: split of the views: ``"h36m"`` or ``"humaneva"``; empty for the one of the skeleton.
        epochs: passes through all windows of the views; 0 where ``steps`` counts.
        optimiser: name in ``optimisers.OPTIMISERS``.
        schedule: name in ``schedules.SCHEDULES``.
        flip: every window of the views also in a mirror, which makes an epoch twice as long.
        last_norm_momentum: to which the momentum of batch normalisation falls exponentially, from 0.1 on.
        action_weight: of the action's cross-entropy, where the network has that head.
        reconstruction_weight: of the pose from the global node's embedding, where the network has that head.
        sequence_weight: of the sequence, where the network has that head.
        stages: ``"joint"``, or ``"two_stage"``: GLA-GCN's sequence first, then its target frame.
        ema: decay of the moving average of the weights, which is then what is evaluated and exported; 0 for none.
        exact_share: of the windows before virtual cameras, those whose 2D joints have no errors of a detector.
        amp: bfloat16 where PyTorch's autocast chooses it.
    """

    lifter: str
    network: Options = field(default_factory=dict)
    num_frames: int = 1
    rate_hz: float = 30.0
    loss: str = "mpjpe"
    batch_size: int = 256
    steps: int = 16_000
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    warm_up_steps: int = 300
    clip_norm: float = 1.0
    seed: int = 1
    skeleton: str = "h36m17"
    normalisation: str = "person"
    data: str = "virtual"
    source: str = "gt"
    protocol: str = ""
    epochs: int = 0
    optimiser: str = "adamw"
    schedule: str = "warm-up-cosine"
    flip: bool = False
    last_norm_momentum: float = 0.1
    action_weight: float = 0.01
    reconstruction_weight: float = 0.1
    sequence_weight: float = 1.0
    stages: str = "joint"
    ema: float = 0.0
    exact_share: float = 0.0
    amp: bool = False

    @property
    def look_ahead(self) -> int:
        """Frames of the window after the target."""
        return int(self.network.get("look_ahead", 0))

    @property
    def target(self) -> int:
        """Index of the target frame in the window."""
        return self.num_frames - 1 - self.look_ahead


PRESETS: Mapping[tuple[str, str], TrainConfig] = {
    # What is shipped, for hours of two slow cores: the temporal two are narrower than published, and learn fastest when
    # they begin with single frames and go on from there. Dropout would only slow them down: no sample comes twice.
    ("semgcn", "live"): TrainConfig(
        lifter="semgcn",
        network={"joint_embedding": True},
        normalisation="sight",
        optimiser="muon",
        learning_rate=0.02,
    ),
    ("global-gcn", "live"): TrainConfig(
        lifter="global-gcn",
        network={"action_head": False, "joint_embedding": True},
        normalisation="sight",
        optimiser="muon",
        learning_rate=0.02,
    ),
    ("dg-net", "live"): TrainConfig(
        lifter="dg-net",
        # The skeleton's graph beside the dynamical ones: a single frame has no movement to find neighbours by.
        network={"channels": 64, "static": True, "dropout": 0.0},
        num_frames=27,
        normalisation="sight",
        batch_size=64,
        exact_share=0.3,
        optimiser="muon",
        learning_rate=0.02,
    ),
    ("gla-gcn", "live"): TrainConfig(
        lifter="gla-gcn",
        network={
            "channels": 64,
            "kernel": 3,
            "global_blocks": 0,
            "joint_embedding": True,
            "framewise": True,
            "dropout": 0.0,
        },
        num_frames=27,
        normalisation="sight",
        batch_size=64,
        exact_share=0.3,
        optimiser="muon",
        learning_rate=0.02,
    ),
    # The papers' recipes, on real views. "Code" is the authors' public code; "inferred" is this project's own choice
    # where neither was at hand, so that nothing trained with it is a reproduction.
    ("semgcn", "paper"): TrainConfig(
        lifter="semgcn",
        network={"non_local": True, "channel_wise": False},  # paper: Config #1, 0.43 million parameters
        data="views",
        normalisation="screen",  # code; the paper centres the 2D joints instead
        loss="joints",  # paper: Eq. 7 without bones for Config #1; code: as a mean
        optimiser="adam",  # paper and code
        learning_rate=1e-3,  # paper and code
        schedule="steps",  # code: x0.96 every 100,000 steps; the paper halves on plateaus of the validation
        batch_size=64,  # paper and code
        epochs=30,  # code, for true 2D joints (50 without non-local blocks); the paper says 200
        clip_norm=1.0,  # code
        weight_decay=0.0,
    ),
    ("global-gcn", "paper"): TrainConfig(
        lifter="global-gcn",
        # Inferred, as all of this recipe, from SemGCN and from other code of the authors. The action is one of the two
        # auxiliary tasks of the abstract; --network action_head=false embedding_head=true trains the other.
        network={"action_head": True, "embedding_head": False, "joint_embedding": True},
        data="views",
        normalisation="screen",  # inferred
        loss="joints",  # inferred
        action_weight=0.01,  # inferred: a converged joint loss is about 0.001, a cross-entropy about 1
        reconstruction_weight=0.1,  # inferred
        optimiser="adam",  # inferred
        learning_rate=1e-3,  # inferred
        schedule="steps",  # inferred
        batch_size=64,  # inferred
        epochs=50,  # inferred, for true 2D joints
        clip_norm=1.0,  # inferred
        weight_decay=0.0,
    ),
    ("dg-net", "paper"): TrainConfig(
        lifter="dg-net",
        # Inferred, as all of this recipe, from what video lifters did in those years.
        network={"channels": 128, "look_ahead": 13},  # inferred; the centre
        num_frames=27,  # inferred: "fewer frames"
        data="views",
        normalisation="screen",  # inferred
        loss="mpjpe",  # inferred
        optimiser="amsgrad",  # inferred
        learning_rate=1e-3,  # inferred
        schedule="epochs",  # inferred: x0.95 an epoch
        batch_size=512,  # inferred: 256 to 1024
        epochs=80,  # inferred: 60 to 80
        flip=True,  # inferred
        last_norm_momentum=0.001,  # inferred
        clip_norm=math.inf,  # inferred: none
        weight_decay=0.0,
    ),
    ("gla-gcn", "paper"): TrainConfig(
        lifter="gla-gcn",
        # Width and kernel: code. Sequence and individual layers: paper, the code for Human3.6M has neither.
        network={"channels": 96, "kernel": 9, "look_ahead": 121},  # paper and code: the centre
        num_frames=243,  # paper and code
        data="views",
        normalisation="screen",  # code
        loss="mpjpe",  # paper: Eq. 4 and 7
        sequence_weight=1.0,  # code for MPI-INF-3DHP: the plain sum
        optimiser="ranger",  # code
        learning_rate=1e-2,  # code
        schedule="cosine",  # code: to 1e-5 over all epochs
        batch_size=512,  # code
        epochs=80,  # code
        flip=True,  # inferred: an option of the code for Human3.6M that is off by default, on for HumanEva
        last_norm_momentum=0.001,  # code
        clip_norm=math.inf,  # code: none
        weight_decay=0.0,  # code
    ),
    # Seconds: for tests, and for a first look whether data and machine work.
    ("global-gcn", "tiny"): TrainConfig(
        lifter="global-gcn",
        network={"channels": 32, "num_blocks": 2, "action_head": False},
        batch_size=64,
        steps=200,
        warm_up_steps=10,
    ),
    ("dg-net", "tiny"): TrainConfig(
        lifter="dg-net", network={"channels": 16}, num_frames=9, batch_size=32, steps=200, warm_up_steps=10
    ),
    ("gla-gcn", "tiny"): TrainConfig(
        lifter="gla-gcn",
        network={"channels": 16, "kernel": 3, "global_blocks": 0},
        num_frames=9,
        batch_size=32,
        steps=200,
        warm_up_steps=10,
    ),
    ("semgcn", "tiny"): TrainConfig(
        lifter="semgcn",
        network={"channels": 32, "num_blocks": 2},
        batch_size=64,
        steps=200,
        warm_up_steps=10,
    ),
}

_PAPER_EPOCHS_ON_DETECTIONS = {"semgcn": 100, "global-gcn": 100}
"""Epochs where the 2D joints are a detector's: code for SemGCN, inferred for the Global-node GCN."""


def preset(lifter: str, name: str, *, skeleton: str = "h36m17", source: str = "gt") -> TrainConfig:
    """Look up a preset.

    Args:
        lifter: the lifter.
        name: of the preset.
        skeleton: of the corpus; the papers' recipes follow it, every other preset has a skeleton of its own.
        source: 2D joints that will be trained on.

    Raises:
        ConfigError: there is none of that name for the lifter; names those there are.
    """
    if (lifter, name) not in PRESETS:
        known = ", ".join(" ".join(key) for key in PRESETS)
        raise ConfigError(f"no preset '{name}' for the lifter '{lifter}'", hint=f"there are: {known}")
    config = PRESETS[lifter, name]
    if config.data != "views":
        return config
    config = replace(config, skeleton=skeleton, source=source)
    if lifter in _PAPER_EPOCHS_ON_DETECTIONS and source != "gt":
        config = replace(config, epochs=_PAPER_EPOCHS_ON_DETECTIONS[lifter])
    if skeleton == "humaneva15" and config.schedule == "steps":
        # Inferred: none of these papers used HumanEva, and 100,000 steps are more than its schedule has.
        config = replace(config, schedule="cosine")
    if (lifter, skeleton) == ("gla-gcn", "humaneva15"):
        config = with_window(config, num_frames=27)  # code, as the two that follow
        return replace(config, batch_size=1024, epochs=1000)
    return config


def with_window(config: TrainConfig, *, num_frames: int | None = None, look_ahead: int | None = None) -> TrainConfig:
    """Change the window. A target in the centre stays in the centre of a window of another length.

    Raises:
        ConfigError: ``look_ahead`` does not lie in the window.
    """
    frames = config.num_frames if num_frames is None else num_frames
    network = dict(config.network)
    if look_ahead is not None:
        if not 0 <= look_ahead < frames:
            raise ConfigError(f"a window of {frames} frames has no frame with {look_ahead} after it")
        network["look_ahead"] = look_ahead
    elif config.look_ahead:
        is_centred = config.look_ahead == config.num_frames // 2
        network["look_ahead"] = frames // 2 if is_centred else min(config.look_ahead, frames - 1)
    return replace(config, num_frames=frames, network=network)
