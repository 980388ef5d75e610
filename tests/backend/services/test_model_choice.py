"""Which model classifies: the named one, or the one that the gate chooses; bundles of other kinds never do."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from backend.adapters.models.bundled import BundledModels
from backend.container import Container
from backend.errors import NotFound, UnsupportedImage
from backend.services.classification import ClassificationService
from backend.services.models import ModelService
from backend.settings import load
from backend.wiring import wire
from ml.datasets.phantom import phantom_png
from ml.gate.gate import Gate
from ml.inference.registry import Registry
from tests.ml.bundles import SHIPPED, gate, twin

CLIENT = "127.0.0.1"
LABELS = ("glioma", "meningioma", "notumor", "pituitary")


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    """Without a chain, which choosing a model does not need."""
    settings = load({"SCANPROOF_VAR": str(tmp_path / "var")}, env_file=None)
    container = wire(replace(settings, contract_address="0x" + "11" * 20, contract_block=0))
    yield container
    container.close()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    shutil.copytree(SHIPPED, folder / "brain-mri")
    return folder


def gate_of(registry: Registry) -> Gate:
    found = registry.get("modality-gate")
    assert isinstance(found, Gate)
    return found


def classifier_with_gate(models: Path, label: str) -> BundledModels:
    """A gate that takes every image for ``label``."""
    gate(models, label, *(f"{label}-{number}" for number in range(3)))
    registry = Registry(models)
    network = gate_of(registry).network
    original = type(network).__call__

    def always_first(pixels):
        output = original(network, pixels)
        output.logits[:] = (9, 0, 0, 0)
        return output

    gate_of(registry).network = always_first
    return BundledModels(registry)


def service(container: Container, classifier: BundledModels) -> ClassificationService:
    return ClassificationService(
        container.classification._classifications, container.intake, container.store, classifier
    )


@pytest.fixture
def scan(container: Container) -> str:
    return container.intake.accept(phantom_png(96, 41), client=CLIENT).facts.cid


def test_without_a_name_the_gate_chooses(models: Path, container: Container, scan: str) -> None:
    twin(models, "knee", modality="knee-mri")
    found, created = service(container, classifier_with_gate(models, "knee-mri")).classify(scan, None)
    assert (found.model.name, found.model.modality, created) == ("knee", "knee-mri", True)


def test_what_no_model_knows_is_an_abstention_of_the_gate(models: Path, container: Container, scan: str) -> None:
    classifier = classifier_with_gate(models, "other")
    found, _ = service(container, classifier).classify(scan, None)
    assert (found.abstained, found.label, found.label_code) == (True, "abstained", 0)
    assert found.reason == "not recognised as a brain MRI or a breast-histology image"
    manifest = json.loads(found.manifest)
    assert manifest["model"]["sha256"] == classifier.gate().sha256
    assert ModelService(classifier).facts("0x" + found.model.sha256).name == "modality-gate"
    again, created = service(container, classifier).classify(scan, None)
    assert (again.manifest_hash, created) == (found.manifest_hash, False)


def test_a_named_model_is_not_asked_about_by_the_gate(models: Path, container: Container, scan: str) -> None:
    found, _ = service(container, classifier_with_gate(models, "other")).classify(scan, "brain-mri")
    assert found.model.name == "brain-mri"


def test_a_gate_cannot_be_named_as_the_model(models: Path) -> None:
    with pytest.raises(NotFound) as caught:
        classifier_with_gate(models, "other").resolve("modality-gate")
    assert str(caught.value) == "expected a model that classifies (brain-mri), found modality-gate, a gate"


def test_an_unknown_name_is_reported_what_there_is(models: Path) -> None:
    with pytest.raises(NotFound, match=r"^no model named 'none'; available: brain-mri$"):
        BundledModels(Registry(models)).resolve("none")


def test_a_damaged_image_is_reported_before_a_model_is_chosen(models: Path) -> None:
    with pytest.raises(UnsupportedImage):
        classifier = classifier_with_gate(models, "other")
        classifier.recognise(classifier.gate(), b"no image")


def test_every_kind_is_listed_the_default_first(models: Path) -> None:
    twin(models, "a-twin", weak="Of no use.")
    listed = classifier_with_gate(models, "other").models()
    assert [(model.facts.name, model.kind) for model in listed] == [
        ("brain-mri", "classifier"),
        ("a-twin", "classifier"),
        ("modality-gate", "gate"),
    ]
    assert [model.weak for model in listed] == [None, "Of no use.", None]


def test_why_not_to_rely_on_a_model_goes_with_its_result(models: Path) -> None:
    bundle = twin(models, "knee", weak="Of no use.")
    service = ModelService(BundledModels(Registry(models)))
    assert service.weak("0x" + bundle.sha256) == "Of no use."
    assert service.weak("0x" + "00" * 32) is None


def test_a_model_without_an_activation_map_has_no_overlay(models: Path) -> None:
    classifier = classifier_with_gate(models, "other")
    registry = classifier._registry
    whole = gate_of(registry).network

    def without_maps(pixels):
        output = whole(pixels)
        return type(output)(output.logits, None, output.features)

    gate_of(registry).network = without_maps
    image = io.BytesIO()
    Image.new("RGB", (50, 40), "red").save(image, "PNG")
    prediction, overlay = classifier.predict(classifier.gate(), image.getvalue())
    assert (prediction.abstained, overlay) == (True, None)
