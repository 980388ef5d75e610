"""``scanproof compare``."""

from __future__ import annotations

import argparse

from backend.commands.arguments import WrongUse, existing_folder, output_folder, positive, seed, side
from backend.commands.console import Console
from backend.commands.model_arguments import networks, protocols, recipe, weights_of_network

HELP = "Train networks under the same protocols and write the results"
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
        type=protocols,
        help="manifest (the data's splits), paper (random over images), grouped (five folds by patient); with commas",
    )
    parser.add_argument(
        "--models", metavar="NAMES", required=True, type=networks, help="networks, with commas: basecnn,logistic"
    )
    parser.add_argument(
        "--recipe", metavar="NAME", type=recipe, default="source", help="training recipe (default: source)"
    )
    parser.add_argument("--size", metavar="N", type=side, help="pixels a side (default: those of the network's source)")
    parser.add_argument("--epochs", metavar="N", type=positive, help="epochs at most (default: the recipe's)")
    parser.add_argument("--seed", metavar="N", type=seed, default=7, help="default: 7")
    parser.add_argument(
        "--weights",
        metavar="NAME=FILE",
        type=weights_of_network,
        action="append",
        default=[],
        help="weights for a network's backbone, or NAME=imagenet to download them (default: random); may be repeated",
    )
    parser.add_argument(
        "--results", metavar="DIR", type=output_folder, help="write the results here (default: ml/results)"
    )
    parser.add_argument("--again", action="store_true", help="also train pairs that have a result")


def run(options: argparse.Namespace, console: Console) -> int:
    names = [name for name, _ in options.weights]
    if len(set(names)) < len(names):
        raise WrongUse("--weights: expected one source of weights for each network")
    if others := set(names) - set(options.models):
        raise WrongUse(f"--weights: expected networks of --models, found {', '.join(sorted(others))}")

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
