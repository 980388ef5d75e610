"""Performance measures of a classifier, from probabilities (N, K) and true class indices (N,).

Every measure takes ``weights`` (R, N), how often each image counts in each of R bootstrap samples, and returns R
values. The figure itself comes from the sample in which each image counts once, its interval from samples drawn at
random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ECE_BINS = 15
ROUNDS = 1000
PERCENTILES = (2.5, 97.5)
CELLS_AT_ONCE = 2_000_000


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray, classes: int, weights: np.ndarray) -> np.ndarray:
    """Counts of shape (R, K, K): rows are the truth, columns the prediction."""
    cells = np.eye(classes * classes)[labels * classes + predicted]
    counts: np.ndarray = (weights @ cells).reshape(-1, classes, classes)
    return counts


def class_ratios(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, F1 and specificity (R, K) of each class against the rest; 0 where a ratio has no cases, but
    NaN for the specificity where there is no other class."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    support, claimed = confusion.sum(axis=2), confusion.sum(axis=1)
    others = support.sum(axis=1, keepdims=True) - support
    return {
        "precision": hits / np.maximum(1, claimed),
        "recall": hits / np.maximum(1, support),
        "f1": 2 * hits / np.maximum(1, support + claimed),
        "specificity": np.where(others > 0, 1 - (claimed - hits) / np.maximum(1, others), np.nan),
    }


def areas(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas under the ROC curve and under the precision-recall curve, each (R,); NaN without positives or negatives.

    The first is the chance that a positive scores above a negative, ties counted half (Hanley & McNeil 1982); the
    second average precision, the sum over thresholds of precision times the gain in recall (Davis & Goadrich 2006).
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan) != 0)
    sorted_weights, sorted_positive = weights[:, order], positive[order]
    positives = np.add.reduceat(sorted_weights * sorted_positive, starts, axis=1)
    negatives = np.add.reduceat(sorted_weights * ~sorted_positive, starts, axis=1)
    hits, alarms = positives.cumsum(axis=1), negatives.cumsum(axis=1)
    both = hits[:, -1] * alarms[:, -1]
    both[both == 0] = np.nan
    roc = (negatives * (hits - positives / 2)).sum(axis=1) / both
    gains = (positives * hits / np.maximum(1, hits + alarms)).sum(axis=1)
    return roc, gains * alarms[:, -1] / both


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Expected calibration error (R,) in [0, 1]: the mean gap between confidence and accuracy over 15 equal-width bins
    (Naeini et al. 2015)."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    gaps = np.eye(ECE_BINS)[confidence_bins(confidence)] * (confidence - correct)[:, None]
    errors: np.ndarray = np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)
    return errors


def confidence_bins(confidence: np.ndarray) -> np.ndarray:
    """The number of the bin, 0 to 14, of each confidence in [0, 1]."""
    bins: np.ndarray = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    return bins


def measure(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Every figure by name, each (R,).

    With two classes precision, recall, F1, specificity and ``pr_auc`` are those of the second, the positive one; with
    more they are means over the classes that occur, each against the rest. ``sensitivity`` is recall. ``brier_score``
    is summed over classes (Brier 1950), in [0, 2].
    """
    classes = probabilities.shape[1]
    confusion = confusion_matrix(probabilities.argmax(axis=1), labels, classes, weights)
    occurs = np.where(confusion.sum(axis=2) > 0, 1.0, np.nan)
    ratios = {name: values * occurs for name, values in class_ratios(confusion).items()}
    # With two classes the areas of the negative one are not used.
    shown = range(classes) if classes > 2 else (1,)
    pairs = np.array([areas(probabilities[:, index], labels == index, weights) for index in shown])
    rows = ratios | {"macro_auc": pairs[:, 0].T, "pr_auc": pairs[:, 1].T}
    chosen = np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)
    distances = ((probabilities - np.eye(classes)[labels]) ** 2).sum(axis=1)

    def mean(values: np.ndarray) -> np.ndarray:
        means: np.ndarray = weights @ values / weights.sum(axis=1)
        return means

    accuracy = mean((probabilities.argmax(axis=1) == labels).astype(float))
    summary = {name: row[:, -1] if classes == 2 else _mean_over_classes(row) for name, row in rows.items()}
    return {
        "accuracy": accuracy,
        "balanced_accuracy": _mean_over_classes(ratios["recall"]),
        "error_rate": 1 - accuracy,
        "sensitivity": summary["recall"],
        **{name: summary[name] for name in ("specificity", "precision", "recall", "f1", "macro_auc", "pr_auc")},
        "expected_calibration_error": calibration_error(probabilities, labels, weights),
        "brier_score": mean(distances),
        "negative_log_likelihood": mean(-np.log(chosen)),
    }


