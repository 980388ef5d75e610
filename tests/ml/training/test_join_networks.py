"""Several networks as one: the arithmetic, and the bundle that ``scanproof join`` writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.bundle.bundle import BundleDocuments, load_bundle
from ml.datasets.phantom import phantom_png
from ml.errors import MlError, WrongChoice
from ml.inference.registry import BUNDLES, Registry
from ml.inference.single_network import Predictor
from ml.preprocessing.images import decode_image
from ml.training.join_networks import join, joined_network
from tests.ml.bundles import unpacked
from tests.ml.pictures import write_collection

pytest.importorskip("keras", reason="TensorFlow is a development dependency")

import keras

from ml.networks.compact_residual import build_compact_residual
from ml.networks.joined import build_joined
from ml.networks.zoo import build
from ml.training.export import inference_model

MEMBERS = ("brain-mri-mobile", "brain-mri-128")
SIZE = 32


def outputs(network: keras.Model, pixels: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in inference_model(network)(pixels, training=False).items()}


def pair() -> list[keras.Model]:
    keras.utils.set_random_seed(3)
    return [build_compact_residual(SIZE, 3, (4, 8), (1,)), build_compact_residual(SIZE, 3, (6, 10), (1,))]


def test_logits_and_maps_are_the_means_of_the_networks_each_by_its_temperature() -> None:
    networks, temperatures = pair(), (0.5, 2.0)
    pixels = np.random.default_rng(1).random((2, SIZE, SIZE, 1), np.float32)
    found = outputs(build_joined(networks, temperatures), pixels)
    each = [outputs(network, pixels) for network in networks]
    for name in ("logits", "activation_maps"):
        expected = np.mean([one[name] / t for one, t in zip(each, temperatures, strict=True)], axis=0)
        assert found[name] == pytest.approx(expected, abs=1e-5), name
    assert found["features"].shape == (2, 18)


def test_a_head_without_an_exact_map_is_refused() -> None:
    with pytest.raises(MlError, match="a mean and one dense layer as their head, mobilenet has Global"):
        build_joined([pair()[0], build("mobilenet", 3, (SIZE, SIZE, 1))], (1.0, 1.0))


def test_places_of_a_smaller_map_are_repeated() -> None:
    networks = [build_compact_residual(SIZE, 3, (4, 8, 8), (1, 1)), pair()[0]]
    pixels = np.random.default_rng(2).random((2, SIZE, SIZE, 1), np.float32)
    found = outputs(build_joined(networks, (1.0, 1.0)), pixels)
    each = [outputs(network, pixels) for network in networks]
    assert found["logits"] == pytest.approx(np.mean([one["logits"] for one in each], axis=0), abs=1e-5)
    small, large = sorted((one["activation_maps"] for one in each), key=lambda maps: maps.shape[1])
    repeated = small.repeat(2, axis=1).repeat(2, axis=2)
    assert found["activation_maps"] == pytest.approx((repeated + large) / 2, abs=1e-5)


def test_maps_that_do_not_fit_are_refused() -> None:
    other = build_compact_residual(24, 3, (4, 8), (1,))
    with pytest.raises(MlError, match=r"a feature map that \(\d, \d\) is a multiple of, compact_residual has"):
        build_joined([pair()[0], other], (1.0, 1.0))


def documents(name: str, registry: Registry | None = None) -> BundleDocuments:
    registry = registry or Registry()
    return registry.documents(registry.identity(name))


@dataclass(frozen=True)
class Joined:
    data: Path
    folder: Path
    result: dict


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms; labels by number, in train, val and test."""
    labels, splits = documents(MEMBERS[0]).metadata.labels, ("train", "val", "test")
    return write_collection(
        tmp_path_factory.mktemp("data"),
        (
            (splits[number % 3], labels[number // 3 % 4], number, decode_image(phantom_png(96, number)))
            for number in range(24)
        ),
    )


@pytest.fixture(scope="module")
def joined(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Joined:
    folder = tmp_path_factory.mktemp("models") / "both"
    return Joined(data, folder, join(MEMBERS, data, folder, "3.1.4", {"scan": [data / "0.png"]}))


def test_the_bundle_is_named_after_its_folder_and_names_its_members(joined: Joined) -> None:
    bundle = load_bundle(joined.folder)
    assert joined.result | {"name": "both", "version": "3.1.4", "sha256": bundle.sha256} == joined.result
    assert (bundle.metadata.name, bundle.metadata.version, bundle.metadata.kind) == ("both", "3.1.4", "classifier")
    each = [documents(name) for name in MEMBERS]
    named = [f"{one.metadata.name} {one.metadata.version} {one.sha256}" for one in each]
    assert bundle.metadata.training["members"] == named
    assert bundle.metadata.architecture == "mobile_compact and compact_residual"
    assert all(one.metadata.licence in bundle.metadata.licence for one in each)
    assert all(one.sha256 in bundle.card for one in each)


def test_it_was_measured_and_holds_no_weights_to_train_on(joined: Joined) -> None:
    metrics = joined.result["metrics"]
    assert (metrics["val"]["images"], metrics["test"]["images"], metrics["outliers"]["scan"]["images"]) == (8, 8, 1)
    assert not (joined.folder / "weights.npz").exists()


def test_the_exported_network_answers_with_the_mean_of_its_members(joined: Joined) -> None:
    one = Predictor(load_bundle(joined.folder))
    each = [Predictor(Registry().by_sha256(documents(name).sha256).bundle) for name in MEMBERS]
    for number in range(4):
        image = Image.open(joined.data / f"{number}.png")
        logits = [p.examine(p.prepare(image)).output.logits / p.bundle.metadata.temperature for p in each]
        assert one.examine(one.prepare(image)).output.logits == pytest.approx(np.mean(logits, axis=0), abs=0.05)


def test_the_shipped_model_is_its_members_joined(joined: Joined) -> None:
    shipped, names = Predictor(load_bundle(BUNDLES / "brain-mri")), ("brain-mri-mobile-refit", "brain-mri-128-refit")
    each = [documents(name) for name in names]
    named = [f"{one.metadata.name} {one.metadata.version} {one.sha256}" for one in each]
    assert shipped.bundle.metadata.training["members"] == named
    assert all(one.metadata.learned_from == shipped.bundle.metadata.learned_from for one in each)
    seen = shipped.prepare(Image.open(joined.data / "1.png"))
    expected = outputs(joined_network(each, Registry()), seen.pixels)["logits"][0]
    assert shipped.examine(seen).output.logits == pytest.approx(expected, abs=0.05)


def test_two_different_members_are_needed(data: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongChoice, match="an ensemble needs two or more different members"):
        join((MEMBERS[0], MEMBERS[0]), data, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(data: Path) -> None:
    with pytest.raises(MlError, match="expected a new or empty folder"):
        join(MEMBERS, data, data)


@pytest.mark.parametrize(
    ("other", "message"),
    [("breast-histology", "needs members of the labels"), ("modality-gate", "needs members of the kind classifier")],
)
def test_a_member_for_something_else_is_refused(other: str, message: str, data: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongChoice, match=message):
        join((MEMBERS[0], other), data, tmp_path / "new")


def test_a_member_that_sees_other_pixels_is_refused(data: Path, tmp_path: Path) -> None:
    class Installed(Registry):
        def documents(self, sha256: str) -> BundleDocuments:
            found = super().documents(sha256)
            if found.metadata.name == MEMBERS[1]:
                return replace(found, metadata=replace(found.metadata, preprocessing="grey-crop-pad-160-v1"))
            return found

    with pytest.raises(WrongChoice, match="the preprocessing grey-crop-pad-128-v1, brain-mri-128 has grey"):
        join(MEMBERS, data, tmp_path / "new", registry=Installed())


def test_weights_are_those_of_the_folder_that_is_named(data: Path, tmp_path: Path) -> None:
    """A bundle may lie in a folder of another name than its own, beside one that bears its name."""
    for folder, name in (("mine", MEMBERS[1]), (MEMBERS[0], MEMBERS[0]), (MEMBERS[1], "brain-mri-128b")):
        unpacked(name, tmp_path / folder)
    registry = Registry(tmp_path)
    found = joined_network([documents(name, registry) for name in ("mine", MEMBERS[0])], registry)
    pixels = np.random.default_rng(1).random((1, 128, 128, 1), np.float32)
    expected = joined_network([documents(name) for name in reversed(MEMBERS)], Registry())
    assert outputs(found, pixels)["logits"] == pytest.approx(outputs(expected, pixels)["logits"])


def test_a_member_without_weights_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongChoice, match="with Keras weights, found none in brain-mri-128b"):
        join((MEMBERS[0], "brain-mri-128b"), data, tmp_path / "new")
    assert not (tmp_path / "new").exists()
