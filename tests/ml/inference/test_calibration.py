from __future__ import annotations

import numpy as np
import pytest

from ml.inference.calibration import fit_temperature, log_softmax, negative_log_likelihood, softmax


def drawn(temperature: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are too large by ``temperature``, with labels drawn from the true probabilities."""
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 1.5, (count, 4))
    labels = np.array([generator.choice(4, p=row) for row in softmax(logits)])
    return logits * temperature, labels


def test_softmax_by_hand() -> None:
    assert softmax(np.log([[1.0, 2.0, 5.0]])).tolist() == [pytest.approx([0.125, 0.25, 0.625])]


def test_softmax_of_large_logits_is_finite() -> None:
    assert softmax(np.array([[1e4, 0.0]])).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_is_recovered(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.1)


def test_scaling_lowers_the_negative_log_likelihood() -> None:
    logits, labels = drawn(3.0)
    fitted = fit_temperature(logits, labels)
    assert negative_log_likelihood(logits, labels, fitted) < negative_log_likelihood(logits, labels) - 0.2


def test_scaling_changes_no_answer() -> None:
    logits, labels = drawn(3.0)
    scaled = softmax(logits, fit_temperature(logits, labels))
    assert np.array_equal(scaled.argmax(axis=1), logits.argmax(axis=1))


def test_a_binary_head_is_the_log_odds_of_the_second_class() -> None:
    assert softmax(np.log([[3.0]])).tolist() == [pytest.approx([0.25, 0.75])]
    assert softmax(np.array([[2.0]]), 2.0).tolist() == softmax(np.array([[0.0, 2.0]]), 2.0).tolist()


@pytest.mark.parametrize("temperature", [0.4, 3.0])
def test_the_temperature_of_a_binary_head_is_recovered(temperature: float) -> None:
    generator = np.random.default_rng(4)
    logits = generator.normal(0, 2, (4000, 1))
    labels = (generator.random(4000) < 1 / (1 + np.exp(-logits[:, 0]))).astype(int)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.1)


def test_log_softmax_keeps_what_softmax_rounds_to_zero() -> None:
    assert log_softmax(np.array([[1000.0, 0.0]])).tolist() == [[0.0, -1000.0]]
