"""``posedemo evaluate --protocol heldout``: people never trained on, beside two baselines that look at nothing.

The same sequences for every lifter: fixed seed, bodies and motion as recorded (but at the size of an average adult),
virtual cameras as in training, in one row level ones. "clean" 2D has the run time's definition of the joints and no
error, "noisy" has a detector's errors and missing joints, "legs hidden" MediaPipe's guess of legs that are out of the
picture. The protocols of the field's papers are in ``protocols``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..arrays import Float32Array
from ..errors import ConfigError
from ..lifter_contract import SCREEN
from ..skeleton import H36M17, part_of
from .bodies import face_forward, to_adult_size
from .chance import Chance
from .corpus import Clip, Corpus
from .detections import hide_legs
from .predictors import Predictor, cut_windows, lift_sequences, rate_notes
from .samples import SampleMaker
from .scores import Report, Scores, score
from .split import split_clips
from .views import action_of
from .windows import Motion, draw_windows, load_motion

LEVEL = "clean, level camera"
UPPER, LEGLESS = "clean, upper body", "clean, upper body, legs hidden"
"""Names of rows."""
_UPPER_BODY = tuple(joint for joint in H36M17.joints if part_of(joint) not in ("knee", "ankle"))

_SEED = 20_000
_SEQUENCE_FRAMES = 32
_LEAD_IN_FRAMES = 26
"""Frames before a sequence, which windows reach back to but which are not scored: a person has mostly been in the
picture for a while, and lifters of up to 27 frames are measured as they run then, not as they start."""
_MEAN_POSE_WINDOWS = 20_000
_SEQUENCES_OF_AN_ACTION = 64


@dataclass(frozen=True)
class HeldOut:
    """What is evaluated on: ``num_sequences`` sequences of about a second, drawn from held-out clips."""

    motion: Motion
    num_sequences: int = 512

    def sequences(self, *, detector_errors: bool, level: bool = False) -> tuple[Float32Array, Float32Array]:
        """2D (S, lead-in + F, 17, 2) and true 3D joints in metres of what is scored, (S, F, 17, 3)."""
        num_frames = _LEAD_IN_FRAMES + _SEQUENCE_FRAMES
        maker = SampleMaker(self.motion, num_frames, vary_motion=False, detector_errors=detector_errors, level=level)
        samples = maker.draw(Chance(_SEED), self.num_sequences)
        return samples.xy.numpy(), samples.xyz_m[:, _LEAD_IN_FRAMES:].numpy()

    def windows(self, predictor: Predictor) -> Float32Array:
        """The noisy windows (N, T, 17, 2) that a lifter is fed."""
        xy, _ = self.sequences(detector_errors=True)
        sequence, frame = np.divmod(np.arange(len(xy) * _SEQUENCE_FRAMES), _SEQUENCE_FRAMES)
        return cut_windows(xy, sequence, _LEAD_IN_FRAMES + frame, predictor)


def check_held_out_fits(predictor: Predictor, corpus: Corpus) -> None:
    """Refuse what virtual cameras cannot measure.

    Raises:
        ConfigError: the corpus or the lifter does not have the 17 joints of H36M, or the lifter expects people where
            the cameras of its training had them.
    """
    for what, skeleton in ((f"the lifter {predictor.name}", predictor.skeleton), ("the corpus", corpus.skeleton)):
        if skeleton != H36M17:
            raise ConfigError(
                f"{what} has the joints of {skeleton.name}, virtual cameras know those of {H36M17.name}",
                hint="evaluate with --protocol h36m or humaneva",
            )
    if predictor.normalisation == SCREEN:
        raise ConfigError(
            f"the lifter {predictor.name} takes people as the cameras of its training showed them, "
            "virtual cameras show them anywhere and of any size",
            hint="evaluate with --protocol h36m or humaneva",
        )


def evaluate(predictor: Predictor, held_out: HeldOut) -> dict[str, Scores]:
    """Scores on clean and on noisy 2D, in this order."""
    results = {}
    for name, detector_errors in (("clean", False), ("noisy", True)):
        xy, true_m = held_out.sequences(detector_errors=detector_errors)
        results[name] = score(lift_sequences(predictor, xy, first=_LEAD_IN_FRAMES), true_m)
    return results


def _evaluate_special_cases(predictor: Predictor, held_out: HeldOut) -> dict[str, Scores]:
    """Scores on clean 2D of a level camera, and of the upper body with the legs in the picture and without them."""
    xy, true_m = held_out.sequences(detector_errors=False, level=True)
    results = {LEVEL: score(lift_sequences(predictor, xy, first=_LEAD_IN_FRAMES), true_m)}
    seen_xy, true_m = held_out.sequences(detector_errors=False)
    hidden_xy = hide_legs(torch.from_numpy(seen_xy), Chance(_SEED)).numpy()
    for name, xy in ((UPPER, seen_xy), (LEGLESS, hidden_xy)):
        poses_m = lift_sequences(predictor, xy, first=_LEAD_IN_FRAMES)
        results[name] = score(poses_m, true_m, joints=_UPPER_BODY)
    return results


def evaluate_by_action(predictor: Predictor, corpus: Corpus, clips: Sequence[Clip]) -> dict[str, Scores]:
    """Scores by family of subjects and by action word, each on sequences of its own: they do not add up to the whole.

    Args:
        predictor: the lifter.
        corpus: the data.
        clips: the held-out clips.
    """
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        groups[f"family {clip.family}"].append(clip)
    for clip in sorted(clips, key=action_of):
        groups[f"action {action_of(clip)}"].append(clip)
    results = {}
    for group, members in groups.items():
        held_out = HeldOut(load_motion(corpus, members), _SEQUENCES_OF_AN_ACTION)
        for name, scores in evaluate(predictor, held_out).items():
            results[f"{name}, {group}"] = scores
    return results


def baselines(training: Motion, held_out: HeldOut) -> dict[str, Scores]:
    """What can be had without looking at the picture.

    "mean pose" always answers with the mean of the training poses in camera axes. "mean pose, true heading" answers
    with the mean of the training poses turned to face forward, and is told the true heading, pitch and roll of each
    person: the best that a single rigid pose can do.
    """
    _, true_m = held_out.sequences(detector_errors=False)
    maker = SampleMaker(training, 1, vary_motion=False, detector_errors=False)
    in_camera_m = maker.draw(Chance(_SEED), _MEAN_POSE_WINDOWS).xyz_m.mean(dim=(0, 1)).numpy()
    drawn_m = draw_windows(training, Chance(_SEED), _MEAN_POSE_WINDOWS, num_frames=1)
    facing_m = to_adult_size(face_forward(drawn_m))[:, 1].mean(dim=0).numpy()
    return {
        "mean pose": score(np.broadcast_to(in_camera_m, true_m.shape), true_m),
        "mean pose, true heading": score(_turned_like(facing_m, true_m), true_m),
    }


def _turned_like(pose_m: Float32Array, true_m: Float32Array) -> Float32Array:
    """Rotate one pose (17, 3) about the pelvis to fit the trunk of each true pose (S, F, 17, 3)."""
    trunk = [H36M17.index(name) for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder", "thorax")]
    correlation = np.einsum("ji,sfjk->sfik", pose_m[trunk], true_m[:, :, trunk])
    u, _, vt = np.linalg.svd(correlation)
    # The third axis takes the sign that makes the fit a rotation: neither person is mirrored.
    u[..., :, -1] *= (np.linalg.det(u) * np.linalg.det(vt))[..., None]
    turned: Float32Array = pose_m @ (u @ vt)
    return turned


def evaluate_held_out(
    predictor: Predictor, corpus: Corpus, holdout: Sequence[str], *, by_action: bool = False
) -> Report:
    """Measure a lifter on the held-out people of a corpus, beside the baselines.

    Args:
        predictor: the lifter.
        corpus: the data.
        holdout: patterns of the people; without any, those that the lifter was not trained on.
        by_action: also score each family and each action by itself.

    Raises:
        ConfigError: the lifter or the corpus does not fit, or nobody is held out.
    """
    check_held_out_fits(predictor, corpus)
    training, held = split_clips(corpus, holdout or predictor.holdout)
    held_out = HeldOut(load_motion(corpus, held))
    rows = {
        **evaluate(predictor, held_out),
        **_evaluate_special_cases(predictor, held_out),
        **baselines(load_motion(corpus, training), held_out),
    }
    if by_action:
        rows |= evaluate_by_action(predictor, corpus, held)
    facts = {
        "lifter": predictor.name,
        "protocol": "heldout",
        "held out": f"{len(held)} of {len(corpus.clips)} clips",
        "sequences": str(held_out.num_sequences),
    }
    return Report(facts, rows, rate_notes(predictor, {clip.rate_hz for clip in held}))
