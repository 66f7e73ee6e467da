"""The protocols of the field's papers: every frame that the cameras of the test subjects saw.

Human3.6M: trained on S1, S5, S6, S7 and S8, tested on S9 and S11, one row for each of the 15 actions and the mean of
the rows ("action-wise"), with which papers are compared; the mean of all frames differs from it by some tenths of a
millimetre. P1 is MPJPE, P2 is P-MPJPE. HumanEva-I: tested on the "Validate" part, one row for each action and subject;
papers quote P-MPJPE there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tqdm import tqdm

from ..arrays import Float32Array
from ..errors import ConfigError
from ..lifter_contract import SIGHT
from ..remap import own_trunk
from ..skeleton import H36M17
from .corpus import Corpus
from .predictors import Predictor, lift_sequences, rate_notes
from .scores import Report, Scores, SequenceScores, mean_of_frames, mean_of_rows, score
from .split import HUMANEVA_ACTIONS, PROTOCOL_OF_SKELETON, is_one_of, left_out_actions, split_protocol
from .views import ViewSequence, action_of, view_sequences

H36M_ACTIONS = (
    "Directions",
    "Discussion",
    "Eating",
    "Greeting",
    "Phoning",
    "Photo",
    "Posing",
    "Purchases",
    "Sitting",
    "SittingDown",
    "Smoking",
    "Waiting",
    "WalkDog",
    "Walking",
    "WalkTogether",
)
"""In the order of the papers' tables."""

_WALKING_AND_JOG = ("Walking", "Jog")
"""Many papers give the mean of these two alone, GLA-GCN's among them."""

MEAN_OF_ACTIONS, MEAN_OF_ROWS, MEAN_OF_FRAMES = "mean of actions", "mean of rows", "mean of frames"


def protocol_of(corpus: Corpus) -> str | None:
    """The protocol of the data set that a corpus was made from; None without views of cameras."""
    return PROTOCOL_OF_SKELETON[corpus.skeleton.name] if corpus.xy_px else None


def evaluate_protocol(predictor: Predictor, corpus: Corpus, protocol: str, source: str) -> Report:
    """Measure a lifter as the papers on a data set do.

    Args:
        predictor: the lifter.
        corpus: made from the field's files.
        protocol: "h36m" or "humaneva".
        source: which 2D joints: "gt" or a detector's.

    Raises:
        ConfigError: the lifter has another skeleton than the corpus, or the corpus lacks the subjects or the 2D joints.
    """
    if corpus.skeleton != predictor.skeleton:
        raise ConfigError(
            f"the lifter {predictor.name} has the joints of {predictor.skeleton.name}, "
            f"the corpus those of {corpus.skeleton.name}",
            hint="choose a lifter that was trained on that skeleton",
        )
    sequences = view_sequences(corpus, split_protocol(corpus, protocol)[1], source)
    notes = (*_notes(predictor, sequences, protocol, source), *_notes_on_split(predictor, corpus, sequences, protocol))
    measured = measure_sequences(predictor, sequences)
    facts = {
        "lifter": predictor.name,
        "protocol": protocol,
        "2D": source,
        "frames": str(sum(sequence.num_frames for sequence in measured)),
    }
    return Report(facts, ROWS[protocol](measured), notes)


def measure_sequences(predictor: Predictor, sequences: Sequence[ViewSequence]) -> list[SequenceScores]:
    """Lift every frame of every sequence and compare; nothing reaches from one sequence into another."""
    measured = []
    for sequence in tqdm(sequences, desc="evaluating", unit="sequence", disable=None, leave=False):
        xy = _as_known(sequence, predictor)
        predicted_m = lift_sequences(predictor, xy[None], plane_scale=sequence.plane_scale)[0]
        scores = score(predicted_m, sequence.xyz_m, predictor.skeleton)
        clip = sequence.clip
        measured.append(SequenceScores(action_of(clip), clip.subject.rpartition("/")[2], len(predicted_m), scores))
    return measured


