"""The shipped bundle against the public images, and against its own figures."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from ml.datasets import of_split, read_manifest
from ml.evaluation.classifier import evaluate_samples
from ml.inference.registry import BUNDLES
from ml.inference.single_network import Predictor

SUBSET = 60


def test_accuracy_and_coverage_meet_the_promise(predictor: Predictor) -> None:
    metrics = predictor.bundle.metrics
    assert metrics["test"]["images"] == 796
    assert metrics["test"]["accuracy"] >= 0.975
    assert metrics["test"]["macro_auc"] >= 0.997
    assert metrics["test"]["expected_calibration_error"] <= 0.02
    assert metrics["test"]["abstention"]["rate"] <= 0.05
    # More than half of the test images are copies of ones that it learned from: the others are the honest part.
    assert metrics["test_apart"]["images"] == 341
    assert metrics["test_apart"]["accuracy"] >= 0.95
    assert metrics["outliers"]["histology"] == {"images": 312, "abstained": 1.0}


def test_the_card_is_made_from_the_figures() -> None:
    metrics = json.loads((BUNDLES / "brain-mri/metrics.json").read_text())
    card = (BUNDLES / "brain-mri/card.md").read_text()
    assert f"| accuracy | {100 * metrics['test']['accuracy']:.1f} % (" in card


def test_a_random_part_of_the_test_split_agrees_with_the_figures(predictor: Predictor, data: Path) -> None:
    samples = of_split(read_manifest(data / "brain-mri", predictor.bundle.metadata.labels), "test")
    chosen = random.Random(20).sample(samples, SUBSET)
    stated = predictor.bundle.metrics["test"]["accuracy"]
    # Three standard errors of a share measured on SUBSET images drawn without replacement.
    tolerance = 3 * (stated * (1 - stated) / SUBSET * (1 - SUBSET / len(samples))) ** 0.5
    assert evaluate_samples(predictor, chosen)["accuracy"] == pytest.approx(stated, abs=tolerance)
