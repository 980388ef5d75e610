"""Points of the ROC curve and of the reliability diagram, so that a chart can be drawn without the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.evaluation.metrics import ECE_BINS, confidence_bins

ROC_POINTS = 80


def roc_curves(probabilities: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> list[dict[str, object]]:
    """One curve a class against the rest, of the positive class alone where there are two: ``label``, and lists of the
    same length ``false_positive_rate`` and ``true_positive_rate``, both rising from 0 to 1. Thinned to about 80 points.
    """
    shown = range(len(names)) if len(names) > 2 else (1,)
    found = []
    for index in shown:
        positive = labels == index
        if positive.all() or not positive.any():
            continue
        order = np.argsort(-probabilities[:, index], kind="stable")
        scores = probabilities[order, index]
        ends = np.flatnonzero(np.append(np.diff(scores) != 0, True))
        hits, alarms = positive[order].cumsum()[ends], (~positive[order]).cumsum()[ends]
        x, y = (np.append(0.0, counts / counts[-1]) for counts in (alarms, hits))
        kept = np.unique(np.linspace(0, len(x) - 1, ROC_POINTS).round().astype(int))
        found.append(
            {
                "label": names[index],
                "false_positive_rate": x[kept].round(4).tolist(),
                "true_positive_rate": y[kept].round(4).tolist(),
            }
        )
    return found


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """For each of the calibration error's bins that has images: their mean ``confidence``, ``accuracy`` and number."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = confidence_bins(confidence)
    return [
        {
            "confidence": round(float(confidence[bins == number].mean()), 4),
            "accuracy": round(float(correct[bins == number].mean()), 4),
            "images": int((bins == number).sum()),
        }
        for number in range(ECE_BINS)
        if (bins == number).any()
    ]
