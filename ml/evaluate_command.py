"""Measures an installed model on a folder of labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.datasets import of_split, read_samples
from ml.evaluation import evaluate_samples
from ml.registry import Registry
from ml.segmentation.evaluation import evaluate_masked


def evaluate(model: str, data: Path, split: str | None = None, registry: Registry | None = None) -> dict[str, Any]:
    """Figures of ``model`` on the images that ``ml.datasets.read_samples`` finds, or on those of one ``split``.

    Returns the model's name, version and sha256, the split, and the figures of ``ml.evaluation.evaluate_samples``; of a
    segmentation, those of ``ml.segmentation.evaluation.evaluate_outlines`` on images with masks.

    Raises:
        BundleError: no such model, or it is refused.
        DatasetError, ImageError: the folder, a label, a split or a file is wrong.
    """
    predictor = (registry or Registry()).get(model)
    bundle = predictor.bundle
    facts = {
        "model": {"name": bundle.metadata.name, "version": bundle.metadata.version, "sha256": bundle.sha256},
        "split": split,
    }
    if bundle.metadata.kind == "segmentation":
        return facts | evaluate_masked(predictor, data, split)
    samples = read_samples(data, bundle.metadata.labels)
    return facts | evaluate_samples(predictor, of_split(samples, split) if split else samples)
