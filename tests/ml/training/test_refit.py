"""Learning from val as well, with what a version decided that did not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.bundle.bundle import Bundle, load_bundle, write_bundle
from ml.errors import BundleError, MlError, WrongChoice
from ml.evaluation.evaluate_model import evaluate
from ml.inference.registry import BUNDLES, Registry
from ml.training.build_ensemble import build_ensemble
from ml.training.choices import Choices
from ml.training.join_networks import join
from ml.training.refit import earlier_version, refuse_choices_by_val
from ml.training.specifications import BRAIN_MRI
from ml.training.train_model import train
from tests.ml.bundles import unpacked
from tests.ml.pictures import noise, write_collection

pytest.importorskip("tensorflow", reason="TensorFlow is a development dependency")

from ml.training.recipes import SOURCE

REFITS = ("brain-mri-mobile-refit", "brain-mri-128-refit")
LOGISTIC = Choices(architecture="logistic", recipe="s4", size=32, epochs=1)
MIRRORED = Image.Transpose.FLIP_LEFT_RIGHT


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images in train, four in val, eight in test, of which the first two mirror one of train and one of val."""
    images = [noise(number) for number in range(20)]
    images[12:14] = (images[number].transpose(MIRRORED) for number in (0, 8))
    splits = ["train"] * 8 + ["val"] * 4 + ["test"] * 8
    return write_collection(
        tmp_path_factory.mktemp("data"),
        ((split, BRAIN_MRI.labels[number % 4], number, images[number]) for number, split in enumerate(splits)),
    )


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


def test_the_images_of_val_change_the_weights(versions: Versions, data: Path, tmp_path: Path) -> None:
    train("brain-mri", data, tmp_path / "again", LOGISTIC)
    first, again, refit = (
        dict(np.load(folder / "weights.npz"))
        for folder in (versions.models / "first", tmp_path / "again", versions.models / "refit")
    )
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != refit[name]).any() for name in first)


def test_temperature_and_limits_are_those_of_the_version_before(versions: Versions) -> None:
    first, refit = versions.first.metadata, versions.refit.metadata
    assert (refit.temperature, refit.abstention) == (first.temperature, first.abstention)
    title = f"{first.name} {first.version} {versions.first.sha256}"
    assert refit.training["temperature_and_limits_of"] == title
    assert f"learned from train, val; temperature and limits of {title}" in versions.refit.card


def test_val_is_not_measured_and_copies_of_either_split_are_excluded(versions: Versions) -> None:
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
    found = evaluate("refit", data, "test", Registry(versions.models), exclude_duplicates_of="train,val")
    assert (found["images"], found["apart_from"]) == (6, "train,val")
    assert found["accuracy"] == versions.refit.metrics["test_apart"]["accuracy"]


def test_nothing_that_val_decides_is_made_of_it(versions: Versions, data: Path, tmp_path: Path) -> None:
    for combine in (join, build_ensemble):
        with pytest.raises(WrongChoice) as caught:
            combine(("first", "refit"), data, tmp_path / "both", registry=Registry(versions.models))
        assert str(caught.value) == (
            "expected members of both that learned from train, found that refit learned from train and val"
        )


def test_weights_that_know_val_are_no_start_for_what_val_decides(
    versions: Versions, data: Path, tmp_path: Path
) -> None:
    refit = versions.models / "refit"
    with pytest.raises(WrongChoice) as caught:
        train("brain-mri", data, tmp_path / "new", replace(LOGISTIC, start=str(refit)))
    assert str(caught.value) == f"expected a bundle that did not learn from val, which is to decide, found {refit}"
    train("brain-mri", data, tmp_path / "new", replace(LOGISTIC, start=str(refit), refit=versions.models / "first"))
    assert load_bundle(tmp_path / "new").metadata.learned_from == ("train", "val")


