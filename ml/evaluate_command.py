"""Measures an installed model on a folder of labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.datasets import of_split, read_manifest
from ml.evaluation import evaluate_samples
from ml.registry import Registry


def evaluate(model: str, data: Path, split: str | None = None, registry: Registry | None = None) -> dict[str, Any]:
    """Figures of ``model`` on the rows of ``data/manifest.csv``, or on those of one ``split``.

    Returns the model's name, version and sha256, the split, and the figures of ``ml.evaluation.evaluate_samples``.

    Raises:
        BundleError: no such model, or it is refused.
        DatasetError, ImageError: the manifest, a label, a split or a file is wrong.
    """
    predictor = (registry or Registry()).get(model)
    bundle = predictor.bundle
    samples = read_manifest(data, bundle.metadata.labels)
    chosen = of_split(samples, split) if split else samples
    return {
        "model": {"name": bundle.metadata.name, "version": bundle.metadata.version, "sha256": bundle.sha256},
        "split": split,
    } | evaluate_samples(predictor, chosen)
