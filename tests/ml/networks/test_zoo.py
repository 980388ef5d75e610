"""Every network of the zoo: its size against the sources and the literature, its names, its input and its weights."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="TensorFlow is a development dependency")

from ml.bundle.kinds import resolve  # noqa: E402
from ml.errors import WrongChoice  # noqa: E402
from ml.networks import transfer  # noqa: E402
from ml.networks.saved_models import described  # noqa: E402
from ml.networks.weights import weights_to_bytes  # noqa: E402
from ml.networks.zoo import (  # noqa: E402
    LAYERS_OF_FILES,
    NAMES_OF_WEIGHTS,
    SMALLEST_SIDE,
    ZOO,
    architecture,
    build,
    names_digest,
)

# (in all, trained) where the source gives no figure, for four classes. The figures of the literature are for 1000.
MOBILE_WIDTHS = (24, 48, 96, 96, 192, 192, *(384,) * 6)
MOBILE_KERNELS = 9 * 24 + sum(before * (9 + after) for before, after in itertools.pairwise(MOBILE_WIDTHS))
MOBILE_CHANNELS = 24 + sum(before + after for before, after in itertools.pairwise(MOBILE_WIDTHS))
LITE_LEFT_OUT = (
    320 * 1280
    + 2 * 1280
    + 1281 * 1000  # head
    + (2 * 192 * 1152 + 25 * 1152 + 2 * (2 * 1152 + 192))
    + (192 * 1152 + 9 * 1152 + 1152 * 320 + 2 * (2 * 1152 + 320))
)
LITE_CHANNELS = 9_616 + 2 * (2 * 1152 + 192)
LITERATURE = {
    # keras.io: 20,024,384 without classifier, and the head.
    "vgg19": (20_024_384 + 139_684, 139_684),
    # keras.io: 21,802,784 without classifier, and the head.
    "inceptionv3": (21_802_784 + 532_900, 532_900),
    # 62,378,344 with 1000 classes and whole convolutions.
    "alexnet": (62_378_344 - 996 * 4097, 62_378_344 - 996 * 4097),
    # keras.io: 8,062,504, of which 83,648 are statistics.
    "densenet121": (8_062_504 - 996 * 1025, 8_062_504 - 996 * 1025 - 83_648),
    # torchvision: 11,689,512 trained; each of 4,800 normalised channels has two statistics.
    "resnet18": (11_689_512 - 996 * 513 + 9_600, 11_689_512 - 996 * 513),
    # Caffe's model zoo: 6,998,552 with a bias for each of 7,280 channels, which have four figures here, two trained.
    "googlenet": (6_998_552 - 996 * 1025 + 3 * 7_280, 6_998_552 - 996 * 1025 + 7_280),
    # keras.io: 2,601,976 with a classifier of 769,000, and the head.
    "mobilenet": (2_601_976 - 769_000 + 213_572, 213_572),
    # From the widths that S4 gives, and the padding "same".
    "cnn_a": (160 + 8_256 + 32_896 + 131_328 + 524_800 + 524_544 + 1_028,) * 2,
    # 8 x 8 cells of nine features, which have two statistics each.
    "logistic": (576 * 4 + 4 + 18, 576 * 4 + 4),
    # From MobileNet's plan at width 0.75, on grey: kernels of the eleven blocks, four figures a channel, the logits.
    "mobile_compact": (MOBILE_KERNELS + 4 * MOBILE_CHANNELS + 385 * 4, MOBILE_KERNELS + 2 * MOBILE_CHANNELS + 385 * 4),
    # timm: 4,652,008 trained, less what is left out and two of three colours; the logits.
    "lite_compact": (
        4_652_008 - LITE_LEFT_OUT - 2 * 288 + 193 * 4 + 2 * LITE_CHANNELS,
        4_652_008 - LITE_LEFT_OUT - 2 * 288 + 193 * 4,
    ),
    # Weights of convolutions, 1,072 normalised channels, and the logits.
    "compact_residual": (852_624 + 4 * 1_072 + 129 * 4, 852_624 + 2 * 1_072 + 129 * 4),
}


@dataclass(frozen=True, slots=True)
class Built:
    parameters: tuple[int, int]
    names: tuple[str, ...]
    counted: tuple[str, ...]
    paths: tuple[str, ...]
    ends: tuple[tuple[int | None, ...], tuple[int | None, ...]]
    trained_backbone: int
    layers: dict[str, str]


def layers_digest(layers: list[Any]) -> str:
    """As ``LAYERS_OF_FILES`` has it of a file with these layers."""
    return names_digest(filter(None, (described(type(each).__name__, each.get_config()) for each in layers)))


@functools.cache
def built(name: str) -> Built:
    """What the tests need of a network, so that only one is in memory at a time."""
    model = build(name, 2 if ZOO[name].source == "S1" else 4)
    layers = [layer.name for layer in model.layers]
    before = model.layers[: layers.index("feature_map") + 1]
    return Built(
        parameters=(model.count_params(), sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)),
        names=tuple(operation.name for operation in model.operations),
        counted=tuple(operation.name for operation in model.operations if transfer.is_counted(operation)),
        paths=tuple(weight.path for weight in model.weights),
        ends=(model.input_shape, model.output_shape),
        trained_backbone=sum(len(layer.trainable_weights) for layer in before),
        layers={"whole": layers_digest(model.layers), "backbone": layers_digest(before)},
    )


def test_the_zoo_has_every_network_of_the_sources() -> None:
    by_source = {source: {name for name in ZOO if ZOO[name].source == source} for source in ("S1", "S2", "S3", "S4")}
    assert by_source == {
        "S1": {"basecnn", "mobilenetv3small", "efficientnetb0", "vgg16", "resnet50v2"},
        "S2": {"vgg19", "inceptionv3"},
        "S3": {"xception", "alexnet", "densenet121", "resnet18", "googlenet"},
        "S4": {"cnn_a", "cnn_b"},
    }
    assert {"logistic", "compact_residual", "mobilenet", "mobile_compact", "lite_compact"} < set(ZOO)


@pytest.mark.parametrize("name", ZOO)
def test_the_parameters_are_those_of_the_source_or_the_literature(name: str) -> None:
    assert built(name).parameters == (ZOO[name].parameters or LITERATURE[name])


@pytest.mark.parametrize("name", ZOO)
def test_input_and_output(name: str) -> None:
    outputs = 1 if ZOO[name].source == "S1" else 4
    assert built(name).ends == ((None, *ZOO[name].input_shape), (None, outputs))


@pytest.mark.parametrize("name", ZOO)
def test_every_layer_and_weight_has_one_fixed_name(name: str) -> None:
    found = built(name)
    assert found.counted == ()
    assert len(set(found.names)) == len(found.names)
    assert len(set(found.paths)) == len(found.paths)
    assert (found.names[0], found.names[-1]) == ("pixels", "logits")
    assert {"feature_map", "features"} < set(found.names)
    assert names_digest(found.paths) == NAMES_OF_WEIGHTS[name]


@pytest.mark.parametrize("name", ZOO)
def test_a_frozen_backbone_is_not_trained(name: str) -> None:
    assert (built(name).trained_backbone == 0) is (ZOO[name].frozen_backbone or name == "logistic")


@pytest.mark.parametrize("name", ["basecnn", "mobilenetv3small", "inceptionv3"])
def test_the_same_network_has_the_same_names_again(name: str) -> None:
    first, again = built(name), build(name, 4, (75, 75, 3))
    assert tuple(operation.name for operation in again.operations) == first.names
    assert tuple(weight.path for weight in again.weights) == first.paths


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(WrongChoice) as caught:
        architecture("nasnet")
    assert str(caught.value) == f"expected one of the networks {', '.join(ZOO)}, found 'nasnet'"


def random_pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).random(shape, np.float32)


@pytest.mark.parametrize(
    ("scaling", "application"),
    [
        ("symmetric", keras.applications.mobilenet),
        ("standardised", keras.applications.densenet),
        ("vgg", keras.applications.vgg16),
        ("bytes", keras.applications.efficientnet),
    ],
)
def test_the_preprocessing_is_that_of_the_backbone(scaling: str, application: ModuleType) -> None:
    pixels = random_pixels(2, 4, 5, 3)
    found = np.asarray(transfer.ImageNetInput(scaling)(pixels))
    assert found == pytest.approx(application.preprocess_input(pixels * 255.0), abs=1e-3)


def test_grey_is_repeated() -> None:
    pixels = random_pixels(2, 4, 5, 1)
    layer = transfer.ImageNetInput("vgg")
    assert np.asarray(layer(pixels)) == pytest.approx(np.asarray(layer(np.repeat(pixels, 3, axis=-1))))


def test_an_unknown_scaling_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of the scalings bytes, symmetric, standardised, vgg, found"):
        transfer.ImageNetInput("none")


def test_efficientnet_standardises_its_input() -> None:
    model = build("efficientnetb0", 2, (32, 32, 3))
    place = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    pixels = random_pixels(1, 32, 32, 3)
    found = keras.Model(model.input, place.output)(pixels)
    assert np.asarray(found) == pytest.approx(np.asarray(transfer.ImageNetInput("standardised")(pixels)), abs=1e-5)


def test_a_file_of_the_backbone_is_read(data: Path) -> None:
    path = data / "weights" / "mobilenet_0.75_224_notop.weights.h5"
    original = keras.applications.MobileNet(alpha=0.75, include_top=False, weights=None, input_shape=(64, 64, 3))
    original.load_weights(path)
    model = build("mobilenet", 2, (64, 64, 3), weights=path)
    pixels = random_pixels(1, 64, 64, 3)
    found = keras.Model(model.input, model.get_layer("feature_map").output)(pixels)
    assert np.asarray(found) == pytest.approx(np.asarray(original(pixels * 2 - 1)), abs=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_short_mobilenet_starts_from_a_file_of_the_long_one(channels: int, data: Path) -> None:
    path = data / "weights" / "mobilenet_0.75_224_notop.weights.h5"
    original = keras.applications.MobileNet(alpha=0.75, include_top=False, weights=None, input_shape=(64, 64, 3))
    original.load_weights(path)
    given = keras.Model(original.input, original.get_layer("conv_pw_11_relu").output)
    model = build("mobile_compact", 3, (64, 64, channels), weights=path)
    pixels = random_pixels(1, 64, 64, channels)
    found = keras.Model(model.input, model.get_layer("feature_map").output)(pixels)
    colours = np.repeat(pixels, 3 // channels, axis=-1)
    assert np.asarray(found) == pytest.approx(np.asarray(given(colours * 2 - 1)), abs=1e-3)


@pytest.mark.parametrize("name", ["basecnn", "mobilenet", "mobile_compact", "lite_compact"])
def test_an_archive_of_a_whole_network_is_read(name: str, tmp_path: Path) -> None:
    model = build(name, 3, (32, 32, 3))
    path = tmp_path / "weights.npz"
    path.write_bytes(weights_to_bytes(model))
    pixels = random_pixels(2, 32, 32, 3)
    again = build(name, 3, (32, 32, 3), weights=path)
    assert np.asarray(again(pixels)) == pytest.approx(np.asarray(model(pixels)), abs=0.01)


@pytest.mark.parametrize("name", ZOO)
def test_the_layers_of_a_saved_model_are_those_of_the_backbone_or_of_the_network(name: str) -> None:
    of_backbone = ZOO[name].imagenet or name == "lite_compact"
    # A file for mobile_compact has the layers that it leaves out too: it is of MobileNet.
    source = "mobilenet" if name == "mobile_compact" else name
    assert LAYERS_OF_FILES[name] == built(source).layers["backbone" if of_backbone else "whole"]


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_saved_model_is_read_if_it_is_of_the_network(suffix: str, tmp_path: Path) -> None:
    model, path = build("basecnn", 3, (32, 32, 3)), tmp_path / f"whole.{suffix}"
    model.save(path)
    pixels = random_pixels(2, 32, 32, 3)
    again = build("basecnn", 3, (32, 32, 3), weights=path)
    assert np.asarray(again(pixels)) == pytest.approx(np.asarray(model(pixels)), abs=1e-6)
    with pytest.raises(WrongChoice) as caught:
        build("cnn_a", 3, (64, 64, 1), weights=path)
    assert str(caught.value) == f"{path}: expected weights of cnn_a: found those of basecnn"


def test_a_file_of_a_network_without_backbone_is_read(tmp_path: Path) -> None:
    model = build("basecnn", 3, (32, 32, 3))
    model.save_weights(tmp_path / "all.weights.h5")
    pixels = random_pixels(2, 32, 32, 3)
    again = build("basecnn", 3, (32, 32, 3), weights=tmp_path / "all.weights.h5")
    assert np.asarray(again(pixels)) == pytest.approx(np.asarray(model(pixels)), abs=1e-6)


@pytest.mark.parametrize("suffix", ["weights.h5", "npz"])
def test_weights_of_another_network_are_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"other.{suffix}"
    other = build("logistic", 3)
    if suffix == "npz":
        path.write_bytes(weights_to_bytes(other))
    else:
        other.save_weights(path)
    with pytest.raises(WrongChoice) as caught:
        build("basecnn", 3, (32, 32, 3), weights=path)
    assert str(caught.value).startswith(f"{path}: expected weights of basecnn: ")
    assert "\n" not in str(caught.value)
    assert suffix != "npz" or str(caught.value).endswith(": found those of logistic")


@pytest.mark.parametrize("suffix", ["weights.h5", "keras", "npz"])
def test_damaged_weights_are_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(b"not weights")
    with pytest.raises(WrongChoice, match="expected weights of cnn_a"):
        build("cnn_a", 4, (32, 32, 1), weights=path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"")
    with pytest.raises(WrongChoice) as caught:
        build("cnn_a", 4, (32, 32, 1), weights=path)
    assert str(caught.value) == f"{path}: expected a file that ends in .h5, .keras, .npz"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("basecnn", "mobilenet"):
        with pytest.raises(WrongChoice) as caught:
            build(name, 2, (32, 32, 3), weights=tmp_path / "none.weights.h5")
        assert str(caught.value) == f"expected a file of weights at {tmp_path / 'none.weights.h5'}, found none"


def test_there_are_no_imagenet_weights_of_a_network_of_the_sources() -> None:
    with pytest.raises(WrongChoice) as caught:
        build("cnn_b", 4, weights="imagenet")
    assert str(caught.value) == (
        "expected a file of weights or none: no ImageNet weights of cnn_b are published, only of mobilenetv3small, "
        "efficientnetb0, vgg16, resnet50v2, vgg19, inceptionv3, xception, densenet121, mobilenet, mobile_compact"
    )


@pytest.mark.parametrize("name", ZOO)
def test_the_smallest_input_is_the_least_that_can_be_built(name: str) -> None:
    """And its weights fit one size of images alone where the zoo says that it flattens its map."""
    side = ZOO[name].smallest_side
    network = build(name, 4, (side, side, 1))
    assert network.input_shape == (None, side, side, 1)
    if any(isinstance(layer, keras.layers.Flatten) for layer in network.layers):
        larger = build(name, 4, (2 * side, 2 * side, 1))
        assert (larger.count_params() != network.count_params()) is ZOO[name].flattens
    else:
        assert not ZOO[name].flattens
    with pytest.raises(WrongChoice, match=f"expected at least {side} pixels a side for {name}, found {side - 1}"):
        build(name, 4, (side - 1, side - 1, 1))
    too_small = (
        side - 1 if name != "mobile_compact" else 30
    )  # its published weights need one pixel more than its layers
    if side > SMALLEST_SIDE:
        with pytest.raises(ValueError, match=r"[Ii]nput"):
            resolve(ZOO[name].builder)((too_small, too_small, 1), 4)
