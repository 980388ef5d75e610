from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ml.bundle.detector import MahalanobisDetector, threshold_at
from ml.preprocessing.images import colourfulness


@pytest.fixture
def features() -> tuple[np.ndarray, np.ndarray]:
    """Two clusters with correlated dimensions."""
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 2000)
    mixing = np.array([[2.0, 1.5, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]])
    return generator.normal(size=(2000, 3)) @ mixing + labels[:, None] * 20.0, labels


def test_training_data_score_about_one(features: tuple[np.ndarray, np.ndarray]) -> None:
    scores = MahalanobisDetector.fit(*features).score(features[0])
    assert np.sqrt((scores**2).mean()) == pytest.approx(1.0, abs=0.1)


def test_a_step_against_the_correlation_scores_higher_than_one_along_it(
    features: tuple[np.ndarray, np.ndarray],
) -> None:
    along, against = MahalanobisDetector.fit(*features).score(np.array([[2.0, 1.5, 0.0], [2.0, -1.5, 0.0]]))
    assert against > 3 * along


def test_the_nearest_class_counts(features: tuple[np.ndarray, np.ndarray]) -> None:
    near_first, between, near_second = MahalanobisDetector.fit(*features).score(np.outer([0, 10, 20], np.ones(3)))
    assert between > 4 * max(near_first, near_second)


def test_bytes_bring_the_detector_back(features: tuple[np.ndarray, np.ndarray]) -> None:
    detector = MahalanobisDetector.fit(*features)
    again = MahalanobisDetector.from_bytes(detector.to_bytes())
    assert np.array_equal(again.score(features[0]), detector.score(features[0]))
    assert detector.to_bytes() == again.to_bytes()


def test_the_threshold_is_exceeded_by_the_stated_share() -> None:
    scores = np.random.default_rng(0).normal(size=1000)
    assert (scores > threshold_at(scores, 0.02)).mean() == pytest.approx(0.02, abs=0.002)


def test_grey_has_no_colour() -> None:
    assert colourfulness(Image.new("L", (50, 50), 90)) == 0
    assert colourfulness(Image.new("RGB", (50, 50), (90, 90, 90))) == 0


def test_colour_counts() -> None:
    assert colourfulness(Image.new("RGB", (50, 50), (200, 60, 120))) > 30
