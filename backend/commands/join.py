"""``scanproof join``."""

from __future__ import annotations

import argparse

from backend.commands import ensemble
from backend.commands.arguments import WrongUse, bundle_name
from backend.commands.console import Console, columns
from backend.commands.train import add_outliers, add_refit, described, outliers_of

HELP = (
    "Make one network of several models and write its bundle\n\n"
    "The network's output is the mean of the models' outputs."
)
EXAMPLE = (
    "scanproof join --members brain-mri-mobile,brain-mri-128 --data ../shared/data/brain-mri "
    "--output /tmp/brain-mri --version 2.0.0"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    ensemble.add_arguments(parser)
    add_refit(parser)
    add_outliers(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    outliers = outliers_of(options)
    try:
        bundle_name(options.output.name)
    except argparse.ArgumentTypeError as error:
        raise WrongUse(f"--output: the directory's name becomes the bundle's: {error}") from error

    from ml.training.join_networks import join

    result = join(
        options.members,
        options.data,
        options.output,
        options.version,
        outliers,
        refit=options.refit,
    )
    console.result(result, columns(described(result, options.output)))
    return 0