def summarise(
    probabilities: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    groups: Sequence[str] | None = None,
    rounds: int = ROUNDS,
) -> dict[str, object]:
    """Every figure of ``measure`` and its 95 % bootstrap interval as ``<name>_interval``, as plain JSON values.

    ``groups`` (N,) names each image's group, such as its patient: where there are at least two, the bootstrap resamples
    whole groups. Values are rounded to four decimals; an undefined value is None, not NaN.
    """
    units = np.unique(groups, return_inverse=True)[1] if groups is not None else np.zeros(len(labels), int)
    grouped = units.max() > 0
    if not grouped:
        units = np.arange(len(labels))
    once = np.ones((1, len(labels)))
    drawn = _drawn(probabilities, labels, units, rounds)
    figures: dict[str, object] = {
        "images": len(labels),
        "groups": int(units.max()) + 1 if grouped else None,
        "resampled_by": "group" if grouped else "image",
        "positive": names[1] if len(names) == 2 else None,
    }
    for name, (value,) in measure(probabilities, labels, once).items():
        figures[name] = _rounded(value)
        figures[f"{name}_interval"] = interval(drawn[name])
    confusion = confusion_matrix(probabilities.argmax(axis=1), labels, len(names), once)
    return figures | {
        "classes": _by_class(probabilities, labels, names, confusion),
        "confusion": {"labels": list(names), "rows_are_truth": confusion[0].astype(int).tolist()},
    }


def resampling_weights(units: np.ndarray, rounds: int, generator: np.random.Generator) -> np.ndarray:
    """How often each image (N,) counts in each of ``rounds`` samples (R, N) of whole units (Efron 1979)."""
    count = int(units.max()) + 1
    return generator.multinomial(count, np.full(count, 1 / count), rounds)[:, units].astype(float)


def interval(values: np.ndarray) -> tuple[float, float] | None:
    """The 95 % percentile interval of resampled values without the undefined ones."""
    defined = values[~np.isnan(values)]
    if not defined.size:
        return None
    low, high = np.percentile(defined, PERCENTILES)
    return round(float(low), 4), round(float(high), 4)


def _drawn(probabilities: np.ndarray, labels: np.ndarray, units: np.ndarray, rounds: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    at_once = max(1, CELLS_AT_ONCE // len(labels))
    parts = [
        measure(probabilities, labels, resampling_weights(units, min(at_once, rounds - start), generator))
        for start in range(0, rounds, at_once)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _by_class(
    probabilities: np.ndarray, labels: np.ndarray, names: Sequence[str], confusion: np.ndarray
) -> dict[str, dict[str, float | int | None]]:
    ratios = class_ratios(confusion)
    found = {}
    for index, name in enumerate(names):
        roc, pr = areas(probabilities[:, index], labels == index, np.ones((1, len(labels))))
        found[name] = {title: _rounded(values[0, index]) for title, values in ratios.items()} | {
            "auc": _rounded(roc[0]),
            "pr_auc": _rounded(pr[0]),
            "support": int(confusion[0, index].sum()),
        }
    return found


def _mean_over_classes(rows: np.ndarray) -> np.ndarray:
    """Mean of (R, K) over the classes that are defined; NaN where none is."""
    defined = ~np.isnan(rows)
    means: np.ndarray = np.where(defined, rows, 0).sum(axis=1) / np.where(
        defined.any(axis=1), defined.sum(axis=1), np.nan
    )
    return means


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
