"""Images with a near-duplicate in train have figures of their own, and no model is selected or calibrated on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from ml.bundle.bundle import load_bundle
from ml.datasets import Sample, duplicates, of_split, read_manifest
from ml.datasets.duplicates import selection_set, without_duplicates_of, without_duplicates_of_train
from ml.errors import MlError
from ml.evaluation.classifier import evaluate_splits
from ml.evaluation.evaluate_model import evaluate
from ml.inference.registry import Registry
from ml.training.build_ensemble import build_ensemble
from ml.training.choices import Choices
from ml.training.specifications import BRAIN_MRI
from ml.training.train_model import train
from tests.ml.bundles import twin
from tests.ml.pictures import noise, write_collection

SPLITS = ("train", "train", "val", "test")
IMAGES = 16
MIRRORED = Image.Transpose.FLIP_LEFT_RIGHT
TURNED = Image.Transpose.ROTATE_180


def write(folder: Path, copies: dict[str, list[Image.Transpose]]) -> Path:
    """Sixteen images unlike each other, eight of them in train, and in other splits further copies of those."""
    folder.mkdir()
    images = [(SPLITS[number // 4], number, noise(number)) for number in range(IMAGES)]
    for split, ways in copies.items():
        images += [(split, number, noise(number).transpose(way)) for number, way in enumerate(ways)]
    return write_collection(
        folder, ((split, BRAIN_MRI.labels[seed % 4], row, image) for row, (split, seed, image) in enumerate(images))
    )


def test_figures_of_the_whole_split_and_without_duplicates(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"test": [MIRRORED, TURNED]})
    samples = read_manifest(folder, BRAIN_MRI.labels)
    figures = evaluate_splits(
        Registry().get("brain-mri"), samples, without_duplicates_of_train(samples, ["val", "test"])
    )
    assert {split: each["images"] for split, each in figures.items()} == {"val": 4, "test": 6, "test_apart": 4}


def test_evaluation_leaves_copies_out_on_request(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"test": [MIRRORED, TURNED]})
    assert evaluate("brain-mri", folder, "test")["images"] == 6
    without = evaluate("brain-mri", folder, "test", exclude_duplicates_of="train")
    assert (without["images"], without["apart_from"]) == (4, "train")
    assert evaluate("brain-mri", folder, "test", exclude_duplicates_of="val")["images"] == 6


def test_a_split_of_copies_alone_has_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(MlError) as caught:
        evaluate("brain-mri", write(tmp_path / "data", {}), "train", exclude_duplicates_of="train")
    assert str(caught.value) == "expected images without near-duplicates in train, found none among 8"


def test_outlines_are_measured_without_copies_too(tmp_path: Path) -> None:
    rows = ["split,image,mask,label,block"]
    for number, split in enumerate(("train", "test", "test")):
        image = noise(min(number, 1)).transpose(MIRRORED) if number == 2 else noise(number)
        (noise(0).transpose(TURNED) if number == 1 else image).save(tmp_path / f"{number}.png")
        Image.new("1", (64, 64), 1).save(tmp_path / f"{number}m.png")
        rows.append(f"{split},{number}.png,{number}m.png,glioma,{split}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    assert evaluate("tumour-outline", tmp_path, "test")["images"] == 2
    assert evaluate("tumour-outline", tmp_path, "test", exclude_duplicates_of="train")["images"] == 1


def test_a_copy_of_a_copy_is_a_duplicate(tmp_path: Path) -> None:
    # Each step is a near-duplicate of the one before; the last one is no longer one of the first.
    steps = [Image.blend(noise(0), noise(1), share) for share in (0.0, 0.15, 0.28)]
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for step, path in zip(steps, paths, strict=True):
        step.save(path)
    first, middle, last = (Sample(path, "glioma") for path in paths)
    assert without_duplicates_of([last], [first]) == [last]
    assert without_duplicates_of([middle], [first]) == []
    assert without_duplicates_of([last, middle], [first]) == []


def decisive(samples: list[Sample]) -> Sequence[Sample]:
    return selection_set(of_split(samples, "val"), without_duplicates_of_train(samples, ["val"])["val"])


def test_few_images_or_a_missing_class_decide_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = read_manifest(write(tmp_path / "data", {"val": [MIRRORED] * 8}), BRAIN_MRI.labels)
    assert len(decisive(samples)) == 12
    monkeypatch.setattr(duplicates, "SMALLEST_SELECTION_SET", 4)
    assert len(decisive(samples)) == 4
    lacking = [sample for sample in samples if sample.path.name != "8.png"]
    monkeypatch.setattr(duplicates, "SMALLEST_SELECTION_SET", 3)
    assert len(decisive(lacking)) == 11


def test_copies_choose_no_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "SMALLEST_SELECTION_SET", 4)
    models = tmp_path / "models"
    models.mkdir()
    twin(models, "brain-mri")
    twin(models, temperature=3.0)
    folder = write(tmp_path / "data", {"val": [MIRRORED] * 8, "test": [TURNED]})
    result = build_ensemble(("brain-mri", "twin"), folder, models / "both", registry=Registry(models))
    fitted_on = load_bundle(models / "both").metadata.training["chosen_and_fitted_on"]
    assert fitted_on == "4 val images"
    assert {name: result["metrics"][name]["images"] for name in ("val", "val_apart", "test", "test_apart")} == {
        "val": 12,
        "val_apart": 4,
        "test": 5,
        "test_apart": 4,
    }


def test_copies_decide_neither_temperature_nor_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "SMALLEST_SELECTION_SET", 4)
    pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")
    chosen = []
    for name, copies in (("plain", {}), ("copied", {"val": [MIRRORED] * 8})):
        choices = Choices(architecture="logistic", recipe="s4", size=32, epochs=1)
        train("brain-mri", write(tmp_path / name, copies), tmp_path / f"{name}-bundle", choices)
        metadata = load_bundle(tmp_path / f"{name}-bundle").metadata
        assert metadata.abstention is not None
        chosen.append((metadata.temperature, metadata.abstention.score))
    assert chosen[0] == chosen[1]
