"""Out-of-distribution detection: measures how far an image is from the training images."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

SHRINKAGE = 0.05


@dataclass(frozen=True, slots=True)
class MahalanobisDetector:
    """Distance of a feature vector to the nearest class mean under a shared covariance (Lee et al. 2018).

    ``means`` is (K, D); ``whitening`` is (D, D) with whitening @ whitening.T the inverse covariance. float32 both.
    """

    means: np.ndarray
    whitening: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, labels: np.ndarray) -> MahalanobisDetector:
        """Fit on training features (N, D) and class indices (N,); the covariance is shrunk towards its diagonal."""
        features = np.asarray(features, np.float64)
        means = np.stack([features[labels == label].mean(axis=0) for label in np.unique(labels)])
        centred = features - means[np.searchsorted(np.unique(labels), labels)]
        covariance = centred.T @ centred / len(features)
        variances = np.diag(covariance) + 1e-6
        covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(variances)
        whitening = np.linalg.cholesky(np.linalg.inv(covariance))
        return cls(means.astype(np.float32), whitening.astype(np.float32))

    def score(self, features: np.ndarray) -> np.ndarray:
        """Scores (N,) for features (N, D), in standard deviations a dimension: about 1 inside the training data."""
        # No BLAS: its threads would keep the processors from the network's for milliseconds after so small a product.
        offsets = np.einsum("nkd,de->nke", features[:, None, :] - self.means[None], self.whitening)
        scores: np.ndarray = np.sqrt((offsets.astype(np.float64) ** 2).mean(axis=2).min(axis=1))
        return scores

    def to_bytes(self) -> bytes:
        """An ``npz`` archive, compressed: half of ``whitening`` is zero."""
        file = io.BytesIO()
        np.savez_compressed(file, means=self.means, whitening=self.whitening)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> MahalanobisDetector:
        """Raises ValueError, KeyError, EOFError or zipfile.BadZipFile where ``data`` is no such archive."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(arrays["means"], arrays["whitening"])


def threshold_at(scores: np.ndarray, false_alarm_rate: float) -> float:
    """The score that a share ``false_alarm_rate`` of ``scores``, all of them in-distribution, exceeds."""
    return float(np.quantile(scores, 1 - false_alarm_rate, method="higher"))
