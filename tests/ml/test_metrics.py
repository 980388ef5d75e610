from __future__ import annotations

import numpy as np
import pytest

from ml.metrics import (
    balanced_accuracy,
    bootstrap_interval,
    brier_score,
    class_figures,
    confusion_matrix,
    expected_calibration_error,
    roc_auc,
    summarise,
)

PREDICTED = np.array([0, 0, 1, 1, 1, 2])
LABELS = np.array([0, 1, 1, 1, 2, 2])


def test_confusion_matrix_has_the_truth_in_its_rows() -> None:
    assert confusion_matrix(PREDICTED, LABELS, 3).tolist() == [[1, 0, 0], [1, 2, 0], [0, 1, 1]]


def test_balanced_accuracy_is_the_mean_recall() -> None:
    assert balanced_accuracy(confusion_matrix(PREDICTED, LABELS, 3)) == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)


def test_balanced_accuracy_leaves_out_classes_without_cases() -> None:
    assert balanced_accuracy(np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])) == pytest.approx((0.75 + 1) / 2)


def test_class_figures() -> None:
    figures = class_figures(confusion_matrix(PREDICTED, LABELS, 3), "abc")
    assert figures["b"] == {"precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "support": 3}
    assert figures["a"] == {"precision": 0.5, "recall": 1.0, "f1": 0.6667, "support": 1}


def test_a_class_never_predicted_has_precision_zero() -> None:
    assert class_figures(np.array([[0, 2], [0, 3]]), "ab")["a"]["precision"] == 0


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10)
    labels = np.array([0] * 7 + [1] * 3)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.2)


def test_full_confidence_falls_in_the_last_bin() -> None:
    assert expected_calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0


def test_brier_score() -> None:
    assert brier_score(np.array([[0.8, 0.2], [0.4, 0.6]]), np.array([0, 0])) == pytest.approx((0.08 + 0.72) / 2)


def test_auc_counts_pairs_and_half_of_ties() -> None:
    scores = np.array([0.1, 0.4, 0.4, 0.8])
    positive = np.array([False, False, True, True])
    assert roc_auc(scores, positive) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_auc_needs_both_kinds() -> None:
    assert np.isnan(roc_auc(np.array([0.1, 0.2]), np.array([True, True])))


def test_bootstrap_interval_covers_the_binomial_one() -> None:
    correct = np.arange(400) < 360
    low, high = bootstrap_interval(lambda rows: correct[rows].mean(), 400)
    assert (low, high) == pytest.approx((0.8706, 0.9294), abs=0.006)


def test_the_summary_of_perfect_answers() -> None:
    figures = summarise(np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 2]), "abc")
    assert [figures[name] for name in ("images", "accuracy", "balanced_accuracy", "macro_auc")] == [4, 1, 1, 1]
    assert [figures[name] for name in ("expected_calibration_error", "brier_score")] == [0, 0]
    assert figures["accuracy_interval"] == (1, 1)


def test_the_summary_of_one_class_has_no_auc() -> None:
    assert summarise(np.eye(2)[[0, 0]], np.array([0, 0]), "ab")["macro_auc"] is None
