"""``scanproof report``."""

from __future__ import annotations

import argparse

from backend.commands.arguments import existing_folder, output_folder
from backend.commands.console import Console

HELP = "Write an HTML page and charts of the results of compare"
EXAMPLE = "scanproof report --output /tmp/report --data ../shared/data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", metavar="DIR", required=True, type=output_folder, help="write page and pictures here"
    )
    parser.add_argument("--results", metavar="DIR", type=existing_folder, help="the results (default: ml/results)")
    parser.add_argument("--data", metavar="DIR", type=existing_folder, help="draw a grid of test images from here")


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.compare.results import RESULTS
    from ml.report.writing import write_report

    files = [str(path) for path in write_report(options.results or RESULTS, options.output, options.data)]
    console.result({"files": files}, "\n".join(files))
    return 0
