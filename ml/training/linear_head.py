"""Fits a linear classifier on measures and evaluates it by cross-validation over patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.inference.calibration import fit_temperature, softmax


@dataclass(frozen=True, slots=True)
class Measured:
    """Measures of images, (N, F), with their class indices (N,), 0 or 1, patients (N,) and folds (N,)."""

    measures: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    folds: np.ndarray

    def where(self, chosen: np.ndarray) -> Measured:
        return Measured(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Head:
    """logit = scaled(measures) @ weights + bias, positive for class 1; the arrays are (F,)."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float

    def scaled(self, measures: np.ndarray) -> np.ndarray:
        """Measures (N, F), standardised by those that the head was fitted on."""
        scaled: np.ndarray = (measures - self.mean) / self.scale
        return scaled

    def logits(self, measures: np.ndarray) -> np.ndarray:
        """(N, 2), the first of them 0."""
        logit = self.scaled(measures) @ self.weights + self.bias
        return np.stack([np.zeros_like(logit), logit], axis=1)


def fit_head(data: Measured) -> Head:
    """Linear discriminant analysis with equal priors and Ledoit-Wolf shrinkage of the covariance (2004). It has no
    parameter to tune, for which 18 patients would be too few."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    mean, scale = data.measures.mean(axis=0), data.measures.std(axis=0) + 1e-6
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    model.fit((data.measures - mean) / scale, data.labels)
    return Head(mean, scale, model.coef_[0], float(model.intercept_[0]))


def out_of_fold(data: Measured) -> np.ndarray:
    """The logits of each image (N, 2) by a head that was fitted on all folds but its own."""
    logits = np.empty((len(data.labels), 2))
    for fold in np.unique(data.folds):
        tested = data.folds == fold
        logits[tested] = fit_head(data.where(~tested)).logits(data.measures[tested])
    return logits


def out_of_fold_probabilities(data: Measured) -> np.ndarray:
    """`out_of_fold` as probabilities (N, 2); each fold's temperature comes from cross-validation in the others."""
    logits, probabilities = out_of_fold(data), np.empty((len(data.labels), 2))
    for fold in np.unique(data.folds):
        tested = data.folds == fold
        others = data.where(~tested)
        probabilities[tested] = softmax(logits[tested], fit_temperature(out_of_fold(others), others.labels))
    return probabilities
