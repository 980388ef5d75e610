"""What is trained on and what is tested on, by the name of the protocol."""

from __future__ import annotations

from collections.abc import Sequence

from ml.datasets import Sample, of_split
from ml.datasets.splits import SPLITS, grouped_folds, paper_split
from ml.errors import WrongChoice

PROTOCOLS = ("manifest", "paper", "grouped")


def divisions(samples: Sequence[Sample], protocol: str, seed: int) -> list[list[Sample]]:
    """The samples with ``split`` set to train, val or test, once for each network that is to be trained.

    ``manifest``: the splits that the data set comes with. ``paper``: the source systems' random split over images,
    which has each patient on both sides. ``grouped``: five folds, no patient in two of them.

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
