"""Figures of merit for a classifier, from probabilities (N, K) and true class indices (N,)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

ECE_BINS = 15


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Counts of shape (K, K): rows are the truth, columns the prediction."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def balanced_accuracy(confusion: np.ndarray) -> float:
    """Mean recall over the classes that occur."""
    support = confusion.sum(axis=1)
    return float((np.diag(confusion)[support > 0] / support[support > 0]).mean())


def class_figures(confusion: np.ndarray, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class; 0 where a ratio has no cases."""
    figures = {}
    for index, name in enumerate(names):
        hits = int(confusion[index, index])
        support, claimed = int(confusion[index].sum()), int(confusion[:, index].sum())
        figures[name] = {
            "precision": _rounded(hits / max(1, claimed)),
            "recall": _rounded(hits / max(1, support)),
            "f1": _rounded(2 * hits / max(1, support + claimed)),
            "support": support,
        }
    return figures


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean gap between confidence and accuracy over 15 equal-width bins (Naeini et al. 2015), in [0, 1]."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, confidence - correct, ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance to the one-hot truth, summed over classes (Brier 1950), in [0, 2]."""
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1).mean())


def roc_auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Chance that a positive scores above a negative, ties counted half (Mann-Whitney); NaN with only one kind."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return float("nan")
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def bootstrap_interval(
    measure: Callable[[np.ndarray], float], count: int, rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of ``measure(rows)`` over resampled row numbers (Efron 1979)."""
    generator = np.random.default_rng(seed)
    values = [measure(generator.integers(0, count, count)) for _ in range(rounds)]
    low, high = np.percentile(values, (2.5, 97.5))
    return _rounded(low), _rounded(high)


def summarise(probabilities: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> dict[str, object]:
    """All figures as plain JSON values, rounded to four decimals. The intervals are 95 % bootstrap intervals."""
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(predicted, labels, len(names))
    correct = predicted == labels
    present = np.unique(labels)
    areas = [roc_auc(probabilities[:, index], labels == index) for index in present] if len(present) > 1 else []
    chosen = probabilities[np.arange(len(labels)), labels]
    return {
        "images": len(labels),
        "accuracy": _rounded(correct.mean()),
        "accuracy_interval": bootstrap_interval(lambda rows: correct[rows].mean(), len(labels)),
        "balanced_accuracy": _rounded(balanced_accuracy(confusion)),
        "balanced_accuracy_interval": bootstrap_interval(
            lambda rows: balanced_accuracy(confusion_matrix(predicted[rows], labels[rows], len(names))), len(labels)
        ),
        "macro_auc": _rounded(np.mean(areas)) if areas else None,
        "expected_calibration_error": _rounded(expected_calibration_error(probabilities, labels)),
        "brier_score": _rounded(brier_score(probabilities, labels)),
        "negative_log_likelihood": _rounded(-np.log(np.maximum(chosen, 1e-12)).mean()),
        "classes": class_figures(confusion, names),
        "confusion": {"labels": list(names), "rows_are_truth": confusion.tolist()},
    }


def _rounded(value: float) -> float:
    return round(float(value), 4)
