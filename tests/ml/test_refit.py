"""Learning from val as well, with what a version decided that did not."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.bundle import Bundle, load_bundle
from ml.choices import Choices
from ml.ensemble_command import build_ensemble
from ml.errors import BundleFileMissing, EnsembleMemberRefit, InvalidRecipe, RefitUnfit, SplitMissing
from ml.evaluate_command import evaluate
from ml.join_command import join
from ml.refit import earlier_version
from ml.registry import Registry
from ml.specifications import BRAIN_MRI
from ml.train_command import train
from tests.ml.pictures import noise

pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")

LOGISTIC = Choices(architecture="logistic", recipe="s4", size=32, epochs=1)
MIRRORED = Image.Transpose.FLIP_LEFT_RIGHT


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images in train, four in val, eight in test, of which the first two mirror one of train and one of val."""
    folder = tmp_path_factory.mktemp("data")
    with (folder / "manifest.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["split", "path", "label", "group"])
        for number in range(20):
            split = "train" if number < 8 else "val" if number < 12 else "test"
            copied = {12: 0, 13: 8}.get(number)
            image = noise(number) if copied is None else noise(copied).transpose(MIRRORED)
            image.save(folder / f"{number}.png")
            rows.writerow([split, f"{number}.png", BRAIN_MRI.labels[number % 4], number])
    return folder


@dataclass(frozen=True, slots=True)
class Versions:
    models: Path
    first: Bundle
    refit: Bundle


@pytest.fixture(scope="module")
def versions(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    models = tmp_path_factory.mktemp("models")
    train("brain-mri", data, models / "first", LOGISTIC)
    train("brain-mri", data, models / "refit", replace(LOGISTIC, refit=models / "first", version="1.1.0"))
    return Versions(models, load_bundle(models / "first"), load_bundle(models / "refit"))


def test_it_learns_from_train_and_val(versions: Versions) -> None:
    assert [bundle.metadata.training["images"] for bundle in (versions.first, versions.refit)] == [8, 12]
    assert [bundle.metadata.learned_from for bundle in (versions.first, versions.refit)] == [
        ("train",),
        ("train", "val"),
    ]
    assert versions.refit.model != versions.first.model


def test_temperature_and_limits_are_those_of_the_version_before(versions: Versions) -> None:
    first, refit = versions.first.metadata, versions.refit.metadata
    assert (refit.temperature, refit.abstention) == (first.temperature, first.abstention)
    told = f"{first.name} {first.version} {versions.first.sha256}"
    assert refit.training["temperature_and_limits_of"] == told
    assert f"learned from train, val; temperature and limits of {told}" in versions.refit.card


def test_the_detector_knows_all_that_was_learned_from(versions: Versions) -> None:
    first, refit = versions.first.detector, versions.refit.detector
    assert first is not None
    assert refit is not None
    assert not np.allclose(first.means, refit.means)


def test_val_is_not_measured_and_copies_of_either_split_are_told_apart(versions: Versions) -> None:
    first, refit = versions.first.metrics, versions.refit.metrics
    assert {name: first[name]["images"] for name in ("val", "test", "test_apart")} == {
        "val": 4,
        "test": 8,
        "test_apart": 7,
    }
    assert {name: refit[name]["images"] for name in ("test", "test_apart")} == {"test": 8, "test_apart": 6}
    assert not {"val", "val_apart"} & refit.keys()
    assert "no copy of one of train or val, which it learned from, nor" in versions.refit.card
    assert "no copy of one of train, nor" in versions.first.card


def test_evaluation_leaves_out_copies_of_several_splits(versions: Versions, data: Path) -> None:
    found = evaluate("refit", data, "test", Registry(versions.models), apart_from="train,val")
    assert (found["images"], found["apart_from"]) == (6, "train,val")
    assert found["accuracy"] == versions.refit.metrics["test_apart"]["accuracy"]


def test_nothing_that_val_decides_is_made_of_it(versions: Versions, data: Path, tmp_path: Path) -> None:
    for combine in (join, build_ensemble):
        with pytest.raises(EnsembleMemberRefit) as caught:
            combine(("first", "refit"), data, tmp_path / "both", registry=Registry(versions.models))
        assert str(caught.value) == (
            "expected members of both that did not learn from val, which decides, found brain-mri-logistic"
        )


def test_networks_that_learned_from_val_are_joined_with_the_limits_of_those_that_did_not(
    data: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree("ml/bundles/brain-mri-128", models / "one")
    shutil.copytree("ml/bundles/brain-mri-mobile", models / "other")
    registry = Registry(models)
    join(("one", "other"), data, models / "joined", registry=registry)
    join(("one", "other"), data, models / "again", registry=registry, refit=models / "joined")
    joined, again = load_bundle(models / "joined"), load_bundle(models / "again")
    assert (again.metadata.temperature, again.metadata.abstention) == (
        joined.metadata.temperature,
        joined.metadata.abstention,
    )
    assert (again.metadata.learned_from, again.metadata.training["images"]) == (("train", "val"), 12)
    assert not {"val", "val_apart"} & again.metrics.keys()
    with pytest.raises(RefitUnfit, match="of the architecture compact_residual and mobile_compact, as what is trained"):
        join(("one", "other"), data, models / "new", registry=registry, refit=models / "one")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "compact_residual"}, "of the architecture compact_residual, as what is trained, found log"),
        ({"size": 64}, "of the preprocessing grey-crop-pad-64-v1, as what is trained, found grey-crop-pad-32-v1"),
        ({"refit": "refit"}, r"of the splits that it learned from \('train',\), as what is trained, found \('train', "),
    ],
)
def test_a_version_that_cannot_decide_is_refused(
    changes: dict, message: str, versions: Versions, data: Path, tmp_path: Path
) -> None:
    named = versions.models / changes.pop("refit", "first")
    with pytest.raises(RefitUnfit, match=message):
        train("brain-mri", data, tmp_path / "new", replace(LOGISTIC, refit=named, **changes))
    assert not (tmp_path / "new").exists()


def test_a_version_for_something_else_is_refused(versions: Versions) -> None:
    with pytest.raises(RefitUnfit, match="of the kind classifier, as what is trained, found segmentation"):
        earlier_version(Path("ml/bundles/tumour-outline"), BRAIN_MRI)


def test_a_folder_that_is_no_bundle_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleFileMissing):
        train("brain-mri", data, tmp_path / "new", replace(LOGISTIC, refit=data))


def test_a_recipe_that_val_decides_about_is_refused(versions: Versions, data: Path, tmp_path: Path) -> None:
    choices = replace(LOGISTIC, recipe="source", refit=versions.models / "first")
    with pytest.raises(InvalidRecipe) as caught:
        train("brain-mri", data, tmp_path / "new", choices)
    assert str(caught.value) == "the recipe's patience must be 0 where val is learned from, found 8"


def test_test_is_needed_as_nothing_else_is_left_to_measure(versions: Versions, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    rows = (data / "manifest.csv").read_text().splitlines(keepends=True)
    (folder / "manifest.csv").write_text("".join(row for row in rows if not row.startswith("test")))
    with pytest.raises(SplitMissing, match="expected rows of the split 'test'"):
        train("brain-mri", folder, tmp_path / "new", replace(LOGISTIC, refit=versions.models / "first"))
