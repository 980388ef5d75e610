"""``scanproof ensemble``."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.commands.arguments import existing_folder
from backend.commands.console import Console, columns

HELP = "Put installed models together to an ensemble, chosen on val, and write its bundle"
EXAMPLE = (
    "scanproof ensemble --members brain-mri,brain-mri-basecnn --data ../shared/data/brain-mri "
    "--output ml/bundles/brain-mri-ensemble"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--members", metavar="A,B[,C]", required=True, help="names of installed models")
    parser.add_argument("--data", metavar="DIR", required=True, type=existing_folder, help="with a manifest.csv")
    parser.add_argument("--output", metavar="DIR", required=True, type=Path, help="where the bundle is written")
    parser.add_argument("--version", metavar="V", default="1.0.0", help="of the ensemble (default: 1.0.0)")


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.ensemble_command import build_ensemble

    names = [name.strip() for name in options.members.split(",")]
    result = build_ensemble(names, options.data, options.output, options.version)
    rows = [
        ("Ensemble", f"{result['name']} {result['version']}"),
        ("Members", ", ".join(result["members"])),
        ("Method", result["method"]),
        ("SHA-256", result["sha256"]),
        ("Bundle", str(options.output)),
    ]
    rows += [
        (f"Accuracy, {split}", f"{figures['accuracy']:.1%} of {figures['images']:,} images")
        for split, figures in result["metrics"].items()
        if split in ("val", "test")
    ]
    rows += [("Loss in cross-validation on val", "")]
    rows += [(f"  {title}", f"{loss:.4f}") for title, loss in result["candidates"].items()]
    console.result(result, columns(rows))
    return 0
