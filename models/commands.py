"""The training side's sub-commands: arguments in, a call, an exit code out. Found by the command line by name.

Nothing heavy is imported before a command runs, so ``--help`` works and is quick without PyTorch.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import above_zero, file_path, number_within, whole_number
from ..command import Command, add_fov
from ..errors import ConfigError, ModelError
from ..outputs import check_outputs, write_whole, writing
from ..pinhole import DEFAULT_FOV_DEG
from ..settings import SMOOTH_CHOICES
from .config import PRESETS, TrainConfig, preset

if TYPE_CHECKING:
    import torch


def _require(*libraries: str) -> None:
    for library in libraries:
        try:
            importlib.import_module(library)
        except ImportError as error:
            raise ModelError(
                f"training needs {library}, which is not installed", "pip install '.[train]' in a checkout"
            ) from error


def _set_threads(threads: int | None) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


def _or_zero(text: str) -> int:
    return whole_number(text, lowest=0)


def _share(text: str) -> float:
    return number_within(text, (0, 1), "a share", "of all")


def _add_data(parser: argparse._ActionsContainer, *, required: bool = True) -> None:
    parser.add_argument(
        "--data", type=file_path, required=required, metavar="CORPUS.npz", help="made by: posedemo prepare"
    )
    parser.add_argument(
        "--holdout",
        nargs="+",
        default=[],
        metavar="SUBJECT",
        help="subjects (or clips) that are not trained on but evaluated on, with * as a wildcard; default: by hash, or "
        "for the field's files those that the papers test on",
    )
    parser.add_argument("--threads", type=whole_number, help="number of CPU threads")


_PREPARE_DESCRIPTION = """\
Turn motion into a corpus: one file of plain arrays, which training and evaluation read. Sources are either BVH files,
in folders and zips, or the standard files of one of the field's data sets, side by side:

  posedemo prepare motion.zip folder/ --output corpus.npz
  posedemo prepare data_3d_h36m.npz data_2d_h36m_cpn_ft_h36m_dbb.npz --trust-pickle --output h36m.npz
  posedemo prepare data_3d_humaneva15.npz data_2d_humaneva15_gt.npz --trust-pickle --output humaneva.npz

