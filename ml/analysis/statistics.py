"""First-order statistics of an image: of its grey levels, independent of their position."""

from __future__ import annotations

import numpy as np

from ml.analysis.steps import Figure

LEVELS = 256
HISTOGRAM_HEIGHT = 128
BAR, GROUND = 208, 16


def first_order(grey: np.ndarray) -> tuple[Figure, ...]:
    """Mean, median, mode, variance and standard deviation of all pixels of ``grey``, uint8 of shape (H, W)."""
    counts = np.bincount(grey.ravel(), minlength=LEVELS)
    # Computed from the histogram, they are exact and the same on every machine.
    levels, pixels = np.arange(LEVELS), int(counts.sum())
    mean = int(counts @ levels) / pixels
    variance = float(counts @ (levels - mean) ** 2) / pixels
    below = np.searchsorted(np.cumsum(counts), [(pixels + 1) // 2, pixels // 2 + 1])
    return (
        Figure("mean", "Mean", mean, "grey levels", "Average brightness, from 0 (black) to 255 (white)."),
        Figure("median", "Median", float(below.mean()), "grey levels", "Half of the pixels are no brighter than this."),
        Figure("mode", "Mode", int(counts.argmax()), "grey levels", "The most frequent grey level."),
        Figure("variance", "Variance", variance, "", "Mean squared distance from the mean: how spread the levels are."),
        Figure("deviation", "Standard deviation", variance**0.5, "grey levels", "Root of the variance: the contrast."),
    )


def histogram(grey: np.ndarray) -> np.ndarray:
    """A picture (128, 256) of how often each level occurs, black at the left; heights are square roots of counts."""
    heights = np.sqrt(np.bincount(grey.ravel(), minlength=LEVELS))
    bars = np.rint(heights / heights.max() * HISTOGRAM_HEIGHT)
    rows = HISTOGRAM_HEIGHT - np.arange(HISTOGRAM_HEIGHT)
    return np.where(rows[:, None] <= bars, BAR, GROUND).astype(np.uint8)
