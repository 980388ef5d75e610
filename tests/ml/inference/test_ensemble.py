"""Ensembles of the shipped model and of a twin that answers otherwise."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.bundle.bundle import load_bundle, seal_bundle, write_bundle
from ml.bundle.combination import Combination, Member, SoftVoting, Stacking
from ml.datasets.phantom import phantom_png
from ml.errors import BundleError, MlError, WrongChoice
from ml.inference.calibration import log_softmax
from ml.inference.registry import Registry
from ml.preprocessing.images import decode_image
from ml.training.build_ensemble import build_ensemble
from ml.training.member_selection import FITS, fold_of_groups, ranked_selections
from tests.ml.bundles import SHIPPED, twin
from tests.ml.pictures import write_collection


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms of four kinds of seeds; labels by number, in val and test."""
    labels = load_bundle(SHIPPED).metadata.labels
    return write_collection(
        tmp_path_factory.mktemp("data"),
        (
            ("val" if number < 16 else "test", labels[number % 4], number // 2, decode_image(phantom_png(96, number)))
            for number in range(24)
        ),
    )


@pytest.fixture(scope="module")
def models(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model, its twin, and an ensemble of both."""
    folder = tmp_path_factory.mktemp("models")
    twin(folder, "brain-mri")
    twin(folder, temperature=3.0)
    build_ensemble(("brain-mri", "twin"), data, folder / "brain-mri-ensemble", registry=Registry(folder))
    return folder


@pytest.fixture
def changed(models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models, tmp_path / "models"))


def test_it_is_served_like_any_model(models: Path) -> None:
    registry = Registry(models)
    ensemble = registry.get("brain-mri-ensemble")
    prediction = ensemble.predict(phantom_png())
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert prediction.activation_map is not None
    assert prediction.activation_map.shape == (64, 64)
    assert prediction.threshold == ensemble.bundle.metadata.abstention.score
    assert registry.by_sha256(ensemble.bundle.sha256) is ensemble
    assert registry.default("brain-mri") is registry.get("brain-mri")


def test_its_bundle_names_the_members_and_how_they_were_chosen(models: Path) -> None:
    bundle = load_bundle(models / "brain-mri-ensemble")
    members = json.loads((models / "brain-mri-ensemble/ensemble.json").read_text())["members"]
    expected = [{"name": name, "sha256": load_bundle(models / name).sha256} for name in ("brain-mri", "twin")]
    assert members == expected
    assert (bundle.metadata.kind, bundle.metadata.name) == ("ensemble", "brain-mri-ensemble")
    assert set(bundle.metadata.training["loss_in_cross_validation"]) == {
        "brain-mri alone",
        "twin alone",
        *(f"brain-mri + twin, {fit}" for fit in FITS),
    }
    assert (bundle.metrics["val"]["images"], bundle.metrics["test"]["images"]) == (16, 8)
    assert "| twin " in bundle.card and "| 50.0 % |" in bundle.card


def test_two_votes_by_hand(changed: Path) -> None:
    registry = Registry(changed)
    members = [registry.get(name) for name in ("brain-mri", "twin")]
    image = phantom_png(200, 3)
    expected = sum(
        weight * np.array(list(member.predict(image).probabilities.values()))
        for weight, member in zip((0.25, 0.75), members, strict=True)
    )
    ensemble = rewritten(changed, SoftVoting(np.array([0.25, 0.75])))
    assert list(ensemble.predict(image).probabilities.values()) == pytest.approx(expected, abs=2e-6)


def test_the_map_is_the_weighted_mean_of_the_members(changed: Path) -> None:
    registry = Registry(changed)
    image = phantom_png(200, 3)
    heat = registry.get("brain-mri").predict(image).activation_map
    ensemble = rewritten(changed, SoftVoting(np.array([0.25, 0.75])))
    assert ensemble.predict(image).activation_map == pytest.approx(heat, abs=1e-6)


def rewritten(models: Path, method: SoftVoting | Stacking):
    """The ensemble with another method, temperature 1, and no limits."""
    folder = models / "brain-mri-ensemble"
    bundle = load_bundle(folder)
    members = Combination.from_json(bundle.model, 4, folder).members
    shutil.rmtree(folder)
    folder.mkdir()
    files = {"ensemble.json": Combination(members, method).to_json()}
    write_bundle(folder, replace(bundle.metadata, temperature=1.0), files, {})
    return Registry(models).get("brain-mri-ensemble")


def test_what_is_no_scan_is_declined(models: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256), np.uint8)
    prediction = Registry(models).get("brain-mri-ensemble").predict(Image.fromarray(noise))
    assert (prediction.label, prediction.code) == ("abstained", 0)
    assert prediction.reason.startswith("unlike the brain-mri images of the training data: score ")


def test_a_missing_member_refuses_the_ensemble(changed: Path) -> None:
    sha256 = load_bundle(changed / "twin").sha256
    shutil.rmtree(changed / "twin")
    with pytest.raises(BundleError) as caught:
        Registry(changed).get("brain-mri-ensemble")
    expected = f"the ensemble brain-mri-ensemble needs twin with SHA-256 {sha256}, which is not installed"
    assert str(caught.value) == expected


def test_another_version_of_a_member_refuses_the_ensemble(changed: Path) -> None:
    shutil.rmtree(changed / "twin")
    twin(changed, temperature=4.0)
    with pytest.raises(BundleError, match=r"which is not installed$"):
        Registry(changed).get("brain-mri-ensemble")


def test_a_changed_member_refuses_the_ensemble(changed: Path) -> None:
    path = changed / "twin/model.tflite"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BundleError) as caught:
        Registry(changed).get("brain-mri-ensemble")
    assert str(caught.value).startswith(f"{path}: expected SHA-256 ")


def test_a_member_with_other_labels_is_refused(changed: Path, data: Path, tmp_path: Path) -> None:
    classes = load_bundle(SHIPPED).metadata.classes
    twin(changed, "other", classes=(*classes[:3], replace(classes[3], label="other")))
    with pytest.raises(WrongChoice) as caught:
        build_ensemble(("brain-mri", "other"), data, tmp_path / "new", registry=Registry(changed))
    assert str(caught.value) == (
        "the ensemble new needs members of the labels ('glioma', 'meningioma', 'notumor', 'pituitary'), "
        "other has ('glioma', 'meningioma', 'notumor', 'other')"
    )


def test_an_ensemble_is_no_member(models: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongChoice, match="needs members of the kind classifier"):
        build_ensemble(("brain-mri", "brain-mri-ensemble"), data, tmp_path / "new", registry=Registry(models))


@pytest.mark.parametrize("names", [("brain-mri",), ("brain-mri", "brain-mri"), ()])
def test_an_ensemble_needs_two(names: tuple[str, ...], data: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongChoice) as caught:
        build_ensemble(names, data, tmp_path / "new")
    found = ", ".join(names) or "none"
    assert str(caught.value) == f"an ensemble needs two or more different members, found {found}"


def test_a_folder_with_files_is_not_overwritten(models: Path, data: Path) -> None:
    with pytest.raises(MlError, match="expected a new or empty folder, found files in "):
        build_ensemble(("brain-mri", "twin"), data, models / "twin", registry=Registry(models))


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(method="guessing"),
        lambda v: v.pop("members"),
        lambda v: v["members"].pop(),
        lambda v: v.update(method="soft-voting", weights=[[1.0]]),
        lambda v: v.update(method="soft-voting", weights=[float("nan"), 1.0]),
        lambda v: v.update(extra=1),
    ],
)
def test_a_malformed_combination_is_refused(changed: Path, change) -> None:
    path = changed / "brain-mri-ensemble/ensemble.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    seal_bundle(path.parent)
    with pytest.raises(BundleError) as caught:
        load_bundle(path.parent)
    assert str(caught.value).startswith(f"{path}: expected ")


def answers(strengths: tuple[float, ...], count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Members that know the class of three the better the higher their strength; labels."""
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 3, count)
    logits = [strength * np.eye(3)[labels] + generator.normal(size=(count, 3)) for strength in strengths]
    return np.stack([log_softmax(each) for each in logits]), labels


def test_weights_follow_what_a_member_knows() -> None:
    weights = FITS["weighted votes"](*answers((3.0, 3.0, 0.0))).shares()
    assert weights.sum() == pytest.approx(1)
    assert weights[2] < 0.1 < weights[0]


@pytest.mark.parametrize("fit", FITS)
def test_two_members_with_errors_of_their_own_beat_one(fit: str) -> None:
    log_probabilities, labels = answers((2.0, 2.0))
    found = {
        (each.members, each.fit): each.loss for each in ranked_selections(log_probabilities, labels, [""] * len(labels))
    }
    assert found[(0, 1), fit] < min(found[(0,), "equal votes"], found[(1,), "equal votes"]) - 0.02


def test_stacking_learns_what_voting_cannot() -> None:
    log_probabilities, labels = answers((3.0, 3.0))
    confused = log_probabilities[:, :, [1, 2, 0]]
    assert ranked_selections(confused, labels, [""] * len(labels))[0].fit == "stacking"


def test_what_is_learned_by_heart_does_not_count() -> None:
    log_probabilities, labels = answers((0.0, 0.0, 0.0), 90)
    assert ranked_selections(log_probabilities, labels, [""] * len(labels))[-1].fit == "stacking"


def test_stacking_with_two_classes() -> None:
    log_probabilities, labels = answers((3.0, 3.0))
    two = log_softmax(log_probabilities[:, labels < 2, :2].reshape(-1, 2)).reshape(2, -1, 2)
    method = FITS["stacking"](two, labels[labels < 2])
    assert (method.combine(two).argmax(axis=1) == labels[labels < 2]).mean() > 0.9


def test_the_order_of_the_members_makes_no_difference() -> None:
    log_probabilities, labels = answers((3.0, 1.0, 2.0), 100)
    there = ranked_selections(log_probabilities, labels, [""] * len(labels))[0]
    back = ranked_selections(log_probabilities[::-1], labels, [""] * len(labels))[0]
    assert (there.fit, round(there.loss, 3)) == (back.fit, round(back.loss, 3))


def test_a_group_lies_in_one_fold() -> None:
    groups = [str(number // 3) for number in range(60)] + ["", ""]
    folds = fold_of_groups(groups)
    assert all(len(set(folds[3 * n : 3 * n + 3])) == 1 for n in range(20))
    assert set(folds) == set(range(5))


@pytest.mark.parametrize(
    "method", [SoftVoting(np.array([0.3, 0.7])), Stacking(np.arange(18.0).reshape(2, 3, 3), np.array([1.0, 2.0, 3.0]))]
)
def test_bytes_bring_the_combination_back(method: SoftVoting | Stacking) -> None:
    members = (Member("a", "1"), Member("b", "2"))
    again = Combination.from_json(Combination(members, method).to_json(), 3, Path("ensemble.json"))
    given = log_softmax(np.random.default_rng(1).normal(size=(8, 3))).reshape(2, 4, 3)
    assert again.members == members
    assert np.array_equal(again.method.combine(given), method.combine(given))
    assert again.method.shares().sum() == pytest.approx(1)
