"""Makes the bundle of a trained segmentation network: exported, with its threshold chosen and its figures measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ml.bundle.bundle import WEIGHTS, Bundle, write_bundle
from ml.bundle.kinds import NETWORK
from ml.datasets import of_split
from ml.networks.weights import weights_to_bytes
from ml.segmentation.data import MaskedImages, MaskedSample
from ml.segmentation.evaluation import dice, evaluate_outlines
from ml.segmentation.fitting import SegmentationRecipe
from ml.segmentation.segmenter import Segmenter, strongest_region
from ml.training.export import convert
from ml.training.specifications import Specification

THRESHOLDS = tuple(round(float(value), 2) for value in np.arange(0.3, 0.75, 0.05))


def package(
    specification: Specification,
    model: keras.Model,
    recipe: SegmentationRecipe,
    samples: Sequence[MaskedSample],
    val: MaskedImages,
    folder: Path,
) -> Bundle:
    """Write the bundle of ``model`` to ``folder``, which exists and is empty.

    The threshold is chosen on ``val``; test, where ``samples`` have it, is evaluated once, at the end.
    """
    flatbuffer = convert(keras.Model(model.input, {"logits": model.output}))
    metadata = specification.metadata(
        mask_threshold=0.5,
        training=asdict(recipe)
        | {
            "optimizer": "AdamW, cosine decay with warm restarts, averaged weights",
            "loss": "Dice and binary cross-entropy",
            "augmentation": "flip, rotation, zoom, tilt, shift, gamma, contrast, uneven brightness, blur, noise",
            "parameters": model.count_params(),
            "images": len(of_split(samples, "train")),
            "framework": f"Keras {keras.__version__}",
        },
    )
    threshold = best_threshold(Segmenter(Bundle.draft(metadata, flatbuffer)), val)
    metadata = replace(metadata, mask_threshold=threshold)
    segmenter = Segmenter(Bundle.draft(metadata, flatbuffer))
    splits = {sample.split for sample in samples}
    metrics: dict[str, Any] = {
        split: evaluate_outlines(lambda image: segmenter.predict(image).mask, of_split(samples, split))
        for split in ("test", "val")
        if split in splits
    }
    return write_bundle(folder, metadata, {NETWORK: flatbuffer, WEIGHTS: weights_to_bytes(model)}, metrics)


def best_threshold(segmenter: Segmenter, val: MaskedImages) -> float:
    """The one of ``THRESHOLDS`` with the best mean Dice on ``val``; of equal ones the nearest to one half."""
    found = [segmenter.probabilities(pixels[None]) for pixels in val.pixels]
    truth = val.masks[..., 0] >= 0.5

    def mean_dice(threshold: float) -> float:
        outlined = (strongest_region(each, threshold) >= threshold for each in found)
        return round(float(np.mean([dice(*pair) for pair in zip(outlined, truth, strict=True)])), 4)

    return max(THRESHOLDS, key=lambda threshold: (mean_dice(threshold), -abs(threshold - 0.5)))
