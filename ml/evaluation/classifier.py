"""Evaluates a classifier on labelled images, on out-of-distribution images, and on images with clues removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ml import progress
from ml.datasets import LabelledImages, Sample, of_split
from ml.errors import ImageError
from ml.evaluation.metrics import summarise
from ml.inference.calibration import softmax
from ml.inference.prediction import Classifier, Prediction
from ml.inference.single_network import Predictor
from ml.preprocessing.images import damaged

CENTRE_RADIUS = 0.33
OUTLINE_LEVEL = 0.08


def evaluate_samples(predictor: Classifier, samples: Sequence[Sample]) -> dict[str, object]:
    """All figures of ``ml.evaluation.metrics.summarise`` with an answer forced from every image, and ``abstention``:
    how often the model declines, and how accurate it is on the rest. The bootstrap resamples groups where every sample
    has one.

    Raises:
        ImageError: a file cannot be decoded; the message names it.
    """
    labels = predictor.bundle.metadata.labels
    truth = np.array([labels.index(sample.label) for sample in samples], np.int64)
    predictions = [_predict_file(predictor, sample.path) for sample in progress.counted(samples, "evaluated images")]
    probabilities = np.array([list(prediction.probabilities.values()) for prediction in predictions])
    answered = np.array([not prediction.abstained for prediction in predictions])
    correct = probabilities.argmax(axis=1) == truth
    abstention = {
        "rate": round(float(1 - answered.mean()), 4),
        "accuracy_when_answering": round(float(correct[answered].mean()), 4) if answered.any() else None,
    }
    groups = [sample.group for sample in samples] if all(sample.group for sample in samples) else None
    return summarise(probabilities, truth, labels, groups) | {"abstention": abstention}


def evaluate_splits(
    predictor: Classifier, samples: Sequence[Sample], distinct: Mapping[str, Sequence[Sample]]
) -> dict[str, object]:
    """`evaluate_samples` of each split in ``distinct``, and as "<split>_apart" of its images without near-duplicates in
    train, which ``distinct`` lists (see ``ml.datasets.duplicates.without_duplicates_of_train``), where these are some
    but not all of the split.

    Raises:
        WrongChoice: a split has no samples.
        ImageError: a file cannot be decoded.
    """
    figures: dict[str, object] = {}
    for split, kept in distinct.items():
        rows = of_split(samples, split)
        figures[split] = evaluate_samples(predictor, rows)
        if 0 < len(kept) < len(rows):
            figures[f"{split}_apart"] = evaluate_samples(predictor, kept)
    return figures


def abstention_rates(predictor: Classifier, outliers: Mapping[str, Iterable[Path | Image.Image]]) -> dict[str, object]:
    """For each kind of outlier the number of images and the share on which the model abstains."""
    rates: dict[str, object] = {}
    for kind, sources in outliers.items():
        declined = [
            (_predict_file(predictor, source) if isinstance(source, Path) else predictor.predict(source)).abstained
            for source in sources
        ]
        rates[kind] = {"images": len(declined), "abstained": round(float(np.mean(declined)), 4)}
    return rates


def probe_shortcuts(
    predictor: Predictor, images: LabelledImages, train: Sequence[Sample], test: Sequence[Sample]
) -> dict[str, float]:
    """Accuracy, answers forced, on images with clues removed: how much is reached without the brain's tissue?

    ``centre_only``: everything outside a central disc is black. ``outline_only``: the head as a flat silhouette.
    ``image_size_alone``: no network, but the commonest training label of images of the same width and height.
    """
    side = images.pixels.shape[1]
    y, x = np.mgrid[:side, :side] / (side - 1) - 0.5
    disc = (np.hypot(x, y) < CENTRE_RADIUS)[None, :, :, None]
    outline = (images.pixels > OUTLINE_LEVEL).astype(np.float32) * 0.5
    return {
        "centre_only": _accuracy(predictor, images.pixels * disc, images.labels),
        "outline_only": _accuracy(predictor, outline, images.labels),
        "image_size_alone": _accuracy_by_size(train, test),
    }


def _predict_file(predictor: Classifier, path: Path) -> Prediction:
    try:
        return predictor.predict(path.read_bytes())
    except ImageError as exc:
        raise damaged(f"{path}: {exc}") from exc


def _accuracy(predictor: Predictor, pixels: np.ndarray, labels: np.ndarray) -> float:
    logits = np.stack([predictor.network(row[None].astype(np.float32)).logits for row in pixels])
    return round(float((softmax(logits).argmax(axis=1) == labels).mean()), 4)


def _accuracy_by_size(train: Sequence[Sample], test: Sequence[Sample]) -> float:
    labels_by_size: dict[tuple[int, int], Counter[str]] = {}
    for sample in train:
        labels_by_size.setdefault(_size(sample.path), Counter())[sample.label] += 1
    commonest = Counter(sample.label for sample in train)
    guesses = [labels_by_size.get(_size(sample.path), commonest).most_common(1)[0][0] for sample in test]
    return round(float(np.mean([guess == sample.label for guess, sample in zip(guesses, test, strict=True)])), 4)


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size
