"""``scanproof search``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from backend.commands.arguments import positive
from backend.commands.console import Console, columns
from backend.commands.train import add_choices, choices_of

HELP = "Search for a better training recipe, in parallel, chosen on val"
EXAMPLE = "scanproof search --model brain-mri --data ../shared/data/brain-mri --trials 8 --output found.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_choices(parser)
    parser.add_argument("--trials", metavar="N", type=positive, default=8, help="recipes to try (default: 8)")
    parser.add_argument("--ray-address", metavar="ADDR", help="of a Ray cluster; default: one on this machine")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="all trials as JSON; scanproof train --recipe FILE takes the best"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.training.search_recipe import search

    result = search(
        options.model,
        options.data,
        options.trials,
        choices_of(options),
        options.ray_address,
        report=console.message,
    )
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    failed = sum("error" in trial for trial in result["trials"])
    rows = [("Trials", f"{len(result['trials'])}, {failed} failed"), ("Chosen by", result["chosen_by"])]
    rows += [(f"  {name.replace('_', ' ')}", str(value)) for name, value in result["best"]["val"].items()]
    rows += [("Changes", "")]
    rows += [(f"  {name.replace('_', ' ')}", str(value)) for name, value in result["best"]["changes"].items()]
    console.result(result, columns(rows))
    return 0
