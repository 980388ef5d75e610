"""How kinds differ: the gate that chooses a model, bundles without a score, the default of a modality."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.bundle.bundle import load_bundle
from ml.bundle.kinds import KINDS, Kind, resolve
from ml.bundle.metadata import Metadata
from ml.datasets.phantom import phantom_png
from ml.errors import BundleNotFound
from ml.inference.registry import Registry
from ml.inference.single_network import Predictor
from tests.ml.bundles import SHIPPED, gate, twin


@pytest.fixture
def models(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "brain-mri")
    return tmp_path


def seen_as(label: str) -> list[str]:
    """Four labels of which the phantom gets ``label``."""
    probabilities = Registry().get("brain-mri").predict(phantom_png()).probabilities
    top = max(probabilities, key=probabilities.__getitem__)
    return [label if name == top else f"else {name}" for name in probabilities]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_function_of_the_table_is_there(kind: Kind) -> None:
    named = (kind.checker, kind.opener, kind.evaluator, *([kind.trainer] if kind.trainer else []))
    assert all(callable(resolve(name)) for name in named)


def test_without_a_gate_the_default_modality_is_meant(models: Path) -> None:
    registry = Registry(models)
    assert registry.for_image(phantom_png()) is registry.get("brain-mri")


def test_the_gate_chooses_the_model(models: Path) -> None:
    gate(models, *seen_as("knee-mri"))
    twin(models, "knee", modality="knee-mri")
    registry = Registry(models)
    assert registry.for_image(phantom_png()) is registry.get("knee")


def test_what_the_gate_does_not_know_is_left_to_the_gate_to_decline(models: Path) -> None:
    gate(models, *seen_as("other"))
    chosen = Registry(models).for_image(phantom_png())
    assert chosen.bundle.metadata.kind == "gate"
    prediction = chosen.predict(phantom_png())
    assert (prediction.label, prediction.code, prediction.ood_score is None) == ("abstained", 0, False)


def test_a_modality_without_a_model_is_named(models: Path) -> None:
    gate(models, *seen_as("knee-mri"))
    with pytest.raises(BundleNotFound, match="no model named 'knee-mri'; available: brain-mri, modality-gate"):
        Registry(models).for_image(phantom_png())


def test_only_what_classifies_is_a_default(models: Path) -> None:
    gate(models, *seen_as("other"))
    with pytest.raises(BundleNotFound):
        Registry(models).default("any")


def test_no_limit_no_abstention() -> None:
    bundle = load_bundle(SHIPPED)
    limits = replace(bundle.metadata.abstention, score=None, colourfulness=None, confidence=None)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    prediction = Predictor(replace(bundle, metadata=replace(bundle.metadata, abstention=limits))).predict(
        Image.fromarray(noise)
    )
    assert (prediction.abstained, prediction.threshold) == (False, None)


def test_without_a_detector_there_is_no_score() -> None:
    prediction = Predictor(replace(load_bundle(SHIPPED), detector=None)).predict(phantom_png())
    assert prediction.ood_score is None


def test_metadata_come_back_from_their_bytes() -> None:
    metadata = load_bundle(SHIPPED).metadata
    for each in (metadata, replace(metadata, weak="Few images.", kind="segmentation", abstention=None)):
        assert Metadata.from_json(each.to_json(), SHIPPED) == each
