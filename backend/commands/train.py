"""``scanproof train``."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.commands.arguments import existing_folder, natural, positive
from backend.commands.console import Console, columns

HELP = "Train a model from scratch and write its bundle"
EXAMPLE = "scanproof train --model brain-mri --data ../shared/data/brain-mri --output /tmp/brain-mri"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", required=True)
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder, help="with a manifest.csv")
    parser.add_argument("--output", metavar="DIR", required=True, type=Path, help="where the bundle is written")
    parser.add_argument("--epochs", metavar="N", type=positive, help="default: the model's recipe")
    parser.add_argument("--seed", metavar="N", type=natural, default=7, help="default: 7")


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.train_command import train

    result = train(
        model=options.model, data=options.data, output=options.output, epochs=options.epochs, seed=options.seed
    )
    rows = [
        ("Model", f"{result['name']} {result['version']}"),
        ("SHA-256", result["sha256"]),
        ("Bundle", str(options.output)),
    ]
    rows += [
        (f"Accuracy, {split}", f"{figures['accuracy']:.1%} of {figures['images']:,} images")
        for split, figures in result["metrics"].items()
        if split in ("val", "test")
    ]
    console.result(result, columns(rows))
    return 0
