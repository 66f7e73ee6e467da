"""The training side's sub-commands: arguments in, a call, an exit code out. Found by the command line by name.

Nothing heavy is imported before a command runs, so ``--help`` works and is quick without PyTorch.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from ..command import Command
from ..errors import ConfigError, ModelError, OutputError
from .config import PRESETS, preset


def _require(*libraries: str) -> None:
    for library in libraries:
        try:
            importlib.import_module(library)
        except ImportError as error:
            raise ModelError(
                f"training needs {library}, which is not installed", "pip install 'posedemo[train]'"
            ) from error


def _set_threads(threads: int | None) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


def _positive_float(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return number


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="CORPUS.npz", help="made by: posedemo prepare")
    parser.add_argument(
        "--holdout",
        nargs="+",
        default=[],
        metavar="SUBJECT",
        help="subjects (or clips) that are not trained on but evaluated on, with * as a wildcard; default: by hash",
    )
    parser.add_argument("--threads", type=_positive_int, help="number of CPU threads")


def _add_prepare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", type=Path, metavar="SOURCE", help="folder, zip or file of BVH motion")
    parser.add_argument("--output", type=Path, required=True, metavar="CORPUS.npz", help="file to write")
    parser.add_argument("--map", type=Path, metavar="FILE.toml", help="joint map, where no built-in one fits")
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out files by name; may be repeated"
    )
    parser.add_argument("--rate", type=_positive_float, default=30.0, metavar="HZ", help="frame rate (30)")
    parser.add_argument("--unit", choices=["auto", "cm", "m", "inch"], default="auto", help="length unit of the files")


def _run_prepare(arguments: argparse.Namespace) -> int:
    from .prepare import prepare

    corpus = prepare(
        arguments.sources,
        arguments.output,
        map_file=arguments.map,
        exclude=arguments.exclude,
        rate_hz=arguments.rate,
        unit=arguments.unit,
    )
    minutes = sum(clip.length / clip.rate_hz for clip in corpus.clips) / 60
    sys.stdout.write(f"{arguments.output}: {len(corpus.clips)} clips, {len(corpus.xyz_m)} frames, {minutes:.1f} min\n")
    return 0


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lifter", choices=sorted({lifter for lifter, _ in PRESETS}), required=True, help="network")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for checkpoint and log")
    parser.add_argument("--preset", choices=sorted({name for _, name in PRESETS}), default="live", help="settings")
    parser.add_argument("--max-minutes", type=_positive_float, default=math.inf, metavar="M", help="time limit")
    parser.add_argument("--resume", action="store_true", help="go on with the run in DIR")
    parser.add_argument("--seed", type=int, help="for weights and samples")
    _add_data(parser)


def _run_train(arguments: argparse.Namespace) -> int:
    _require("torch")
    from .corpus import read_corpus
    from .train import Pace, train

    _set_threads(arguments.threads)
    config = preset(arguments.lifter, arguments.preset)
    if arguments.seed is not None:
        config = replace(config, seed=arguments.seed)
    checkpoint = train(
        config,
        read_corpus(arguments.data),
        arguments.output,
        corpus_name=arguments.data.name,
        holdout=arguments.holdout,
        pace=Pace(max_minutes=arguments.max_minutes),
        resume=arguments.resume,
    )
    sys.stdout.write(f"{checkpoint}\n")
    return 0


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lifter", type=Path, required=True, metavar="FILE", help=".onnx file or checkpoint")
    parser.add_argument("--protocol", choices=["heldout"], default="heldout", help="what to measure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers as JSON")
    _add_data(parser)


def _run_evaluate(arguments: argparse.Namespace) -> int:
    _require("torch", "onnxruntime")
    from .corpus import read_corpus
    from .evaluate import HeldOut, measure, report
    from .predictors import load_predictor
    from .split import split_clips
    from .windows import load_motion

    _set_threads(arguments.threads)
    predictor = load_predictor(arguments.lifter)
    corpus = read_corpus(arguments.data)
    training, held = split_clips(corpus, arguments.holdout or predictor.holdout)
    results = measure(predictor, load_motion(corpus, training), HeldOut(load_motion(corpus, held)))
    if arguments.json:
        _write_json(arguments.json, {name: asdict(scores) for name, scores in results.items()})
    sys.stdout.write(report(results))
    return 0


def _write_json(path: Path, content: object) -> None:
    try:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="made by: posedemo train")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.onnx", help="file to write")
    parser.add_argument("--title", default="", help="a line about the file, written into it")
    parser.add_argument("--licence", default="", help="licence of the weights, written into the file")
    parser.add_argument("--training-data", default="", help="what it was trained on, written into the file")
    parser.add_argument("--data", type=Path, metavar="CORPUS.npz", help="also compare on windows of this corpus")


def _run_export(arguments: argparse.Namespace) -> int:
    _require("torch", "onnx", "onnxscript", "onnxruntime")
    from .checkpoints import load_checkpoint
    from .corpus import read_corpus
    from .evaluate import HeldOut
    from .export import export
    from .windows import load_motion

    if arguments.output.suffix != ".onnx":
        raise ConfigError(f"--output {arguments.output}: the name must end in .onnx")
    checkpoint = load_checkpoint(arguments.checkpoint)
    real_xy = None
    if arguments.data:
        corpus = read_corpus(arguments.data)
        real_xy = HeldOut(load_motion(corpus, corpus.clips), num_sequences=8).windows(checkpoint.config.num_frames)
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
