"""Fits the linear classifier on measures and judges it on patients that it never saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.inference.calibration import fit_temperature, softmax


@dataclass(frozen=True, slots=True)
class Measured:
    """Measures of images, (N, F), their class indices (N,), 0 or 1, and whose and in which fold they are (N,)."""

    measures: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    folds: np.ndarray

    def where(self, chosen: np.ndarray) -> Measured:
        return Measured(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Head:
    """logit = scaled(measures) @ weights + bias; the arrays are (F,). Above zero speaks for class 1."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float

    def scaled(self, measures: np.ndarray) -> np.ndarray:
        """Measures (N, F) in standard deviations of those that the head was fitted on."""
        scaled: np.ndarray = (measures - self.mean) / self.scale
        return scaled

    def logits(self, measures: np.ndarray) -> np.ndarray:
        """(N, 2), the first of them 0."""
        logit = self.scaled(measures) @ self.weights + self.bias
        return np.stack([np.zeros_like(logit), logit], axis=1)


def fit_head(data: Measured) -> Head:
    """Linear discriminant analysis, both classes equally likely, with the covariance shrunk as far as its own noise
    demands (Ledoit & Wolf 2004): there is nothing to choose, which 18 patients would be too few for."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    mean, scale = data.measures.mean(axis=0), data.measures.std(axis=0) + 1e-6
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    model.fit((data.measures - mean) / scale, data.labels)
    return Head(mean, scale, model.coef_[0], float(model.intercept_[0]))


def out_of_fold(data: Measured) -> np.ndarray:
    """The logits of each image (N, 2) by a head that was fitted on all folds but its own."""
    logits = np.empty((len(data.labels), 2))
    for fold in np.unique(data.folds):
        held = data.folds == fold
        logits[held] = fit_head(data.where(~held)).logits(data.measures[held])
    return logits


def out_of_fold_probabilities(data: Measured) -> np.ndarray:
    """`out_of_fold` as probabilities (N, 2); each fold's temperature comes from cross-validation in the others."""
    logits, probabilities = out_of_fold(data), np.empty((len(data.labels), 2))
    for fold in np.unique(data.folds):
        held = data.folds == fold
        others = data.where(~held)
        probabilities[held] = softmax(logits[held], fit_temperature(out_of_fold(others), others.labels))
    return probabilities
