"""A network that learns from val as well, once all that val decides is known from a version that did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ml.bundle.bundle import Bundle, load_bundle
from ml.bundle.metadata import TRAIN_ALONE
from ml.datasets import Sample, of_split
from ml.errors import InvalidRecipe, LearnedFromVal, RefitUnfit
from ml.training.specifications import Specification

if TYPE_CHECKING:
    from ml.training import Recipe

REFIT_SPLITS = ("train", "test")
"""What is left once val is in train."""

SAME = ("kind", "architecture", "labels", "preprocessing", "data")


def earlier_version(folder: Path, specification: Specification) -> Bundle:
    """The bundle in ``folder``, whose temperature and limits a network of ``specification`` can have.

    Raises:
        BundleError: it is refused.
        RefitUnfit: it is of another kind, architecture, labels, preprocessing or collection.
        LearnedFromVal: it learned from val itself.
    """
    bundle = load_bundle(folder)
    for what in SAME:
        expected, found = getattr(specification, what), getattr(bundle.metadata, what)
        if expected != found:
            raise RefitUnfit(folder, what, expected, found)
    if bundle.metadata.learned_from != TRAIN_ALONE:
        raise LearnedFromVal(folder)
    return bundle


def refuse_choices_by_val(recipe: Recipe) -> None:
    """Raises InvalidRecipe where figures on val, which the network learns from, would decide about the run."""
    for name in ("patience", "reduce_after"):
        if value := getattr(recipe, name):
            raise InvalidRecipe(name, value, "0 where val is learned from")


def val_as_train(samples: Sequence[Sample]) -> list[Sample]:
    """The samples, those of val in train. Raises SplitMissing where there are none of val, or of test."""
    for split in ("val", "test"):
        of_split(samples, split)
    return [replace(sample, split="train") if sample.split == "val" else sample for sample in samples]
