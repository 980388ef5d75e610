"""Refits: networks that also learn from val, with the settings of a version that did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ml.bundle.bundle import Bundle, load_bundle
from ml.bundle.metadata import TRAIN_ALONE
from ml.datasets import Sample, of_split
from ml.errors import WrongChoice
from ml.training.recipes import Recipe, invalid_value
from ml.training.specifications import Specification

REFIT_SPLITS = ("train", "test")
"""The splits of a refit, where val is part of train."""

SAME = ("kind", "architecture", "labels", "preprocessing", "data")


def earlier_version(folder: Path, specification: Specification) -> Bundle:
    """The bundle in ``folder``, whose temperature and limits a network of ``specification`` can take.

    Raises:
        BundleError: it is refused.
        WrongChoice: it is of another kind, architecture, labels, preprocessing or collection, or learned from val.
    """
    bundle = load_bundle(folder)
    for what in SAME:
        expected, found = getattr(specification, what), getattr(bundle.metadata, what)
        if expected != found:
            raise WrongChoice(
                f"{folder}: expected a bundle of the {what} {expected}, as what is trained, found {found}"
            )
    if bundle.metadata.learned_from != TRAIN_ALONE:
        raise learned_from_val(folder)
    return bundle


def learned_from_val(folder: Path) -> WrongChoice:
    return WrongChoice(f"expected a bundle that did not learn from val, which is to decide, found {folder}")


def refuse_choices_by_val(recipe: Recipe) -> None:
    """Raises WrongChoice where the recipe depends on figures on val, from which a refit learns."""
    for name in ("patience", "reduce_after"):
        if value := getattr(recipe, name):
            raise invalid_value(name, value, "0 where val is learned from")


def val_as_train(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with val moved to train. Raises MlError where val or test has none."""
    for split in ("val", "test"):
        of_split(samples, split)
    return [replace(sample, split="train") if sample.split == "val" else sample for sample in samples]
