"""Measures an installed model on a folder of labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.datasets import of_split, read_samples
from ml.datasets.duplicates import apart
from ml.datasets.samples import AnySample
from ml.errors import NothingApart
from ml.evaluation import evaluate_samples
from ml.registry import Registry
from ml.segmentation.data import read_masked_manifest
from ml.segmentation.evaluation import evaluate_outlines


def evaluate(
    model: str,
    data: Path,
    split: str | None = None,
    registry: Registry | None = None,
    *,
    apart_from: str | None = None,
) -> dict[str, Any]:
    """Figures of ``model`` on the images that ``ml.datasets.read_samples`` finds, or on those of one ``split``,
    without near-duplicates of images of the splits ``apart_from``, "train" or "train,val", say (see
    ``ml.datasets.duplicates.apart``).

    Returns the model's name, version and sha256, both splits, and the figures of ``ml.evaluation.evaluate_samples``; of
    a segmentation, those of ``ml.segmentation.evaluation.evaluate_outlines`` on images with masks.

    Raises:
        BundleError: no such model, or it is refused.
        DatasetError, ImageError: the folder, a label, a split or a file is wrong.
    """
    predictor = (registry or Registry()).get(model)
    bundle = predictor.bundle
    facts = {
        "model": {"name": bundle.metadata.name, "version": bundle.metadata.version, "sha256": bundle.sha256},
        "split": split,
        "apart_from": apart_from,
    }
    if bundle.metadata.kind == "segmentation":
        masked = _chosen(read_masked_manifest(data), split, apart_from)
        return facts | evaluate_outlines(lambda image: predictor.predict(image).mask, masked)
    samples = read_samples(data, bundle.metadata.labels)
    return facts | evaluate_samples(predictor, _chosen(samples, split, apart_from))


def _chosen(samples: Sequence[AnySample], split: str | None, apart_from: str | None) -> Sequence[AnySample]:
    chosen = of_split(samples, split) if split else samples
    if not apart_from:
        return chosen
    known = [sample for name in apart_from.split(",") for sample in of_split(samples, name.strip())]
    found = apart(chosen, known)
    if not found:
        raise NothingApart(apart_from, len(chosen))
    return found
