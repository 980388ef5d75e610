"""Temperature scaling (Guo et al. 2017, On Calibration of Modern Neural Networks)."""

from __future__ import annotations

import numpy as np

TEMPERATURE_RANGE = (0.05, 20.0)


def class_logits(logits: np.ndarray) -> np.ndarray:
    """Logits (N, K) in float64; a binary head's (N, 1), the log-odds z of the second class, become [0, z]."""
    logits = np.asarray(logits, np.float64)
    return np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits


def log_softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Logarithms of ``softmax``, exact for small probabilities too."""
    scaled = class_logits(logits) / temperature
    shifted = scaled - scaled.max(axis=1, keepdims=True)
    found: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities of shape (N, K), rows summing to 1, in float64; for a binary head (N, 2), see ``class_logits``."""
    found: np.ndarray = np.exp(log_softmax(logits, temperature))
    return found


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> float:
    """Mean over N of -log p(label), in nats."""
    return float(-log_softmax(logits, temperature)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature in ``TEMPERATURE_RANGE`` with the least negative log-likelihood on images not trained on.

    The likelihood has one optimum in the temperature, so a golden-section search over its logarithm finds it.
    """
    low, high = np.log(TEMPERATURE_RANGE)
    golden = (np.sqrt(5.0) - 1) / 2
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        losses = (negative_log_likelihood(logits, labels, float(np.exp(point))) for point in (left, right))
        if next(losses) < next(losses):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))
