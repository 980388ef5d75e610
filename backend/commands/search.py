"""``scanproof search``."""

from __future__ import annotations

import argparse
import json
import re

from backend.commands.arguments import WrongUse, output_file, positive
from backend.commands.console import Console, columns
from backend.commands.train import add_choices, choices_of

HELP = "Search for a better training recipe, in parallel; val decides"
EXAMPLE = "scanproof search --model brain-mri --data ../shared/data/brain-mri --trials 8 --output found.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_choices(parser)
    parser.add_argument("--trials", metavar="N", type=positive, default=8, help="recipes to try (default: 8)")
    parser.add_argument(
        "--ray-address", metavar="ADDR", type=_ray_address, help="a Ray cluster (default: one on this machine)"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=output_file,
        help="write all trials as JSON; `train --recipe FILE` takes the best",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    _refuse_other_trainings(options.model)

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


def _refuse_other_trainings(model: str) -> None:
    """Raises WrongUse for a model that is not trained by a recipe."""
    from ml.training.choices import trainer_of

    if not trainer_of(model).follows_recipe:
        raise WrongUse(f"--model: expected a model that is trained by a recipe, found {model}")


def _ray_address(text: str) -> str:
    if not re.fullmatch(r"auto|(ray://)?[^\s/:]+:[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, ray://HOST:PORT or auto, found {text!r}")
    return text
