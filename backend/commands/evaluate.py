"""``scanproof evaluate``."""

from __future__ import annotations

import argparse
import json

from backend.commands.arguments import existing_folder
from backend.commands.console import Console

HELP = "Measure a model on a folder of labelled images (manifest.csv with path, label)"
EXAMPLE = "scanproof evaluate --model brain-mri --data ../shared/data/brain-mri --split test"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", required=True)
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder)
    parser.add_argument("--split", metavar="NAME", help="only the rows of this split (default: all)")


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.evaluate_command import evaluate

    metrics = evaluate(model=options.model, data=options.data, split=options.split)
    console.result(metrics, json.dumps(metrics, indent=2, ensure_ascii=False))
    return 0
