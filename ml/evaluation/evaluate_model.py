"""Evaluates an installed model on a folder of labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.bundle.kinds import KINDS
from ml.datasets import of_split
from ml.datasets.duplicates import without_duplicates_of
from ml.datasets.samples import AnySample, missing_split
from ml.errors import MlError, WrongChoice
from ml.inference.registry import Registry


def evaluate(
    model: str,
    data: Path,
    split: str | None = None,
    registry: Registry | None = None,
    *,
    exclude_duplicates_of: str | None = None,
) -> dict[str, Any]:
    """Figures of ``model`` on the images that ``ml.datasets.read_samples`` finds, or on those of one ``split``.

    Images with a near-duplicate in one of the splits ``exclude_duplicates_of``, such as "train" or "train,val", are
    left out (see ``ml.datasets.duplicates.without_duplicates_of``).

    Returns the model's name, version and sha256, both splits, and the figures of
    ``ml.evaluation.classifier.evaluate_samples``; of a segmentation, those of
    ``ml.segmentation.evaluation.evaluate_outlines`` on images with masks.

    Raises:
        BundleError: no such model, or it is refused.
        WrongChoice: the folder has no such images, or none of a split that was named.
        MlError: an image is wrong, or none is left.
    """
    registry = registry or Registry()
    metadata = registry.bundle(model).metadata
    kind = KINDS[metadata.kind]
    samples = _chosen(kind.read(data, metadata.labels), split, exclude_duplicates_of)
    predictor = registry.get(model)
    facts = {
        "model": {"name": metadata.name, "version": metadata.version, "sha256": predictor.bundle.sha256},
        "split": split,
        "apart_from": exclude_duplicates_of,
    }
    return facts | kind.evaluate(predictor, samples)


def _chosen(samples: Sequence[AnySample], split: str | None, exclude_duplicates_of: str | None) -> Sequence[AnySample]:
    others = [name.strip() for name in exclude_duplicates_of.split(",")] if exclude_duplicates_of else []
    for name in [split, *others] if split else others:
        if not any(sample.split == name for sample in samples):
            raise WrongChoice(missing_split(samples, name))
    chosen = of_split(samples, split) if split else samples
    if not others:
        return chosen
    known = [sample for name in others for sample in of_split(samples, name)]
    found = without_duplicates_of(chosen, known)
    if not found:
        raise MlError(
            f"expected images without near-duplicates in {exclude_duplicates_of}, found none among {len(chosen):,}"
        )
    return found
