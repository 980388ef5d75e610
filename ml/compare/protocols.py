"""Divides samples into train, val and test by the name of a protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml.datasets import Sample, of_split
from ml.datasets.splits import SPLITS, grouped_folds, paper_split
from ml.errors import WrongChoice

PROTOCOLS: dict[str, Callable[[Sequence[Sample], int], list[list[Sample]]]] = {
    "manifest": lambda samples, _: [list(samples)],
    "paper": lambda samples, seed: [paper_split(samples, seed)],
    "grouped": lambda samples, seed: grouped_folds(samples, seed=seed),
}


def divisions(samples: Sequence[Sample], protocol: str, seed: int) -> list[list[Sample]]:
    """The samples with ``split`` set to train, val or test, once for each network that is to be trained.

    ``manifest``: the data set's own splits. ``paper``: the source systems' random split over images, with images of one
    patient in train and in test. ``grouped``: five folds, no patient in two of them.

    Raises:
        WrongChoice: an unknown protocol, or the data's splits, groups or folds do not allow it.
    """
    if protocol not in PROTOCOLS:
        raise WrongChoice(f"expected one of the protocols {', '.join(PROTOCOLS)}, found {protocol!r}")
    parts = PROTOCOLS[protocol](samples, seed)
    for part in parts:
        for split in SPLITS:
            of_split(part, split)
    return parts
