"""Selects an ensemble's members and method, by the members' answers on validation images only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ml.bundle.combination import Method, SoftVoting, Stacking
from ml.inference.calibration import fit_temperature, negative_log_likelihood

FOLDS = 5
ROUNDS = 500


def equal_votes(log_probabilities: np.ndarray, _labels: np.ndarray) -> Method:
    """Soft voting in which every member of (M, N, K) has the same weight."""
    count = len(log_probabilities)
    return SoftVoting(np.full(count, 1 / count))


def likeliest_votes(log_probabilities: np.ndarray, labels: np.ndarray) -> Method:
    """Soft voting with the weights of maximum likelihood.

    The likelihood of a mixture's weights has one optimum, which expectation maximisation (Dempster et al. 1977) finds.
    """
    chosen = np.exp(log_probabilities[:, np.arange(len(labels)), labels])
    weights = np.full(len(chosen), 1 / len(chosen))
    for _ in range(ROUNDS):
        shares = weights[:, None] * chosen
        weights = (shares / np.maximum(shares.sum(axis=0), 1e-12)).mean(axis=1)
        weights /= weights.sum()
    return SoftVoting(weights)


def stacked(log_probabilities: np.ndarray, labels: np.ndarray) -> Method:
    """Stacking: multinomial logistic regression on all members' log-probabilities, ridge penalty 1."""
    from sklearn.linear_model import LogisticRegression

    members, count, classes = log_probabilities.shape
    rows = log_probabilities.transpose(1, 0, 2).reshape(count, members * classes)
    fitted = LogisticRegression(max_iter=2000).fit(rows, labels)
    coefficients = np.zeros((classes, members * classes))
    intercept = np.full(classes, 0.0)
    # With two classes only the log-odds of the second are fitted.
    fitted_classes = fitted.classes_ if len(fitted.classes_) > 2 else fitted.classes_[1:]
    coefficients[fitted_classes], intercept[fitted_classes] = fitted.coef_, fitted.intercept_
    return Stacking(coefficients.reshape(classes, members, classes).transpose(1, 2, 0), intercept)


FITS: dict[str, Callable[[np.ndarray, np.ndarray], Method]] = {
    "equal votes": equal_votes,
    "weighted votes": likeliest_votes,
    "stacking": stacked,
}
"""The simplest first: it is preferred among equal ones."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Members, by number, with a method of ``FITS``. ``loss`` is the mean negative log-likelihood, in nats, of
    validation images on which neither method nor temperature was fitted."""

    members: tuple[int, ...]
    fit: str
    loss: float


def ranked_selections(log_probabilities: np.ndarray, labels: np.ndarray, groups: Sequence[str]) -> list[Selection]:
    """Every set of members with every method of ``FITS``, and each member alone, the best first.

    ``log_probabilities`` (M, N, K) are the members' calibrated answers on validation images, ``labels`` (N,) class
    indices; images of one of ``groups`` (N,) are in one fold. Losses come from cross-validation within these images.
    """
    folds = fold_of_groups(groups)
    every = range(len(log_probabilities))
    sets = [members for size in every for members in combinations(every, size + 1)]
    found = [
        Selection(members, fit, _cross_validated(FITS[fit], log_probabilities[list(members)], labels, folds))
        for members in sets
        for fit in (FITS if len(members) > 1 else ("equal votes",))
    ]
    return sorted(found, key=lambda selection: round(selection.loss, 4))


def fold_of_groups(groups: Sequence[str], folds: int = FOLDS, seed: int = 0) -> np.ndarray:
    """The fold (N,) of each image; a group is in one fold. An image with an empty group is a group of its own."""
    names = np.array([group or f" {number}" for number, group in enumerate(groups)])
    distinct, numbers = np.unique(names, return_inverse=True)
    return np.random.default_rng(seed).permutation(len(distinct))[numbers] % folds


def _cross_validated(
    fit: Callable[[np.ndarray, np.ndarray], Method],
    log_probabilities: np.ndarray,
    labels: np.ndarray,
    folds: np.ndarray,
) -> float:
    losses = []
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        method = fit(log_probabilities[:, inside], labels[inside])
        temperature = fit_temperature(method.combine(log_probabilities[:, inside]), labels[inside])
        logits = method.combine(log_probabilities[:, outside])
        losses.append(negative_log_likelihood(logits, labels[outside], temperature) * outside.sum())
    return float(sum(losses) / len(labels))
