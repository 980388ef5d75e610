"""``scanproof ensemble``."""

from __future__ import annotations

import argparse

from backend.commands.arguments import existing_folder, new_folder
from backend.commands.console import Console, columns
from backend.commands.model_arguments import members
from backend.commands.train import add_version, described

HELP = "Combine models into an ensemble and write its bundle\n\nThe split val decides on members and method."
EXAMPLE = (
    "scanproof ensemble --members brain-mri-mobile,brain-mri-128b --data ../shared/data/brain-mri "
    "--output /tmp/ensemble"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--members", metavar="A,B[,C]", required=True, type=members, help="names of installed or retired models"
    )
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder, help="with a manifest.csv")
    parser.add_argument("--output", metavar="DIR", required=True, type=new_folder, help="write the bundle here")
    add_version(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.training.build_ensemble import build_ensemble

    result = build_ensemble(options.members, options.data, options.output, options.version)
    rows = described(result, options.output)
    rows += [("Members", ", ".join(result["members"])), ("Method", result["method"])]
    rows += [("Loss in cross-validation on val", "")]
    rows += [(f"  {title}", f"{loss:.4f}") for title, loss in result["candidates"].items()]
    console.result(result, columns(rows))
    return 0