The field's files are Python pickles, a format that can run programs when it is read, so --trust-pickle is asked for.
Even then all but plain arrays, dicts and lists is refused. The corpus holds no pickles.
"""


def _add_prepare(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _PREPARE_DESCRIPTION
    parser.add_argument(
        "sources",
        nargs="+",
        type=file_path,
        metavar="SOURCE",
        help="folder, zip or file of BVH motion, or field's files",
    )
    parser.add_argument("--output", type=file_path, required=True, metavar="CORPUS.npz", help="file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace the corpus if it exists")
    parser.add_argument("--map", type=file_path, metavar="FILE.toml", help="joint map, where no built-in one fits")
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out files by name; may be repeated"
    )
    parser.add_argument("--rate", type=above_zero, metavar="HZ", help="frame rate of a corpus from BVH files (30)")
    parser.add_argument("--unit", choices=["auto", "cm", "m", "inch"], default="auto", help="length unit of BVH files")
    parser.add_argument(
        "--trust-pickle", action="store_true", help="read the field's files, which are pickles (see above)"
    )


def _run_prepare(arguments: argparse.Namespace) -> int:
    from .prepare import prepare

    with writing(arguments.output):
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
    check_outputs([arguments.output], inputs=arguments.sources, overwrite=arguments.overwrite)
    corpus = prepare(
        arguments.sources,
        arguments.output,
        map_file=arguments.map,
        exclude=arguments.exclude,
        rate_hz=arguments.rate,
        unit=arguments.unit,
        trust_pickle=arguments.trust_pickle,
    )
    minutes = sum(clip.length / clip.rate_hz for clip in corpus.clips) / 60
    sys.stdout.write(
        f"{arguments.output}: {len(corpus.clips)} clips, {len(corpus.xyz_m)} frames, {minutes:.1f} min\n"
        f"subjects: {corpus.name_subjects()}\n"
    )
    return 0


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lifter", choices=sorted({lifter for lifter, _ in PRESETS}), required=True, help="network")
    parser.add_argument("--output", type=file_path, required=True, metavar="DIR", help="folder for checkpoint and log")
    parser.add_argument("--preset", choices=sorted({name for _, name in PRESETS}), help="settings (live)")
    parser.add_argument(
        "--max-minutes",
        type=above_zero,
        default=math.inf,
        metavar="M",
        help="time limit of the whole run, with what it took before --resume",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in DIR")
    parser.add_argument("--seed", type=_or_zero, help="for weights and samples")
    parser.add_argument(
        "--start-from", type=file_path, metavar="CHECKPOINT", help="begin with the weights of another run"
    )
    _add_recipe(parser.add_argument_group("in place of the preset's"))
    _add_data(parser)
    parser.add_argument("--2d", dest="source", metavar="NAME", help="2D joints of real views (gt)")
    parser.add_argument("--protocol", choices=["h36m", "humaneva"], help="split of real views; default: the corpus's")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to train (auto)")
    parser.add_argument(
        "--compile",
        dest="compiled",
        action="store_true",
        help="let PyTorch compile the steps: a minute at first, then faster for dg-net and gla-gcn, but not with --amp",
    )


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--frames", type=whole_number, metavar="T", help="length of the window: 1, 9, 27, 81 or 243")
    group.add_argument("--look-ahead", type=_or_zero, metavar="L", help="frames of it after the target")
    group.add_argument("--batch-size", type=whole_number, metavar="N", help="windows a step")
    group.add_argument("--epochs", type=whole_number, metavar="N", help="passes through real views")
    group.add_argument("--steps", type=whole_number, metavar="N", help="length of the schedule")
    group.add_argument("--learning-rate", type=above_zero, metavar="RATE", help="the highest of the schedule")
    group.add_argument("--loss", choices=["mpjpe", "joints", "joints+bones"], help="what compares poses")
    group.add_argument("--stages", choices=["joint", "two_stage"], help="GLA-GCN: with or after its sequence")
    group.add_argument(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="every window of real views also in a mirror: an epoch is twice as long",
    )
    group.add_argument("--ema", type=above_zero, metavar="DECAY", help="average the weights; 0.999 is usual")
    group.add_argument(
        "--exact-share", type=_share, metavar="S", help="how many windows before virtual cameras have exact joints"
    )
    group.add_argument("--amp", action=argparse.BooleanOptionalAction, help="bfloat16 where it is precise enough")
    group.add_argument(
        "--network", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="options of the network"
    )


def _run_train(arguments: argparse.Namespace) -> int:
    _require("torch")
    from .corpus import read_corpus
    from .overrides import override
    from .train import Pace, train

    _set_threads(arguments.threads)
    corpus = read_corpus(arguments.data)
    checkpoint = train(
        override(
            _settings_to_change(arguments, corpus.skeleton.name),
            frames=arguments.frames,
            look_ahead=arguments.look_ahead,
            network=arguments.network,
            steps=arguments.steps,
            epochs=arguments.epochs,
            batch_size=arguments.batch_size,
            learning_rate=arguments.learning_rate,
            loss=arguments.loss,
            stages=arguments.stages,
            flip=arguments.flip,
            ema=arguments.ema,
            exact_share=arguments.exact_share,
            amp=arguments.amp,
            seed=arguments.seed,
            protocol=arguments.protocol,
        ),
        corpus,
        arguments.output,
        corpus_name=arguments.data.name,
        holdout=arguments.holdout,
        pace=Pace(max_minutes=arguments.max_minutes),
        resume=arguments.resume,
        start_from=arguments.start_from,
        device=arguments.device,
        compiled=arguments.compiled,
    )
    sys.stdout.write(f"{checkpoint}\n")
    return 0


def _settings_to_change(arguments: argparse.Namespace, skeleton: str) -> TrainConfig:
    """A preset, or the settings of the run that goes on: what is not asked for anew does not differ from them."""
    from .checkpoints import load_checkpoint
    from .train import CHECKPOINT_NAME

    if arguments.resume and arguments.preset is None:
        theirs = load_checkpoint(arguments.output / CHECKPOINT_NAME).config
        if theirs.lifter == arguments.lifter:
            return replace(theirs, source=arguments.source or theirs.source)
    return preset(arguments.lifter, arguments.preset or "live", skeleton=skeleton, source=arguments.source or "gt")


_EVALUATE_DESCRIPTION = """\
Measure lifters, either on data with a truth, or on a clip without one, where only steadiness and plausibility can be
measured:

  posedemo evaluate --lifter semgcn --data corpus.npz
  posedemo evaluate --video clip.mp4
  posedemo evaluate --video clip.mp4 --lifter global-gcn mine.onnx mediapipe --pictures hard-frames/
