"""``scanproof join``."""

from __future__ import annotations

import argparse

from backend.commands import ensemble
from backend.commands.console import Console, columns
from backend.commands.train import add_outliers, add_refit, described, outliers_of

HELP = "Make one network of several installed models, whose answer is the mean of theirs, and write its bundle"
EXAMPLE = (
    "scanproof join --members brain-mri-mobile,brain-mri-128 --data ../shared/data/brain-mri "
    "--output /tmp/brain-mri --version 2.0.0"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    ensemble.add_arguments(parser)
    add_refit(parser)
    add_outliers(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    from ml.training.join_networks import join

    result = join(
        options.members,
        options.data,
        options.output,
        options.version,
        outliers_of(options),
        refit=options.refit,
    )
    console.result(result, columns(described(result, options.output)))
    return 0
