"""``scanproof train``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands.arguments import (
    WrongUse,
    bundle_name,
    bundle_version,
    existing_folder,
    new_folder,
    output_folder,
    positive,
    seed,
    side,
)
from backend.commands.console import Console, columns
from backend.commands.model_arguments import bundle, network, recipe, trained_model, weights

if TYPE_CHECKING:
    from ml.training.choices import Choices

HELP = "Train a model and write its bundle; an interrupted run resumes"
EXAMPLE = "scanproof train --model brain-mri --data ../shared/data/brain-mri --output /tmp/brain-mri"
RUNS = Path("var/training")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_choices(parser)
    parser.add_argument("--output", metavar="DIR", required=True, type=new_folder, help="write the bundle here")
    parser.add_argument(
        "--name",
        metavar="NAME",
        type=bundle_name,
        help="name of the bundle (default: the model's, or <model>-<architecture>)",
    )
    add_version(parser)
    add_refit(parser)
    parser.add_argument(
        "--run",
        dest="state",
        metavar="DIR",
        type=output_folder,
        help=f"state of the run and its TensorBoard logs (default: {RUNS}/<name>)",
    )
    add_outliers(parser)


def add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--version", metavar="V", type=bundle_version, default="1.0.0", help="version of the bundle (default: 1.0.0)"
    )


def add_refit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--refit",
        metavar="BUNDLE",
        type=bundle,
        help="train on val as well, and take temperature and limits from this bundle, which did not",
    )


def add_outliers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--outliers",
        metavar="DIR",
        action="append",
        default=[],
        type=existing_folder,
        help="images that the model should decline, one directory for each kind; may be repeated",
    )


def outliers_of(options: argparse.Namespace) -> dict[str, list[Path]]:
    """The files of each directory of ``add_outliers`` by its name, which is their kind. Raises WrongUse."""
    from ml.datasets.trees import image_files

    files: dict[str, list[Path]] = {}
    for folder in options.outliers:
        kind = folder.resolve().name
        if kind in files:
            raise WrongUse(f"--outliers: expected directories of different names, found two named {kind}")
        files[kind] = image_files(folder)
        if not files[kind]:
            raise WrongUse(f"--outliers: expected images in {folder}, found none")
    return files


def add_choices(parser: argparse.ArgumentParser) -> None:
    """What ``scanproof search`` takes as well."""
    parser.add_argument("--model", metavar="NAME", required=True, type=trained_model, help="what to train")
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder, help="with a manifest.csv")
    parser.add_argument("--architecture", metavar="NAME", type=network, help="another network than the model's own")
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        type=recipe,
        default="scanproof",
        help="scanproof, finetune, finish, source, s4, or a file of scanproof search (default: scanproof)",
    )
    parser.add_argument("--size", metavar="PIXELS", type=side, help="pixels a side (default: the model's)")
    parser.add_argument("--epochs", metavar="N", type=positive, help="epochs at most (default: the recipe's)")
    parser.add_argument("--seed", metavar="N", type=seed, default=7, help="default: 7")
    parser.add_argument(
        "--from",
        dest="start",
        metavar="WEIGHTS",
        type=weights,
        help="start from a bundle, an .npz, a backbone's .h5 or .keras, or imagenet (downloaded)",
    )


def choices_of(options: argparse.Namespace) -> Choices:
    from ml.training.choices import Choices

    names = ("architecture", "recipe", "size", "epochs", "seed", "start")
    return Choices(**{name: getattr(options, name) for name in names}, features=RUNS / "features")


def run(options: argparse.Namespace, console: Console) -> int:
    outliers = outliers_of(options)

    from ml.training.choices import chosen_name
    from ml.training.train_model import train

    choices = replace(choices_of(options), refit=options.refit, name=options.name, version=options.version)
    name = chosen_name(options.model, choices)
    result = train(
        options.model,
        options.data,
        options.output,
        replace(choices, run=options.state or RUNS / name),
        outliers,
        console.message,
    )
    console.result(result, columns(described(result, options.output)))
    return 0


def described(result: Mapping[str, Any], output: Path) -> list[tuple[str, str]]:
    """A new bundle in rows: identity, place, accuracies."""
    accuracies = [
        (f"Accuracy, {split}", f"{figures['accuracy']:.1%} of {figures['images']:,} images")
        for split, figures in result["metrics"].items()
        if split in ("val", "test") and "accuracy" in figures
    ]
    return [
        ("Model", f"{result['name']} {result['version']}"),
        ("SHA-256", result["sha256"]),
        ("Bundle", str(output)),
        *accuracies,
    ]