@pytest.fixture(scope="module")
def refit_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped networks that learned from val, and under other names the same recorded as learned from train."""
    models = tmp_path_factory.mktemp("pair")
    for name in REFITS:
        unpacked(name, models / name)
        bundle = load_bundle(models / name)
        files = {file: (models / name / file).read_bytes() for file in ("model.tflite", "detector.npz", "weights.npz")}
        (models / f"{name}-before").mkdir()
        write_bundle(models / f"{name}-before", replace(bundle.metadata, training={}), files, {})
    return models


def test_networks_that_learned_from_val_are_joined_with_the_limits_of_those_that_did_not(
    refit_pair: Path, data: Path, tmp_path: Path
) -> None:
    registry, before = Registry(refit_pair), [f"{name}-before" for name in REFITS]
    join(before, data, tmp_path / "before", registry=registry)
    join(REFITS, data, tmp_path / "after", registry=registry, refit=tmp_path / "before")
    first, refit = load_bundle(tmp_path / "before"), load_bundle(tmp_path / "after")
    assert (refit.metadata.temperature, refit.metadata.abstention) == (
        first.metadata.temperature,
        first.metadata.abstention,
    )
    assert (refit.metadata.learned_from, refit.metadata.training["images"]) == (("train", "val"), 12)
    assert not {"val", "val_apart"} & refit.metrics.keys()
    # The networks are the same, so only the images of val can make the difference.
    assert first.detector is not None
    assert refit.detector is not None
    assert not np.allclose(first.detector.means, refit.detector.means, rtol=1e-3)


def test_joined_networks_must_all_have_learned_from_val_or_none(refit_pair: Path, data: Path, tmp_path: Path) -> None:
    registry = Registry(refit_pair)
    with pytest.raises(WrongChoice, match=r"from train and val, found that .*-before learned from tra"):
        join((REFITS[0], f"{REFITS[1]}-before"), data, tmp_path / "new", registry=registry, refit=BUNDLES / "brain-mri")
    with pytest.raises(WrongChoice, match="of the architecture mobile_compact and compact_residual, as what is "):
        join(REFITS, data, tmp_path / "new", registry=registry, refit=unpacked("brain-mri-128", tmp_path / "128"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "compact_residual"}, "of the architecture compact_residual, as what is trained, found log"),
        ({"size": 64}, "of the preprocessing grey-crop-pad-64-v1, as what is trained, found grey-crop-pad-32-v1"),
    ],
)
def test_a_version_that_cannot_decide_is_refused(
    changes: dict, message: str, versions: Versions, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(WrongChoice, match=message):
        train("brain-mri", data, tmp_path / "new", replace(LOGISTIC, refit=versions.models / "first", **changes))
    assert not (tmp_path / "new").exists()


def test_a_version_that_learned_from_val_itself_is_refused(versions: Versions, data: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongChoice, match="expected a bundle that did not learn from val"):
        train("brain-mri", data, tmp_path / "new", replace(LOGISTIC, refit=versions.models / "refit"))


def test_a_version_of_another_collection_is_refused(versions: Versions, data: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(data, tmp_path / "data"))
    with (other / "manifest.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(WrongChoice, match="of the data A collection that nothing is known of but what lists it: "):
        train("brain-mri", other, tmp_path / "new", replace(LOGISTIC, refit=versions.models / "first"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "segmentation"}, "of the kind segmentation, as what is trained, found classifier"),
        ({"classes": BRAIN_MRI.classes[:3]}, "of the labels .* found .*'pituitary'"),
    ],
)
def test_a_version_for_something_else_is_refused(changes: dict, message: str, tmp_path: Path) -> None:
    mobile = unpacked("brain-mri-mobile", tmp_path / "mobile")
    metadata = load_bundle(mobile).metadata
    specification = replace(BRAIN_MRI, data=metadata.data)
    assert earlier_version(mobile, specification).metadata == metadata
    with pytest.raises(WrongChoice, match=message):
        earlier_version(mobile, replace(specification, **changes))


def test_a_folder_that_is_no_bundle_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="the bundle lacks"):
        train("brain-mri", data, tmp_path / "new", replace(LOGISTIC, refit=data))


@pytest.mark.parametrize("name", ["patience", "reduce_after"])
def test_a_recipe_that_val_decides_about_is_refused(name: str) -> None:
    quiet = replace(SOURCE, patience=0, reduce_after=0)
    refuse_choices_by_val(quiet)
    with pytest.raises(WrongChoice) as caught:
        refuse_choices_by_val(replace(quiet, **{name: 3}))
    assert str(caught.value) == f"the recipe's {name} must be 0 where val is learned from, found 3"


def test_such_a_recipe_trains_nothing(versions: Versions, data: Path, tmp_path: Path) -> None:
    choices = replace(LOGISTIC, recipe="source", refit=versions.models / "first")
    with pytest.raises(WrongChoice, match="must be 0 where val is learned from"):
        train("brain-mri", data, tmp_path / "new", choices)


def test_test_is_needed_as_nothing_else_is_left_to_measure(data: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(data, tmp_path / "data"))
    rows = (data / "manifest.csv").read_text().splitlines(keepends=True)
    (folder / "manifest.csv").write_text("".join(row for row in rows if not row.startswith("test")))
    train("brain-mri", folder, tmp_path / "first", LOGISTIC)
    with pytest.raises(MlError, match="expected rows of the split 'test'"):
        train("brain-mri", folder, tmp_path / "new", replace(LOGISTIC, refit=tmp_path / "first"))