"""


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _EVALUATE_DESCRIPTION
    parser.add_argument(
        "--lifter",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME|FILE",
        help="a shipped lifter's name or an .onnx file; on data one, which may be a checkpoint; on a clip any number, "
        "by default all that ship and mediapipe",
    )
    parser.add_argument("--json", type=file_path, metavar="FILE", help="also write the numbers as JSON")
    parser.add_argument("--markdown", type=file_path, metavar="FILE", help="also write the table as Markdown")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    _add_evaluate_on_data(parser.add_argument_group("on data"))
    _add_evaluate_on_clip(parser.add_argument_group("on a clip"))


def _add_evaluate_on_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--protocol",
        choices=["heldout", "h36m", "humaneva"],
        help="what to measure: held-out people before virtual cameras, or as the papers on that data set (the default "
        "for a corpus of the field's files)",
    )
    group.add_argument(
        "--2d",
        dest="source",
        metavar="SOURCE",
        help="2D joints to lift in h36m and humaneva (those that it was trained on, or gt)",
    )
    group.add_argument(
        "--flip-tta", action="store_true", help="lift the mirror image, too, and take the mean: twice the work"
    )
    group.add_argument("--by-action", action="store_true", help="heldout: also by family and by action")
    group.add_argument("--device", choices=["auto", "cpu", "cuda"], help="where to run a checkpoint (auto)")
    _add_data(group, required=False)


def _add_evaluate_on_clip(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--video", type=file_path, metavar="CLIP", help="video of a person")
    group.add_argument("--detector", metavar="NAME", help="what finds the 2D joints; default: the program's")
    group.add_argument("--smooth", choices=SMOOTH_CHOICES, help="smoothing of the first table (off)")
    group.add_argument("--max-frames", type=whole_number, metavar="N", help="stop after N frames")
    group.add_argument(
        "--pictures", type=file_path, metavar="DIR", help="also draw the frames that are hardest to agree on"
    )
    add_fov(group)


_NOTHING: tuple[object, ...] = (None, False, [])
_ON_DATA = {
    "data": "--data",
    "holdout": "--holdout",
    "threads": "--threads",
    "protocol": "--protocol",
    "source": "--2d",
    "flip_tta": "--flip-tta",
    "by_action": "--by-action",
    "device": "--device",
}
_ON_CLIP = {
    "detector": "--detector",
    "smooth": "--smooth",
    "max_frames": "--max-frames",
    "pictures": "--pictures",
    "fov_deg": "--fov",
}


def _run_evaluate(arguments: argparse.Namespace) -> int:
    is_clip = arguments.video is not None
    for name, option in (_ON_DATA if is_clip else _ON_CLIP).items():
        if getattr(arguments, name) not in (*_NOTHING, DEFAULT_FOV_DEG if name == "fov_deg" else None):
            raise ConfigError(f"{option} has no meaning {'with' if is_clip else 'without'} --video")
    return _run_evaluate_on_clip(arguments) if is_clip else _run_evaluate_on_data(arguments)


def _run_evaluate_on_clip(arguments: argparse.Namespace) -> int:
    """Needs nothing of the ``train`` extra."""
    from ..clip_evaluation import evaluate_clip, picture_outputs

    outputs = [path for path in (arguments.json, arguments.markdown) if path]
    pictures = picture_outputs(arguments.pictures, arguments.lifter) if arguments.pictures else []
    inputs = [arguments.video, *map(Path, arguments.lifter)]
    check_outputs([*outputs, *pictures], inputs=inputs, overwrite=arguments.overwrite)
    evaluation = evaluate_clip(
        arguments.video,
        arguments.lifter,
        detector=arguments.detector,
        smooth=arguments.smooth or "off",
        fov_deg=arguments.fov_deg,
        max_frames=arguments.max_frames,
    )
    if arguments.pictures:
        evaluation.write_pictures(arguments.pictures)
    if arguments.json:
        write_whole(arguments.json, evaluation.report.json())
    if arguments.markdown:
        write_whole(arguments.markdown, evaluation.report.markdown())
    sys.stdout.write(evaluation.report.text())
    return 0


def _run_evaluate_on_data(arguments: argparse.Namespace) -> int:
    _require("torch", "onnxruntime")
    from .corpus import read_corpus
    from .evaluate import evaluate_held_out
    from .predictors import find_predictor, flip_averaged
    from .protocols import evaluate_protocol, protocol_of

    if arguments.data is None:
        raise ConfigError("nothing to evaluate on", "give --data CORPUS.npz, or --video CLIP")
    if len(arguments.lifter) != 1:
        raise ConfigError(f"--data measures one lifter, not {len(arguments.lifter)}", "give one --lifter NAME|FILE")
    (lifter,) = arguments.lifter
    corpus = read_corpus(arguments.data)
    protocol = arguments.protocol or protocol_of(corpus) or "heldout"
    is_held_out = protocol == "heldout"
    if is_held_out and arguments.source:
        raise ConfigError("--2d has no meaning with --protocol heldout, whose 2D is made by virtual cameras")
    if arguments.by_action and not is_held_out:
        raise ConfigError(f"--by-action has no meaning with --protocol {protocol}, whose rows are actions")
    if arguments.holdout and not is_held_out:
        raise ConfigError(f"--holdout has no meaning with --protocol {protocol}, which names its subjects")
    outputs = [path for path in (arguments.json, arguments.markdown) if path]
    check_outputs(outputs, inputs=[arguments.data, Path(lifter)], overwrite=arguments.overwrite)
    _set_threads(arguments.threads)
    predictor = find_predictor(lifter, device=_exact_device(arguments.device or "auto"))
    if arguments.flip_tta:
        predictor = flip_averaged(predictor)
    if is_held_out:
        report = evaluate_held_out(predictor, corpus, arguments.holdout, by_action=arguments.by_action)
    else:
        report = evaluate_protocol(predictor, corpus, protocol, arguments.source or predictor.source or "gt")
    report = report.with_facts(data=arguments.data.name, flip_tta=arguments.flip_tta)
    if arguments.json:
        write_whole(arguments.json, report.json())
    if arguments.markdown:
        write_whole(arguments.markdown, report.markdown())
    sys.stdout.write(report.text())
    return 0


def _exact_device(name: str) -> torch.device:
    """Training may round products to TensorFloat-32 on a GPU; what is reported is not rounded."""
    import torch

    from .run import choose_device

    device = choose_device(name)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    return device


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=file_path, metavar="CHECKPOINT", help="made by: posedemo train")
    parser.add_argument("--output", type=file_path, required=True, metavar="FILE.onnx", help="file to write")
    parser.add_argument("--title", default="", help="a line about the file, written into it")
    parser.add_argument("--licence", default="", help="licence of the weights, written into the file")
    parser.add_argument("--training-data", default="", help="what it was trained on, written into the file")
    parser.add_argument("--data", type=file_path, metavar="CORPUS.npz", help="also compare on windows of this corpus")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")


def _run_export(arguments: argparse.Namespace) -> int:
    _require("torch", "onnx", "onnxscript", "onnxruntime")
    from .checkpoints import load_checkpoint
    from .corpus import read_corpus
    from .export import export, real_windows

    if arguments.output.suffix.lower() != ".onnx":
        raise ConfigError(f"--output {arguments.output}: the name must end in .onnx")
    check_outputs([arguments.output], inputs=[arguments.checkpoint], overwrite=arguments.overwrite)
    checkpoint = load_checkpoint(arguments.checkpoint)
    real_xy = real_windows(checkpoint, read_corpus(arguments.data)) if arguments.data else None
    extra = {"title": arguments.title, "licence": arguments.licence, "training_data": arguments.training_data}
    difference_m = export(checkpoint, arguments.output, extra=extra, real_xy=real_xy)
    sys.stdout.write(f"{arguments.output}: differs from PyTorch by at most {difference_m:.1g} m\n")
    return 0


COMMANDS: Mapping[str, Command] = {
    "prepare": Command(_add_prepare, _run_prepare),
    "train": Command(_add_train, _run_train),
    "evaluate": Command(_add_evaluate, _run_evaluate),
    "export": Command(_add_export, _run_export),
}
