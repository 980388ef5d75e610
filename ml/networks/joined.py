"""Joins several networks to one whose logits are the mean of theirs."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from ml.errors import MlError
from ml.networks.activation_maps import head_of


def build_joined(networks: Sequence[keras.Model], temperatures: Sequence[float]) -> keras.Model:
    """One network from the common input of ``networks``. Its logits are the mean of theirs by their temperatures.

    Their feature maps are concatenated, smaller ones upsampled by repetition to the largest. The head is again the mean
    and one dense layer, so the class activation map is exact, and the mean of theirs.

    Raises:
        MlError: a network has another head, or the largest feature map is no multiple of its own.
    """
    sizes = [network.get_layer("feature_map").output.shape[1:3] for network in networks]
    for network, size in zip(networks, sizes, strict=True):
        _check(network, size, max(sizes))
    pixels = keras.Input(networks[0].input_shape[1:], name="pixels")
    maps, kernels, biases = [], [], []
    for number, (network, temperature) in enumerate(zip(networks, temperatures, strict=True), start=1):
        kernel, bias = network.get_layer("logits").get_weights()
        kernels.append(kernel / (temperature * len(networks)))
        biases.append(bias / (temperature * len(networks)))
        feature_map = network.get_layer("feature_map").output
        found = keras.Model(network.input, feature_map, name=f"branch{number}")(pixels)
        repeats = tuple(largest // own for largest, own in zip(max(sizes), found.shape[1:3], strict=True))
        if max(repeats) > 1:
            found = layers.UpSampling2D(repeats, name=f"branch{number}_repeated")(found)
        maps.append(found)
    x = layers.Concatenate(name="feature_map")(maps)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    joined = keras.Model(pixels, layers.Dense(kernels[0].shape[1], name="logits")(x), name="joined")
    joined.get_layer("logits").set_weights([np.concatenate(kernels), np.sum(biases, axis=0)])
    return joined


def _check(network: keras.Model, size: tuple[int, int], largest: tuple[int, int]) -> None:
    kinds = [type(layer).__name__ for layer in head_of(network)]
    if kinds != ["GlobalAveragePooling2D", "Dense"]:
        raise _unjoinable(network, "a mean and one dense layer as their head", " and ".join(kinds))
    if any(side % own for side, own in zip(largest, size, strict=True)):
        raise _unjoinable(network, f"a feature map that {largest} is a multiple of", str(size))


def _unjoinable(network: keras.Model, expected: str, found: str) -> MlError:
    return MlError(f"networks can be joined that have {expected}, {network.name} has {found}")
