"""``scanproof compare``."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.commands.arguments import existing_folder, natural, positive
from backend.commands.console import Console

HELP = "Train networks under the same protocol and write what each reaches, with intervals"
EXAMPLE = (
    "scanproof compare --data ../shared/data/breakhis-100x --protocol paper,grouped --models basecnn,mobilenet "
    "--size 96 --epochs 10 --weights mobilenet=MOBILENET.h5"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder, help="with a manifest.csv")
    parser.add_argument(
        "--protocol",
        metavar="NAMES",
        required=True,
        type=_names,
        help="manifest (the data's own splits), paper (random over images), grouped (five folds by patient)",
    )
    parser.add_argument("--models", metavar="NAMES", required=True, type=_names, help="networks, as basecnn,logistic")
    parser.add_argument("--recipe", metavar="NAME", default="source", help="source, scanproof, … (default: source)")
    parser.add_argument("--size", metavar="N", type=positive, help="pixels a side (default: the network's source's)")
    parser.add_argument("--epochs", metavar="N", type=positive, help="at most so many (default: the recipe's)")
    parser.add_argument("--seed", metavar="N", type=natural, default=7, help="default: 7")
    parser.add_argument(
        "--weights",
        metavar="NAME=FILE",
        type=_weights,
        action="append",
        default=[],
        help="weights of a network's backbone, or NAME=imagenet to download them (default: random)",
    )
    parser.add_argument("--results", metavar="DIR", type=Path, help="default: ml/results")
    parser.add_argument("--again", action="store_true", help="also what has a result already")


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.compare.comparison import Plan, compare
    from ml.compare.results import RESULTS

    plan = Plan(
        data=options.data,
        protocols=options.protocol,
        networks=options.models,
        recipe=options.recipe,
        results=options.results or RESULTS,
        size=options.size,
        epochs=options.epochs,
        weights=dict(options.weights),
        seed=options.seed,
        again=options.again,
    )
    outcome = compare(plan, console.message)
    lines = [f"{what:<8}  {path}" for what in ("written", "skipped") for path in outcome[what]]
    lines += [f"failed    {each['network']}, {each['protocol']}: {each['error']}" for each in outcome["failed"]]
    console.result(outcome, "\n".join(lines))
    return 1 if outcome["failed"] else 0


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, found {text!r}")
    return list(dict.fromkeys(names))


def _weights(text: str) -> tuple[str, str]:
    name, equals, source = text.partition("=")
    if not (name and equals and source):
        raise argparse.ArgumentTypeError(f"expected NAME=FILE or NAME=imagenet, found {text!r}")
    return name, source
