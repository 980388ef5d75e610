"""The parts of a bundle against each other, with a listing that is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml.bundle.bundle import load_bundle, seal_bundle, write_bundle
from ml.bundle.card import write_card
from ml.bundle.metadata import Metadata
from ml.errors import BundleError
from ml.inference.registry import BUNDLES
from tests.ml.bundles import unpacked

SHIPPED = BUNDLES / "brain-mri"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpacked("brain-mri-mobile", tmp_path / "brain-mri")


def change(folder: Path, name: str, edit: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads((folder / name).read_text())
    edit(values)
    (folder / name).write_text(json.dumps(values))
    seal_bundle(folder)


@pytest.mark.parametrize("name", [path.parent.name for path in sorted(BUNDLES.glob("*/SHA256SUMS"))])
def test_every_shipped_bundle_agrees_with_itself(name: str) -> None:
    assert load_bundle(BUNDLES / name).metadata.name == name


def test_a_class_too_few_for_the_network(folder: Path) -> None:
    change(folder, "metadata.json", lambda values: values["classes"].pop())
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    path = folder / "model.tflite"
    assert str(caught.value) == f"{path}: expected the number of classes 3, as the metadata say, found 4"


def test_another_input_than_the_networks(folder: Path) -> None:
    change(folder, "metadata.json", lambda values: values.update(input_size=64, preprocessing="grey-crop-pad-64-v1"))
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    found = load_bundle(SHIPPED).metadata.input_size
    assert str(caught.value).endswith(
        f"expected the input (1, 64, 64, 1), as the metadata say, found (1, {found}, {found}, 1)"
    )


def test_figures_of_other_settings(folder: Path) -> None:
    change(folder, "metadata.json", lambda values: values.update(temperature=2.0))
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(caught.value).startswith(f"{folder / 'metrics.json'}: expected figures measured with metadata.json ")


@pytest.mark.parametrize("name", ["model.tflite", "detector.npz", "weights.npz", "metadata.json"])
def test_figures_of_another_file(folder: Path, name: str) -> None:
    expected = json.loads((folder / "metrics.json").read_text())["files"][name]
    change(folder, "metrics.json", lambda values: values["files"].update({name: "00" * 32}))
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    message = f"{folder / 'metrics.json'}: expected figures measured with {name} {expected}, found {'00' * 32}"
    assert str(caught.value) == message


@pytest.mark.parametrize("edit", [lambda v: v.pop("files"), lambda v: v.update(files=[]), lambda v: v["files"].clear()])
def test_figures_of_nothing(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    change(folder, "metrics.json", edit)
    with pytest.raises(BundleError, match="found None"):
        load_bundle(folder)


def test_a_file_that_was_not_there_when_it_was_measured(folder: Path) -> None:
    (folder / "notes.txt").write_text("new")
    seal_bundle(folder)
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert "expected figures measured with notes.txt " in str(caught.value)
    assert str(caught.value).endswith(", found None")


def test_a_better_figure_than_the_cards(folder: Path) -> None:
    change(folder, "metrics.json", lambda values: values["test"].update(accuracy=0.9999))
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    expected, found = str(caught.value).split(", as metadata and metrics give, found ")
    assert "| accuracy | 100.0 % (" in expected
    assert "| accuracy | 100.0 % (" not in found


def test_a_card_with_a_line_more(folder: Path) -> None:
    card = (folder / "card.md").read_text()
    (folder / "card.md").write_text(card + "Approved for hospitals.\n")
    seal_bundle(folder)
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    line = card.count("\n") + 1
    assert str(caught.value) == (
        f"{folder / 'card.md'}, line {line}: expected '', as metadata and metrics give, found 'Approved for hospitals.'"
    )


@pytest.mark.parametrize("figures", [[], {"images": "many"}, {"accuracy": "high", "accuracy_interval": 3}])
def test_figures_that_no_card_can_be_made_from(folder: Path, figures: object) -> None:
    change(folder, "metrics.json", lambda values: values.update(test=figures))
    with pytest.raises(BundleError, match="expected figures that a card can be made from"):
        load_bundle(folder)


def test_what_is_written_together_agrees(tmp_path: Path) -> None:
    files = {name: (SHIPPED / name).read_bytes() for name in ("model.tflite", "detector.npz")}
    metadata = Metadata.from_json((SHIPPED / "metadata.json").read_bytes(), SHIPPED)
    bundle = write_bundle(tmp_path, metadata, files, {"val": {"images": 3, "accuracy": 2 / 3}})
    assert bundle.sha256 == load_bundle(tmp_path).sha256
    assert bundle.card == write_card(metadata, bundle.metrics)
    assert "| accuracy | 66.7 % |" in bundle.card
