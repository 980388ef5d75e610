"""What a bundle says of its data: what is known of a collection, and nothing of that about another one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from ml.bundle.bundle import load_bundle
from ml.inference.registry import BUNDLES, Registry
from ml.training import datasheets
from ml.training.choices import Choices, chosen_specification
from ml.training.datasheets import DATASHEETS, TEST_EVALUATIONS, described
from ml.training.specifications import SPECIFICATIONS

MODELS = sorted(SPECIFICATIONS)


@pytest.mark.parametrize("model", MODELS)
def test_the_shipped_bundles_say_what_is_known_of_their_collections(model: str) -> None:
    metadata, sheet = load_bundle(BUNDLES / model).metadata, DATASHEETS[model]
    evaluations = TEST_EVALUATIONS.get((metadata.name, metadata.version), ())
    assert (metadata.data, metadata.weak) == (sheet.data, sheet.weak)
    assert {*sheet.weaknesses, *SPECIFICATIONS[model].weaknesses, *evaluations} <= set(metadata.weaknesses)


def test_evaluations_on_test_belong_to_shipped_versions() -> None:
    registry = Registry()
    retired = [registry.documents(sha256) for sha256 in registry.retired.identities()]
    shipped = {(each.metadata.name, each.metadata.version) for each in (*registry.bundles(), *retired)}
    assert TEST_EVALUATIONS.keys() <= shipped


@pytest.mark.parametrize(
    ("model", "folder"),
    [
        ("brain-mri", "brain-mri"),
        ("tumour-outline", "tumor-masks"),
        ("breast-histology", "breakhis-100x"),
        ("modality-gate", "."),
    ],
)
def test_the_collections_are_known_by_their_manifests(model: str, folder: str, data: Path) -> None:
    assert described(SPECIFICATIONS[model], model, data / folder).data == DATASHEETS[model].data


def collection(folder: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is taken for the one of the datasheet."""
    digests = {}
    for name in DATASHEETS[model].manifests:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"path,label\n{name}\n")
        digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    monkeypatch.setitem(datasheets.DATASHEETS, model, replace(DATASHEETS[model], manifests=digests))
    return folder


@pytest.mark.parametrize("model", MODELS)
def test_a_known_collection_is_described(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = DATASHEETS[model]
    found = described(SPECIFICATIONS[model], model, collection(tmp_path, model, monkeypatch))
    assert (found.data, found.weak) == (sheet.data, sheet.weak)
    assert {*sheet.weaknesses, *SPECIFICATIONS[model].weaknesses} <= set(found.weaknesses)


def test_evaluations_belong_to_one_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = collection(tmp_path, "tumour-outline", monkeypatch)
    (evaluation,) = TEST_EVALUATIONS["tumour-outline", "1.2.0"]
    for version, included in (("1.2.0", True), ("1.0.0", False)):
        chosen = chosen_specification("tumour-outline", Choices(version=version))
        found = described(chosen, "tumour-outline", folder)
        assert (found.version, evaluation in found.weaknesses) == (version, included)


@pytest.mark.parametrize("model", MODELS)
def test_of_another_collection_nothing_is_said(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = collection(tmp_path, model, monkeypatch)
    changed = next(iter(DATASHEETS[model].manifests))
    (folder / changed).write_text("path,label\nmine.png,glioma\n")
    found = described(SPECIFICATIONS[model], model, folder)
    digest = hashlib.sha256((folder / changed).read_bytes()).hexdigest()
    assert found.data.startswith("A collection that nothing is known of but what lists it: ")
    assert f"{changed} with the SHA-256 {digest}" in found.data
    assert not set(DATASHEETS[model].weaknesses) & set(found.weaknesses)
    assert found.weaknesses[0].startswith("Where these images come from, who labelled them, and whether images of one")
    assert found.weak is None
    assert set(SPECIFICATIONS[model].weaknesses) <= set(found.weaknesses)
