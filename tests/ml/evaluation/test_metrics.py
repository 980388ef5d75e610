from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from ml.evaluation.metrics import areas, calibration_error, interval, measure, resampling_weights, summarise

SCALARS = (
    "accuracy",
    "balanced_accuracy",
    "error_rate",
    "sensitivity",
    "specificity",
    "precision",
    "recall",
    "f1",
    "macro_auc",
    "pr_auc",
    "expected_calibration_error",
    "brier_score",
    "negative_log_likelihood",
)


def made_up(images: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that lean towards the truth, rounded so that there are ties."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, images)
    scores = np.round(generator.random((images, classes)) + 0.4 * np.eye(classes)[labels], 1)
    return scores / scores.sum(axis=1, keepdims=True), labels


def by_scikit_learn(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    predicted, classes = probabilities.argmax(axis=1), probabilities.shape[1]
    binary = classes == 2
    average = {"average": "binary" if binary else "macro"}
    truth = np.eye(classes, dtype=int)[labels]
    shown = [1] if binary else range(classes)
    return {
        "accuracy": reference.accuracy_score(labels, predicted),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, predicted),
        "error_rate": reference.zero_one_loss(labels, predicted),
        "sensitivity": reference.recall_score(labels, predicted, **average),
        "specificity": np.mean([reference.recall_score(labels != k, predicted != k) for k in shown]),
        "precision": reference.precision_score(labels, predicted, **average),
        "recall": reference.recall_score(labels, predicted, **average),
        "f1": reference.f1_score(labels, predicted, **average),
        "macro_auc": np.mean([reference.roc_auc_score(truth[:, k], probabilities[:, k]) for k in shown]),
        "pr_auc": np.mean([reference.average_precision_score(truth[:, k], probabilities[:, k]) for k in shown]),
        "brier_score": np.mean(((probabilities - truth) ** 2).sum(axis=1)),
        "negative_log_likelihood": reference.log_loss(labels, probabilities),
    }


@pytest.mark.parametrize("classes", [2, 4])
def test_figures_agree_with_scikit_learn(classes: int) -> None:
    probabilities, labels = made_up(300, classes)
    figures = summarise(probabilities, labels, "abcd"[:classes], rounds=10)
    expected = by_scikit_learn(probabilities, labels)
    assert {name: figures[name] for name in expected} == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_weight_counts_an_image_so_many_times(classes: int) -> None:
    probabilities, labels = made_up(40, classes)
    times = np.random.default_rng(1).integers(0, 4, 40)
    repeated = np.repeat(np.arange(40), times)
    weighted = measure(probabilities, labels, times[None].astype(float))
    written_out = measure(probabilities[repeated], labels[repeated], np.ones((1, len(repeated))))
    assert weighted.keys() == set(SCALARS)
    assert {n: float(v[0]) for n, v in weighted.items()} == pytest.approx(
        {n: float(v[0]) for n, v in written_out.items()}
    )


def test_class_figures_and_confusion() -> None:
    predicted, labels = np.eye(3)[[0, 0, 1, 1, 1, 2]], np.array([0, 1, 1, 1, 2, 2])
    figures = summarise(predicted, labels, "abc", rounds=2)
    assert figures["confusion"] == {"labels": ["a", "b", "c"], "rows_are_truth": [[1, 0, 0], [1, 2, 0], [0, 1, 1]]}
    b = figures["classes"]["b"]
    assert (b["precision"], b["recall"], b["f1"], b["specificity"]) == (0.6667, 0.6667, 0.6667, 0.6667)
    assert b["support"] == 3


def test_means_leave_out_classes_without_cases() -> None:
    figures = summarise(np.eye(3)[[0, 0, 0, 1, 1, 1]], np.array([0, 0, 0, 0, 1, 1]), "abc", rounds=2)
    assert figures["balanced_accuracy"] == pytest.approx((0.75 + 1) / 2)
    assert figures["classes"]["c"]["recall"] == 0


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10)
    assert calibration_error(probabilities, np.array([0] * 7 + [1] * 3), np.ones((1, 10))) == pytest.approx(0.2)


def test_full_confidence_falls_in_the_last_bin() -> None:
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0]), np.ones((1, 1))) == 0


def test_auc_counts_pairs_and_half_of_ties() -> None:
    roc, _ = areas(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]), np.ones((1, 4)))
    assert roc == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_areas_need_both_kinds() -> None:
    assert np.isnan(areas(np.array([0.1, 0.2]), np.array([True, True]), np.ones((1, 2)))).all()


def test_the_interval_covers_the_binomial_one() -> None:
    correct = (np.arange(400) < 360).astype(int)
    figures = summarise(np.eye(2)[correct], np.ones(400, int), "ab", rounds=2000)
    assert figures["accuracy_interval"] == pytest.approx((0.8706, 0.9294), abs=0.006)


def test_groups_are_drawn_whole() -> None:
    weights = resampling_weights(np.array([0, 0, 1, 2, 2, 2]), 50, np.random.default_rng(0))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_images_of_few_patients_say_less() -> None:
    probabilities, labels = made_up(200, 2)
    # Each patient is right or wrong as a whole.
    right = np.repeat(np.random.default_rng(2).random(10) < 0.7, 20)
    probabilities = np.eye(2)[np.where(right, labels, 1 - labels)]
    by_image = summarise(probabilities, labels, "ab")
    by_patient = summarise(probabilities, labels, "ab", np.repeat(list("abcdefghij"), 20))
    assert (by_patient["resampled_by"], by_patient["groups"]) == ("group", 10)
    assert by_image["resampled_by"] == "image"

    def width(figures: dict) -> float:
        low, high = figures["accuracy_interval"]
        return high - low

    assert width(by_patient) > 2 * width(by_image)


def test_one_group_is_resampled_by_image() -> None:
    probabilities, labels = made_up(20, 2)
    assert summarise(probabilities, labels, "ab", ["a"] * 20, rounds=5)["resampled_by"] == "image"


def test_rounds_taken_in_parts_give_the_same_kind_of_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.evaluation.metrics.CELLS_AT_ONCE", 100)
    probabilities, labels = made_up(40, 2)
    low, high = summarise(probabilities, labels, "ab", rounds=25)["accuracy_interval"]
    assert 0 < low < high < 1


def test_the_summary_of_perfect_answers() -> None:
    figures = summarise(np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 2]), "abc")
    assert [figures[name] for name in ("images", "accuracy", "balanced_accuracy", "macro_auc")] == [4, 1, 1, 1]
    assert [figures[name] for name in ("expected_calibration_error", "brier_score", "error_rate")] == [0, 0, 0]
    assert figures["accuracy_interval"] == (1, 1)


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_what_is_undefined_is_none_and_never_nan(names: str) -> None:
    figures = summarise(np.eye(len(names))[[0, 0]], np.array([0, 0]), names, rounds=20)
    assert (figures["macro_auc"], figures["pr_auc_interval"]) == (None, None)
    assert "NaN" not in json.dumps(figures)


def test_an_interval_leaves_undefined_samples_out() -> None:
    assert interval(np.array([np.nan, 0.5, 0.5])) == (0.5, 0.5)
    assert interval(np.array([np.nan])) is None
