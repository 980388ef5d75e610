"""Divides samples into train, val and test by the name of a protocol."""

from __future__ import annotations

from collections.abc import Sequence

from ml.datasets import Sample, of_split
from ml.datasets.splits import SPLITS, grouped_folds, paper_split
from ml.errors import WrongChoice

PROTOCOLS = ("manifest", "paper", "grouped")


def divisions(samples: Sequence[Sample], protocol: str, seed: int) -> list[list[Sample]]:
    """The samples with ``split`` set to train, val or test, once for each network that is to be trained.

    ``manifest``: the data set's own splits. ``paper``: the source systems' random split over images, with images of one
    patient in train and in test. ``grouped``: five folds, no patient in two of them.

    Raises:
        WrongChoice: an unknown protocol.
        MlError: the data's splits, groups or folds do not allow it.
    """
    if protocol == "manifest":
        for split in SPLITS:
            of_split(samples, split)
        return [list(samples)]
    if protocol == "paper":
        return [paper_split(samples, seed)]
    if protocol == "grouped":
        return grouped_folds(samples, seed=seed)
    raise WrongChoice(f"expected one of the protocols {', '.join(PROTOCOLS)}, found {protocol!r}")
