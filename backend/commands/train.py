"""``scanproof train``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands.arguments import bundle_name, bundle_version, existing_folder, natural, positive
from backend.commands.console import Console, columns

if TYPE_CHECKING:
    from ml.training.choices import Choices

HELP = "Train a model and write its bundle; a killed run goes on where it was"
EXAMPLE = "scanproof train --model brain-mri --data ../shared/data/brain-mri --output /tmp/brain-mri"
RUNS = Path("var/training")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_choices(parser)
    parser.add_argument("--output", metavar="DIR", required=True, type=Path, help="where the bundle is written")
    parser.add_argument(
        "--name",
        metavar="NAME",
        type=bundle_name,
        help="of the bundle (default: the model's, or <model>-<architecture>)",
    )
    add_version(parser)
    add_refit(parser)
    parser.add_argument(
        "--run",
        dest="state",
        metavar="DIR",
        type=Path,
        help=f"where the state of the run and its TensorBoard logs lie (default: {RUNS}/<name>)",
    )
    add_outliers(parser)


def add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--version", metavar="V", type=bundle_version, default="1.0.0", help="of the bundle (default: 1.0.0)"
    )


def add_refit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--refit",
        metavar="BUNDLE",
        type=existing_folder,
        help="learn from val as well, and take the temperature and the limits of this bundle, which did not",
    )


def add_outliers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--outliers",
        metavar="DIR",
        action="append",
        default=[],
        type=existing_folder,
        help="images on which the model should abstain, a kind a folder; may be repeated",
    )


def outliers_of(options: argparse.Namespace) -> dict[str, list[Path]]:
    """The files of each folder of ``add_outliers``, by its name."""
    from ml.datasets.trees import image_files

    return {folder.resolve().name: image_files(folder) for folder in options.outliers}


def add_choices(parser: argparse.ArgumentParser) -> None:
    """What ``scanproof search`` takes as well."""
    parser.add_argument("--model", metavar="NAME", required=True)
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder, help="with a manifest.csv")
    parser.add_argument("--architecture", metavar="NAME", help="another network of the zoo than the model's own")
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        default="scanproof",
        help="scanproof, finetune, finish, source, s4, or a result file of scanproof search (default: scanproof)",
    )
    parser.add_argument("--size", metavar="PIXELS", type=positive, help="default: the model's")
    parser.add_argument("--epochs", metavar="N", type=positive, help="default: the recipe's")
    parser.add_argument("--seed", metavar="N", type=natural, default=7, help="default: 7")
    parser.add_argument(
        "--from",
        dest="start",
        metavar="WEIGHTS",
        help="a bundle or .npz to go on from, a backbone's .h5 or .keras, or imagenet (downloaded)",
    )


def choices_of(options: argparse.Namespace) -> Choices:
    from ml.training.choices import Choices

    names = ("architecture", "recipe", "size", "epochs", "seed", "start")
    return Choices(**{name: getattr(options, name) for name in names}, features=RUNS / "features")


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.training.choices import chosen_name
    from ml.training.train_model import train

    choices = replace(choices_of(options), refit=options.refit, name=options.name, version=options.version)
    name = chosen_name(options.model, choices)
    result = train(
        options.model,
        options.data,
        options.output,
        replace(choices, run=options.state or RUNS / name),
        outliers_of(options),
        console.message,
    )
    console.result(result, columns(described(result, options.output)))
    return 0


def described(result: Mapping[str, Any], output: Path) -> list[tuple[str, str]]:
    """What is said of a bundle that was made: its identity, where it lies, its accuracies."""
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