def _as_known(sequence: ViewSequence, predictor: Predictor) -> Float32Array:
    """A sequence's 2D joints as the lifter had them in its training.

    Those that turn the camera learned from the program's own joints, whose trunk the data set has elsewhere; the others
    learned from such files.
    """
    is_ours = predictor.normalisation == SIGHT and predictor.skeleton is H36M17
    return own_trunk(sequence.xy) if is_ours else sequence.xy


def h36m_rows(measured: Sequence[SequenceScores]) -> dict[str, Scores]:
    """A row for each action over all subjects, cameras and frames, and the two means."""
    rows = {
        action: mean_of_frames([sequence for sequence in measured if sequence.action == action])
        for action in _ordered({sequence.action for sequence in measured}, H36M_ACTIONS)
    }
    return {**rows, MEAN_OF_ACTIONS: mean_of_rows(list(rows.values())), MEAN_OF_FRAMES: mean_of_frames(measured)}


def humaneva_rows(measured: Sequence[SequenceScores]) -> dict[str, Scores]:
    """A row for each action and subject; the mean of each action's rows, of those of Walking and Jog, of all rows, and
    of all frames."""
    rows: dict[str, Scores] = {}
    means: dict[str, Scores] = {}
    for action in _ordered({sequence.action for sequence in measured}, HUMANEVA_ACTIONS):
        of_action = {}
        for subject in sorted({sequence.subject for sequence in measured if sequence.action == action}):
            cell = [sequence for sequence in measured if (sequence.action, sequence.subject) == (action, subject)]
            of_action[f"{action} {subject}"] = mean_of_frames(cell)
        rows |= of_action
        means[f"{action}, mean of subjects"] = mean_of_rows(list(of_action.values()))
    if len(means) > len(_WALKING_AND_JOG):
        both = [scores for name, scores in rows.items() if name.startswith(_WALKING_AND_JOG)]
        means[f"{' and '.join(_WALKING_AND_JOG)}, mean of rows"] = mean_of_rows(both)
    return {**rows, **means, MEAN_OF_ROWS: mean_of_rows(list(rows.values())), MEAN_OF_FRAMES: mean_of_frames(measured)}


ROWS: Mapping[str, Callable[[Sequence[SequenceScores]], dict[str, Scores]]] = {
    "h36m": h36m_rows,
    "humaneva": humaneva_rows,
}
"""Rows of the table, by protocol."""


def _notes(predictor: Predictor, sequences: Sequence[ViewSequence], protocol: str, source: str) -> tuple[str, ...]:
    """What keeps the numbers from being compared with those of papers."""
    found = list(rate_notes(predictor, {sequence.clip.rate_hz for sequence in sequences}))
    if predictor.source not in (None, source):
        found.append(f"the lifter was trained on the 2D joints of '{predictor.source}', these are of '{source}'")
    actions = {action_of(sequence.clip) for sequence in sequences}
    if protocol == "h36m" and actions != set(H36M_ACTIONS):
        missing = ", ".join(_ordered(set(H36M_ACTIONS) - actions, H36M_ACTIONS)) or "none"
        others = ", ".join(sorted(actions - set(H36M_ACTIONS))) or "none"
        found.append(f"these are not the 15 actions of the papers (missing: {missing}; others: {others})")
    return tuple(found)


def _notes_on_split(
    predictor: Predictor, corpus: Corpus, sequences: Sequence[ViewSequence], protocol: str
) -> Iterator[str]:
    """What was left out, and who was not left out of the training."""
    if left_out := left_out_actions(corpus, protocol):
        yield f"left out, as in the papers: {', '.join(left_out)}"
    # Of a lifter trained on other data the patterns say nothing about these people.
    is_of_views = predictor.source is not None
    held_out = [pattern for pattern in predictor.holdout if is_of_views or pattern.startswith(f"{protocol}/")]
    trained_on = {sequence.clip.subject for sequence in sequences if not is_one_of(sequence.clip, held_out)}
    if held_out and trained_on:
        yield f"the lifter was trained on some of these people: {', '.join(sorted(trained_on))}"


def _ordered(actions: set[str], order: Sequence[str]) -> list[str]:
    """Known actions in their order, then the others by name."""
    return [action for action in order if action in actions] + sorted(actions - set(order))
