"""Which model classifies: the named one, or the one that the gate chooses; bundles of other kinds never do."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785
from PIL import Image

from backend.adapters.models.bundled import BundledModels
from backend.cids import raw_cid
from backend.container import Container
from backend.errors import ClassificationFailed, NotFound, UnsupportedImage
from backend.services.classification import ClassificationService
from backend.services.models import ModelService
from backend.settings import load
from backend.wiring import wire
from ml.datasets.phantom import phantom_png
from ml.gate.gate import Gate
from ml.inference.registry import Model, Registry
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
        container.classification._classifications,
        container.intake,
        container.store,
        classifier,
        container.classification._kinds,
        container.slides,
        container.classification._fields,
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


@pytest.mark.parametrize("name", [None, "brain-mri"])
def test_what_the_gate_declines_is_an_abstention_whoever_named_a_model(
    models: Path, container: Container, scan: str, name: str | None
) -> None:
    classifier = classifier_with_gate(models, "other")
    found, _ = service(container, classifier).classify(scan, name)
    assert (found.model.name, found.abstained, found.label_code) == ("modality-gate", True, 0)
    assert found.label == "abstained" and set(found.probabilities) == {"other", "other-0", "other-1", "other-2"}


def test_an_image_of_another_modality_than_the_named_models_is_an_abstention(
    models: Path, container: Container, scan: str
) -> None:
    twin(models, "knee", modality="knee-mri")
    classifier = classifier_with_gate(models, "knee-mri")
    found, _ = service(container, classifier).classify(scan, "brain-mri")
    assert (found.model.name, found.abstained, found.label, found.label_code) == ("modality-gate", True, "abstained", 0)
    assert found.reason == "recognised as knee-mri, which the named model was not made for"
    assert json.loads(found.manifest)["gate"]["modality"] == "knee-mri"
    assert service(container, classifier).classify(scan, "knee")[0].model.name == "knee"


@pytest.mark.parametrize("name", [None, "brain-mri"])
@pytest.mark.parametrize(("label", "modality"), [("brain-mri", "brain-mri"), ("other", None)])
def test_every_manifest_has_the_opinion_of_the_gate(
    models: Path, container: Container, scan: str, name: str | None, label: str, modality: str | None
) -> None:
    classifier = classifier_with_gate(models, label)
    gate = classifier.gate()
    expected = {"name": gate.name, "version": gate.version, "sha256": gate.sha256, "modality": modality}
    for found in (
        service(container, classifier).classify(scan, name)[0],
        service(container, classifier).seal(scan, name),
    ):
        assert json.loads(found.manifest)["gate"] == expected


def test_without_a_gate_the_manifest_says_that_there_was_none(models: Path, container: Container, scan: str) -> None:
    found, _ = service(container, BundledModels(Registry(models))).classify(scan, "brain-mri")
    assert json.loads(found.manifest)["gate"] is None


def test_a_classification_that_was_made_without_the_gate_is_made_again(
    models: Path, container: Container, scan: str
) -> None:
    """As a former release made them. Its manifest stays in the store, where records of it find it."""
    asked = service(container, classifier_with_gate(models, "brain-mri"))
    first, _ = asked.classify(scan, "brain-mri")
    fields = json.loads(first.manifest)
    del fields["gate"]
    old = rfc8785.dumps(fields)
    manifest_hash = hashlib.sha256(old).hexdigest()
    former = replace(first, manifest=old, manifest_hash=manifest_hash, manifest_cid=raw_cid(manifest_hash))
    container.store.put(old, name="manifest", media_type="application/json")
    assert container.classification._classifications.replace(first, former)

    again, created = asked.classify(scan, "brain-mri")

    assert created and json.loads(again.manifest)["gate"]["modality"] == "brain-mri"
    assert asked.classify(scan, "brain-mri") == (again, False)
    assert asked.manifest(manifest_hash) == old


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


def test_a_gate_looks_at_an_image_once(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its opinions are kept, so the classification of an upload finds the one that the upload asked for."""

    class Counting(Registry):
        opened = 0

        def by_sha256(self, sha256: str) -> Model:
            self.opened += 1
            return super().by_sha256(sha256)

    gate(models, "other", "b", "c", "d")
    registry, images = Counting(models), [phantom_png(64, seed) for seed in range(3)]
    classifier = BundledModels(registry)
    first = classifier.recognise(classifier.gate(), images[0])
    assert classifier.recognise(classifier.gate(), images[0]) is first
    assert registry.opened == 1
    assert classifier.recognise(classifier.gate(), images[0], decoding=1) == first
    assert registry.opened == 2
    monkeypatch.setattr("backend.adapters.models.bundled.OPINIONS_KEPT", 2)
    for image in images[1:]:
        classifier.recognise(classifier.gate(), image)
    assert registry.opened == 4
    assert classifier.recognise(classifier.gate(), images[0]) == first
    assert registry.opened == 5


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


def test_a_model_that_outlines_neither_classifies_nor_recognises() -> None:
    """A record may name any model that is installed, as its model and as its gate."""
    classifier = BundledModels()
    (outliner,) = (model.facts for model in classifier.models() if model.kind == "segmentation")
    with pytest.raises(ClassificationFailed, match=r"^tumour-outline outlines and does not classify$"):
        classifier.predict(outliner, phantom_png())
    with pytest.raises(ClassificationFailed, match=r"^tumour-outline is no gate$"):
        classifier.recognise(outliner, phantom_png())


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
