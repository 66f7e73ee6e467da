"""Enter an exported lifter into the manifest: size, hash, window, parameters and measured scores, none typed by hand.

    python tools/ship_weights.py weights/gla-gcn.onnx --data CORPUS.npz [--default]

The file lies in ``weights/`` already, under the name of a lifter that the manifest knows, and so does its model card.
It is opened as the program will open it, must be smaller than 10 MB and causal, or lift the middle of its window where
the manifest calls it the centred one of another, and is measured on the people that it was not trained on (``posedemo
evaluate --protocol heldout``), which takes some minutes; the variant of another lifter on the people of that one. Needs
the ``train`` extra.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from posedemo.errors import ConfigError, ModelError, ending_in_a_sentence
from posedemo.lifters.onnx_gcn import OnnxLifter
from posedemo.models.corpus import read_corpus
from posedemo.models.evaluate import LEGLESS, LEVEL, UPPER, evaluate_held_out
from posedemo.models.predictors import onnx_predictor
from posedemo.outputs import write_whole

MAX_BYTES = 10_000_000
ROWS = {"clean": "clean", "noisy": "noisy", "level": LEVEL, "upper": UPPER, "legless": LEGLESS}
SCORES = ("p_mpjpe_mm", "mpjpe_mm", "n_mpjpe_mm", "mpjve_mm", "bone_spread_percent")


def facts_of(
    path: Path, centred: Mapping[str, str] | None = None, variants: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the file itself says, checked as the program will.

    Args:
        path: of the weights.
        centred: which lifter each file stands in for that sees what follows, by name.
        variants: which lifter each file is, trained on other data, by name.

    Raises:
        ModelError: it is not a lifter that can ship.
    """
    content = path.read_bytes()
    if len(content) > MAX_BYTES:
        raise ModelError(f"{path} has {len(content) / 1e6:.1f} MB, at most {MAX_BYTES / 1e6:.0f} ship", "narrow it")
    with OnnxLifter(content, name=path.name, provider="cpu") as lifter:
        spec = lifter.spec
    stands_in_for = (centred or {}).get(path.stem)
    own_name = stands_in_for or (variants or {}).get(path.stem, path.stem)
    wanted = 0 if stands_in_for is None else spec.num_frames // 2
    if spec.look_ahead != wanted:
        raise ModelError(
            f"{path} looks {spec.look_ahead} frames ahead, and not {wanted}", f"train with --look-ahead {wanted}"
        )
    stated = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
    if spec.name != own_name:
        raise ModelError(f"{path} states that it is {spec.name}", f"call it {spec.name}.onnx")
    facts: dict[str, Any] = {
        "num_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "num_frames": spec.num_frames,
    }
    # Files of before the key existed keep what the manifest says.
    return facts | ({"num_parameters": int(stated["parameters"])} if "parameters" in stated else {})


def scores_of(path: Path, data: Path, original: str | None) -> dict[str, float]:
    """Errors on held-out people, rounded to a tenth: with clean and noisy 2D, and the special cases of clean 2D.

    Args:
        path: of the weights.
        data: with the people held out.
        original: lifter that this is a variant of, whose people have to be new to both.
    """
    holdout = () if original is None else onnx_predictor(path.with_stem(original)).holdout
    rows = evaluate_held_out(onnx_predictor(path), read_corpus(data), holdout).rows
    return {
        f"heldout_{kind}_{name}": round(getattr(rows[row], name), 1) for name in SCORES for kind, row in ROWS.items()
    }


def centred_names(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Which lifter each centred one stands in for, by name."""
    return {entry["centred"]: entry["name"] for entry in manifest["models"] if "centred" in entry}


def variant_names(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Which lifter each variant is, by name."""
    return {entry["name"]: entry["variant_of"] for entry in manifest["models"] if "variant_of" in entry}


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest as it is now."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def entered(manifest: Mapping[str, Any], name: str, facts: Mapping[str, Any], *, is_default: bool) -> dict[str, Any]:
    """The manifest with one lifter's facts replaced.

    Raises:
        ConfigError: it has no lifter of that name.
    """
    models = [dict(entry) for entry in manifest["models"]]
    mine = [entry for entry in models if (entry["kind"], entry["name"]) == ("lifter", name) and "file" in entry]
    if len(mine) != 1:
        raise ConfigError(
            f"the manifest has no lifter {name}", "write its title, paper, licence and origin there first"
        )
    mine[0].update(facts)
    default = {**manifest["default"], "lifter": name} if is_default else manifest["default"]
    return {**manifest, "default": default, "models": models}


def main() -> None:
    """Check, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, metavar="WEIGHTS.onnx")
    parser.add_argument("--data", type=Path, required=True, metavar="CORPUS.npz", help="made by: posedemo prepare")
    parser.add_argument("--default", action="store_true", help="make it the lifter that is used when none is named")
    arguments = parser.parse_args()
    path: Path = arguments.weights
    manifest_path = path.parent / "manifest.json"
    with ending_in_a_sentence():
        if not path.with_suffix(".md").is_file():
            raise ConfigError(f"{path} has no model card", f"write {path.with_suffix('.md')} first")
        manifest = read_manifest(manifest_path)
        variants = variant_names(manifest)
        facts = facts_of(path, centred_names(manifest), variants)
        entered(manifest, path.stem, facts, is_default=arguments.default)  # before the measuring
        facts["scores"] = scores_of(path, arguments.data, variants.get(path.stem))
        # Read again: another lifter may have been entered in the minutes that this took.
        content = entered(read_manifest(manifest_path), path.stem, facts, is_default=arguments.default)
        write_whole(manifest_path, json.dumps(content, indent=2) + "\n")
    print(json.dumps({path.stem: facts}, indent=2))


if __name__ == "__main__":
    main()
