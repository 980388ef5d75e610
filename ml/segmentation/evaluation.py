"""Compares outlines with an annotator's, and with those of a threshold method without learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ml import progress
from ml.evaluation.metrics import ROUNDS, interval, resampling_weights
from ml.preprocessing.images import decode_image
from ml.segmentation.data import MaskedSample, read_mask
from ml.segmentation.segmenter import Segmenter

FOUND = 0.5
THRESHOLD_SIDE = 512

Outliner = Callable[[Image.Image], np.ndarray]


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    """Twice the intersection of two bool masks over the sum of their areas (Dice 1945); 1 where both are empty."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 1.0


def intersection_over_union(found: np.ndarray, truth: np.ndarray) -> float:
    """The intersection of two bool masks over their union (Jaccard 1912); 1 where both are empty."""
    union = int((found | truth).sum())
    return int((found & truth).sum()) / union if union else 1.0


def threshold_method(image: Image.Image) -> np.ndarray:
    """The brightest region inside the head by Otsu's method, as in the image analysis: bool (height, width)."""
    from ml.analysis.regions import brightest_region, head_mask

    scale = THRESHOLD_SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    grey = np.asarray(image.convert("L").resize(size, Image.Resampling.BICUBIC))
    return resized(brightest_region(grey, head_mask(grey)), image.size)


def evaluate_outlines(outline: Outliner, samples: Sequence[MaskedSample]) -> dict[str, Any]:
    """Figures of ``outline`` and of the threshold method on ``samples``, JSON-ready.

    ``outline`` returns the mask of an image, bool, in its proportions; masks are compared in pixels of the original.
    ``found`` is the share of slices with a Dice of at least one half, ``missed`` of those whose outline does not touch
    the tumour. The bootstrap resamples whole blocks, as neighbouring slices may be of one patient.
    """
    rows = [_compare(outline, sample) for sample in progress.counted(samples, "evaluated images")]
    dices, ious, thresholds = (np.array([row[place] for row in rows]) for place in range(3))
    blocks = np.unique([f"{sample.label} {sample.block}" for sample in samples], return_inverse=True)[1]
    weights = resampling_weights(blocks, ROUNDS, np.random.default_rng(0))

    def figure(name: str, values: np.ndarray) -> dict[str, Any]:
        drawn = weights @ values / weights.sum(axis=1)
        return {name: round(float(values.mean()), 4), f"{name}_interval": interval(drawn)}

    return {
        "images": len(samples),
        "blocks": int(blocks.max()) + 1,
        **figure("dice", dices),
        "dice_median": round(float(np.median(dices)), 4),
        **figure("iou", ious),
        **figure("found", (dices >= FOUND).astype(float)),
        **figure("missed", (dices == 0).astype(float)),
        **figure("threshold_method_dice", thresholds),
        "by_label": {label: _of_label(label, samples, dices, ious, thresholds) for label in _labels(samples)},
    }


def evaluate_model(model: Segmenter, samples: Sequence[MaskedSample]) -> dict[str, Any]:
    """`evaluate_outlines` of a model."""
    return evaluate_outlines(lambda image: model.predict(image).mask, samples)


def resized(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A bool mask at another size, (width, height)."""
    if mask.shape[::-1] == size:
        return mask
    return np.asarray(Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)) >= 0.5


def _compare(outline: Outliner, sample: MaskedSample) -> tuple[float, float, float]:
    image = decode_image(sample.path.read_bytes())
    truth = read_mask(sample.mask, image.size)
    found = resized(outline(image), image.size)
    return dice(found, truth), intersection_over_union(found, truth), dice(threshold_method(image), truth)


def _labels(samples: Sequence[MaskedSample]) -> list[str]:
    return sorted({sample.label for sample in samples})


def _of_label(
    label: str, samples: Sequence[MaskedSample], dices: np.ndarray, ious: np.ndarray, thresholds: np.ndarray
) -> dict[str, Any]:
    rows = np.array([sample.label == label for sample in samples])
    return {
        "images": int(rows.sum()),
        "dice": round(float(dices[rows].mean()), 4),
        "dice_median": round(float(np.median(dices[rows])), 4),
        "iou": round(float(ious[rows].mean()), 4),
        "found": round(float((dices[rows] >= FOUND).mean()), 4),
        "threshold_method_dice": round(float(thresholds[rows].mean()), 4),
    }
