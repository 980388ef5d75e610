"""Models by name, modality and identity; the gate that chooses one for an image."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ml.bundle.bundle import load_bundle
from ml.datasets.phantom import phantom_png
from ml.errors import BundleError, BundleNotFound
from ml.inference.registry import Registry
from tests.ml.bundles import SHIPPED, gate, twin, unpacked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpacked("brain-mri-mobile", tmp_path / "brain-mri")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "brain-mri")
    return tmp_path


def seen_as(label: str) -> list[str]:
    """Four labels of which the phantom gets ``label``."""
    probabilities = Registry().get("brain-mri").predict(phantom_png()).probabilities
    top = max(probabilities, key=probabilities.__getitem__)
    return [label if name == top else f"else {name}" for name in probabilities]


def test_the_registry_lists_and_keeps_what_is_installed(folder: Path) -> None:
    registry = Registry(folder.parent)
    assert registry.names() == ("brain-mri",)
    assert registry.get("brain-mri") is registry.get("brain-mri")
    assert [bundle.sha256 for bundle in registry.bundles()] == [load_bundle(folder).sha256]


def test_the_registry_finds_by_modality_and_by_identity(folder: Path) -> None:
    registry = Registry(folder.parent)
    predictor = registry.default("brain-mri")
    assert registry.by_sha256(predictor.bundle.sha256) is predictor


def test_a_file_of_a_bundle_is_read_on_its_own_and_verified(folder: Path) -> None:
    registry = Registry(folder.parent)
    (identity,) = registry.identities().values()
    listing = registry.file(identity, "SHA256SUMS")

    assert listing and registry.file(identity, "card.md") == (folder / "card.md").read_bytes()
    assert registry.file(identity, "../brain-mri/card.md") is None
    with pytest.raises(BundleNotFound):
        registry.file("00" * 32, "card.md")
    (folder / "card.md").write_text("better")
    with pytest.raises(BundleError, match="expected SHA-256"):
        registry.file(identity, "card.md")
    (folder / "card.md").unlink()
    with pytest.raises(BundleError, match="the bundle lacks"):
        registry.file(identity, "card.md")


def test_a_retired_bundle_has_no_files_for_the_page() -> None:
    registry = Registry()
    with pytest.raises(BundleNotFound):
        registry.file(registry.retired.identities()[0], "model.tflite")


@pytest.mark.parametrize("method", ["get", "default", "by_sha256"])
def test_the_registry_says_what_there_is(folder: Path, method: str) -> None:
    with pytest.raises(BundleNotFound) as caught:
        getattr(Registry(folder.parent), method)("../brain-mri")
    assert str(caught.value) == "no model named '../brain-mri'; available: brain-mri"


def test_the_registry_refuses_a_changed_bundle(folder: Path) -> None:
    (folder / "card.md").write_text("better")
    with pytest.raises(BundleError, match="expected SHA-256"):
        Registry(folder.parent).get("brain-mri")


def test_a_refused_bundle_leaves_the_others_usable(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("another", "brain-mri"):
        shutil.copytree(SHIPPED, tmp_path / name)
    (tmp_path / "another" / "card.md").write_text("changed")
    registry = Registry(tmp_path)
    assert [bundle.metadata.name for bundle in registry.bundles()] == ["brain-mri"]
    assert registry.default("brain-mri") is registry.get("brain-mri")
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["the model another is refused"]


def test_a_model_that_is_not_needed_is_not_read(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The gate is found by the documents of all, which are small."""
    gate(models, "other", "b", "c", "d")
    (models / "brain-mri" / "model.tflite").write_bytes(b"no network")
    registry = Registry(models)
    found = registry.gate()
    assert found is not None
    assert found.bundle.metadata.name == "modality-gate"
    assert caplog.text == ""
    with pytest.raises(BundleNotFound):
        registry.default("brain-mri")
    assert "the model brain-mri is refused" in caplog.text
    (models / "brain-mri" / "card.md").write_text("changed")
    assert Registry(models).gate() is not None
    assert caplog.text.count("the model brain-mri is refused") == 2


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
